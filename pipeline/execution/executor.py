"""Who does the work that grows with the number of members: this process alone, or a crew of Dask workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from features.history import History, of_some
from lake.errors import OutsideServiceError
from models.boosting import TrainTrees, train_trees_here
from pipeline import scoring
from pipeline.history.daily_rollups import CommunitySnapshot
from pipeline.learning.champions import Champions, TrainingInput
from runtime.os_errors import cores
from runtime.progress import each
from runtime.run_context import RunContext


@dataclass(frozen=True)
class Features:
    """The features of a night.

    Args:
        rows: One row per member, sorted by member_id; wherever they lie.
        members: How many rows.
        columns: How many columns.
    """

    rows: pl.LazyFrame
    members: int
    columns: int


class ClusterLostError(OutsideServiceError):
    """The scheduler went away: trying the same step again in this run cannot help."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} went away in the middle of the work",
            remedy="Start it again and run the night again; nothing half-done was published.",
        )


class Executor(Protocol):
    """What the night asks of whoever does the work; the answers are the same, bit for bit."""

    @property
    def train_trees(self) -> TrainTrees:
        """Who grows trees; by several machines together they are others, within a tolerance (docs/scale.md)."""

    def compute_features(self, night: RunContext, snapshot: CommunitySnapshot) -> Features:
        """Compute every feature of every member as of tonight."""

    def score(self, night: RunContext, history: History, features: Features, champions: Champions) -> pl.DataFrame:
        """Predict: one row per member, sorted by member_id, with at least what segments and lists read."""

    def explain(self, night: RunContext, history: History, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """Add `reasons` to what `score` returned."""


class LocalExecutor:
    """This process, a part of the members at a time, so that memory does not hold everything about everybody at once."""

    train_trees: TrainTrees = staticmethod(train_trees_here)

    def compute_features(self, night: RunContext, snapshot: CommunitySnapshot) -> Features:
        """As `Executor.compute_features`."""
        at_once = night.settings.scale.budget.members
        rows = scoring.compute_features(snapshot, members_at_once=at_once, threads=cores())
        return Features(rows.lazy(), rows.height, rows.width)

    def score(self, night: RunContext, history: History, features: Features, champions: Champions) -> pl.DataFrame:  # noqa: ARG002
        """As `Executor.score`."""
        rows = features.rows.collect()
        if rows.height <= (at_once := night.settings.scale.budget.members):
            return scoring.score_members(night, rows, champions)
        with ThreadPoolExecutor(cores()) as pool:
            parts = pool.map(
                lambda part: scoring.score_members(night, part, champions).drop(rows.columns), rows.iter_slices(at_once)
            )
            followed = each(parts, total=-(-rows.height // at_once), unit="partitions")
            # Only what is new is put together: the features are there once.
            return rows.hstack(pl.concat(followed, rechunk=True))

    def explain(self, night: RunContext, history: History, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """As `Executor.explain`."""
        explained = scoring.explain_members(night, history, scored, champions)
        return explained.select(scoring.columns_for_segments(explained.columns, night))


def sample_to_train_on(night: RunContext, history: History, features: Features, train_trees: TrainTrees) -> TrainingInput:
    """Choose whom models learn from: everybody, or of a larger community every so-many-th member by number."""
    every = -(-features.members // night.settings.prediction.learning_members)
    if every <= 1:
        return TrainingInput(history, features.rows, train_trees)
    number = pl.col("member_no")
    return TrainingInput(of_some(history, lambda no: no % every == 0), features.rows.filter(number % every == 0), train_trees)
