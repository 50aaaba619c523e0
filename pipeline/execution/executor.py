"""The executor protocol for work that grows with the number of members, and the executor in this process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import polars as pl

from features.compute import compute_features_from_totals, feature_catalog
from features.feature import Feature
from features.history import History, cut, restrict_members
from lake.errors import OutsideServiceError
from models.boosting import TrainTrees, train_trees_here
from pipeline.history.daily_rollups import CommunitySnapshot
from pipeline.learning.challenger import TrainingInput
from pipeline.learning.champions import Champions
from pipeline.scoring import Predictors, add_predictions, add_reasons, columns_for_segments
from runtime.os_errors import cores
from runtime.progress import each
from runtime.run_context import RunContext


@dataclass(frozen=True)
class Features:
    """The features of a night.

    Args:
        rows: One row per member, sorted by member_id; in memory or in tables of the lake.
        members: The number of rows.
        columns: The number of columns.
        catalog: The name, meaning and unit of each feature.
    """

    rows: pl.LazyFrame
    members: int
    columns: int
    catalog: tuple[Feature, ...]


class ClusterLostError(OutsideServiceError):
    """The scheduler of the cluster is gone, so that retrying the step in this run cannot succeed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} went away in the middle of the work",
            remedy="Start it again and run the night again; nothing half-done was published.",
        )


class Executor(Protocol):
    """The interface of executors. All return the same results, bit for bit, except for trees that several machines train."""

    @property
    def train_trees(self) -> TrainTrees:
        """Return the function that trains trees; trained on several machines they differ within a tolerance (docs/scale.md)."""

    def compute_features(self, run: RunContext, snapshot: CommunitySnapshot) -> Features:
        """Compute every feature of every member as of the night."""

    def score(self, run: RunContext, features: Features, champions: Champions) -> pl.DataFrame:
        """Predict for every member.

        Args:
            run: The run.
            features: What `compute_features` returned.
            champions: The models.

        Returns:
            One row per member, sorted by member_id, with at least the columns that segments and lists read.
        """

    def explain(self, run: RunContext, features: Features, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """Add the column `reasons`.

        Args:
            run: The run.
            features: What `compute_features` returned.
            scored: What `score` returned.
            champions: The models.
        """


class LocalExecutor:
    """The executor in this process; it works on a part of the members at a time, to bound memory."""

    train_trees: TrainTrees = staticmethod(train_trees_here)

    def compute_features(self, run: RunContext, snapshot: CommunitySnapshot) -> Features:
        """Compute features; see `Executor.compute_features`."""
        members_at_once = run.settings.scale.budget.members
        seen = cut(snapshot.history, snapshot.totals.as_of)
        rows = compute_features_from_totals(seen, snapshot.totals, members_at_once=members_at_once, threads=cores())
        return Features(rows.lazy(), rows.height, rows.width, tuple(feature_catalog(seen.available, seen.event_types)))

    def score(self, run: RunContext, features: Features, champions: Champions) -> pl.DataFrame:
        """Predict; see `Executor.score`.

        Args:
            run: The run.
            features: What `compute_features` returned.
            champions: The models.
        """
        rows, models = features.rows.collect(), Predictors.of(champions)
        predict = partial(add_predictions, models=models, as_of=run.as_of, eligible_days=run.settings.churn.eligible_days)
        if rows.height <= (members_at_once := run.settings.scale.budget.members):
            return predict(rows)
        with ThreadPoolExecutor(cores()) as pool:
            # Threads are enough: Polars and LightGBM release the interpreter lock.
            parts = pool.map(lambda part: predict(part).drop(rows.columns), rows.iter_slices(members_at_once))
            followed = each(parts, total=-(-rows.height // members_at_once), unit="partitions")
            # Only the new columns are concatenated, so that the features are in memory once.
            return rows.hstack(pl.concat(followed, rechunk=True))

    def explain(self, run: RunContext, features: Features, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """Add reasons; see `Executor.explain`.

        Args:
            run: The run.
            features: What `compute_features` returned.
            scored: What `score` returned.
            champions: The models.
        """
        currency = run.settings.community.currency
        explained = add_reasons(
            scored, champions.churn.model, features.catalog, as_of=run.as_of, currency=currency, threads=cores()
        )
        return explained.select(columns_for_segments(explained.columns, run))


def sample_to_train_on(run: RunContext, history: History, features: Features, train_trees: TrainTrees) -> TrainingInput:
    """Choose the members to train on: all of them, or in a large community every n-th by number.

    Args:
        run: The run.
        history: The history of all members.
        features: The features of tonight.
        train_trees: The function that trains trees.
    """
    # Rounded up, so that the limit holds.
    every = -(-features.members // run.settings.prediction.learning_members)
    if every <= 1:
        return TrainingInput(history, features.rows, train_trees)
    # By number and not at random: the same members every night, so that champion and challenger are compared on equal terms.
    number = pl.col("member_no")
    return TrainingInput(
        restrict_members(history, lambda no: no % every == 0), features.rows.filter(number % every == 0), train_trees
    )
