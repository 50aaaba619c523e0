"""Judging keys: do two sources bring one key for different records, and does a snapshot lack too much of what is held?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from expectations.table_checks import Finding
from lake.arrivals import MEMBERS_PARTS
from lake.contracts import PROVENANCE, TABLES, Table
from lake.landing import SEQUENCE, scan_days_with_keys
from lake.record_parts import BY_SOURCE, read_parts
from lake.retired import records_of_source
from lake.sources.source_identity import identify
from pipeline.intake.reading import Arrival, IntakeContext

_EXAMPLES: Final = 3
_HELD_BEFORE: Final = -1


def check_key_conflicts(context: IntakeContext, arrivals: Sequence[Arrival]) -> tuple[Finding, ...]:
    """Stop where two sources of a table bring the same key for records that differ, and neither says how that is meant."""
    findings: list[Finding] = []
    for name, table in TABLES.items():
        mine = [arrival for arrival in arrivals if arrival.export.table.name == name]
        if name == "members" or not mine or not _several(context, table, mine):
            continue
        findings += _conflicts(context, table, mine)
    return tuple(findings)


def check_snapshots(context: IntakeContext, arrivals: Sequence[Arrival]) -> tuple[Finding, ...]:
    """Stop where a snapshot is empty, or lacks more of what its source has in the lake than it may."""
    newest = [arrival for arrival in arrivals if arrival.present is not None and not arrival.export.is_superseded]
    return tuple(finding for arrival in newest if (finding := _shrinks(context, arrival)) is not None)


def _several(context: IntakeContext, table: Table, arrivals: Sequence[Arrival]) -> bool:
    known = set(context.ledger.filter(pl.col("table") == table.name)["source"])
    return len(known | {arrival.export.source for arrival in arrivals}) > 1


def _conflicts(context: IntakeContext, table: Table, arrivals: Sequence[Arrival]) -> tuple[Finding, ...]:
    shared = _shared_sources(context, table)
    frames = pl.concat([arrival.records.frame for arrival in arrivals])
    found = []
    for share in context.spool.shares([arrival.records for arrival in arrivals], table.key):
        tonight = _digests(frames.filter(share), table)
        keys = tonight.select(table.key).collect()[table.key].unique()
        met = scan_days_with_keys(context.lake, table, keys).with_columns(pl.lit(_HELD_BEFORE, dtype=pl.Int64).alias(SEQUENCE))
        held = _digests(met, table)
        both = pl.concat([held.join(keys.to_frame().lazy(), on=table.key, how="semi"), tonight]).collect(engine="streaming")
        found.append(_differing(both, table, _sources(context, table, arrivals), shared))
    return _key_finding(context, table, pl.concat(found), frames)


def _shared_sources(context: IntakeContext, table: Table) -> set[str]:
    sources = identify(table.name, context.settings.table_sources(table.name))
    return {source.identity for source in sources if source.settings.whose_keys == "shared"}


def _digests(records: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """Key, arrival and a hash of the content of each record."""
    content = [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
    return records.select(table.key, "arrival_id", SEQUENCE, digest=pl.struct(content).hash(seed=0))


def _sources(context: IntakeContext, table: Table, arrivals: Sequence[Arrival]) -> pl.DataFrame:
    tonight = pl.DataFrame(
        {
            "arrival_id": [arrival.facts["arrival_id"] for arrival in arrivals],
            "source": [arrival.export.source for arrival in arrivals],
            "path": [arrival.export.path for arrival in arrivals],
        }
    )
    before = context.ledger.filter(pl.col("table") == table.name).select("arrival_id", "source", "path")
    return pl.concat([before.join(tonight, on="arrival_id", how="anti"), tonight])


def _differing(both: pl.DataFrame, table: Table, sources: pl.DataFrame, shared: set[str]) -> pl.DataFrame:
    """One row per key and source, of keys whose newest records of different sources differ: key, `source`, `path`."""
    named = both.join(sources, on="arrival_id").filter(~pl.col("source").is_in(sorted(shared)))
    newest = named.sort(SEQUENCE, table.key).unique([table.key, "source"], keep="last", maintain_order=True)
    is_conflict = pl.col("digest").n_unique().over(table.key) > 1
    return newest.filter(is_conflict).select(pl.col(table.key).alias("key"), "source", "path").sort("key", "source")


def _key_finding(context: IntakeContext, table: Table, conflicts: pl.DataFrame, frames: pl.LazyFrame) -> tuple[Finding, ...]:
    if conflicts.is_empty():
        return ()
    by_key = conflicts.group_by("key").agg("source", "path").sort("key")
    pair = by_key.group_by("source").len().sort("len", "source", descending=True).row(0)[0]
    shown = by_key.head(_EXAMPLES)
    named = _naming_members(context, table, frames, shown["key"])
    examples = [
        f"{'one that names a member' if key in named else key} ({', '.join(paths)})" for key, _, paths in shown.iter_rows()
    ]
    says = (
        f"{table.name}: the sources {' and '.join(repr(name) for name in pair)} bring {by_key.height:,} keys in common for "
        f'records that differ, such as {"; ".join(examples)}. Say keys = "own" under one of them where each counts for itself, '
        'or keys = "shared" where it is one record and the later takes the place of the earlier.'
    )
    return (Finding(table.name, "keys_of_one_source", "stop", says, value=by_key.height, limit=0),)


def _naming_members(context: IntakeContext, table: Table, frames: pl.LazyFrame, keys: pl.Series) -> set[str]:
    """Those of a few keys that hold the id of their member, which no message may show."""
    chosen = pl.col(table.key).is_in(keys.implode())
    held = context.lake.scan_or_empty(table.name, table.landed_schema)
    rows = pl.concat([frame.filter(chosen).select(table.key, table.owner) for frame in (frames, held)]).collect()
    return {key for key, member in rows.iter_rows() if member is not None and member in key}


def _shrinks(context: IntakeContext, arrival: Arrival) -> Finding | None:
    table, present = arrival.export.table, arrival.present
    assert present is not None
    if table.name == "members" and context.lake.exists(MEMBERS_PARTS):
        parts = read_parts(context.lake, BY_SOURCE, context.ledger)
        held = parts.filter(pl.col("source") == arrival.export.source)[table.key]
    else:
        mine = records_of_source(context.lake, table, context.ledger, arrival.export.source)
        held = mine.select(table.key).collect(engine="streaming")[table.key]
    lacking = held.len() - int(held.is_in(present.implode()).sum())
    most = arrival.export.settings.max_retired_share
    if not held.len() or (present.len() and lacking <= most * held.len()):
        return None
    what = (
        "is empty" if not present.len() else f"lacks {lacking:,} of the {held.len():,} records held ({lacking / held.len():.0%})"
    )
    says = (
        f"{table.name}: the snapshot {arrival.export.name} {what}; at most {most:.0%} may be retired at once. Ask for the export "
        "again, or raise `max_retired_share` of its source for this night."
    )
    return Finding(table.name, "snapshot_is_whole", "stop", says, value=lacking / held.len(), limit=most)
