"""Checks on keys: the same key from two sources for different records, and snapshots that lack too many landed records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from expectations.table_checks import Finding
from lake.contracts import MEMBERS_PARTS, PROVENANCE, TABLES, Table
from lake.landing import SEQUENCE, scan_days_with_keys
from lake.record_parts import BY_SOURCE, read_parts
from lake.retired import records_of_source
from lake.sources.source_identity import identify
from pipeline.intake.reading import Arrival, IntakeContext

_EXAMPLES: Final = 3
# A sequence below all of tonight's, so that landed records sort first and the newest of a source is tonight's.
_BEFORE_TONIGHT: Final = -1


def check_key_conflicts(context: IntakeContext, arrivals: Sequence[Arrival]) -> tuple[Finding, ...]:
    """Find tables of which two sources bring the same key for different records, without `keys` set on either.

    At most one finding per table, of severity `stop`. Members are exempt: their sources describe the same people by design.
    """
    findings: list[Finding] = []
    for name, table in TABLES.items():
        table_arrivals = [arrival for arrival in arrivals if arrival.export.table.name == name]
        if name == "members" or not table_arrivals or not _has_several_sources(context, table, table_arrivals):
            continue
        findings += _check_table_keys(context, table, table_arrivals)
    return tuple(findings)


def check_snapshots(context: IntakeContext, arrivals: Sequence[Arrival]) -> tuple[Finding, ...]:
    """Find snapshots that are empty, or lack a larger share of their source's landed records than `max_retired_share`.

    At most one finding per arrival, of severity `stop`. A wrong export would otherwise retire good records.
    """
    newest = [arrival for arrival in arrivals if arrival.present is not None and not arrival.export.is_superseded]
    return tuple(finding for arrival in newest if (finding := _check_snapshot(context, arrival)) is not None)


def _has_several_sources(context: IntakeContext, table: Table, arrivals: Sequence[Arrival]) -> bool:
    # The ledger, not the configuration: a source that was removed still has records in the lake.
    ledger_sources = set(context.ledger.filter(pl.col("table") == table.name)["source"])
    return len(ledger_sources | {arrival.export.source for arrival in arrivals}) > 1


def _check_table_keys(context: IntakeContext, table: Table, arrivals: Sequence[Arrival]) -> tuple[Finding, ...]:
    shared = _shared_sources(context, table)
    frames = pl.concat([arrival.records.frame for arrival in arrivals])
    conflicts = []
    # Share by share, so that memory holds the keys of one share and not those of a first load.
    for share in context.spool.shares([arrival.records for arrival in arrivals], table.key):
        tonight = _digests(frames.filter(share), table)
        keys = tonight.select(table.key).collect()[table.key].unique()
        candidates = scan_days_with_keys(context.lake, table, keys).with_columns(
            pl.lit(_BEFORE_TONIGHT, dtype=pl.Int64).alias(SEQUENCE)
        )
        landed = _digests(candidates, table)
        # The scan returns whole days of the lake; only the records whose key also arrived tonight are compared.
        records = pl.concat([landed.join(keys.to_frame().lazy(), on=table.key, how="semi"), tonight]).collect(engine="streaming")
        conflicts.append(_conflicting_records(records, table, _arrival_sources(context, table, arrivals), shared))
    return _key_finding(context, table, pl.concat(conflicts), frames)


def _shared_sources(context: IntakeContext, table: Table) -> set[str]:
    sources = identify(table.name, context.settings.table_sources(table.name))
    return {source.identity for source in sources if source.settings.whose_keys == "shared"}


def _digests(records: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """Return key, arrival, `sequence` and a content hash (`digest`) of each record.

    Hashes are compared instead of columns: a conflict check over millions of records then reads three narrow columns. The
    hash is only ever compared within one process, so it need not be stable across Polars versions.
    """
    content = [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
    return records.select(table.key, "arrival_id", SEQUENCE, digest=pl.struct(content).hash(seed=0))


def _arrival_sources(context: IntakeContext, table: Table, arrivals: Sequence[Arrival]) -> pl.DataFrame:
    tonight = pl.DataFrame(
        {
            "arrival_id": [arrival.facts["arrival_id"] for arrival in arrivals],
            "source": [arrival.export.source for arrival in arrivals],
            "path": [arrival.export.path for arrival in arrivals],
        }
    )
    before = context.ledger.filter(pl.col("table") == table.name).select("arrival_id", "source", "path")
    return pl.concat([before.join(tonight, on="arrival_id", how="anti"), tonight])


def _conflicting_records(records: pl.DataFrame, table: Table, sources: pl.DataFrame, shared: set[str]) -> pl.DataFrame:
    """Return the records in conflict: one row per key and source, columns `key`, `source`, `path`, sorted by key.

    Compared is the newest record of each source: an older one may have been corrected since.
    """
    # Sources with keys = "shared" describe the same records: there the later one replaces the earlier by intent.
    of_sources = records.join(sources, on="arrival_id").filter(~pl.col("source").is_in(sorted(shared)))
    newest = of_sources.sort(SEQUENCE, table.key).unique([table.key, "source"], keep="last", maintain_order=True)
    is_conflict = pl.col("digest").n_unique().over(table.key) > 1
    return newest.filter(is_conflict).select(pl.col(table.key).alias("key"), "source", "path").sort("key", "source")


def _key_finding(context: IntakeContext, table: Table, conflicts: pl.DataFrame, frames: pl.LazyFrame) -> tuple[Finding, ...]:
    if conflicts.is_empty():
        return ()
    by_key = conflicts.group_by("key").agg("source", "path").sort("key")
    # With more than two sources, the message names those that have the most keys in common.
    pair = by_key.group_by("source").len().sort("len", "source", descending=True).row(0)[0]
    shown = by_key.head(_EXAMPLES)
    sources = " and ".join(repr(name) for name in pair)
    if table.identity:
        says = (
            f"{table.name}: the sources {sources} bring {by_key.height:,} values of the same {', '.join(table.identity)} that "
            f"differ, such as {'; '.join(', '.join(paths) for _, _, paths in shown.iter_rows())}."
        )
        return (Finding(table.name, "figures_of_one_source", "stop", says, value=by_key.height, limit=0),)
    naming = _keys_naming_members(context, table, frames, shown["key"])
    examples = [
        f"{'one that names a member' if key in naming else key} ({', '.join(paths)})" for key, _, paths in shown.iter_rows()
    ]
    says = (
        f"{table.name}: the sources {sources} bring {by_key.height:,} keys in common for "
        f'records that differ, such as {"; ".join(examples)}. Say keys = "own" under one of them where each counts for itself, '
        'or keys = "shared" where it is one record and the later takes the place of the earlier.'
    )
    return (Finding(table.name, "keys_of_one_source", "stop", says, value=by_key.height, limit=0),)


def _keys_naming_members(context: IntakeContext, table: Table, frames: pl.LazyFrame, keys: pl.Series) -> set[str]:
    """Return those of a few keys that contain the id of their member, which no message may show."""
    chosen = pl.col(table.key).is_in(keys.implode())
    landed = context.lake.scan_or_empty(table.name, table.landed_schema)
    rows = pl.concat([frame.filter(chosen).select(table.key, table.owner) for frame in (frames, landed)]).collect()
    return {key for key, member in rows.iter_rows() if member is not None and member in key}


def _check_snapshot(context: IntakeContext, arrival: Arrival) -> Finding | None:
    table, present = arrival.export.table, arrival.present
    assert present is not None
    if table.name == "members" and context.lake.exists(MEMBERS_PARTS):
        parts = read_parts(context.lake, BY_SOURCE, context.ledger)
        landed = parts.filter(pl.col("source") == arrival.export.source)[table.key]
    else:
        source_records = records_of_source(context.lake, table, context.ledger, arrival.export.source)
        landed = source_records.select(table.key).collect(engine="streaming")[table.key]
    # Keys, not row counts: a snapshot with as many new rows as missing ones has the same height.
    missing = landed.len() - int(landed.is_in(present.implode()).sum())
    limit = arrival.export.settings.max_retired_share
    if not landed.len() or (present.len() and missing <= limit * landed.len()):
        return None
    share = missing / landed.len()
    what = "is empty" if not present.len() else f"lacks {missing:,} of the {landed.len():,} records held ({share:.0%})"
    says = (
        f"{table.name}: the snapshot {arrival.export.name} {what}; at most {limit:.0%} may be retired at once. "
        "Ask for the export again, or raise `max_retired_share` of its source for this night."
    )
    return Finding(table.name, "snapshot_is_whole", "stop", says, value=share, limit=limit)
