"""Landing in the night: each table in the way its sources say, and every row accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import polars as pl

from expectations.table_checks import Finding
from lake.arrivals import MEMBERS_PARTS, has_refusals_by_source, move_counts
from lake.contracts import MINOR_UNITS_PER_UNIT, TABLES, Table
from lake.landing import REPLACEMENTS, SEQUENCE, Landed, land_batches
from lake.record_parts import BY_FILE, BY_SOURCE, Composition, land_parts, read_parts, retire_parts, sources_of_parts
from lake.refusals import read_refusals, update_refusals
from lake.retired import record_retired, records_of_source, retire
from lake.sources.source_identity import Source
from lake.storage.delta import Lake
from pipeline.intake.reading import Arrival
from pipeline.intake.spool import Spool, Spooled
from wording import numbers as words

_COUNTS: Final = ("landed", "added", "replaced", "retired")
_PAIRS_SHOWN: Final = 3


class Landing:
    """One night's landing, table by table.

    Args:
        lake: The lake, with everything recorded.
        sources: Table → its configured sources.
        spool: Where the records wait.
        ledger: One row per arrival, tonight's included; kept up to date.
        now: The clock at ingestion.
        as_of: The night.
    """

    def __init__(
        self,
        lake: Lake,
        sources: Mapping[str, Sequence[Source]],
        spool: Spool,
        ledger: pl.DataFrame,
        *,
        now: datetime,
        as_of: date,
    ) -> None:
        self.lake = lake
        self.sources = sources
        self.spool = spool
        self.ledger = ledger
        self.now = now
        self.as_of = as_of
        self._read_again = _read_again(ledger)
        self.replacements: list[pl.DataFrame] = [pl.DataFrame(schema=dict(REPLACEMENTS))]

    def land(self, table: Table, arrivals: Sequence[Arrival]) -> None:
        """Land tonight's arrivals of one table, then retire what its newest snapshots lack."""
        # In a lake of an earlier release the refusals stand in the rows that are about to be replaced.
        refusals = read_refusals(self.lake, self.ledger) if table.name == "members" else None
        for composition in (None, BY_SOURCE, BY_FILE):
            mine = [arrival for arrival in arrivals if self._composition(table, arrival) is composition]
            records, sources = [arrival.records for arrival in mine], {arrival.export.source for arrival in mine}
            if composition is None and records:
                self._count(land_batches(self.lake, table, self._batches(table, records)))
            elif composition is not None:
                for batch in self._batches(table, records):
                    self._count(
                        land_parts(self.lake, composition, batch, ledger=self.ledger, order=self._order(table), sources=sources)
                    )
        if refusals is not None:
            self._hear(arrivals, refusals)
        for arrival in arrivals:
            if arrival.present is not None and not arrival.export.is_superseded:
                self._retire(table, arrival, arrival.present)

    def _batches(self, table: Table, records: Sequence[Spooled]) -> Iterator[pl.DataFrame]:
        """Take records out of the spool, but for those that a file read once more has brought before: what came since stays."""
        again = self.ledger.filter(pl.col("arrival_id").is_in(self._read_again), pl.col("table") == "members")["arrival_id"]
        if table.name != "members" or again.is_empty():
            yield from self.spool.batches(records)
            return
        places = self.ledger.lazy().select("arrival_id", "source")
        members = self.lake.scan_or_empty(table.name, table.landed_schema).select(table.key, "arrival_id")
        held = members.join(places, on="arrival_id").select(table.key, "source").collect()
        for batch in self.spool.batches(records):
            is_held = batch.filter(pl.col("arrival_id").is_in(again.implode())).join(held, on=[table.key, "source"], how="semi")
            self._count(Landed({}, dict(is_held.group_by("arrival_id").len().iter_rows()), 0))
            yield batch.join(is_held, on=[table.key, "arrival_id"], how="anti", maintain_order="left")

    def _composition(self, table: Table, arrival: Arrival) -> Composition | None:
        return composition_of(self.lake, table, is_alone=arrival.export.is_alone, lines=arrival.export.settings.lines)

    def _retire(self, table: Table, arrival: Arrival, present: pl.Series) -> None:
        source = arrival.export.source
        order = self._order(table)
        if self._composition(table, arrival) is BY_SOURCE:
            held = read_parts(self.lake, BY_SOURCE, self.ledger).filter(pl.col("source") == source)
            gone = held.filter(~pl.col(table.key).is_in(present.implode()))
            noted = gone.select(table.key, "source_file", "arrival_id")
            if gone.height:
                self._count(retire_parts(self.lake, BY_SOURCE, gone.select(BY_SOURCE.identity), ledger=self.ledger, order=order))
                held_now = self.lake.scan(table.name).select(table.key)
                noted = noted.lazy().join(held_now, on=table.key, how="anti").collect()
        else:
            mine = records_of_source(self.lake, table, self.ledger, source)
            noted = mine.filter(~pl.col(table.key).is_in(present.implode())).collect(engine="streaming")
            self._count(Landed({}, {}, 0, retired=retire(self.lake, table, noted)))
        if noted.height:
            record_retired(self.lake, table, noted, by=arrival.facts, at=self.now, as_of=self.as_of)

    def _hear(self, arrivals: Sequence[Arrival], refusals: pl.DataFrame) -> None:
        said = [
            arrival.consent.with_columns(
                source=pl.lit(arrival.export.source),
                arrival_id=pl.lit(arrival.facts["arrival_id"]),
                said_at=pl.lit(self.now),
                is_new=pl.lit(arrival.facts["arrival_id"] not in self._read_again),
                **{SEQUENCE: pl.lit(arrival.facts["sequence"], dtype=pl.Int64)},
            )
            for arrival in arrivals
        ]
        update_refusals(self.lake, pl.concat(said), previous=refusals)

    def _order(self, table: Table) -> list[str]:
        return [source.identity for source in self.sources[table.name]]

    def _count(self, landed: Landed) -> None:
        for count in _COUNTS:
            self.ledger = move_counts(self.ledger, count=count, changes=getattr(landed, count))
        self.replacements.append(landed.replacements)


