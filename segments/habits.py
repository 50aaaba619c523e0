"""The habits that behaviour groups are made of: the feature columns, and the transformations that make them comparable.

All habits look back a year, so that a group describes how a member uses the community, not how recently: that is what the
lifecycle describes. There are three sorts.

- Amounts: log(1 + x), so that a few very busy members do not make a group of their own.
- Mix: for each kind of activity log(1 + count) less its mean over the kinds, the centred log-ratio of compositional data
  (Aitchison 1986). It describes what a member does most, independent of the amount, and is near 0 for members who did little.
- Shares: shrunk towards a typical share by five imagined typical days, so that a single active night is no habit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.ordered import sum_in_order

Matrix = npt.NDArray[np.float64]

ACTIVE_DAYS: Final = "active_days_365d"
AMOUNTS: Final = (ACTIVE_DAYS, "received_count_365d", "spend_365d", "tenure_days")
TYPICAL_SHARES: Final[Mapping[str, float]] = {"weekend_share_365d": 2 / 7, "night_share_365d": 0.1, "morning_share_365d": 0.25}
TYPICAL_DAYS: Final = 5
MOST_KINDS: Final = 8
# Counts that are sums, or that say what others or the community did, are no kind of a member's own activity.
NO_KINDS: Final = frozenset(
    {"activity", "event", "other_event", "refund", "received", "given", "contact", "content", "open", "click", "feedback"}
)
_COUNT: Final = re.compile(r"^(?P<kind>.+)_count_365d$")


def kind_of(column: str) -> str | None:
    """Return the kind of activity a yearly count is of, an event type or "order"; None when the column is something else."""
    match = _COUNT.match(column)
    return match["kind"] if match and match["kind"] not in NO_KINDS else None


def habit_columns(features: pl.DataFrame) -> tuple[str, ...]:
    """Choose the columns to group by: amounts and shares that are there, and the kinds of activity most members know.

    Columns without any variation are left out: they cannot tell members apart.
    """
    count_columns = [name for name in features.columns if kind_of(name) is not None]
    members_with = {name: features.filter(pl.col(name) > 0).height for name in count_columns}
    # Equally common kinds are chosen by name, so that the columns do not depend on the order of the frame.
    widespread = sorted(count_columns, key=lambda name: (-members_with[name], name))[:MOST_KINDS]
    other_columns = [name for name in (*AMOUNTS, *TYPICAL_SHARES) if name in features.columns]
    return tuple(name for name in (*other_columns, *sorted(widespread)) if features[name].drop_nulls().n_unique() > 1)


def habit_matrix(features: pl.DataFrame, habits: Sequence[str]) -> Matrix:
    """Return one row per member, one column per habit, not yet standardised and never empty.

    A column the frame no longer has counts as 0 throughout, or as the typical share.
    """
    if not habits:
        return np.empty((features.height, 0))
    missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in habits if name not in features.columns]
    with_missing_columns = features.with_columns(missing)
    kinds = [name for name in habits if kind_of(name) is not None]
    # Multiplied by the reciprocal: Polars divides a column now truly, now by the reciprocal, which rounds differently.
    mean_of_kinds = sum_in_order(_amount(name) for name in kinds) * (1 / len(kinds)) if kinds else pl.lit(0.0)
    expressions = [
        _share(name) if name in TYPICAL_SHARES else _amount(name) - mean_of_kinds if name in kinds else _amount(name)
        for name in habits
    ]
    return with_missing_columns.select(
        expression.alias(name) for name, expression in zip(habits, expressions, strict=True)
    ).to_numpy()


def _amount(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64).fill_null(0.0).clip(lower_bound=0.0).log1p()


def _share(name: str) -> pl.Expr:
    typical = TYPICAL_SHARES[name]
    days = pl.col(ACTIVE_DAYS).fill_null(0)
    return (pl.col(name).cast(pl.Float64).fill_null(typical) * days + typical * TYPICAL_DAYS) / (days + TYPICAL_DAYS)
