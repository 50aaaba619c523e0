"""How good predictions are within slices of members, such as a region or those who joined in one quarter.

A figure over everybody can hide groups that are predicted badly. Slices of one kind (tier, tenure, platform, region, joining
cohort) divide the members who have an outcome; slices with few members are merged, so that no figure is about a few people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from models.bands import calibration_by_band
from models.evaluation import auc, lift_at_tenth, ngini, total_ratio
from models.panel import Floats

OTHER: Final = "other"
UNKNOWN: Final = "unknown"
FEWEST_MEMBERS: Final = 50
MOST_SLICES: Final = 12
CHURN_MEASURES: Final = (
    "n", "predicted", "happened", "auc", "lift_10pct", "calibration_slope", "calibration_intercept", "ece",
)  # fmt: skip
VALUE_MEASURES: Final = ("n", "predicted", "happened", "ngini", "total_ratio")

_Mask = npt.NDArray[np.bool_]


def measure_churn_slices(churned: Floats, probability: Floats, slices: pl.DataFrame) -> pl.DataFrame:
    """Measure churn probabilities in each slice of each kind.

    One row per kind and slice, in the order of the columns, slices by name and `other` last: kind, slice and `CHURN_MEASURES`,
    null where undefined. A kind that does not divide the members has no row.

    Args:
        churned: Outcomes, 0 or 1, one per member.
        probability: Predicted churn probabilities, one per member.
        slices: One column of text per kind, one row per member; null where the member's slice is not known.
    """

    def measure(is_in: _Mask) -> dict[str, float | None]:
        left, predicted = churned[is_in], probability[is_in]
        everybody = calibration_by_band(left, predicted, pl.Series([None] * left.size, dtype=pl.String)).row(0, named=True)
        calibration: dict[str, float | None] = {name: everybody[name] for name in CHURN_MEASURES if name in everybody}
        return calibration | {"auc": auc(left, predicted), "lift_10pct": lift_at_tenth(left, predicted)}

    return _measure(slices, CHURN_MEASURES, measure)


def measure_value_slices(actual: Floats, predicted: Floats, slices: pl.DataFrame) -> pl.DataFrame:
    """Measure expected spend in each slice of each kind, as `measure_churn_slices`, with `VALUE_MEASURES`.

    Args:
        actual: Net spend, one per member; `happened` is its mean, in the same unit.
        predicted: Expected spend, one per member.
        slices: One column of text per kind, one row per member; null where the member's slice is not known.
    """

    def measure(is_in: _Mask) -> dict[str, float | None]:
        order = np.lexsort((actual[is_in], predicted[is_in]))
        spent, expected = actual[is_in][order], predicted[is_in][order]
        means = {"n": float(spent.size), "predicted": float(np.mean(expected)), "happened": float(np.mean(spent))}
        return means | {"ngini": ngini(spent, expected), "total_ratio": total_ratio(spent, expected)}

    return _measure(slices, VALUE_MEASURES, measure)


def merge_small(names: pl.Series) -> pl.Series:
    """Name the slice of each member: null becomes `unknown`, and slices with few members become `other`.

    Few are less than `FEWEST_MEMBERS`, or less than the `MOST_SLICES` largest have. Where `other` would be few members itself,
    they are left out: null.
    """
    known = names.fill_null(UNKNOWN)
    sizes = sorted(known.value_counts(name="n").iter_rows(), key=lambda item: (-item[1], item[0]))
    large = [name for name, size in sizes if size >= FEWEST_MEMBERS and name != OTHER]
    # With `other` there are at most so many; without it none needs to be merged.
    kept = large if len(large) == len(sizes) <= MOST_SLICES else large[: MOST_SLICES - 1]
    rest = sum(size for name, size in sizes if name not in kept)
    merged = [name for name, _ in sizes if name not in kept]
    return known.replace(merged, [OTHER if rest >= FEWEST_MEMBERS else None] * len(merged)) if merged else known


def cohort(joined: pl.Series) -> pl.Series:
    """Name the cohort of each joining date: its quarter, or its year where that would be more than `MOST_SLICES`; null stays."""
    year, quarter = joined.dt.year().cast(pl.String), joined.dt.quarter().cast(pl.String)
    quarters = year + " Q" + quarter
    return quarters if quarters.drop_nulls().n_unique() <= MOST_SLICES else year


def _measure(
    slices: pl.DataFrame, measures: tuple[str, ...], measure: Callable[[_Mask], dict[str, float | None]]
) -> pl.DataFrame:
    rows = []
    for kind in slices.columns:
        member_slice = merge_small(slices[kind])
        names = sorted(member_slice.drop_nulls().unique(), key=lambda name: (name == OTHER, name))
        if len(names) > 1:
            rows += [
                {"kind": kind, "slice": name, **measure((member_slice == name).fill_null(value=False).to_numpy())}
                for name in names
            ]
    schema = {"kind": pl.String, "slice": pl.String, **dict.fromkeys(measures, pl.Float64)}
    return pl.DataFrame(rows, schema=schema).cast({"n": pl.Int64})
