"""A crew of Dask workers: features, predictions and reasons by the bucket of members, through Prefect's Dask task runner."""

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

from features.history import History, cut
from features.incremental.totals import RunningTotals
from flows.scale.cluster import Cluster
from flows.scale.distributed_training import grow_on
from lake.errors import OutsideServiceError
from lake.scratch import LEAVINGS
from lake.storage.delta import Lake
from models.boosting import Grow
from models.churn import ChurnModel
from models.habits import SILENCE
from models.reasons import typical_member
from outputs.lists import MEMBERS_SCHEMA
from pipeline.execution.executor import ClusterLostError, Features
from pipeline.execution.partitions import (
    MEMBERS,
    Bucket,
    Ground,
    ModelFiles,
    as_arrow,
    buckets_of,
    describe_bucket,
    explain_bucket,
    from_arrow,
    score_bucket,
)
from pipeline.history.daily_rollups import Gathered
from pipeline.history.incremental_totals import RUNNING_TABLES
from pipeline.learning.champions import Champions, is_eligible
from pipeline.scoring import columns_for_segments
from runtime.run_context import Night, code_hash
from runtime.settings import Scale

# Each column of everybody is held at once to find who is typical: so few columns at a time are small.
_COLUMNS_AT_ONCE: Final = 16


def _by_bucket(work: Any, name: str) -> Task[..., Any]:
    made: Task[..., Any] = task(name=name, cache_policy=NO_CACHE, persist_result=False)(work)
    return made


# Under other names than the functions, which so travel to the workers by reference.
_DESCRIBE: Final = _by_bucket(describe_bucket, "features of a bucket")
_SCORE: Final = _by_bucket(score_bucket, "predictions of a bucket")
_EXPLAIN: Final = _by_bucket(explain_bucket, "reasons of a bucket")


class Crew:
    """Dask workers; `pipeline.execution.executor.Workforce` says what is asked of them."""

    def __init__(self, cluster: Cluster, scale: Scale) -> None:
        self.cluster = cluster
        self._scale = scale
        self._ground: Ground | None = None
        self._buckets: list[Bucket] = []

    @property
    def grow(self) -> Grow:
        """LightGBM on all workers together."""
        return grow_on(self.cluster.client, name=self.cluster.name)

    def describe(self, night: Night, gathered: Gathered) -> Features:
        """As `Workforce.describe`."""
        lake = night.workspace.lake
        self._ground = _lay_ground(lake, night, gathered)
        known = replace(gathered.history, members=lake.scan(MEMBERS))
        numbers = cut(known, night.as_of).members.select("member_no").collect(engine="streaming")["member_no"].sort()
        self._buckets = list(buckets_of(numbers, bucket_members=self._scale.bucket_members)) or [Bucket(0, 0, 0)]
        shapes = list(self._each(_DESCRIBE))
        return Features(self._features().sort("member_id"), sum(rows for rows, _ in shapes), shapes[0][1])

    def score(self, night: Night, history: History, features: Features, champions: Champions) -> pl.DataFrame:  # noqa: ARG002
        """As `Workforce.score`."""
        names = [*features.rows.collect_schema().names(), *MEMBERS_SCHEMA]
        told = {"models": _model_files(night, champions), "columns": columns_for_segments(dict.fromkeys(names), night)}
        return pl.concat([from_arrow(one) for one in self._each(_SCORE, **told)]).sort("member_id")

    def explain(self, night: Night, history: History, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:  # noqa: ARG002
        """As `Workforce.explain`."""
        eligible = self._features().filter(is_eligible(night.settings))
        told = {"models": _model_files(night, champions), "typical": as_arrow(_typical(champions.churn.model, eligible))}
        explained = pl.concat([from_arrow(one) for one in self._each(_EXPLAIN, **told)])
        return scored.join(explained, on="member_no", how="left", maintain_order="left", validate="1:1")

    def _features(self) -> pl.LazyFrame:
        ground = self._standing()
        return pl.concat([ground.lake.scan(bucket.features) for bucket in self._buckets])

    def _standing(self) -> Ground:
        assert self._ground is not None, "features come first"
        return self._ground

    def _each(self, work: Task[..., Any], **told: Any) -> Iterator[Any]:
        """Do a piece of work for every bucket; what comes back is in their order.

        Raises:
            OutsideServiceError: The same bucket lost several workers, or the scheduler went away.
        """
        ground = self._standing()
        asked = [self.cluster.submit(work, {"ground": ground, "bucket": bucket, **told}) for bucket in self._buckets]
        try:
            while asked:
                yield asked.pop(0).result()
        except KilledWorker as error:
            raise OutsideServiceError(
                f"a bucket of {self._scale.bucket_members:,} members lost several workers of {self.cluster.name}",
                remedy="Most likely their memory did not suffice: lower [scale] bucket_members, or give the workers more.",
            ) from error
        except (FutureCancelledError, CommClosedError, OSError) as error:
            raise ClusterLostError(self.cluster.name) from error


def _lay_ground(lake: Lake, night: Night, gathered: Gathered) -> Ground:
    """Write down what all buckets stand on."""
    members = gathered.history.members.collect(engine="streaming").sort("member_no")
    mark = uuid4().hex
    lake.replace(MEMBERS, members, metadata={"mark": mark})
    return Ground(
        # Workers on other machines keep no copies there.
        lake=replace(lake, nearby=None),
        as_of=night.as_of,
        available=gathered.history.available,
        event_types=gathered.history.event_types,
        totals=_totals_tables(lake, gathered.totals),
        mark=mark,
        code=code_hash(),
    )


def _totals_tables(lake: Lake, totals: RunningTotals) -> Mapping[str, str]:
    """Where the running totals of the night stand: those of a past night are not the ones that are carried on."""
    as_of = totals.as_of.isoformat()
    if all(lake.exists(table) and lake.metadata(table).get("as_of") == as_of for table in RUNNING_TABLES.values()):
        return {name: RUNNING_TABLES[name] for name in totals.frames()}
    tables = {}
    for name, frame in totals.frames().items():
        tables[name] = f"{LEAVINGS}{name}"
        lake.replace(tables[name], frame)
    return tables


def _model_files(night: Night, champions: Champions) -> ModelFiles:
    churn, value = champions.churn, champions.value
    return ModelFiles(
        churn=churn.registered.files,
        churn_label=churn.label,
        value=None if value is None else value.registered.files,
        value_label=None if value is None else value.label,
        eligible_days=night.settings.churn.eligible_days,
        currency=night.settings.community.currency,
    )


def _typical(model: ChurnModel, eligible: pl.LazyFrame) -> pl.DataFrame:
    """Find the typical member of those that are scored, on the features that the model reads."""
    read = {SILENCE} if model.trees is None else {SILENCE, *model.trees.encoding.features}
    names = [name for name in eligible.collect_schema().names() if name in read]
    return pl.concat([typical_member(eligible.select(some).collect()) for some in _some(names)], how="horizontal")


def _some(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + _COLUMNS_AT_ONCE] for start in range(0, len(names), _COLUMNS_AT_ONCE))
