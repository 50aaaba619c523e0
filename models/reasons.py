"""Reasons for a churn probability: the habits that raise or lower it most, as data; `wording` makes sentences of them.

A reason is a habit, not a column: the Shapley values of all features of a habit are added up (`models.habits`), so five
windows of one count are one reason. A habit is named by the feature that contributes most in the habit's direction among those
whose value, compared with the member's own past or with other members, says the same (`models.comparisons`); without such a
feature it is not named. Habits are ranked by the absolute size of their contributions, and named only if a test confirms it:
with the habit's features set to the typical member's, the score must be lower if the habit is said to raise the risk, and higher
if it is said to lower it.

Contributions are in log-odds after calibration: Shapley values times the slope of the calibration line. All habits of a
member, named or not, and the base, which is the same for everybody, add up to the log-odds of the predicted probability.

One of the reasons raises the risk wherever a habit does. Where none does, the last reason is the community's level: how many
leave on average. Its contribution is 0, because the base is nobody's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.feature import Feature
from models.churn import ChurnModel
from models.comparisons import COMPARED_WITH, NOTHING, Codes, Comparer
from models.encoding import Matrix
from models.explained import ScoreExplainer, explain_score
from models.habits import NO_REASONS, Habits, Ranked
from models.own_past import SILENCE
from models.peers import BAND, LEVEL, TYPICAL, describe_peers

# The contributions of all rows at once would not fit into memory; see `TreeExplainer.contributions`.
BATCH_ROWS: Final = 25_000
# Less than a twentieth of a log-odd moves a probability of one half by no more than a point: that explains nothing.
LEAST_CONTRIBUTION: Final = 0.05
# A habit is confirmed when setting it to the typical member's moves the log-odds at least this far in the stated direction.
LEAST_MOVE: Final = 0.01
# What the reason is compared with where nothing of the member's own raises the risk.
COMMUNITY: Final = "level"
_AFTER_ALL: Final = 1_000
# Habits ranked beyond the `top` ones, for members some of whose strongest habits are not confirmed.
_SPARE_HABITS: Final = 5
_FOUND: Final = {**NO_REASONS.schema, "compared_with": pl.String()}
_COMPARED: Final = {"value": pl.Float64(), "comparison": pl.Float64(), "comparison_text": pl.String()}


def reasons(
    model: ChurnModel,
    features: pl.DataFrame,
    catalog: Sequence[Feature],
    *,
    top: int = 3,
    peers: pl.DataFrame | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Explain each row's churn probability.

    A model by silence alone, or the guess before any outcome is known, has one reason for everybody: silence, whose
    contribution is the difference from the typical member's log-odds. The overall rate has the community's level alone.

    Args:
        model: The model that made the probabilities.
        features: One row per member, as the model reads them.
        catalog: What the features mean.
        top: Most reasons per row, 1 or more; the community's level may come after them.
        peers: Typical members of the community, as `describe_peers` has them; None for those of `features`. Given the same, a
            row's reasons do not depend on the other rows.
        threads: How many batches of rows are explained at once; changes nothing else.

    Returns:
        One row per reason, sorted by both of `row` (place in `features`) and `rank` (the strongest first); each row of
        `features` has one or more. `feature`, the column that represents the habit; `value`, its value, null where it is null or
        text; `contribution` of the whole habit in log-odds, above 0 where it raises the risk; `compared_with`, out of
        `COMPARED_WITH` or `level`, and the number `comparison` or the text `comparison_text`.
    """
    if peers is None:
        peers = describe_peers(features, probability=model.predict(features))
    finder = _finder(model, peers, catalog, features, top=top)
    with ThreadPoolExecutor(threads) as pool:
        batches = pool.map(finder.find, features.iter_slices(BATCH_ROWS))
        batch_reasons = [batch.with_columns(pl.col("row") + number * BATCH_ROWS) for number, batch in enumerate(batches)]
    # Begins with an empty frame, so that a result without any reason has the columns too.
    found = pl.concat([pl.DataFrame(schema=_FOUND), *batch_reasons])
    return _with_values(found, features, finder.comparer, level=peers[LEVEL][0]).drop("habit")


def _finder(model: ChurnModel, peers: pl.DataFrame, catalog: Sequence[Feature], features: pl.DataFrame, *, top: int) -> _Finder:
    """Return what finds the reasons of a batch of rows, in the columns `_FOUND`."""
    typical = peers.filter(pl.col(BAND) == TYPICAL).drop(BAND, LEVEL)
    if model.trees is not None:
        explainer = explain_score(model, model.trees.encoding.matrix(typical)[0])
        comparer = Comparer(explainer.features, catalog, features.schema, peers)
        return _TreeFinder(model.calibration.slope, explainer, catalog, comparer, top)
    return _SilenceFinder(model, typical, Comparer((SILENCE,), catalog, features.schema, peers))


