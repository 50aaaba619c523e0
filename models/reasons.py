"""Why a member's churn probability is what it is: the habits that raise or lower it most, each as a plain sentence.

A reason is a habit, not a column: the Shapley values of all features of a habit are added up (`models.habits`), so five
windows of one count are one reason. Habits are taken in the order of their contributions' size, either way. A habit is
named only where it holds up when tried: with the habit as it is for the typical member, the score is lower if the habit is
said to raise the risk, and higher if it is said to lower it. The sentence is on the feature of the habit whose own
contribution goes furthest in the habit's direction. A sentence that ends with `LOWERS` lowers the risk; any other raises it.

Contributions are in log-odds after calibration: Shapley values times the slope of the calibration line. All habits of a
member, named or not, and the base, which is the same for everybody, add up to the log-odds of the predicted probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.feature import NOTHING_NEEDED, Feature
from models.churn import ChurnModel
from models.encoding import Matrix
from models.explained import ScoreExplainer, explain_score
from models.habits import NOTHING_FOUND, SILENCE, Habits, Ranked
from models.phrases import RAISES, SentenceContext
from models.sentences import sentence

REASON: Final = pl.Struct({"feature": pl.String(), "value": pl.Float64(), "contribution": pl.Float64(), "text": pl.String()})
REASONS: Final = pl.List(REASON)
LOWERS: Final = " (speaks for staying)"
BATCH_ROWS: Final = 25_000
# Less than a twentieth of a log-odd moves a probability of one half by no more than a point: that explains nothing.
LEAST_CONTRIBUTION: Final = 0.05
# A habit holds up when the typical one moves the log-odds by so much in the direction said.
LEAST_MOVE: Final = 0.01
# Habits tried beyond those wanted, for members some of whose strongest do not hold up.
_SPARE_HABITS: Final = 5
_VALUE: Final = pl.lit(None, pl.Float64).alias("value")
_TEXT: Final = pl.lit(None, pl.String).alias("text")


def reasons(
    model: ChurnModel,
    features: pl.DataFrame,
    catalog: Sequence[Feature],
    *,
    as_of: date,
    top: int = 3,
    currency: str | None = None,
    population: pl.DataFrame | None = None,
    threads: int = 1,
) -> pl.Series:
    """Explain each row's churn probability.

    A model by silence alone, or the guess before any outcome is known, has one reason for everybody: silence, whose
    contribution is the difference from the typical member's log-odds. The overall rate has none.

    Args:
        model: The model that made the probabilities.
        features: One row per member, as the model reads them.
        catalog: What the features mean.
        as_of: The night, from which months are named.
        top: Most reasons per row.
        currency: Put behind amounts of money; None to leave it out.
        population: Members whose median, or most frequent category, is typical; None for those of `features`. Given the
            same population, a row's reasons do not depend on the other rows.
        threads: How many batches of rows are explained at once; changes nothing else.

    Returns:
        `reasons`, one list per row in the rows' order, the strongest reason first, never null; empty where no habit of any
        size holds up. Of a reason: `feature`, the column shown; `value`, its value, null where it is null or text;
        `contribution` of the whole habit in log-odds, above 0 where it raises the risk; `text` without a full stop.
    """
    typical = typical_member(features if population is None else population)
    find = _finder(model, typical, catalog, top=top)
    with ThreadPoolExecutor(threads) as pool:
        batches = pool.map(find, features.iter_slices(BATCH_ROWS))
        found = [one.with_columns(pl.col("row") + number * BATCH_ROWS) for number, one in enumerate(batches)]
    context = SentenceContext(frozenset(features.columns), currency, as_of)
    speaker = _Speaker(context, {feature.name: feature for feature in catalog})
    return _as_lists(speaker.tell(pl.concat([NOTHING_FOUND, *found]), features), rows=features.height)


def typical_member(population: pl.DataFrame) -> pl.DataFrame:
    """One row: the median of each number and the most frequent value of each text, among the members who have one."""
    is_number = pl.selectors.numeric() | pl.selectors.boolean()
    most_frequent = (pl.selectors.string() | pl.selectors.categorical()).cast(pl.String).drop_nulls().mode().sort().first()
    return population.select(is_number.cast(pl.Float64).median(), most_frequent)


def _finder(
    model: ChurnModel, typical: pl.DataFrame, catalog: Sequence[Feature], *, top: int
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Choose how reasons are found in a batch of rows, as `Habits.name` returns them."""
    if model.trees is not None:
        laid_out = model.trees.encoding.matrix(typical)[0]
        return _TreeFinder(model.calibration.slope, explain_score(model, laid_out), catalog, top).find
    if model.kind in ("recency", "prior") and top > 0:
        return lambda frame: _silence(model, frame, typical)
    return lambda _: NOTHING_FOUND


