"""Records made of parts: members whom several sources know, and orders whose lines come in several files.

Each source owns the columns it maps, so what it says of a member is kept apart from what others say; and lines that add up over
files are kept by file, so that a file sent again replaces its own lines alone. The landed table holds what the parts come to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake.arrivals import MEMBERS_PARTS, ORDERS_PARTS
from lake.contracts import MEMBERS, ORDERS, PROVENANCE, Table
from lake.landing import SEQUENCE, Landed, write_records
from lake.storage.delta import Lake

_RANK: Final = "rank"
_SOURCES: Final = "sources"


@dataclass(frozen=True)
class Composition:
    """How the records of a table are made of parts.

    Args:
        table: The table of the records.
        parts: Name of the table of the parts.
        part_of: What tells the parts of one record apart, beside its key.
    """

    table: Table
    parts: str
    part_of: tuple[str, ...]

    @property
    def identity(self) -> list[str]:
        """The columns that identify a part."""
        return [self.table.key, *self.part_of]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column → type of a part: a landed record and the place of its arrival."""
        return {**self.table.landed_schema, SEQUENCE: pl.Int64()}


BY_SOURCE: Final = Composition(MEMBERS, MEMBERS_PARTS, ("source",))
BY_FILE: Final = Composition(ORDERS, ORDERS_PARTS, ("source", "source_file"))


def read_parts(lake: Lake, composition: Composition, ledger: pl.DataFrame) -> pl.DataFrame:
    """One row per part, its `source` what the ledger calls it today."""
    parts = lake.scan_or_empty(composition.parts, composition.schema).collect()
    return _with_sources(parts, ledger)


def sources_of_parts(lake: Lake, composition: Composition) -> set[str]:
    """The sources whose records were landed as parts, as they were called then."""
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
    """Write tonight's parts, and the records that they and the parts held before come to.

    Args:
        lake: The lake.
        composition: How parts become records.
        records: One row per part that arrived tonight: the landed schema and `sequence`.
        ledger: One row per arrival, tonight's included.
        order: The sources of the table as evenfall.toml has them; of two that have a value, the later wins.
        sources: What the sources of the records go by, those that brought none included.

    Returns:
        The counts. A record counts as landed for the arrival of its earliest part, and as added for those of the others.
    """
    key = composition.table.key
    held = _seeded(lake, composition, ledger, sources=sources)
    newest = records.sort(SEQUENCE, key).unique(composition.identity, keep="last", maintain_order=True)
    overtaken = records.join(newest, on=[*composition.identity, SEQUENCE], how="anti")
    same, changed = _met(composition, held, newest)
    fresh = newest.join(same, on=composition.identity, how="anti").select(held.columns)
    after = pl.concat([held.join(changed, on=composition.identity, how="anti"), fresh])
    replaced = [overtaken.select("arrival_id"), same.select("arrival_id"), changed.select("arrival_id")]
    days = _write(lake, composition, after, keys=newest[key], order=order, sources=sources)
    counted = _changes(_counts(composition, held), _counts(composition, after))
    return Landed(landed=counted["landed"], added=counted["added"], replaced=_by_arrival(pl.concat(replaced)), days=len(days))


def retire_parts(
    lake: Lake, composition: Composition, gone: pl.DataFrame, *, ledger: pl.DataFrame, order: Sequence[str]
) -> Landed:
    """Take parts away, and the records of which nothing is left.

    Args:
        lake: The lake.
        composition: How parts become records.
        gone: One row per part to take away: the columns of its identity.
        ledger: One row per arrival, tonight's included.
        order: The sources of the table as evenfall.toml has them.

    Returns:
        The counts: `retired` for arrivals of parts that their records counted for, and who their records count for now.
    """
    held = read_parts(lake, composition, ledger)
    after = held.join(gone, on=composition.identity, how="anti")
    owners = _owners(composition, held).join(gone, on=composition.identity, how="semi")
    _write(lake, composition, after, keys=gone[composition.table.key], order=order)
    kept = _with_role(composition, held).join(gone, on=composition.identity, how="anti")
    counted = _changes(_tally(kept), _counts(composition, after))
    return Landed(landed=counted["landed"], added=counted["added"], replaced={}, days=0, retired=_by_arrival(owners))


def forget_parts(lake: Lake, composition: Composition, ledger: pl.DataFrame) -> dict[str, int]:
    """Take away the parts of records that are held no longer, as after an erasure or a keeping time.

    Args:
        lake: The lake.
        composition: How parts become records.
        ledger: One row per arrival.

    Returns:
        Arrival → how many of its parts were counted as added, and are gone.
    """
    if not lake.exists(composition.parts):
        return {}
    key = composition.table.key
    held = _with_role(composition, read_parts(lake, composition, ledger))
    records = lake.scan_or_empty(composition.table.name, composition.table.landed_schema).select(key)
    kept = held.join(records.collect(engine="streaming"), on=key, how="semi", maintain_order="left")
    if kept.height == held.height:
        return {}
    noted = lake.metadata(composition.parts) or None
    lake.replace(composition.parts, kept.select(list(composition.schema)), metadata=noted)
    return _tally(held.join(kept, on=composition.identity, how="anti"))["added"]


