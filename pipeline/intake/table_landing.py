"""Landing of a night's arrivals: write each table as its sources define it, and keep the ledger's row counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import polars as pl

from expectations.table_checks import Finding
from lake.arrivals import has_refusals_by_source, move_counts
from lake.contracts import MEMBERS_PARTS, MINOR_UNITS_PER_UNIT, TABLES, Table
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
    """The landing of one night, table by table.

    Args:
        lake: The lake, without anything that a killed run landed and did not record.
        sources: Table → its configured sources.
        spool: The spool that holds the arrivals' records.
        ledger: One row per arrival, tonight's included; its counts are updated as tables land.
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
        self._repeated_arrivals = _repeated_arrivals(ledger)
        # An empty frame first, so that a night without replacements has something to concatenate.
        self.replacements: list[pl.DataFrame] = [pl.DataFrame(schema=dict(REPLACEMENTS))]

    def land(self, table: Table, arrivals: Sequence[Arrival]) -> None:
        """Land tonight's arrivals of one table, then retire what its newest snapshots lack."""
        # Read before landing: in a lake of an earlier release the refusals are in the rows that are about to be replaced.
        refusals = read_refusals(self.lake, self.ledger) if table.name == "members" else None
        # A table may have sources of both kinds, such as orders whose lines add up beside whole orders: each in its own way.
        for composition in (None, BY_SOURCE, BY_FILE):
            chosen = [arrival for arrival in arrivals if self._composition(table, arrival) is composition]
            records, sources = [arrival.records for arrival in chosen], {arrival.export.source for arrival in chosen}
            if composition is None and records:
                self._count(land_batches(self.lake, table, self._batches(table, records)))
            elif composition is not None:
                for batch in self._batches(table, records):
                    self._count(
                        land_parts(self.lake, composition, batch, ledger=self.ledger, order=self._order(table), sources=sources)
                    )
        if refusals is not None:
            self._record_consent(arrivals, refusals)
        for arrival in arrivals:
            # Only after all arrivals have landed, and only for the newest snapshot: an older one lacks what came later.
            if arrival.present is not None and not arrival.export.is_superseded:
                self._retire(table, arrival, arrival.present)

    def _batches(self, table: Table, records: Sequence[Spooled]) -> Iterator[pl.DataFrame]:
        """Yield records from the spool, without those that a file read again has landed before.

        A file is read again unchanged after an upgrade. What other sources or files have landed since is newer than its content
        and must not be overwritten by it.
        """
        is_repeated = pl.col("arrival_id").is_in(self._repeated_arrivals) & (pl.col("table") == "members")
        repeated = self.ledger.filter(is_repeated)["arrival_id"]
        if table.name != "members" or repeated.is_empty():
            yield from self.spool.batches(records)
            return
        arrival_sources = self.ledger.lazy().select("arrival_id", "source")
        members = self.lake.scan_or_empty(table.name, table.landed_schema).select(table.key, "arrival_id")
        landed = members.join(arrival_sources, on="arrival_id").select(table.key, "source").collect()
        for batch in self.spool.batches(records):
            # Left out, but accounted for: the counting identity needs every row of the file, so these count as replaced.
            rows_again = batch.filter(pl.col("arrival_id").is_in(repeated.implode()))
            already_landed = rows_again.join(landed, on=[table.key, "source"], how="semi")
            self._count(Landed({}, dict(already_landed.group_by("arrival_id").len().iter_rows()), 0))
            yield batch.join(already_landed, on=[table.key, "arrival_id"], how="anti", maintain_order="left")

    def _composition(self, table: Table, arrival: Arrival) -> Composition | None:
        return composition_of(self.lake, table, is_alone=arrival.export.is_alone, lines=arrival.export.settings.lines)

    def _retire(self, table: Table, arrival: Arrival, present: pl.Series) -> None:
        """Retire the records of a source that are not in its snapshot; `present` holds the snapshot's keys."""
        source = arrival.export.source
        order = self._order(table)
        if self._composition(table, arrival) is BY_SOURCE:
            parts = read_parts(self.lake, BY_SOURCE, self.ledger).filter(pl.col("source") == source)
            # Parts of this source only: what other sources know of a member is not this snapshot's to retire.
            missing = parts.filter(~pl.col(table.key).is_in(present.implode()))
            retired = missing.select(table.key, "source_file", "arrival_id")
            if missing.height:
                parts_gone = missing.select(BY_SOURCE.identity)
                self._count(retire_parts(self.lake, BY_SOURCE, parts_gone, ledger=self.ledger, order=order))
                # A member whose other sources still have a part stays; only records without any part left are noted as retired.
                records_left = self.lake.scan(table.name).select(table.key)
                retired = retired.lazy().join(records_left, on=table.key, how="anti").collect()
        else:
            of_source = records_of_source(self.lake, table, self.ledger, source)
            retired = of_source.filter(~pl.col(table.key).is_in(present.implode())).collect(engine="streaming")
            self._count(Landed({}, {}, 0, retired=retire(self.lake, table, retired)))
        if retired.height:
            record_retired(self.lake, table, retired, by=arrival.facts, at=self.now, as_of=self.as_of)

    def _record_consent(self, arrivals: Sequence[Arrival], refusals: pl.DataFrame) -> None:
        statements = [
            arrival.consent.with_columns(
                source=pl.lit(arrival.export.source),
                arrival_id=pl.lit(arrival.facts["arrival_id"]),
                said_at=pl.lit(self.now),
                # A consent in a file that is read again is an old one: it must not lift a refusal that was recorded since.
                is_new=pl.lit(arrival.facts["arrival_id"] not in self._repeated_arrivals),
                **{SEQUENCE: pl.lit(arrival.facts["sequence"], dtype=pl.Int64)},
            )
            for arrival in arrivals
        ]
        update_refusals(self.lake, pl.concat(statements), previous=refusals)

    def _order(self, table: Table) -> list[str]:
        return [source.identity for source in self.sources[table.name]]

    def _count(self, landed: Landed) -> None:
        # Counts of earlier arrivals move, too: a replaced record no longer counts as landed for the arrival that brought it.
        for count in _COUNTS:
            self.ledger = move_counts(self.ledger, count=count, changes=getattr(landed, count))
        self.replacements.append(landed.replacements)


