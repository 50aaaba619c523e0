"""Records composed of parts: members that several sources describe, and orders whose lines arrive in several files.

Each source owns the columns it maps, so its values of a member are stored separately from those of other sources. Order lines
that are summed across files are stored per file, so that a file sent again replaces only its own lines. The landed table has the
records composed of all parts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake.arrivals import ORDERS_PARTS
from lake.contracts import MEMBERS, MEMBERS_PARTS, ORDERS, PROVENANCE, Table
from lake.landing import SEQUENCE, Landed, write_records
from lake.storage.delta import Lake

_RANK: Final = "rank"
_SOURCES: Final = "sources"


@dataclass(frozen=True)
class Composition:
    """How the records of a table are composed of parts.

    Args:
        table: The table of the records.
        parts: Name of the table of the parts.
        part_of: The columns that identify a part within its record.
    """

    table: Table
    parts: str
    part_of: tuple[str, ...]

    @property
    def identity(self) -> list[str]:
        """Return the columns that identify a part: the record's key and `part_of`."""
        return [self.table.key, *self.part_of]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Return the schema of the parts: that of a landed record, and the `sequence` of the arrival."""
        return {**self.table.landed_schema, SEQUENCE: pl.Int64()}


BY_SOURCE: Final = Composition(MEMBERS, MEMBERS_PARTS, ("source",))
BY_FILE: Final = Composition(ORDERS, ORDERS_PARTS, ("source", "source_file"))


def read_parts(lake: Lake, composition: Composition, ledger: pl.DataFrame) -> pl.DataFrame:
    """Read the parts: one row per part, with the `source` as the ledger names it now.

    Args:
        lake: The lake.
        composition: How records are composed.
        ledger: One row per arrival.
    """
    parts = lake.scan_or_empty(composition.parts, composition.schema).collect()
    return _with_sources(parts, ledger)


def sources_of_parts(lake: Lake, composition: Composition) -> set[str]:
    """Return the sources whose records were landed as parts, by their names at that time."""
    return set(lake.metadata(composition.parts).get(_SOURCES, ()))


def land_parts(
    lake: Lake,
    composition: Composition,
    records: pl.DataFrame,
    *,
    ledger: pl.DataFrame,
    order: Sequence[str],
    sources: Collection[str],
) -> Landed:
    """Write tonight's parts, and the records composed of them and the earlier parts.

    Args:
        lake: The lake.
        composition: How records are composed.
        records: One row per part that arrived tonight: the landed schema and `sequence`.
        ledger: One row per arrival, tonight's included.
        order: The sources of the table in the order of evenfall.toml; where several have a value, the last one's is used.
        sources: The identities of the sources of the records, including sources without records tonight.

    Returns:
        The counts. A record counts as landed for the arrival of its earliest part, and as added for the arrivals of the others.
    """
    key = composition.table.key
    # Before the first landing of parts, plain records become parts here, so that they are not lost when the table is composed.
    stored = _stored_parts(lake, composition, ledger, sources=sources)
    newest = records.sort(SEQUENCE, key).unique(composition.identity, keep="last", maintain_order=True)
    superseded = records.join(newest, on=[*composition.identity, SEQUENCE], how="anti")
    unchanged, changed = _matching_parts(composition, stored, newest)
    fresh = newest.join(unchanged, on=composition.identity, how="anti").select(stored.columns)
    after = pl.concat([stored.join(changed, on=composition.identity, how="anti"), fresh])
    replaced = [superseded.select("arrival_id"), unchanged.select("arrival_id"), changed.select("arrival_id")]
    days = _write(lake, composition, after, keys=newest[key], order=order, sources=sources)
    # Counted as a difference of the whole table: a new earliest part changes the role of parts that did not arrive tonight.
    counted = _count_changes(_role_counts(composition, stored), _role_counts(composition, after))
    return Landed(landed=counted["landed"], added=counted["added"], replaced=_by_arrival(pl.concat(replaced)), days=len(days))


def retire_parts(
    lake: Lake, composition: Composition, removed: pl.DataFrame, *, ledger: pl.DataFrame, order: Sequence[str]
) -> Landed:
    """Remove parts, and the records without any part left.

    Args:
        lake: The lake.
        composition: How records are composed.
        removed: One row per part to remove: the columns of its identity.
        ledger: One row per arrival, tonight's included.
        order: The sources of the table in the order of evenfall.toml.

    Returns:
        The counts: `retired` for the arrivals whose removed parts counted as landed; `landed` and `added` where a remaining part
        is now the earliest one of its record.
    """
    stored = read_parts(lake, composition, ledger)
    after = stored.join(removed, on=composition.identity, how="anti")
    owners = _owners(composition, stored).join(removed, on=composition.identity, how="semi")
    _write(lake, composition, after, keys=removed[composition.table.key], order=order)
    # Roles before the removal, but without the removed parts: their arrivals count them as retired, not as a change of role.
    remaining = _with_role(composition, stored).join(removed, on=composition.identity, how="anti")
    counted = _count_changes(_count_by_role(remaining), _role_counts(composition, after))
    return Landed(landed=counted["landed"], added=counted["added"], replaced={}, days=0, retired=_by_arrival(owners))


def remove_orphaned_parts(lake: Lake, composition: Composition, ledger: pl.DataFrame) -> dict[str, int]:
    """Remove the parts of records that the lake no longer has, as after an erasure or a retention.

    Args:
        lake: The lake.
        composition: How records are composed.
        ledger: One row per arrival.

    Returns:
        Arrival → the number of its removed parts that counted as added.
    """
    if not lake.exists(composition.parts):
        return {}
    key = composition.table.key
    stored = _with_role(composition, read_parts(lake, composition, ledger))
    records = lake.scan_or_empty(composition.table.name, composition.table.landed_schema).select(key)
    remaining = stored.join(records.collect(engine="streaming"), on=key, how="semi", maintain_order="left")
    if remaining.height == stored.height:
        return {}
    metadata = lake.metadata(composition.parts) or None
    lake.replace(composition.parts, remaining.select(list(composition.schema)), metadata=metadata)
    return _count_by_role(stored.join(remaining, on=composition.identity, how="anti"))["added"]


def _stored_parts(lake: Lake, composition: Composition, ledger: pl.DataFrame, *, sources: Collection[str]) -> pl.DataFrame:
    """Return the stored parts, and records that landed before their table was composed of parts as one part each."""
    parts = read_parts(lake, composition, ledger)
    landed = lake.scan_or_empty(composition.table.name, composition.table.landed_schema)
    single_part_records = landed.join(parts.lazy(), on=composition.table.key, how="anti").collect()
    single_part_records = _with_sources(single_part_records, ledger)
    if composition is BY_FILE:
        # Only sources whose lines are summed across files have parts; orders of the others stay plain records.
        single_part_records = single_part_records.filter(pl.col("source").is_in(sorted(sources)))
    sequences = ledger.select("arrival_id", SEQUENCE)
    single_parts = single_part_records.join(sequences, on="arrival_id", how="left").select(list(composition.schema))
    return pl.concat([parts.select(list(composition.schema)), single_parts])


def _with_sources(rows: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `source` as the ledger names the source of their arrival now; sources can be renamed."""
    with_current_source = rows.join(
        ledger.select("arrival_id", today="source"), on="arrival_id", how="left", maintain_order="left"
    )
    return with_current_source.with_columns(source=pl.coalesce("today", "source")).drop("today")


