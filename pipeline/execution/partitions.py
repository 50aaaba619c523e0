"""Members by the bucket: what a worker computes, each bucket for itself, from the lake and back into it.

A worker reads its bucket from the lake: the members' table of the night and their running totals. Features go into
a table of the bucket's own, whose one commit is all or nothing, so a worker may be killed anywhere and another does the
bucket again. What the leading process needs of predictions and reasons is returned as Arrow.

Only the functions of this module, the small frozen dataclasses below and models as text travel to the workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Final

import polars as pl

from features.compute import compute_features_from_totals, feature_catalog
from features.history import DAILY_SCHEMA, TIES_SCHEMA, History, cut, restrict_members
from features.incremental.totals import IncrementalTotals
from lake.errors import ConfigurationError
from lake.scratch import SCRATCH_PREFIX
from lake.storage.delta import Lake
from models.bundle import from_files
from models.churn import ChurnModel
from models.value import ValueModel
from pipeline.scoring import Predictors, add_predictions, add_reasons
from runtime.run_context import code_hash

MEMBERS: Final = f"{SCRATCH_PREFIX}members"
_FEATURES: Final = f"{SCRATCH_PREFIX}features_"


@dataclass(frozen=True)
class Partition:
    """Neighbouring members by number.

    Args:
        number: Counted from 0.
        first_no: The smallest `member_no`.
        last_no: The largest.
    """

    number: int
    first_no: int
    last_no: int

    @property
    def features(self) -> str:
        """The table of its features."""
        return f"{_FEATURES}{self.number:05}"

    def holds(self, member_no: pl.Expr) -> pl.Expr:
        """Whether a number lies in it."""
        return member_no.is_between(self.first_no, self.last_no)


@dataclass(frozen=True)
class PartitionInputs:
    """What every bucket's work stands on.

    Args:
        lake: The lake, as this process and the workers reach it.
        as_of: The night.
        available: As in `features.history.History`.
        event_types: As in `features.history.History`.
        totals: Running totals → table that holds them tonight.
        mark: Kept with the members' table; by it a worker knows that it looks at the same lake, at the same night.
        code: A hash of the code that leads the night.
    """

    lake: Lake
    as_of: date
    available: frozenset[str]
    event_types: tuple[str, ...]
    totals: Mapping[str, str]
    mark: str
    code: str


@dataclass(frozen=True)
class ModelFiles:
    """The night's models as text, and how predictions are made of them.

    Args:
        churn: Files of the churn model.
        churn_label: Its name in the lists.
        value: Files of the value model; None without orders.
        value_label: Its name in the lists.
        eligible_days: Days within which a member was active who is scored.
        currency: Shown beside money.
    """

    churn: Mapping[str, str]
    churn_label: str
    value: Mapping[str, str] | None
    value_label: str | None
    eligible_days: int
    currency: str | None

    def predictors(self) -> Predictors:
        """The models, read from their text."""
        churn = from_files(self.churn)
        value = None if self.value is None else from_files(self.value)
        assert isinstance(churn, ChurnModel)
        assert value is None or isinstance(value, ValueModel)
        return Predictors(churn, self.churn_label, value, self.value_label)


def partitions_of(members: pl.Series, *, bucket_members: int) -> Iterator[Partition]:
    """Cut the sorted numbers of the members into buckets."""
    for number, start in enumerate(range(0, len(members), bucket_members)):
        numbers = members.slice(start, bucket_members)
        yield Partition(number, int(numbers[0]), int(numbers[-1]))


def compute_partition_features(inputs: PartitionInputs, partition: Partition) -> tuple[int, int]:
    """Compute the features of a bucket and keep them in its table; returns rows and columns."""
    _refuse_foreign_worker(inputs)
    features = _features(inputs, partition)
    inputs.lake.replace(partition.features, features, metadata={"as_of": inputs.as_of.isoformat()})
    return features.shape


def score_partition(inputs: PartitionInputs, partition: Partition, models: ModelFiles, columns: list[str]) -> bytes:
    """Predict for a bucket; returns those of the columns that there are, as Arrow."""
    scored = _scored(inputs, partition, models, models.predictors())
    return as_arrow(scored.select([name for name in columns if name in scored.columns]))


def explain_partition(inputs: PartitionInputs, partition: Partition, models: ModelFiles, typical: bytes) -> bytes:
    """Find the reasons of a bucket's members, set against the typical member; returns member_no and reasons as Arrow."""
    predictors = models.predictors()
    explained = add_reasons(
        _scored(inputs, partition, models, predictors),
        predictors.churn,
        feature_catalog(inputs.available, inputs.event_types),
        as_of=inputs.as_of,
        currency=models.currency,
        population=from_arrow(typical),
    )
    return as_arrow(explained.filter("is_eligible").select("member_no", "reasons"))


def as_arrow(frame: pl.DataFrame) -> bytes:
    """A frame as Arrow's stream."""
    written = BytesIO()
    frame.write_ipc(written, compression="zstd")
    return written.getvalue()


def from_arrow(written: bytes) -> pl.DataFrame:
    """A frame from Arrow's stream."""
    return pl.read_ipc(BytesIO(written))


def _refuse_foreign_worker(inputs: PartitionInputs) -> None:
    if code_hash() != inputs.code:
        raise ConfigurationError(
            "a Dask worker runs another release of Evenfall",
            remedy="Install on every worker what leads the night, and run again.",
        )
    if inputs.lake.metadata(MEMBERS).get("mark") != inputs.mark:
        raise ConfigurationError(
            f"a Dask worker does not see the lake at {inputs.lake.root} as this machine does",
            remedy="Put the lake into a folder that all machines mount at the same path, or into a bucket, and run again.",
        )


def _features(inputs: PartitionInputs, partition: Partition) -> pl.DataFrame:
    lake = inputs.lake
    # All that features need of the rollups is in the totals.
    daily, ties = (pl.LazyFrame(schema=dict(schema)) for schema in (DAILY_SCHEMA, TIES_SCHEMA))
    history = History(lake.scan(MEMBERS), daily, ties, available=inputs.available, event_types=inputs.event_types)
    totals = {
        name: lake.scan(table).filter(partition.holds(pl.col("member_no"))).collect() for name, table in inputs.totals.items()
    }
    return compute_features_from_totals(
        cut(restrict_members(history, partition.holds), inputs.as_of), IncrementalTotals(inputs.as_of, **totals)
    )


def _scored(inputs: PartitionInputs, partition: Partition, models: ModelFiles, predictors: Predictors) -> pl.DataFrame:
    features = inputs.lake.scan(partition.features).collect()
    return add_predictions(features, predictors, as_of=inputs.as_of, eligible_days=models.eligible_days)
