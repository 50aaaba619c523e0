"""Member partitions: what a worker computes for one partition, from the lake and back into it.

A worker reads the members of its partition and their incremental totals from the lake. It writes the features into a table per
partition in a single commit, so that a worker may be killed at any point and another one repeats the partition. Predictions and
reasons are returned to the leading process as Arrow.

Only the functions of this module, the small frozen dataclasses below and models as text are sent to the workers.
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
from wording.language import Language, speaking

MEMBERS: Final = f"{SCRATCH_PREFIX}members"
_FEATURES: Final = f"{SCRATCH_PREFIX}features_"


@dataclass(frozen=True)
class Partition:
    """A range of members by number.

    Args:
        number: The number of the partition, from 0.
        first_no: Its smallest `member_no`.
        last_no: Its largest `member_no`.
    """

    number: int
    first_no: int
    last_no: int

    @property
    def features(self) -> str:
        """Return the name of the scratch table with its features."""
        return f"{_FEATURES}{self.number:05}"

    def holds(self, member_no: pl.Expr) -> pl.Expr:
        """Return the expression for whether a member number is in the partition."""
        return member_no.is_between(self.first_no, self.last_no)


@dataclass(frozen=True)
class PartitionInputs:
    """The inputs that all partitions share.

    Args:
        lake: The lake, at the same path for this process and the workers.
        as_of: The night.
        available: As in `features.history.History`.
        event_types: As in `features.history.History`.
        totals: Name of the totals → table that holds them tonight.
        mark: A random text in the metadata of the members' table, by which a worker checks that it reads the same lake and night.
        code: The hash of the code of the leading process.
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
    """The night's models as text, with the settings that predictions need.

    Args:
        churn: The files of the churn model: name → content.
        churn_label: Its name in the lists.
        value: The files of the value model; None without orders.
        value_label: Its name in the lists.
        eligible_days: A member who was active within this number of days is scored.
        currency: The currency shown with amounts.
        language: The language of the reasons.
    """

    churn: Mapping[str, str]
    churn_label: str
    value: Mapping[str, str] | None
    value_label: str | None
    eligible_days: int
    currency: str | None
    language: Language

    def predictors(self) -> Predictors:
        """Return the models, read from their text."""
        churn = from_files(self.churn)
        value = None if self.value is None else from_files(self.value)
        assert isinstance(churn, ChurnModel)
        assert value is None or isinstance(value, ValueModel)
        return Predictors(churn, self.churn_label, value, self.value_label)


def partitions_of(members: pl.Series, *, bucket_members: int) -> Iterator[Partition]:
    """Split the sorted numbers of the members into partitions of `bucket_members` members."""
    for number, start in enumerate(range(0, len(members), bucket_members)):
        numbers = members.slice(start, bucket_members)
        yield Partition(number, int(numbers[0]), int(numbers[-1]))


def compute_partition_features(inputs: PartitionInputs, partition: Partition) -> tuple[int, int]:
    """Compute the features of a partition and write them to its table; return the number of rows and of columns."""
    _refuse_mismatched_worker(inputs)
    features = _features(inputs, partition)
    # One commit: a table that exists is complete, whoever wrote it and however often.
    inputs.lake.replace(partition.features, features, metadata={"as_of": inputs.as_of.isoformat()})
    return features.shape


def score_partition(inputs: PartitionInputs, partition: Partition, models: ModelFiles, columns: list[str]) -> bytes:
    """Predict for the members of a partition.

    Args:
        inputs: The inputs that all partitions share.
        partition: The partition.
        models: The models.
        columns: The columns to return; those that do not exist are left out.

    Returns:
        One row per member, as Arrow.
    """
    scored = _scored(inputs, partition, models, models.predictors())
    return as_arrow(scored.select([name for name in columns if name in scored.columns]))


def explain_partition(
    inputs: PartitionInputs, partition: Partition, models: ModelFiles, peers: bytes, probabilities: bytes
) -> bytes:
    """Explain the predictions of a partition, compared with typical members.

    Args:
        inputs: The inputs that all partitions share.
        partition: The partition.
        models: The models.
        peers: Typical members of the whole community, as Arrow.
        probabilities: `member_no` and `churn_probability` of the whole community at the level of the night, as Arrow.

    Returns:
        One row per eligible member: `member_no`, `reasons`; as Arrow.
    """
    predictors = models.predictors()
    levelled = from_arrow(probabilities)
    scored = _scored(inputs, partition, models, predictors).drop("churn_probability")
    with speaking(models.language):
        explained = add_reasons(
            scored.join(levelled, on="member_no", how="left", maintain_order="left", validate="1:1"),
            predictors.churn,
            feature_catalog(inputs.available, inputs.event_types),
            as_of=inputs.as_of,
            currency=models.currency,
            # Compared with the whole community: reasons must not depend on how members are partitioned.
            peers=from_arrow(peers),
        )
    # Reasons alone: the leading process has the other columns already.
    return as_arrow(explained.filter("is_eligible").select("member_no", "reasons"))


def as_arrow(frame: pl.DataFrame) -> bytes:
    """Return a frame as a compressed Arrow IPC file."""
    stream = BytesIO()
    frame.write_ipc(stream, compression="zstd")
    return stream.getvalue()


def from_arrow(stream: bytes) -> pl.DataFrame:
    """Return the frame of an Arrow IPC file."""
    return pl.read_ipc(BytesIO(stream))


def _refuse_mismatched_worker(inputs: PartitionInputs) -> None:
    # Before any work: another release or another lake would give results that look right and are not.
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
    # The rollups stay empty: everything that features need of them is in the totals, and a worker reads only its partition.
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
