"""Read, map and validate exports: each becomes an arrival whose good records are spooled until all tables may land."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from expectations.runner import RuleOutcome, ValidationResult, validate
from lake.contracts import TIMESTAMP, Table
from lake.errors import ConfigurationError
from lake.landing import SEQUENCE
from lake.quarantine import OPEN
from lake.quarantine import SCHEMA as QUARANTINE_SCHEMA
from lake.record_keys import as_records, prefixed, with_keys
from lake.refusals import statements
from lake.source_keys import key_prefix, resolve
from lake.sources.discovery import Export
from lake.sources.ids import stop_where_many_are_rounded
from lake.sources.mapping import ROW_NO, Mapped, rows_as_json
from lake.sources.watermarks import Watermark
from lake.storage.delta import DAY, Lake
from pipeline.erasure.register import ERASED_AUTHOR, ErasureRegister, leave_out, without_names
from pipeline.export_mapping import map_rows
from pipeline.intake.cast_failures import cast_outcomes, with_file_names
from pipeline.intake.spool import Spool, Spooled
from runtime.memory import MemoryBudget
from runtime.settings import Settings


@dataclass(frozen=True)
class Arrival:
    """One new file or query result, validated but not landed.

    Args:
        export: The file or query.
        facts: Its row of the ledger, with the counts known so far.
        records: The spooled records that may land: the landed schema and `sequence`.
        bad: The rows that may not land, in the schema of the quarantine.
        outcomes: The outcome of each rule.
        consent: Its statements on consent, as `lake.refusals.statements` returns them.
        present: The keys of all rows of a snapshot, bad ones included; None for other exports.
    """

    export: Export
    facts: dict[str, Any]
    records: Spooled
    bad: pl.DataFrame
    outcomes: tuple[RuleOutcome, ...]
    consent: pl.DataFrame
    present: pl.Series | None = None


@dataclass(frozen=True)
class IntakeContext:
    """What reading and validating all exports of one intake share.

    Args:
        lake: The lake.
        settings: The configuration.
        now: The clock at ingestion.
        next_sequence: The sequence number of tonight's first arrival; it rises over all arrivals ever.
        erased: The register of erased members.
        kept_after: Table → the last day that retention has removed from it.
        spool: The spool for good records.
        budget: How many rows are validated at once.
        ledger: The ledger before tonight, with today's names of the sources.
        reread: Pairs of table and source to read although their files have not changed.
        known: Referenced table → its keys; filled as the tables are validated.
        names: Referenced table with source-specific keys → the names by which references may call them.
    """

    lake: Lake
    settings: Settings
    now: datetime
    next_sequence: int
    erased: ErasureRegister
    kept_after: Mapping[str, date]
    spool: Spool
    budget: MemoryBudget
    ledger: pl.DataFrame
    reread: frozenset[tuple[str, str]] = frozenset()
    known: dict[str, pl.Series] = field(default_factory=dict)
    names: dict[str, pl.DataFrame] = field(default_factory=dict)


def _arrivals_of_export(export: Export, ledger: pl.DataFrame) -> pl.DataFrame:
    """Return the ledger's rows of the same file or query, oldest first."""
    same = (pl.col("table") == export.table.name) & (pl.col("source") == export.source) & (pl.col("path") == export.path)
    return ledger.filter(same)


def is_unchanged(context: IntakeContext, export: Export) -> bool:
    """Return whether a file has the size and time of its last arrival; always False for a query, which has to be read."""
    newest = _arrivals_of_export(export, context.ledger).tail(1)
    if export.location is None or newest.is_empty() or (export.table.name, export.source) in context.reread:
        return False
    last_arrival = newest.row(0, named=True)
    return bool(last_arrival["size_bytes"] == export.size_bytes and last_arrival["modified_ns"] == export.modified_ns)