class _SilenceFinder:
    """Finds the reason of a model that reads nothing but silence, or nothing."""

    def __init__(self, model: ChurnModel, typical: pl.DataFrame, comparer: Comparer) -> None:
        self.comparer = comparer
        self._model = model
        self._typical = typical[SILENCE][0] if SILENCE in typical.columns else None

    def find(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Find the reasons: one row per row of the frame."""
        as_typical = frame.with_columns(pl.lit(self._typical, pl.Float64).alias(SILENCE))
        difference = self._model.calibration.slope * (self._model.log_odds(frame) - self._model.log_odds(as_typical))
        chosen = self.comparer.choose(frame)
        codes = np.where(difference > 0, chosen[1][:, 0], np.where(difference < 0, chosen[-1][:, 0], NOTHING))
        constants = {"rank": pl.lit(0, pl.UInt32), "habit": pl.lit(SILENCE), "feature": pl.lit(SILENCE)}
        rows = pl.DataFrame({"row": pl.int_range(frame.height, dtype=pl.UInt32, eager=True)}).with_columns(
            **constants, contribution=pl.Series(difference, dtype=pl.Float64), compared_with=_names(codes)
        )
        return _with_level(rows.drop_nulls("compared_with"), frame.height)


class _TreeFinder:
    """Finds the reasons of a model of trees."""

    def __init__(self, slope: float, explainer: ScoreExplainer, catalog: Sequence[Feature], comparer: Comparer, top: int) -> None:
        self.comparer = comparer
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
        codes = self.comparer.choose(frame)
        says = {sign: code != NOTHING for sign, code in codes.items()}
        ranked = self._habits.rank(contributions, frame, most=self._top + _SPARE_HABITS, says=says)
        named = self._habits.name(ranked, self._chosen(ranked, laid_out), contributions)
        return _with_level(named.with_columns(compared_with=self._compared_with(named, codes)), frame.height)

    def _chosen(self, ranked: Ranked, laid_out: Matrix) -> npt.NDArray[np.bool_]:
        """Choose the first of the ranked habits that are large enough and confirmed, row by row.

        The last of them makes way for the first that raises the risk, if none of them does.
        """
        score = self._explainer.score(laid_out)
        raises, chosen = ranked.total > 0, np.zeros(ranked.habit.shape, dtype=np.bool_)
        for rank in range(ranked.habit.shape[1]):
            has_place = chosen.sum(axis=1) < self._top
            has_place |= raises[:, rank] & ~(chosen & raises).any(axis=1)
            is_candidate = has_place & (np.abs(ranked.total[:, rank]) >= LEAST_CONTRIBUTION)
            # Only rows that still need a reason are scored again: scoring is what this loop costs.
            rows = np.flatnonzero(is_candidate)
            # Indexing by an array copies, so the rows of `laid_out` stay as they are.
            with_typical_habit = laid_out[rows]
            is_habit = ranked.owner[rows] == ranked.habit[rows, rank, np.newaxis]
            with_typical_habit[:, self._columns] = np.where(is_habit, self._typical, with_typical_habit[:, self._columns])
            score_change = self._slope * (score[rows] - self._explainer.score(with_typical_habit))
            chosen[rows, rank] = score_change * np.sign(ranked.total[rows, rank]) >= LEAST_MOVE
        # Where one too many is chosen, the last raises the risk, and the one before it makes way.
        is_too_many, place = chosen.sum(axis=1) > self._top, chosen.cumsum(axis=1)
        chosen[is_too_many[:, np.newaxis] & (place == self._top)] = False
        return chosen

    def _compared_with(self, named: pl.DataFrame, codes: Mapping[int, Codes]) -> pl.Series:
        features = self._explainer.features
        position = {name: number for number, name in enumerate(features)}
        positions = np.array([position[name] for name in named["feature"]], dtype=np.intp)
        rows, is_raising = named["row"].to_numpy(), (named["contribution"] > 0).to_numpy()
        return _names(np.where(is_raising, codes[1][rows, positions], codes[-1][rows, positions]))


_Finder = _TreeFinder | _SilenceFinder


def _names(codes: npt.NDArray[np.int8]) -> pl.Series:
    """Name what codes stand for; null for nothing."""
    return pl.Series("compared_with", codes).replace_strict(range(len(COMPARED_WITH)), COMPARED_WITH, default=None)


def _with_level(found: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Add the community's level as the last reason of each row that has none that raises the risk."""
    raised = found.filter(pl.col("contribution") > 0).select("row")
    missing = pl.DataFrame({"row": pl.int_range(rows, dtype=pl.UInt32, eager=True)}).join(raised, on="row", how="anti")
    level = missing.with_columns(
        rank=pl.lit(_AFTER_ALL, pl.UInt32),
        habit=pl.lit(SILENCE),
        feature=pl.lit(SILENCE),
        contribution=pl.lit(0.0),
        compared_with=pl.lit(COMMUNITY),
    )
    return pl.concat([found.select(level.columns), level])


def _with_values(reasons: pl.DataFrame, features: pl.DataFrame, comparer: Comparer, *, level: float | None) -> pl.DataFrame:
    """Add `value`, `comparison` and `comparison_text`, sorted by row and rank."""
    is_of_level = pl.col("compared_with") == COMMUNITY
    valued = [reasons.clear().with_columns(pl.lit(None, dtype).alias(name) for name, dtype in _COMPARED.items())]
    for (name,), rows in reasons.filter(~is_of_level).group_by("feature", maintain_order=True):
        members, read = rows.select("compared_with"), comparer.read(str(name))
        if read:
            members = members.hstack(features.select(read)[rows["row"]])
        values = _values(features, str(name)).gather(rows["row"]).alias("value")
        valued.append(rows.with_columns(values, *comparer.compare(str(name), members)))
    of_level = reasons.filter(is_of_level)
    silence = _values(features, SILENCE).gather(of_level["row"]).alias("value")
    constants = {"comparison": pl.lit(level, pl.Float64), "comparison_text": pl.lit(None, pl.String)}
    return pl.concat([*valued, of_level.with_columns(silence, **constants)]).sort("row", "rank")


def _values(features: pl.DataFrame, name: str) -> pl.Series:
    """Read a feature as numbers; null throughout where it is text or the frame lacks it."""
    is_number = name in features.columns and (features.schema[name].is_numeric() or features.schema[name] == pl.Boolean)
    return features[name].cast(pl.Float64) if is_number else pl.repeat(None, features.height, dtype=pl.Float64, eager=True)
