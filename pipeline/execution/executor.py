"""Who does the work that grows with the number of members: this process alone, or a crew of Dask workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from features.history import History, of_some
from lake.errors import OutsideServiceError
from models.boosting import Grow, grow_here
from pipeline import scoring
from pipeline.history.daily_rollups import Gathered
from pipeline.learning.champions import Champions, Learnt
from runtime.os_errors import cores
from runtime.run_context import Night


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


class Workforce(Protocol):
    """What the night asks of whoever does the work; the answers are the same, bit for bit."""

    @property
    def grow(self) -> Grow:
        """Who grows trees; by several machines together they are others, within a tolerance (docs/scale.md)."""

    def describe(self, night: Night, gathered: Gathered) -> Features:
        """Compute every feature of every member as of tonight."""

    def score(self, night: Night, history: History, features: Features, champions: Champions) -> pl.DataFrame:
        """Predict: one row per member, sorted by member_id, with at least what segments and lists read."""

    def explain(self, night: Night, history: History, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """Add `reasons` to what `score` returned."""


class Alone:
    """This process, a part of the members at a time, so that memory does not hold everything about everybody at once."""

    grow: Grow = staticmethod(grow_here)

    def describe(self, night: Night, gathered: Gathered) -> Features:
        """As `Workforce.describe`."""
        at_once = night.settings.scale.budget.members
        rows = scoring.compute_features(gathered, members_at_once=at_once, threads=cores())
        return Features(rows.lazy(), rows.height, rows.width)

    def score(self, night: Night, history: History, features: Features, champions: Champions) -> pl.DataFrame:  # noqa: ARG002
        """As `Workforce.score`."""
        rows = features.rows.collect()
        if rows.height <= (at_once := night.settings.scale.budget.members):
            return scoring.score_members(night, rows, champions)
        with ThreadPoolExecutor(cores()) as pool:
            parts = pool.map(
                lambda part: scoring.score_members(night, part, champions).drop(rows.columns), rows.iter_slices(at_once)
            )
            # Only what is new is put together: the features are there once.
            return rows.hstack(pl.concat(parts, rechunk=True))

    def explain(self, night: Night, history: History, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """As `Workforce.explain`."""
        explained = scoring.explain_members(night, history, scored, champions)
        return explained.select(scoring.columns_for_segments(explained.columns, night))


def learn_from(night: Night, history: History, features: Features, grow: Grow) -> Learnt:
    """Choose whom models learn from: everybody, or of a larger community every so-many-th member by number."""
    every = -(-features.members // night.settings.prediction.learning_members)
    if every <= 1:
        return Learnt(history, features.rows, grow)
    number = pl.col("member_no")
    return Learnt(of_some(history, lambda no: no % every == 0), features.rows.filter(number % every == 0), grow)
