"""Drift: how much the members of a night differ from those a model learnt from, feature by feature and by score.

The distance is the population stability index: over ten bins of equally many members, and one of nulls, the sum of the difference
of shares times the logarithm of their ratio (Lewis 1994, An Introduction to Credit Scoring). Below .1 it is usually called none,
above .25 much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from models.panel import floats

SCORE: Final = "churn_probability"
MUCH: Final = 0.25
_BINS: Final = 10
_MOST_VALUES: Final = 20
# Members of each bin at the start: an empty bin has no logarithm.
_PRIOR: Final = 0.5
# So many standard deviations of chance: hundreds of features are looked at every night.
_DEVIATIONS: Final = 4.0

Reference = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Drift:
    """How far one feature has moved.

    Args:
        feature: Its name, or `SCORE`.
        index: The population stability index, less what chance alone makes of it on average.
        is_much: Whether it is above .25 by more than chance makes of it.
        has_new_value: Whether members have a text in it that the model has never seen.
    """

    feature: str
    index: float
    is_much: bool
    has_new_value: bool = False


def learn_reference(rows: pl.DataFrame, features: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Describe each feature of some rows as JSON: bins and how many members each has, nulls last.

    Args:
        rows: One row per member.
        features: The columns to describe.
    """
    return {name: described for name in features if (described := _describe(rows[name])) is not None}


def drift(reference: Reference, rows: pl.DataFrame) -> list[Drift]:
    """Measure how far each feature of some rows is from the reference; the farthest first.

    Args:
        reference: What `learn_reference` returned.
        rows: One row per member; features that it lacks are left out.
    """
    if rows.is_empty():
        return []
    found = [_drift(name, known, rows[name]) for name, known in reference.items() if name in rows.columns]
    return sorted(found, key=lambda one: (-one.index, one.feature))


def _describe(values: pl.Series) -> dict[str, Any] | None:
    if values.dtype == pl.String:
        counted = values.value_counts().drop_nulls().sort(["count", values.name], descending=[True, False]).head(_MOST_VALUES)
        kept = {"values": counted[values.name].to_list()}
    elif values.dtype.is_numeric():
        numbers = floats(values.drop_nulls())
        cuts = np.quantile(numbers, np.arange(1, _BINS) / _BINS, method="lower") if numbers.size else np.zeros(0)
        kept = {"cuts": np.unique(cuts).tolist()}
    else:
        return None
    return kept | {"counts": _counts(kept, values).tolist()}


def _counts(known: Mapping[str, Any], values: pl.Series) -> Any:
    """Count the members of each bin, then those of none of the known values (texts only), then the nulls."""
    present = values.drop_nulls()
    if "values" in known:
        per_value = dict(present.value_counts().iter_rows())
        listed = [per_value.get(value, 0) for value in known["values"]]
        counts = [*listed, present.len() - int(np.sum(listed, dtype=np.int64))]
    else:
        # A value on a cut belongs to the bin below it.
        bins = np.searchsorted(np.array(known["cuts"]), floats(present), side="left")
        counts = np.bincount(bins, minlength=len(known["cuts"]) + 1).tolist()
    return np.array([*counts, values.null_count()], dtype=np.float64)


def _drift(name: str, known: Mapping[str, Any], values: pl.Series) -> Drift:
    # A column whose kind has changed says nothing by its bins.
    if ("values" in known) != (values.dtype == pl.String):
        return Drift(name, 0.0, is_much=False)
    before, now = (counts + _PRIOR for counts in (np.array(known["counts"]), _counts(known, values)))
    # Of equal populations the index is distributed as chi-squared with one degree of freedom less than bins, times this.
    chance, freedom = 1 / before.sum() + 1 / now.sum(), len(now) - 1
    before, now = before / before.sum(), now / now.sum()
    index = float(np.sum((now - before) * np.log(now / before)) - freedom * chance)
    is_much = index > MUCH + _DEVIATIONS * float(np.sqrt(2 * freedom)) * chance
    return Drift(name, max(index, 0.0), is_much, _has_new_value(known, values))


def _has_new_value(known: Mapping[str, Any], values: pl.Series) -> bool:
    # Of a feature with more values than are kept, it is not known which are new.
    if "values" not in known or len(known["values"]) >= _MOST_VALUES:
        return False
    return not values.drop_nulls().is_in(known["values"]).all()
