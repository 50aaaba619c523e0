"""What a contact is expected to gain: churn probability × value × response, the first champion of the ranking.

An action whose uplift model was accepted (`models.qini`) has value × uplift instead: who is moved, by the model; by how much on
the whole, by the response, which is what was measured.

Where a community has orders, value is the expected spend and the gain is money. Otherwise the value is the member's value score
relative to the mean, and the gain counts members kept, a member of mean value as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

# How far a measured effect may move the response from the assumed one: the standard deviation of true responses around it.
PRIOR_DEVIATION: Final = 0.05
# Of the comparison group, which is what the percentiles are of; the mean of all members would depend on how many are gone.
_MEAN_SCORE: Final = 50.0


def stake(members: pl.DataFrame) -> pl.Series:
    """Return what is at stake for each member, in currency units or in members; null where there is no churn probability.

    Args:
        members: One row per member: churn_probability, expected_value, member_value_score.
    """
    return members.select((pl.col("churn_probability") * _worth(members)).alias("stake"))["stake"]


def worth(members: pl.DataFrame) -> pl.Series:
    """Return what keeping each member is worth, in currency units or in members.

    Args:
        members: One row per member: expected_value, member_value_score.
    """
    return members.select(_worth(members).cast(pl.Float64).alias("worth"))["worth"]


def levelled(uplift: pl.Expr, *, churn_probability: pl.Expr, response: float) -> pl.Expr:
    """Shift uplifts so that their mean is the response × the mean churn probability of the same members; nulls stay null.

    The model has learnt from a short outcome, and so tells members apart; how much the action does within the horizon it does
    not know.

    Args:
        uplift: What the model predicts; null where it predicts nothing.
        churn_probability: Of the same members.
        response: The share of what is at stake that a contact saves.
    """
    return uplift - uplift.mean() + response * churn_probability.filter(uplift.is_not_null()).mean()


def is_money(members: pl.DataFrame) -> bool:
    """Return whether gains are in currency units."""
    return bool(members["expected_value"].is_not_null().any())


def measured_response(assumed: float, effects: Mapping[str, float] | None) -> float:
    """Return the response of an action: the assumed one, moved towards the measured effect as far as that is precise.

    Normal prior and normal measurement: the mean weighted by precision. Never below 0.

    Args:
        assumed: The response assumed before anything was measured.
        effects: `effect` and `standard_error` as shares of what is at stake; None before a trustworthy measurement.
    """
    if effects is None or effects["standard_error"] <= 0:
        return assumed
    prior, measured = PRIOR_DEVIATION**-2, effects["standard_error"] ** -2
    return max(0.0, (assumed * prior + effects["effect"] * measured) / (prior + measured))


def _worth(members: pl.DataFrame) -> pl.Expr:
    if is_money(members):
        return pl.col("expected_value").fill_null(0.0).clip(lower_bound=0.0)
    return pl.col("member_value_score").fill_null(0.0) / _MEAN_SCORE
