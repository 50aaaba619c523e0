"""The Dask executor: features, predictions and reasons by member partition, through Prefect's Dask task runner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import polars as pl
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker
from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from features.compute import feature_catalog
from features.eligibility import is_eligible
from features.history import cut
from features.incremental.totals import IncrementalTotals
from flows.scale.cluster import Cluster
from flows.scale.distributed_training import train_trees_on
from lake.errors import OutsideServiceError
from lake.scratch import SCRATCH_PREFIX
from lake.storage.delta import Lake
from models.bands import TENURE
from models.boosting import TrainTrees
from models.churn import ChurnModel
from models.own_past import SILENCE
from models.peers import BAND, LEVEL, describe_peers
from outputs.lists import MEMBERS_SCHEMA
from pipeline.execution.executor import ClusterLostError, Features
from pipeline.execution.partitions import (
    MEMBERS,
    ModelFiles,
    Partition,
    PartitionInputs,
    as_arrow,
    compute_partition_features,
    explain_partition,
    from_arrow,
    partitions_of,
    score_partition,
)
from pipeline.history.daily_rollups import CommunitySnapshot
from pipeline.history.incremental_totals import TOTALS_TABLES
from pipeline.learning.champions import Champions
from pipeline.scoring import columns_for_segments
from runtime.progress import each
from runtime.run_context import RunContext, code_hash
from runtime.scale_settings import Scale

# To find the typical member, a column is in memory for all members at once; few columns at a time keep that small.
_COLUMNS_AT_ONCE: Final = 16


def _by_partition(work: Any, name: str) -> Task[..., Any]:
    """Return a task of a function; its result is never stored, because it holds rows of members."""
    made: Task[..., Any] = task(name=name, cache_policy=NO_CACHE, persist_result=False)(work)
    return made


# The names differ from those of the functions, so that these are pickled by reference and not by value.
_COMPUTE_FEATURES: Final = _by_partition(compute_partition_features, "features of a bucket")
_SCORE: Final = _by_partition(score_partition, "predictions of a bucket")
_EXPLAIN: Final = _by_partition(explain_partition, "reasons of a bucket")


class DaskExecutor:
    """The executor that uses Dask workers; see `pipeline.execution.executor.Executor`.

    Args:
        cluster: A cluster whose workers are ready.
        scale: The settings `[scale]`.
    """

    def __init__(self, cluster: Cluster, scale: Scale) -> None:
        self.cluster = cluster
        self._scale = scale
        self._inputs: PartitionInputs | None = None
        self._partitions: list[Partition] = []

    @property
    def train_trees(self) -> TrainTrees:
        """A function that trains trees on all workers together."""
        return train_trees_on(self.cluster.client, name=self.cluster.name)

    def compute_features(self, run: RunContext, snapshot: CommunitySnapshot) -> Features:
        """Compute features by partition; see `Executor.compute_features`."""
        lake = run.workspace.lake
        self._inputs = _write_inputs(lake, run, snapshot)
        known = replace(snapshot.history, members=lake.scan(MEMBERS))
        numbers = cut(known, run.as_of).members.select("member_no").collect(engine="streaming")["member_no"].sort()
        self._partitions = list(partitions_of(numbers, bucket_members=self._scale.bucket_members)) or [Partition(0, 0, 0)]
        shapes = list(self._each(_COMPUTE_FEATURES))
        catalog = tuple(feature_catalog(snapshot.history.available, snapshot.history.event_types))
        return Features(self._features().sort("member_id"), sum(rows for rows, _ in shapes), shapes[0][1], catalog)

    def score(self, run: RunContext, features: Features, champions: Champions) -> pl.DataFrame:
        """Predict by partition; see `Executor.score`.

        Args:
            run: The run.
            features: What `compute_features` returned.
            champions: The models.
        """
        names = [*features.rows.collect_schema().names(), *MEMBERS_SCHEMA]
        arguments = {"models": _model_files(run, champions), "columns": columns_for_segments(dict.fromkeys(names), run)}
        return pl.concat([from_arrow(one) for one in self._each(_SCORE, **arguments)]).sort("member_id")

    def explain(self, run: RunContext, features: Features, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
        """Add reasons by partition; see `Executor.explain`.

        Args:
            run: The run.
            features: What `compute_features` returned.
            scored: What `score` returned.
            champions: The models.
        """
        eligible = features.rows.filter(is_eligible(run.settings.churn.eligible_days))
        level = scored.filter("is_eligible")["churn_probability"]
        peers = _peers(champions.churn.model, eligible, probability=level)
        # A partition would predict at the level of the model; sentences say the probability that the lists have.
        probabilities = as_arrow(scored.select("member_no", "churn_probability"))
        arguments = {"models": _model_files(run, champions), "peers": as_arrow(peers), "probabilities": probabilities}
        explained = pl.concat([from_arrow(one) for one in self._each(_EXPLAIN, **arguments)])
        return scored.join(explained, on="member_no", how="left", maintain_order="left", validate="1:1")

    def _features(self) -> pl.LazyFrame:
        inputs = self._prepared_inputs()
        return pl.concat([inputs.lake.scan(partition.features) for partition in self._partitions])

    def _prepared_inputs(self) -> PartitionInputs:
        assert self._inputs is not None, "features come first"
        return self._inputs

    def _each(self, work: Task[..., Any], **arguments: Any) -> Iterator[Any]:
        """Run a task for every member partition; yields the results in the order of the partitions.

        Raises:
            OutsideServiceError: The same partition lost several workers, or the scheduler went away.
        """
        inputs = self._prepared_inputs()
        pending = [
            self.cluster.submit(work, {"inputs": inputs, "partition": partition, **arguments}) for partition in self._partitions
        ]
        try:
            for _ in each(range(len(pending)), total=len(pending), unit="partitions"):
                # Popped, because a future keeps its result in memory.
                yield pending.pop(0).result()
        except KilledWorker as error:
            raise OutsideServiceError(
                f"a bucket of {self._scale.bucket_members:,} members lost several workers of {self.cluster.name}",
                remedy="Most likely their memory did not suffice: lower [scale] bucket_members, or give the workers more.",
            ) from error
        except (FutureCancelledError, CommClosedError, OSError) as error:
            raise ClusterLostError(self.cluster.name) from error


def _write_inputs(lake: Lake, run: RunContext, snapshot: CommunitySnapshot) -> PartitionInputs:
    """Write the members to a scratch table, and return what every partition needs to compute its features."""
    members = snapshot.history.members.collect(engine="streaming").sort("member_no")
    # With the mark a worker notices that it reads another lake.
    mark = uuid4().hex
    lake.replace(MEMBERS, members, metadata={"mark": mark})
    return PartitionInputs(
        # Workers on other machines must not keep copies of the lake's files there.
        lake=replace(lake, copies_folder=None),
        as_of=run.as_of,
        available=snapshot.history.available,
        event_types=snapshot.history.event_types,
        totals=_totals_tables(lake, snapshot.totals),
        mark=mark,
        code=code_hash(),
    )


def _totals_tables(lake: Lake, totals: IncrementalTotals) -> Mapping[str, str]:
    """Return total → table: the stored totals when they are of this night, else scratch tables.

    The stored totals are those of the newest night. A past night has totals of its own, which must not replace them.
    """
    as_of = totals.as_of.isoformat()
    if all(lake.exists(table) and lake.metadata(table).get("as_of") == as_of for table in TOTALS_TABLES.values()):
        return {name: TOTALS_TABLES[name] for name in totals.frames()}
    tables = {}
    for name, frame in totals.frames().items():
        tables[name] = f"{SCRATCH_PREFIX}{name}"
        lake.replace(tables[name], frame)
    return tables


def _model_files(run: RunContext, champions: Champions) -> ModelFiles:
    churn, value = champions.churn, champions.value
    return ModelFiles(
        churn=churn.registered.files,
        churn_label=churn.label,
        value=None if value is None else value.registered.files,
        value_label=None if value is None else value.label,
        eligible_days=run.settings.churn.eligible_days,
        currency=run.settings.community.currency,
        language=run.settings.community.language,
    )


def _peers(model: ChurnModel, eligible: pl.LazyFrame, *, probability: pl.Series) -> pl.DataFrame:
    """Describe the typical members among those that are scored, on the features that the model reads."""
    read = {SILENCE} if model.trees is None else {SILENCE, *model.trees.encoding.features}
    names = [name for name in eligible.collect_schema().names() if name in read and name != TENURE]
    keys = (BAND, LEVEL)
    described = [describe_peers(eligible.select(TENURE, *some).collect(), probability=probability) for some in _some(names)]
    # Tenure is read with every part, because it says in which band a member is.
    parts = [part if not number else part.drop(TENURE, *keys) for number, part in enumerate(described)]
    return pl.concat(parts, how="horizontal")


def _some(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + _COLUMNS_AT_ONCE] for start in range(0, len(names), _COLUMNS_AT_ONCE))
