"""Arrivals: exports are read, mapped and judged, small ones together, and their good records wait for landing."""

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
from lake.sources.mapping import ROW_NO, Mapped, map_export, rows_as_json
from lake.sources.watermarks import Watermark
from lake.storage.delta import DAY, Lake
from pipeline.erasure.register import ERASED_AUTHOR, ErasureRegister, leave_out, without_names
from pipeline.intake.cast_failures import cast_outcomes, from_file
from pipeline.intake.spool import Spool, Spooled
from runtime.memory import MemoryBudget
from runtime.settings import Settings


@dataclass(frozen=True)
class Arrival:
    """One new file or query result, judged but not landed.

    Args:
        export: Where it came from.
        facts: Its row of the ledger so far.
        records: What may land: the landed schema and `sequence`; kept by the spool.
        bad: What may not: rows of the quarantine.
        outcomes: What each rule found.
        consent: What it says of consent, as `lake.refusals.statements` has it.
        present: Of a snapshot the keys of all its rows, bad ones included; None for other exports.
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
    """What every export of one intake is judged by.

    Args:
        lake: The lake.
        settings: The configuration.
        now: The clock at ingestion.
        next_sequence: The place of the first arrival among all arrivals ever.
        erased: The register of erased members.
        kept_after: Table → the last day that has aged out of it.
        spool: Where good records wait for landing.
        budget: How much is judged at once.
        ledger: The ledger before tonight, its sources as they are called today.
        reread: Tables and sources that are read although their files have not changed.
        known: Referenced table → its keys; filled as the tables are judged.
        names: Referenced table of which a source has keys of its own → what references may call them.
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


def _earlier(export: Export, ledger: pl.DataFrame) -> pl.DataFrame:
    """The ledger's rows of the same file or query, oldest first."""
    same = (pl.col("table") == export.table.name) & (pl.col("source") == export.source) & (pl.col("path") == export.path)
    return ledger.filter(same)


def is_unchanged(context: IntakeContext, export: Export) -> bool:
    """Whether size and time of a file are those that were taken in last; a query has to be read to know."""
    newest = _earlier(export, context.ledger).tail(1)
    if export.location is None or newest.is_empty() or (export.table.name, export.source) in context.reread:
        return False
    held = newest.row(0, named=True)
    return bool(held["size_bytes"] == export.size_bytes and held["modified_ns"] == export.modified_ns)


