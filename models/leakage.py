"""A guard against features that know the outcome.

Two checks find such a column: alone it predicts the outcome far better than an honest feature can; or it changes when the days
after the cut-off are removed. Passing both is no proof: a column that knows some outcomes passes the first, and one that
leaks at the source, such as an account status of today, passes the second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl

from lake.errors import DataError
from models.baselines import RECENCY, past_rate_minor
from models.config import PredictionSettings
from models.cutoffs import Split
from models.evaluation import auc, ngini
from models.panel import (
    Floats,
    churn_rows,
    feature_names,
    floats,
    member_folds,
    members_per_class,
    outcomes,
    spend_minor,
    subsample,
    value_rows,
)

# A leak must also leave this many times less unexplained than the baseline: where members are active every day, days of
# silence alone are nearly perfect, and honest (decision 11).
_TIMES_BETTER: Final = 5.0
_MOST_ROWS: Final = 50_000
_TOLERANCE: Final = 1e-9
_MOST_NAMED: Final = 5

_Measure = Callable[[Floats, Floats], float | None]


def refuse_churn_leaks(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> None:
    """Raise where one feature alone predicts who will leave.

    Checks the calibration cut-off, if it holds enough members of each outcome to learn from.

    Args:
        panel: One row per as_of and member_id with features and labels.
        split: The cut-offs.
        settings: `leak_limit`, an AUC, and `min_outcomes_to_learn`.

    Raises:
        DataError: Names the columns.
    """
    rows = churn_rows(panel, split.calibrate)
    if rows.is_empty() or min(members_per_class(rows, pl.col("is_churned"))) < settings.min_outcomes_to_learn:
        return
    sample = subsample(rows, max_rows=_MOST_ROWS)
    churned = outcomes(sample)
    baseline_score = _by_number(floats(sample[RECENCY]), churned, auc) if RECENCY in sample.columns else 0.5
    _refuse(sample, churned, auc, baseline_score=baseline_score, settings=settings, outcome="who will leave", name="AUC")


def refuse_value_leaks(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> None:
    """Raise where one feature alone predicts what everybody will spend; like `refuse_churn_leaks`, with the nGini.

    Args:
        panel: One row per as_of and member_id with features and labels.
        split: The cut-offs.
        settings: `leak_limit`, an nGini, and `min_outcomes_to_learn`.

    Raises:
        DataError: Names the columns.
    """
    rows = value_rows(panel, split.calibrate)
    if rows.is_empty() or members_per_class(rows, pl.col("future_spend_minor") > 0)[0] < settings.min_outcomes_to_learn:
        return
    sample = subsample(rows, max_rows=_MOST_ROWS)
    spent = np.maximum(spend_minor(sample), 0.0)
    baseline_score = ngini(spent, past_rate_minor(sample, horizon_days=split.horizon_days)) or 0.0
    _refuse(sample, spent, ngini, baseline_score=baseline_score, settings=settings, outcome="what will be spent", name="nGini")


def refuse_later_knowledge(with_future: pl.DataFrame, without_future: pl.DataFrame) -> None:
    """Raise where a feature as of a cut-off changes when everything after the cut-off is removed.

    Args:
        with_future: One row per member_id with the features as training sees them.
        without_future: The same members' features from a history that ends with the cut-off; others may be there too.

    Raises:
        DataError: Names the columns.
    """
    truncated = with_future.select("member_id").join(without_future, on="member_id", how="left", maintain_order="left")
    names = [name for name in feature_names(with_future) if name in truncated.columns]
    differing = [name for name in names if not _is_same(with_future[name], truncated[name])]
    if differing:
        raise DataError(
            f"{_listed(differing)} of a past night would be different without the days after it: "
            "what is learnt from it would not be known on the night",
            remedy="Mend or remove the feature: nothing of it may be computed from later than `as_of`.",
        )


def _refuse(
    rows: pl.DataFrame,
    actual: Floats,
    measure: _Measure,
    *,
    baseline_score: float,
    settings: PredictionSettings,
    outcome: str,
    name: str,
) -> None:
    limit = max(settings.leak_limit, 1 - (1 - baseline_score) / _TIMES_BETTER)
    scores = {feature: _score_alone(rows, feature, actual, measure) for feature in sorted(feature_names(rows))}
    leaks = [f"{feature} ({name} {score:.3f})" for feature, score in scores.items() if score > limit]
    if leaks:
        raise DataError(
            f"training stops: {_listed(leaks)} alone tells {outcome}, which no honest feature does; it knows the outcome",
            remedy="Take the column out of [sources], or correct it so that it says what was known on the night; "
            "if it is sound, raise leak_limit under [prediction].",
        )


def _score_alone(rows: pl.DataFrame, feature: str, actual: Floats, measure: _Measure) -> float:
    """Measure how well a feature alone orders the members, in its best direction."""
    values = rows[feature]
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        return _by_number(floats(values), actual, measure)
    return _by_number(_mean_of_other_half(rows, feature, actual), actual, measure)


def _by_number(values: Floats, actual: Floats, measure: _Measure) -> float:
    """Return the best score of ordering by the values, ascending or descending, the unknown ones first or last."""
    unknown = ~np.isfinite(values)
    if unknown.all():
        return 0.0
    ends = (np.min(values[~unknown]) - 1, np.max(values[~unknown]) + 1) if unknown.any() else (0.0,)
    orders = [np.where(unknown, end, values) for end in ends]
    scores = [measure(actual, sign * order) for order in orders for sign in (1, -1)]
    return max((score for score in scores if score is not None), default=0.0)


def _mean_of_other_half(rows: pl.DataFrame, feature: str, actual: Floats) -> Floats:
    """Replace each text by its mean outcome among the other half of the members; NaN where that half lacks it."""
    # Of the same members, the mean of a text that only one of them has, such as an id, would be that member's outcome.
    half = pl.Series("half", member_folds(rows, folds=2))
    frame = rows.select(pl.col(feature).cast(pl.String).alias("text")).with_columns(half, actual=pl.Series(actual))
    means = frame.group_by("text", other=1 - pl.col("half")).agg(pl.col("actual").sort().mean())
    with_means = frame.select("text", "half").join(
        means, left_on=["text", "half"], right_on=["text", "other"], how="left", nulls_equal=True, maintain_order="left"
    )
    return floats(with_means["actual"])


def _is_same(first: pl.Series, second: pl.Series) -> bool:
    if not (first.dtype.is_float() and second.dtype.is_float()):
        return first.equals(second, null_equal=True)
    if not (first.is_null() == second.is_null()).all():
        return False
    first_values, second_values = floats(first.drop_nulls()), floats(second.drop_nulls())
    # Features that are sums may be added up in another order, which changes their last digits.
    return bool(np.allclose(first_values, second_values, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True))


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