@dataclass(frozen=True)
class MappedExport:
    """One export that was read and mapped, ready for validation.

    Args:
        export: The file or query.
        content_hash: The hash of the content that was read.
        arrival_id: Its id in the ledger.
        watermark: The newest value read so far; None without a watermark.
        rows_read: Rows of the export.
        left_out: Rows removed by the source's filter or because of an erasure.
        written: The mapped rows as they were written.
        rejects: Rows with a required value that does not cast: `row_no`, `rules`.
        blanked: Other rows with an optional value that does not cast: `row_no`, `rules`.
        rows: The mapped rows without rejects, with keys; what the rules validate.
        key_prefix: The prefix of the keys, or None.
        consent: As in `Arrival`.
        present: As in `Arrival`.
    """

    export: Export
    content_hash: str
    arrival_id: str
    watermark: str | None
    rows_read: int
    left_out: int
    written: pl.DataFrame
    rejects: pl.DataFrame
    blanked: pl.DataFrame
    rows: pl.DataFrame
    key_prefix: str | None
    consent: pl.DataFrame
    present: pl.Series | None


def read_export(context: IntakeContext, export: Export) -> MappedExport | None:
    """Read and map one export; return None when its content is that of its last arrival, or a query returned no new row.

    Raises:
        ConfigurationError: A path, a column or an expression is wrong, or a source with `watermark` maps no key.
        DataError: The export cannot be read, or many of its ids were rounded.
        OutsideServiceError: A database did not answer.
    """
    content = _read_new(context, export)
    if content is None:
        return None
    table = export.table
    mapped = map_rows(content.rows, export, timezone=context.settings.community.timezone)
    stop_where_many_are_rounded(mapped.rounded_ids, rows=mapped.rows.height, name=export.name)
    is_derived = table.key not in mapped.rows.columns
    if is_derived and not table.identity and export.settings.watermark is not None:
        raise ConfigurationError(
            f"{export.name}: a source with `watermark` must map {table.key}",
            remedy="Without ids a row that comes again cannot be told from one that is new: map it, or leave `watermark` out.",
        )
    mapped = leave_out(mapped, table=table, erased=context.erased)
    prefix = key_prefix(export, context.ledger, is_derived=is_derived)
    castable = mapped.rows.join(mapped.rejects, on=ROW_NO, how="anti")
    keyed = _resolve_references(with_keys(castable, table=table, prefix=prefix), context, table)
    return MappedExport(
        export=export,
        content_hash=content.content_hash,
        arrival_id=content.arrival_id,
        watermark=content.watermark,
        rows_read=mapped.rows_read,
        left_out=mapped.left_out,
        written=mapped.written,
        rejects=mapped.rejects,
        blanked=mapped.blanked,
        # Only now: a derived key is a hash of the row, and must stay what it was before somebody in the row was erased.
        rows=without_names(keyed, table=table, erased=context.erased),
        key_prefix=prefix,
        consent=statements(mapped.rows if table.name == "members" else pl.DataFrame(), only_refusals=export.is_superseded),
        present=_snapshot_keys(mapped, keyed, export, prefix),
    )


@dataclass(frozen=True)
class _Content:
    """What was read of an export; the fields are described in `MappedExport`."""

    rows: pl.DataFrame
    content_hash: str
    arrival_id: str
    watermark: str | None


def _read_new(context: IntakeContext, export: Export) -> _Content | None:
    """Read an export; return None when there is nothing new in it."""
    earlier = _arrivals_of_export(export, context.ledger)
    is_reread = (export.table.name, export.source) in context.reread
    # To read again means from the beginning, as if there had been no arrival.
    watermark = _stored_watermark(export, earlier.clear() if is_reread else earlier)
    rows, content_hash = export.read(since=None if watermark is None else watermark.since)
    if watermark is not None and rows.is_empty():
        return None
    # The newest arrival alone counts: a file that was corrected and then set back has to land again.
    if earlier.height and earlier["content_hash"][-1] == content_hash and not is_reread:
        return None
    # Such a file has the content of an earlier arrival. Their count keeps the ids of the two arrivals apart.
    times_before = int((earlier["content_hash"] == content_hash).sum())
    identity = f"{export.table.name}\x1f{export.source}\x1f{export.path}\x1f{content_hash}\x1f{times_before}"
    arrival_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
    read_until = None if watermark is None else watermark.after(rows, now=context.now, name=export.name)
    return _Content(rows, content_hash, arrival_id, read_until)


