"""Reasons for a churn probability: the habits that raise or lower it most, as data; `wording` makes sentences of them.

A reason is a habit, not a column: the Shapley values of all features of a habit are added up (`models.habits`), so five
windows of one count are one reason. Habits are ranked by the absolute size of their contributions. A habit is named only if
a test confirms it: with the habit's features set to the typical member's, the score must be lower if the habit is said to
raise the risk, and higher if it is said to lower it. The habit is represented by its feature with the largest contribution
in the habit's direction.

Contributions are in log-odds after calibration: Shapley values times the slope of the calibration line. All habits of a
member, named or not, and the base, which is the same for everybody, add up to the log-odds of the predicted probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.feature import Feature
from models.churn import ChurnModel
from models.encoding import Matrix
from models.explained import ScoreExplainer, explain_score
from models.habits import NO_REASONS, SILENCE, Habits, Ranked

# The contributions of all rows at once would not fit into memory; see `TreeExplainer.contributions`.
BATCH_ROWS: Final = 25_000
# Less than a twentieth of a log-odd moves a probability of one half by no more than a point: that explains nothing.
LEAST_CONTRIBUTION: Final = 0.05
# A habit is confirmed when setting it to the typical member's moves the log-odds at least this far in the stated direction.
LEAST_MOVE: Final = 0.01
# Habits ranked beyond the `top` ones, for members some of whose strongest habits are not confirmed.
_SPARE_HABITS: Final = 5
_VALUE: Final = pl.lit(None, pl.Float64).alias("value")


def reasons(
    model: ChurnModel,
    features: pl.DataFrame,
    catalog: Sequence[Feature],
    *,
    top: int = 3,
    population: pl.DataFrame | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Explain each row's churn probability.

    A model by silence alone, or the guess before any outcome is known, has one reason for everybody: silence, whose
    contribution is the difference from the typical member's log-odds. The overall rate has none.

    Args:
        model: The model that made the probabilities.
        features: One row per member, as the model reads them.
        catalog: What the features mean.
        top: Most reasons per row.
        population: Members whose median, or most frequent category, is typical; None for those of `features`. Given the
            same population, a row's reasons do not depend on the other rows.
        threads: How many batches of rows are explained at once; changes nothing else.

    Returns:
        One row per reason, sorted by both of `row` (place in `features`) and `rank` (the strongest first); no row where no
        habit of sufficient size is confirmed. `feature`, the column that represents the habit; `value`, its
        value, null where it is null or text; `contribution` of the whole habit in log-odds, above 0 where it raises the risk.
    """
    typical = typical_member(features if population is None else population)
    find = _finder(model, typical, catalog, top=top)
    with ThreadPoolExecutor(threads) as pool:
        batches = pool.map(find, features.iter_slices(BATCH_ROWS))
        batch_reasons = [batch.with_columns(pl.col("row") + number * BATCH_ROWS) for number, batch in enumerate(batches)]
    # Begins with an empty frame, so that a result without any reason has the columns too.
    return _with_values(pl.concat([NO_REASONS, *batch_reasons]), features).drop("habit")


def typical_member(population: pl.DataFrame) -> pl.DataFrame:
    """Compute the typical member.

    One row: the median of each number and the most frequent value of each text, among the members who have one.
    """
    is_number = pl.selectors.numeric() | pl.selectors.boolean()
    most_frequent = (pl.selectors.string() | pl.selectors.categorical()).cast(pl.String).drop_nulls().mode().sort().first()
    return population.select(is_number.cast(pl.Float64).median(), most_frequent)


def _finder(
    model: ChurnModel, typical: pl.DataFrame, catalog: Sequence[Feature], *, top: int
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return the function that finds the reasons of a batch of rows, in the columns of `Habits.name`."""
    if model.trees is not None:
        laid_out = model.trees.encoding.matrix(typical)[0]
        return _TreeFinder(model.calibration.slope, explain_score(model, laid_out), catalog, top).find
    if model.kind in ("recency", "prior") and top > 0:
        return lambda frame: _silence(model, frame, typical)
    return lambda _: NO_REASONS


def _silence(model: ChurnModel, frame: pl.DataFrame, typical: pl.DataFrame) -> pl.DataFrame:
    as_typical = frame.with_columns(
        pl.lit(typical[SILENCE][0] if SILENCE in typical.columns else None, pl.Float64).alias(SILENCE)
    )
    difference = model.calibration.slope * (model.log_odds(frame) - model.log_odds(as_typical))
    constants = {"rank": pl.lit(0, pl.UInt32), "habit": pl.lit(SILENCE), "feature": pl.lit(SILENCE)}
    rows = pl.DataFrame({"row": pl.int_range(frame.height, dtype=pl.UInt32, eager=True)})
    return rows.with_columns(**constants, contribution=pl.Series(difference, dtype=pl.Float64))


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
        """Find the reasons: one row per row of the frame and reason."""
        laid_out = self._encoding.matrix(frame)
        contributions = self._slope * self._explainer.contributions(laid_out)
        ranked = self._habits.rank(contributions, frame, most=self._top + _SPARE_HABITS)
        return self._habits.name(ranked, self._chosen(ranked, laid_out), contributions)

    def _chosen(self, ranked: Ranked, laid_out: Matrix) -> npt.NDArray[np.bool_]:
        """Choose the first of the ranked habits that are large enough and confirmed, row by row."""
        score = self._explainer.score(laid_out)
        chosen = np.zeros(ranked.habit.shape, dtype=np.bool_)
        for rank in range(ranked.habit.shape[1]):
            is_candidate = (chosen.sum(axis=1) < self._top) & (np.abs(ranked.total[:, rank]) >= LEAST_CONTRIBUTION)
            # Only rows that still need a reason are scored again: scoring is what this loop costs.
            rows = np.flatnonzero(is_candidate)
            # Indexing by an array copies, so the rows of `laid_out` stay as they are.
            with_typical_habit = laid_out[rows]
            is_habit = ranked.owner[rows] == ranked.habit[rows, rank, np.newaxis]
            with_typical_habit[:, self._columns] = np.where(is_habit, self._typical, with_typical_habit[:, self._columns])
            score_change = self._slope * (score[rows] - self._explainer.score(with_typical_habit))
            chosen[rows, rank] = score_change * np.sign(ranked.total[rows, rank]) >= LEAST_MOVE
        return chosen


def _with_values(reasons: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """Add `value`, sorted by row and rank."""
    valued = [
        rows.with_columns(_values(features, str(name)).gather(rows["row"]).alias("value"))
        for (name,), rows in reasons.group_by("feature", maintain_order=True)
    ]
    return pl.concat([reasons.clear().with_columns(_VALUE), *valued]).sort("row", "rank")


def _values(features: pl.DataFrame, name: str) -> pl.Series:
    """Read a feature as numbers; null throughout where it is text or the frame lacks it."""
    is_number = name in features.columns and (features.schema[name].is_numeric() or features.schema[name] == pl.Boolean)
    return features[name].cast(pl.Float64) if is_number else pl.repeat(None, features.height, dtype=pl.Float64, eager=True)