def _silence(model: ChurnModel, frame: pl.DataFrame, typical: pl.DataFrame) -> pl.DataFrame:
    as_typical = frame.with_columns(
        pl.lit(typical[SILENCE][0] if SILENCE in typical.columns else None, pl.Float64).alias(SILENCE)
    )
    difference = model.calibration.slope * (model.log_odds(frame) - model.log_odds(as_typical))
    named = {"rank": pl.lit(0, pl.UInt32), "habit": pl.lit(SILENCE), "feature": pl.lit(SILENCE)}
    rows = pl.DataFrame({"row": pl.int_range(frame.height, dtype=pl.UInt32, eager=True)})
    return rows.with_columns(**named, contribution=pl.Series(difference, dtype=pl.Float64))


class _TreeFinder:
    """Finds the reasons of a model of trees."""

    def __init__(self, slope: float, explainer: ScoreExplainer, catalog: Sequence[Feature], top: int) -> None:
        self._slope = slope
        self._explainer = explainer
        self._encoding = explainer.trees.trees.encoding
        self._habits = Habits.of(explainer.features, catalog)
        self._columns = list(explainer.positions)
        self._typical = explainer.typical[self._columns]
        self._top = top

    def find(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One row per row of the frame and reason."""
        laid_out = self._encoding.matrix(frame)
        contributions = self._slope * self._explainer.contributions(laid_out)
        ranked = self._habits.rank(contributions, frame, most=self._top + _SPARE_HABITS)
        return self._habits.name(ranked, self._chosen(ranked, laid_out), contributions)

    def _chosen(self, ranked: Ranked, laid_out: Matrix) -> npt.NDArray[np.bool_]:
        """Choose the first of the ranked habits that are large enough and hold up, row by row."""
        score = self._explainer.score(laid_out)
        chosen = np.zeros(ranked.habit.shape, dtype=np.bool_)
        for rank in range(ranked.habit.shape[1]):
            is_wanted = (chosen.sum(axis=1) < self._top) & (np.abs(ranked.total[:, rank]) >= LEAST_CONTRIBUTION)
            rows = np.flatnonzero(is_wanted)
            tried = laid_out[rows]
            is_habit = ranked.owner[rows] == ranked.habit[rows, rank, np.newaxis]
            tried[:, self._columns] = np.where(is_habit, self._typical, tried[:, self._columns])
            moved = self._slope * (score[rows] - self._explainer.score(tried))
            chosen[rows, rank] = moved * np.sign(ranked.total[rows, rank]) >= LEAST_MOVE
        return chosen


@dataclass(frozen=True)
class _Speaker:
    """Turns found reasons into sentences."""

    context: SentenceContext
    meanings: Mapping[str, Feature]

    def tell(self, found: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        """One row per found reason, in their order, with value and text added."""
        told = [self._tell_one(str(name), rows, frame) for (name,), rows in found.group_by("feature", maintain_order=True)]
        return pl.concat([found.clear().with_columns(_VALUE, _TEXT), *told]).sort("row", "rank")

    def _tell_one(self, name: str, rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        text = sentence(self.meanings.get(name) or _undeclared(name, frame), self.context)
        is_number = name in frame.columns and (frame.schema[name].is_numeric() or frame.schema[name] == pl.Boolean)
        value = pl.col(name).cast(pl.Float64) if is_number else _VALUE
        needed = {*text.meta.root_names(), *value.meta.root_names()} - {RAISES}
        raises = rows.select((pl.col("contribution") >= 0).alias(RAISES))
        read = raises.hstack(frame.select(sorted(needed))[rows["row"]]) if needed else raises
        direction = pl.when(RAISES).then(pl.lit("")).otherwise(pl.lit(LOWERS))
        return rows.with_columns(read.lazy().select(value.alias("value"), text=text + direction).collect())


def _as_lists(told: pl.DataFrame, *, rows: int) -> pl.Series:
    """Gather the reasons of each row; a row without any gets an empty list."""
    snapshot = told.group_by("row", maintain_order=True).agg(
        reasons=pl.struct(pl.col(name).cast(dtype) for name, dtype in REASON.to_schema().items())
    )
    every = pl.DataFrame({"row": pl.int_range(rows, dtype=pl.UInt32, eager=True)})
    listed = every.join(snapshot, on="row", how="left", maintain_order="left")["reasons"]
    return listed.cast(REASONS).fill_null(pl.Series([[]], dtype=REASONS))


def _undeclared(name: str, frame: pl.DataFrame) -> Feature:
    """Declare a feature that the catalog lacks by its name; text is said as it is."""
    dtype = frame.schema.get(name, pl.Null())
    unit = "" if dtype.is_numeric() else "flag" if dtype == pl.Boolean else "category"
    return Feature(name, name.replace("_", " "), unit, pl.col(name), NOTHING_NEEDED, name)