def _resolve_references(rows: pl.DataFrame, context: IntakeContext, table: Table) -> pl.DataFrame:
    """Translate references to tables with source-specific keys into the keys of the lake."""
    resolved = [
        resolve(pl.col(column), context.names[referred])
        for column, referred in table.references.items()
        if column in rows.columns and referred in context.names
    ]
    return rows.with_columns(resolved)


def _snapshot_keys(mapped: Mapped, keyed: pl.DataFrame, export: Export, prefix: str | None) -> pl.Series | None:
    """Return the keys of all rows of a snapshot, bad rows included; None for other exports.

    A record whose row breaks a rule today has not vanished from the source, so it must not be retired.
    """
    if export.settings.mode != "snapshot":
        return None
    key = export.table.key
    if key not in mapped.rows.columns:
        return keyed[key]
    keys = mapped.rows.select(pl.col(key) if prefix is None else prefixed(pl.col(key), prefix))
    # A row without a key matches no landed record.
    return keys[key].drop_nulls().unique()


def _stored_watermark(export: Export, earlier: pl.DataFrame) -> Watermark | None:
    """Return how far the same query was read before; None for a source without a watermark."""
    column = export.settings.watermark
    values = earlier["watermark"].drop_nulls()
    return None if column is None else Watermark(column, export.settings.overlap, None if values.is_empty() else values[-1])


def in_validation_batches(exports: Iterable[MappedExport], *, most_rows: int) -> Iterator[list[MappedExport]]:
    """Group consecutive exports with the same columns into batches of at most `most_rows` rows.

    Starting a validation costs more than validating a small file, so that small files share one. A batch that is full is
    yielded before the next export is read, so that at most one batch is in memory.

    Args:
        exports: Exports of one table, read lazily.
        most_rows: Limit on the rows of a batch; a larger export is a batch of its own.
    """
    batch: list[MappedExport] = []
    rows = 0
    for export in exports:
        if batch and (export.rows.columns != batch[0].rows.columns or rows + export.rows.height > most_rows):
            yield batch
            batch, rows = [], 0
        batch.append(export)
        rows += export.rows.height
        if rows >= most_rows:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def validate_exports(context: IntakeContext, exports: list[MappedExport], *, arrivals_before: int) -> Iterator[Arrival]:
    """Validate exports of one table with the same columns together; yield one arrival per export, in order.

    Args:
        context: What all exports of the intake share.
        exports: At least one. The list is emptied, so that no export's rows stay in memory longer than needed.
        arrivals_before: How many arrivals of the night come before these.
    """
    table = exports[0].export.table
    results = validate(
        table,
        [mapped.rows for mapped in exports],
        references=context.known,
        now=context.now,
        future_tolerance=timedelta(minutes=context.settings.validation.future_tolerance_minutes),
        rows_per_chunk=context.budget.validated_rows,
    )
    first = context.next_sequence + arrivals_before
    for sequence in range(first, first + len(exports)):
        yield _arrival(context, exports.pop(0), results.pop(0), sequence)