def _seeded(lake: Lake, composition: Composition, ledger: pl.DataFrame, *, sources: Collection[str]) -> pl.DataFrame:
    """The parts held; records from before their table was made of parts are a part each."""
    parts = read_parts(lake, composition, ledger)
    landed = lake.scan_or_empty(composition.table.name, composition.table.landed_schema)
    whole = landed.join(parts.lazy(), on=composition.table.key, how="anti").collect()
    whole = _with_sources(whole, ledger)
    if composition is BY_FILE:
        # Of orders only those of sources whose lines add up.
        whole = whole.filter(pl.col("source").is_in(sorted(sources)))
    places = ledger.select("arrival_id", SEQUENCE)
    seeds = whole.join(places, on="arrival_id", how="left").select(list(composition.schema))
    return pl.concat([parts.select(list(composition.schema)), seeds])


def _with_sources(rows: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """Let rows go by what the ledger calls the source of their arrival today."""
    named = rows.join(ledger.select("arrival_id", today="source"), on="arrival_id", how="left", maintain_order="left")
    return named.with_columns(source=pl.coalesce("today", "source")).drop("today")


def _met(composition: Composition, held: pl.DataFrame, newest: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tonight's parts that are held already, with their new arrival, and the held ones that are given up, with their old one."""
    content = _content(composition.table)
    both = held.join(newest, on=composition.identity, how="inner", suffix="_tonight")
    is_same = pl.all_horizontal(pl.col(column).eq_missing(pl.col(f"{column}_tonight")) for column in content)
    same, changed = both.filter(is_same), both.filter(~is_same)
    resent = same.with_columns(arrival_id=pl.col("arrival_id_tonight"))
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
    """Write the parts, and the records of the given keys that differ from what is held."""
    table = composition.table
    noted = lake.metadata(composition.parts).get("order")
    reordered = composition is BY_SOURCE and noted is not None and list(noted) != list(order)
    made_of_parts = sorted(sources_of_parts(lake, composition) | set(sources))
    touched = after if reordered else after.filter(pl.col(table.key).is_in(keys.implode()))
    lake.replace(composition.parts, after.sort(composition.identity), metadata={"order": list(order), _SOURCES: made_of_parts})
    composed = _compose(composition, touched, order)
    landed = lake.scan_or_empty(table.name, table.landed_schema)
    all_keys = pl.concat([keys, touched[table.key]]).unique()
    held = landed.join(all_keys.to_frame(table.key).lazy(), on=table.key, how="semi").collect()
    compared = [table.key, "arrival_id", *_content(table)]
    fresh = composed.join(held, on=compared, how="anti", nulls_equal=True)
    gone = held.join(composed, on=compared, how="anti", nulls_equal=True)
    return set(write_records(lake, table, fresh.select(list(table.landed_schema)), gone=gone))


def _compose(composition: Composition, parts: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """One row per record: its values, and where its earliest part came from."""
    table, key = composition.table, composition.table.key
    values = _content(table)
    if composition is BY_SOURCE:
        ranks = pl.col("source").replace_strict({source: n for n, source in enumerate(order)}, default=-1, return_dtype=pl.Int64)
        ranked = parts.with_columns(ranks.alias(_RANK)).sort(_RANK, SEQUENCE)
        told = [pl.col(column).drop_nulls().last() for column in values]
    else:
        assert table.time is not None
        ranked = parts.sort(table.time, SEQUENCE)
        first = [column for column in values if column != "amount_minor"]
        told = [pl.col("amount_minor").sum(), *(pl.col(column).drop_nulls().first() for column in first)]
    composed = ranked.group_by(key, maintain_order=True).agg(told)
    return composed.join(_owners(composition, parts).select(key, *PROVENANCE), on=key).select(list(table.landed_schema))


def _owners(composition: Composition, parts: pl.DataFrame) -> pl.DataFrame:
    """Of each record its earliest part: that with which it landed."""
    ordered = parts.sort(SEQUENCE, *composition.part_of)
    return ordered.unique(composition.table.key, keep="first", maintain_order=True)


def _with_role(composition: Composition, parts: pl.DataFrame) -> pl.DataFrame:
    owners = _owners(composition, parts).select(composition.identity).with_columns(role=pl.lit("landed"))
    return parts.join(owners, on=composition.identity, how="left").with_columns(pl.col("role").fill_null("added"))


def _counts(composition: Composition, parts: pl.DataFrame) -> dict[str, dict[str, int]]:
    return _tally(_with_role(composition, parts))


def _tally(parts: pl.DataFrame) -> dict[str, dict[str, int]]:
    return {role: _by_arrival(parts.filter(pl.col("role") == role)) for role in ("landed", "added")}


def _changes(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Role → arrival → by how much its count changed, unchanged ones left out."""
    changes: dict[str, dict[str, int]] = {}
    for role, counts in after.items():
        arrivals = sorted({*counts, *before[role]})
        moved = {arrival: counts.get(arrival, 0) - before[role].get(arrival, 0) for arrival in arrivals}
        changes[role] = {arrival: change for arrival, change in moved.items() if change}
    return changes


def _by_arrival(rows: pl.DataFrame) -> dict[str, int]:
    return dict(sorted(rows.group_by("arrival_id").len().iter_rows()))


def _content(table: Table) -> list[str]:
    return [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