@dataclass(frozen=True)
class MappedExport:
    """One export that was read and mapped, and is to be judged.

    Args:
        export: Where it came from.
        content_hash: Of what was read.
        arrival_id: Its name in the ledger.
        watermark: The newest value read so far; None without one.
        rows_read: As in `Mapped`, like the three below.
        left_out: Records the source's filter or an erasure leaves out.
        written: Its rows as they were written.
        rejects: Those with a required value that does not cast.
        blanked: Those with an optional value that does not cast, rejects aside.
        rows: The others, keyed, as the rules look at them.
        key_prefix: What stands before the keys, or None.
        consent: As in `Arrival`, like the one below.
        present: Keys of all rows of a snapshot.
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
    """Read and map one export; None when its content is what arrived last, or nothing is new."""
    earlier = _earlier(export, context.ledger)
    is_reread = (export.table.name, export.source) in context.reread
    known = _watermark(export, earlier.clear() if is_reread else earlier)
    rows, content_hash = export.read(since=None if known is None else known.since)
    if known is not None and rows.is_empty():
        return None
    if earlier.height and earlier["content_hash"][-1] == content_hash and not is_reread:
        return None
    # A file may come back as it once was: that is another arrival, told apart by how often this content has come before.
    times = int((earlier["content_hash"] == content_hash).sum())
    identity = f"{export.table.name}\x1f{export.source}\x1f{export.path}\x1f{content_hash}\x1f{times}"
    watermark = None if known is None else known.after(rows, now=context.now, name=export.name)
    zone = export.settings.timezone or context.settings.community.timezone
    mapped = map_export(rows, table=export.table, settings=export.settings, name=export.name, timezone=zone)
    stop_where_many_are_rounded(mapped.rounded_ids, rows=mapped.rows.height, name=export.name)
    if known is not None and export.table.key not in mapped.rows.columns:
        raise ConfigurationError(
            f"{export.name}: a source with `watermark` must map {export.table.key}",
            remedy="Without ids a row that comes again cannot be told from one that is new: map it, or leave `watermark` out.",
        )
    mapped = leave_out(mapped, table=export.table, erased=context.erased)
    prefix = key_prefix(export, context.ledger, is_derived=export.table.key not in mapped.rows.columns)
    castable = mapped.rows.join(mapped.rejects, on=ROW_NO, how="anti")
    keyed = _with_references(with_keys(castable, table=export.table, prefix=prefix), context, export.table)
    return MappedExport(
        export=export,
        content_hash=content_hash,
        arrival_id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        watermark=watermark,
        rows_read=mapped.rows_read,
        left_out=mapped.left_out,
        written=mapped.written,
        rejects=mapped.rejects,
        blanked=mapped.blanked,
        rows=without_names(keyed, table=export.table, erased=context.erased),
        key_prefix=prefix,
        consent=statements(mapped.rows if export.table.name == "members" else pl.DataFrame(), only_refusals=export.is_superseded),
        present=_present(mapped, keyed, export, prefix),
    )


def _with_references(rows: pl.DataFrame, context: IntakeContext, table: Table) -> pl.DataFrame:
    """Let references to tables of which a source has keys of its own find them."""
    resolved = [
        resolve(pl.col(column), context.names[referred])
        for column, referred in table.references.items()
        if column in rows.columns and referred in context.names
    ]
    return rows.with_columns(resolved)


def _present(mapped: Mapped, keyed: pl.DataFrame, export: Export, prefix: str | None) -> pl.Series | None:
    """The keys of all rows of a snapshot: a row that breaks a rule is there all the same, and its record is not retired."""
    if export.settings.mode != "snapshot":
        return None
    key = export.table.key
    if key not in mapped.rows.columns:
        return keyed[key]
    keys = mapped.rows.select(pl.col(key) if prefix is None else prefixed(pl.col(key), prefix))
    return keys[key].drop_nulls().unique()


def _watermark(export: Export, earlier: pl.DataFrame) -> Watermark | None:
    """How far the same query was read before; None for a source that is read whole."""
    column = export.settings.watermark
    held = earlier["watermark"].drop_nulls()
    return None if column is None else Watermark(column, export.settings.overlap, None if held.is_empty() else held[-1])


def in_validation_batches(exports: Iterable[MappedExport], *, most_rows: int) -> Iterator[list[MappedExport]]:
    """Put exports of one table that follow each other and have the same columns together, up to so many rows.

    A large one is handed on before the next is read.
    """
    together: list[MappedExport] = []
    rows = 0
    for one in exports:
        if together and (one.rows.columns != together[0].rows.columns or rows + one.rows.height > most_rows):
            yield together
            together, rows = [], 0
        together.append(one)
        rows += one.rows.height
        if rows >= most_rows:
            yield together
            together, rows = [], 0
    if together:
        yield together


def validate_exports(context: IntakeContext, exports: list[MappedExport], *, place: int) -> Iterator[Arrival]:
    """Judge exports of one table and the same columns at once.

    Args:
        context: What all intake of the night shares.
        exports: At least one; emptied, so that no export's rows are held longer than needed.
        place: The place of the first among the night's arrivals.
    """
    table = exports[0].export.table
    verdicts = validate(
        table,
        [read.rows for read in exports],
        references=context.known,
        now=context.now,
        future_tolerance=timedelta(minutes=context.settings.validation.future_tolerance_minutes),
        rows_per_chunk=context.budget.validated_rows,
    )
    for sequence in range(context.next_sequence + place, context.next_sequence + place + len(exports)):
        yield _arrival(context, exports.pop(0), verdicts.pop(0), sequence)


def _arrival(context: IntakeContext, read: MappedExport, verdict: ValidationResult, sequence: int) -> Arrival:
    export = read.export
    records = authorless(as_records(verdict.good, table=export.table, timezone=context.settings.community.timezone))
    kept = _still_kept(records, after=context.kept_after.get(export.table.name))
    rules = pl.concat([read.rejects, verdict.bad]).sort(ROW_NO)
    blanked = read.blanked.join(verdict.bad, on=ROW_NO, how="anti", maintain_order="left")
    # Of a snapshot that a newer one has taken the place of nothing lands.
    replaced = kept.height if export.is_superseded else 0
    facts = {
        "arrival_id": read.arrival_id,
        "table": export.table.name,
        "source": export.source,
        "path": export.path,
        "content_hash": read.content_hash,
        "size_bytes": export.size_bytes,
        "modified_ns": export.modified_ns,
        "arrived_at": context.now,
        "as_of": None,
        "sequence": sequence,
        "rows_read": read.rows_read,
        "left_out": read.left_out + records.height - kept.height,
        "merged": verdict.good.height - records.height,
        "added": 0,
        "replaced": replaced,
        "quarantined": rules.height,
        "landed": 0,
        "retired": 0,
        "key_prefix": read.key_prefix,
        "watermark": read.watermark,
    }
    stamped = kept.head(kept.height - replaced).with_columns(
        ingested_at=pl.lit(context.now).cast(TIMESTAMP),
        source=pl.lit(export.source),
        source_file=pl.lit(export.path),
        arrival_id=pl.lit(read.arrival_id),
        **{SEQUENCE: pl.lit(sequence, dtype=pl.Int64)},
    )
    return Arrival(
        export=export,
        facts=facts,
        records=context.spool.keep(stamped),
        bad=_quarantine_rows(read.written, rules, facts),
        outcomes=from_file((*cast_outcomes(read.written, read.rejects, blanked), *verdict.outcomes), export.path),
        consent=read.consent,
        present=read.present,
    )


def authorless(records: pl.DataFrame) -> pl.DataFrame:
    """Let content of erased members land without its author."""
    if "author_id" not in records.columns:
        return records
    return records.with_columns(author_id=pl.when(pl.col("author_id") != ERASED_AUTHOR).then("author_id"))


def _still_kept(records: pl.DataFrame, *, after: date | None) -> pl.DataFrame:
    """Leave out what has aged out already: an old export does not bring it back."""
    return records if after is None else records.filter(pl.col(DAY) > after)


def _quarantine_rows(written: pl.DataFrame, rules: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    values = rows_as_json(written, rules[ROW_NO])
    return (
        rules.join(values, on=ROW_NO, how="left")
        .with_columns(
            pl.format("{}-{}", pl.lit(facts["arrival_id"]), pl.col(ROW_NO)).alias("quarantine_id"),
            *(pl.lit(facts[column]).alias(column) for column in ("arrival_id", "table", "source", "path")),
            pl.lit(None, dtype=pl.Date).alias("as_of"),
            pl.lit(facts["arrived_at"]).cast(TIMESTAMP).alias("quarantined_at"),
            pl.lit(OPEN).alias("status"),
        )
        .select(pl.col(column).cast(dtype) for column, dtype in QUARANTINE_SCHEMA.items())
    )