def _arrival(context: IntakeContext, mapped: MappedExport, validated: ValidationResult, sequence: int) -> Arrival:
    """Build the arrival of one validated export, and put its good records into the spool."""
    export, table = mapped.export, mapped.export.table
    records = without_erased_author(as_records(validated.good, table=table, timezone=context.settings.community.timezone))
    retained = _within_retention(records, after=context.kept_after.get(table.name))
    bad = pl.concat([mapped.rejects, validated.bad]).sort(ROW_NO)
    # A row can be blanked and then break a rule: it is quarantined whole, and must not be reported as a blanked row, too.
    blanked = mapped.blanked.join(validated.bad, on=ROW_NO, how="anti", maintain_order="left")
    # Nothing of a snapshot lands once a newer one has superseded it; its records count as replaced.
    landing = retained.clear() if export.is_superseded else retained
    facts = _ledger_row(context, mapped, sequence) | {
        "left_out": mapped.left_out + records.height - retained.height,
        "merged": validated.good.height - records.height,
        "replaced": retained.height - landing.height,
        "quarantined": bad.height,
    }
    return Arrival(
        export=export,
        facts=facts,
        records=context.spool.keep(with_provenance(landing, facts, at=context.now)),
        bad=_as_quarantine_rows(mapped.written, bad, facts),
        outcomes=with_file_names((*cast_outcomes(mapped.written, mapped.rejects, blanked), *validated.outcomes), export.path),
        consent=mapped.consent,
        present=mapped.present,
    )


def _ledger_row(context: IntakeContext, mapped: MappedExport, sequence: int) -> dict[str, Any]:
    """Return the ledger's row of an arrival before its rows are counted; landing fills in the last counts."""
    export = mapped.export
    return {
        "arrival_id": mapped.arrival_id,
        "table": export.table.name,
        "source": export.source,
        "path": export.path,
        "content_hash": mapped.content_hash,
        "size_bytes": export.size_bytes,
        "modified_ns": export.modified_ns,
        "arrived_at": context.now,
        # The night may depend on the data and is resolved only when all tables are read.
        "as_of": None,
        "sequence": sequence,
        "rows_read": mapped.rows_read,
        "left_out": 0,
        "merged": 0,
        "added": 0,
        "replaced": 0,
        "quarantined": 0,
        "landed": 0,
        "retired": 0,
        "key_prefix": mapped.key_prefix,
        "watermark": mapped.watermark,
    }


def with_provenance(records: pl.DataFrame, arrival: Mapping[str, Any], *, at: datetime) -> pl.DataFrame:
    """Add to records which arrival they belong to: source, file, arrival id and `sequence`, and when they were ingested.

    Args:
        records: One row per record.
        arrival: The arrival's row of the ledger.
        at: The clock at ingestion.
    """
    return records.with_columns(
        ingested_at=pl.lit(at).cast(TIMESTAMP),
        source=pl.lit(arrival["source"]),
        source_file=pl.lit(arrival["path"]),
        arrival_id=pl.lit(arrival["arrival_id"]),
        **{SEQUENCE: pl.lit(arrival["sequence"], dtype=pl.Int64)},
    )


def without_erased_author(records: pl.DataFrame) -> pl.DataFrame:
    """Replace the placeholder for erased authors with null, since the rules are done with it.

    Content must have an author to be valid; content of an erased member is validated with the placeholder.
    """
    if "author_id" not in records.columns:
        return records
    return records.with_columns(author_id=pl.when(pl.col("author_id") != ERASED_AUTHOR).then("author_id"))


def _within_retention(records: pl.DataFrame, *, after: date | None) -> pl.DataFrame:
    """Remove records of days that retention has removed already, which an old export would bring back."""
    return records if after is None else records.filter(pl.col(DAY) > after)


def _as_quarantine_rows(written: pl.DataFrame, rules: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    values = rows_as_json(written, rules[ROW_NO])
    return (
        rules.join(values, on=ROW_NO, how="left")
        .with_columns(
            pl.format("{}-{}", pl.lit(facts["arrival_id"]), pl.col(ROW_NO)).alias("quarantine_id"),
            *(pl.lit(facts[column]).alias(column) for column in ("arrival_id", "table", "source", "path")),
            # Filled in at landing, like the ledger's `as_of`.
            pl.lit(None, dtype=pl.Date).alias("as_of"),
            pl.lit(facts["arrived_at"]).cast(TIMESTAMP).alias("quarantined_at"),
            pl.lit(OPEN).alias("status"),
        )
        .select(pl.col(column).cast(dtype) for column, dtype in QUARANTINE_SCHEMA.items())
    )
