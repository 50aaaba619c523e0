"""A guard against features that know the outcome.

Two signs give such a column away. It predicts the outcome by itself far better than anything an honest feature can; or it
changes when the days after the cut-off are taken away. Neither is proof of good faith: a column that knows the outcome now
and then passes the first, and one that leaks at the source, as an account status of today, passes the second.
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

# A single column must also leave so many times less to explain than the obvious rule: where daily habits make churn plain to
# see, days of silence alone come near to perfect.
_TIMES_BETTER: Final = 5.0
_MOST_ROWS: Final = 50_000
_SAME: Final = 1e-9
_NAMED: Final = 5

_Measure = Callable[[Floats, Floats], float | None]


def refuse_churn_leaks(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> None:
    """Stop where one feature alone tells who will leave.

    Looks at the calibration cut-off, if it holds enough members of each outcome to learn from.

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
    kept = subsample(rows, max_rows=_MOST_ROWS)
    churned = outcomes(kept)
    obvious = _by_number(floats(kept[RECENCY]), churned, auc) if RECENCY in kept.columns else 0.5
    _refuse(kept, churned, auc, obvious=obvious, settings=settings, told="who will leave", name="AUC")


def refuse_value_leaks(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> None:
    """Stop where one feature alone tells what everybody will spend, as `refuse_churn_leaks` does with the nGini.

    Raises:
        DataError: Names the columns.
    """
    rows = value_rows(panel, split.calibrate)
    if rows.is_empty() or members_per_class(rows, pl.col("future_spend_minor") > 0)[0] < settings.min_outcomes_to_learn:
        return
    kept = subsample(rows, max_rows=_MOST_ROWS)
    spent = np.maximum(spend_minor(kept), 0.0)
    obvious = ngini(spent, past_rate_minor(kept, horizon_days=split.horizon_days)) or 0.0
    _refuse(kept, spent, ngini, obvious=obvious, settings=settings, told="what will be spent", name="nGini")


def refuse_later_knowledge(with_future: pl.DataFrame, without_future: pl.DataFrame) -> None:
    """Stop where a feature as of a cut-off changes when everything after the cut-off is taken away.

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
    rows: pl.DataFrame, actual: Floats, measure: _Measure, *, obvious: float, settings: PredictionSettings, told: str, name: str
) -> None:
    limit = max(settings.leak_limit, 1 - (1 - obvious) / _TIMES_BETTER)
    scores = {feature: _alone(rows, feature, actual, measure) for feature in sorted(feature_names(rows))}
    telling = [f"{feature} ({name} {score:.3f})" for feature, score in scores.items() if score > limit]
    if telling:
        raise DataError(
            f"training stops: {_listed(telling)} alone tells {told}, which no honest feature does; it knows the outcome",
            remedy="Take the column out of [sources], or correct it so that it says what was known on the night; "
            "if it is sound, raise leak_limit under [prediction].",
        )


def _alone(rows: pl.DataFrame, feature: str, actual: Floats, measure: _Measure) -> float:
    """How well a feature does alone, whichever way round."""
    values = rows[feature]
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        return _by_number(floats(values), actual, measure)
    return _by_number(_mean_of_other_half(rows, feature, actual), actual, measure)


def _by_number(values: Floats, actual: Floats, measure: _Measure) -> float:
    """Order by the values, ascending or descending, the unknown ones first or last."""
    unknown = ~np.isfinite(values)
    if unknown.all():
        return 0.0
    ends = (np.min(values[~unknown]) - 1, np.max(values[~unknown]) + 1) if unknown.any() else (0.0,)
    orders = [np.where(unknown, end, values) for end in ends]
    tried = [measure(actual, sign * order) for order in orders for sign in (1, -1)]
    return max((score for score in tried if score is not None), default=0.0)


def _mean_of_other_half(rows: pl.DataFrame, feature: str, actual: Floats) -> Floats:
    """Give each text the mean outcome it has among the other half of the members; NaN where it is not found there."""
    half = pl.Series("half", member_folds(rows, folds=2))
    frame = rows.select(pl.col(feature).cast(pl.String).alias("text")).with_columns(half, actual=pl.Series(actual))
    means = frame.group_by("text", other=1 - pl.col("half")).agg(pl.col("actual").sort().mean())
    found = frame.select("text", "half").join(
        means, left_on=["text", "half"], right_on=["text", "other"], how="left", nulls_equal=True, maintain_order="left"
    )
    return floats(found["actual"])


def _is_same(first: pl.Series, second: pl.Series) -> bool:
    if not (first.dtype.is_float() and second.dtype.is_float()):
        return first.equals(second, null_equal=True)
    if not (first.is_null() == second.is_null()).all():
        return False
    known, other = floats(first.drop_nulls()), floats(second.drop_nulls())
    # Sums of another order may differ in their last digits.
    return bool(np.allclose(known, other, rtol=_SAME, atol=_SAME, equal_nan=True))


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