def composition_of(lake: Lake, table: Table, *, is_alone: bool, lines: str) -> Composition | None:
    """How records of a source are made of parts; None where each is whole.

    Args:
        lake: The lake.
        table: The table the source feeds.
        is_alone: Whether the source is the table's only one.
        lines: What evenfall.toml says of its lines: `replace` or `add`.
    """
    if table.name == "members" and (not is_alone or lake.exists(MEMBERS_PARTS)):
        return BY_SOURCE
    return BY_FILE if lines == "add" else None


def to_reread(lake: Lake, ledger: pl.DataFrame, sources: Mapping[str, Sequence[Source]]) -> frozenset[tuple[str, str]]:
    """The tables and sources to read once more although their files have not changed.

    Members, of whom an earlier release did not keep which source had said what; and orders of which the lines add up since
    `lines = "add"` was said.
    """
    found: set[tuple[str, str]] = set()
    landed = set(ledger.select("table", "source").iter_rows())
    if not has_refusals_by_source(lake):
        found |= {pair for pair in landed if pair[0] == "members"}
    adding = {(source.table, source.identity) for source in sources.get("orders", ()) if source.settings.lines == "add"}
    if adding & landed:
        made_of_parts = sources_of_parts(lake, BY_FILE)
        found |= {pair for pair in adding & landed if pair[1] not in made_of_parts}
    return frozenset(found)


def _read_again(ledger: pl.DataFrame) -> frozenset[str]:
    """The arrivals that brought what the one before of the same file or query had brought."""
    before = pl.col("content_hash").shift(1).over("table", "source", "path", order_by="sequence")
    return frozenset(ledger.filter(pl.col("content_hash") == before)["arrival_id"])


def replaced_records(landing: Landing) -> tuple[Finding, ...]:
    """Say what replaced what, from which file, with another member, time or amount; one finding per table."""
    pairs = pl.concat(landing.replacements)
    places = landing.ledger.select("arrival_id", "table", "path")
    pairs = pairs.join(places.rename({"arrival_id": "earlier_id", "path": "earlier"}), on="earlier_id").join(
        places.select(later_id="arrival_id", later="path"), on="later_id"
    )
    return tuple(_finding(name, pairs.filter(pl.col("table") == name)) for name in TABLES if (pairs["table"] == name).any())


def _finding(table: str, pairs: pl.DataFrame) -> Finding:
    records = int(pairs["records"].sum())
    counts = {name: int(pairs[f"other_{name}"].sum()) for name in ("member", "time", "amount")}
    told = ", ".join(f"{count:,} with another {name}" for name, count in counts.items() if count)
    shown = "; ".join(
        _pair(row) for row in pairs.sort("records", "earlier", "later", descending=True).head(_PAIRS_SHOWN).to_dicts()
    )
    says = f"{table}: {words.count(records, 'record')} replaced by later ones of the same key, {told}: {shown}."
    return Finding(table, "replaced_by_another", "note", says, value=records, limit=0)


def _pair(row: Mapping[str, object]) -> str:
    what = "itself" if row["earlier"] == row["later"] else row["later"]
    return f"{row['records']:,} of {row['earlier']} by {what}, such as {', '.join(_example(row))}"


def _example(row: Mapping[str, object]) -> Iterator[str]:
    key, member = str(row["key"]), str(row["member"])
    yield "one whose key names a member" if member in key else f"key {key}"
    if row["amount_minor"] != row["amount_minor_later"]:
        yield f"amount {_money(row['amount_minor'])} → {_money(row['amount_minor_later'])}"
    if row["time"] != row["time_later"]:
        yield f"time {row['time']:%Y-%m-%d %H:%M} → {row['time_later']:%Y-%m-%d %H:%M}"
    if row["other_member"]:
        yield "another member"


def _money(minor: object) -> str:
    assert isinstance(minor, int)
    return f"{minor / MINOR_UNITS_PER_UNIT:,.2f}"