def _matching_parts(composition: Composition, stored: pl.DataFrame, newest: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compare tonight's parts with the stored parts of the same identity.

    Returns:
        The parts with the same content, with tonight's arrival, and the stored parts with other content, with their arrival.
    """
    content = _content_columns(composition.table)
    pairs = stored.join(newest, on=composition.identity, how="inner", suffix="_tonight")
    is_same = pl.all_horizontal(pl.col(column).eq_missing(pl.col(f"{column}_tonight")) for column in content)
    unchanged, changed = pairs.filter(is_same), pairs.filter(~is_same)
    resent = unchanged.with_columns(arrival_id=pl.col("arrival_id_tonight"))
    return resent.select(*composition.identity, "arrival_id"), changed.select(*composition.identity, "arrival_id")


def _write(
    lake: Lake,
    composition: Composition,
    after: pl.DataFrame,
    *,
    keys: pl.Series,
    order: Sequence[str],
    sources: Collection[str] = (),
) -> set[object]:
    """Write the parts, and the records of the given keys that differ from the stored ones; returns the written days."""
    table = composition.table
    previous_order = lake.metadata(composition.parts).get("order")
    reordered = composition is BY_SOURCE and previous_order is not None and list(previous_order) != list(order)
    part_sources = sorted(sources_of_parts(lake, composition) | set(sources))
    # The order of the sources decides which value is used: after a change of it every record may differ.
    touched = after if reordered else after.filter(pl.col(table.key).is_in(keys.implode()))
    # The parts are written before the records; a run killed in between recorded neither, and the next run undoes both.
    lake.replace(composition.parts, after.sort(composition.identity), metadata={"order": list(order), _SOURCES: part_sources})
    composed = _compose(composition, touched, order)
    landed = lake.scan_or_empty(table.name, table.landed_schema)
    all_keys = pl.concat([keys, touched[table.key]]).unique()
    stored = landed.join(all_keys.to_frame(table.key).lazy(), on=table.key, how="semi").collect()
    # The arrival is compared too: a record with the same content may belong to another arrival after a removal.
    compared = [table.key, "arrival_id", *_content_columns(table)]
    fresh = composed.join(stored, on=compared, how="anti", nulls_equal=True)
    removed = stored.join(composed, on=compared, how="anti", nulls_equal=True)
    return set(write_records(lake, table, fresh.select(list(table.landed_schema)), removed=removed))


def _compose(composition: Composition, parts: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Return one row per record: the values composed of its parts, and the provenance of its earliest part."""
    table, key = composition.table, composition.table.key
    values = _content_columns(table)
    if composition is BY_SOURCE:
        ranks = pl.col("source").replace_strict({source: n for n, source in enumerate(order)}, default=-1, return_dtype=pl.Int64)
        # Sources that are no longer configured rank lowest: their values fill gaps only.
        ranked = parts.with_columns(ranks.alias(_RANK)).sort(_RANK, SEQUENCE)
        composed_values = [pl.col(column).drop_nulls().last() for column in values]
    else:
        assert table.time is not None
        # As within one file: the earliest line's time, and the first value of each other column.
        ranked = parts.sort(table.time, SEQUENCE)
        first = [column for column in values if column != "amount_minor"]
        composed_values = [pl.col("amount_minor").sum(), *(pl.col(column).drop_nulls().first() for column in first)]
    composed = ranked.group_by(key, maintain_order=True).agg(composed_values)
    return composed.join(_owners(composition, parts).select(key, *PROVENANCE), on=key).select(list(table.landed_schema))


def _owners(composition: Composition, parts: pl.DataFrame) -> pl.DataFrame:
    """Return each record's earliest part, for whose arrival it counts as landed."""
    ordered = parts.sort(SEQUENCE, *composition.part_of)
    return ordered.unique(composition.table.key, keep="first", maintain_order=True)


def _with_role(composition: Composition, parts: pl.DataFrame) -> pl.DataFrame:
    """Return the parts with `counts_as`: "landed" for each record's earliest part, "added" for the others."""
    owners = _owners(composition, parts).select(composition.identity).with_columns(counts_as=pl.lit("landed"))
    return parts.join(owners, on=composition.identity, how="left").with_columns(pl.col("counts_as").fill_null("added"))


def _role_counts(composition: Composition, parts: pl.DataFrame) -> dict[str, dict[str, int]]:
    return _count_by_role(_with_role(composition, parts))


def _count_by_role(parts: pl.DataFrame) -> dict[str, dict[str, int]]:
    return {role: _by_arrival(parts.filter(pl.col("counts_as") == role)) for role in ("landed", "added")}


def _count_changes(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return the change of each arrival's count by role; unchanged ones are left out."""
    changes: dict[str, dict[str, int]] = {}
    for role, counts in after.items():
        arrivals = sorted({*counts, *before[role]})
        differences = {arrival: counts.get(arrival, 0) - before[role].get(arrival, 0) for arrival in arrivals}
        changes[role] = {arrival: change for arrival, change in differences.items() if change}
    return changes


def _by_arrival(rows: pl.DataFrame) -> dict[str, int]:
    return dict(sorted(rows.group_by("arrival_id").len().iter_rows()))


def _content_columns(table: Table) -> list[str]:
    return [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