def composition_of(lake: Lake, table: Table, *, is_alone: bool, lines: str) -> Composition | None:
    """Return how the records of a source are composed of parts; None where each row is a whole record.

    Args:
        lake: The lake.
        table: The table that the source feeds.
        is_alone: Whether the source is the table's only one.
        lines: The source's setting `lines`: `replace` or `add`.
    """
    # Once members have parts they keep them, even if one source is left: the parts hold what the removed source supplied.
    if table.name == "members" and (not is_alone or lake.exists(MEMBERS_PARTS)):
        return BY_SOURCE
    return BY_FILE if lines == "add" else None


def sources_to_reread(lake: Lake, ledger: pl.DataFrame, sources: Mapping[str, Sequence[Source]]) -> frozenset[tuple[str, str]]:
    """Return the pairs of table and source to read again although their files have not changed.

    These are the sources of members whose consent an earlier release did not record by source, and the sources of orders for
    which `lines = "add"` was set after they had landed.

    Args:
        lake: The lake.
        ledger: One row per arrival.
        sources: Table → its configured sources.
    """
    to_read: set[tuple[str, str]] = set()
    landed = set(ledger.select("table", "source").iter_rows())
    if not has_refusals_by_source(lake):
        to_read |= {pair for pair in landed if pair[0] == "members"}
    with_added_lines = {(source.table, source.identity) for source in sources.get("orders", ()) if source.settings.lines == "add"}
    if with_added_lines & landed:
        stored_as_parts = sources_of_parts(lake, BY_FILE)
        to_read |= {pair for pair in with_added_lines & landed if pair[1] not in stored_as_parts}
    return frozenset(to_read)


def _repeated_arrivals(ledger: pl.DataFrame) -> frozenset[str]:
    """Return the ids of arrivals with the same content as the previous arrival of the same file or query."""
    previous_hash = pl.col("content_hash").shift(1).over("table", "source", "path", order_by="sequence")
    return frozenset(ledger.filter(pl.col("content_hash") == previous_hash)["arrival_id"])


def replaced_records(landing: Landing) -> tuple[Finding, ...]:
    """Report records that were replaced by ones with another member, time or amount, with the two files.

    At most one finding per table, of severity `note`.
    """
    pairs = pl.concat(landing.replacements)
    paths = landing.ledger.select("arrival_id", "table", "path")
    pairs = pairs.join(paths.rename({"arrival_id": "earlier_id", "path": "earlier"}), on="earlier_id").join(
        paths.select(later_id="arrival_id", later="path"), on="later_id"
    )
    # In the order of the contract, so that the same night lists its findings in the same order.
    by_table = ((name, pairs.filter(pl.col("table") == name)) for name in TABLES)
    return tuple(_replacement_finding(name, of_table) for name, of_table in by_table if of_table.height)


def _replacement_finding(table: str, pairs: pl.DataFrame) -> Finding:
    records = int(pairs["records"].sum())
    counts = {name: int(pairs[f"other_{name}"].sum()) for name in ("member", "time", "amount")}
    differences = ", ".join(f"{count:,} with another {name}" for name, count in counts.items() if count)
    shown = "; ".join(
        _describe_pair(row) for row in pairs.sort("records", "earlier", "later", descending=True).head(_PAIRS_SHOWN).to_dicts()
    )
    says = f"{table}: {words.count(records, 'record')} replaced by later ones of the same key, {differences}: {shown}."
    return Finding(table, "replaced_by_another", "note", says, value=records, limit=0)


def _describe_pair(row: Mapping[str, object]) -> str:
    replacing = "itself" if row["earlier"] == row["later"] else row["later"]
    return f"{row['records']:,} of {row['earlier']} by {replacing}, such as {', '.join(_example_difference(row))}"


def _example_difference(row: Mapping[str, object]) -> Iterator[str]:
    # Findings are shown to people who may not see ids: a key that contains the member's id is described, not printed.
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
