"""Taking files into a lake the way a night does, and a plain-Python account of what must come of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import polars as pl

from lake.arrivals import COUNTS, RETIRED_COUNT, SCHEMA, move_counts, read_arrivals, record, undo_unrecorded
from lake.contracts import EVENTS, MEMBERS, TIMESTAMP, Table
from lake.landing import SEQUENCE, Landed, land_batches
from lake.record_keys import as_records
from lake.sources.mapping import ROW_NO
from lake.storage.delta import Lake

FIRST_DAY = date(2011, 8, 1)
NOW = datetime(2011, 9, 1, 2, 30, tzinfo=UTC)
Content = tuple[int | None, str | None]


@dataclass(frozen=True)
class File:
    """One export.

    Args:
        table: What it feeds.
        path: Where it lies.
        rows: Key → (day, value): the day counted from `FIRST_DAY` (not used for members) and any text.
        left_out: Rows read beside those.
        bad: Rows quarantined beside those.
    """

    table: Table
    path: str
    rows: dict[str, Content]
    left_out: int = 0
    bad: int = 0

    @property
    def arrival_id(self) -> str:
        return hashlib.sha256(
            repr((self.table.name, self.path, sorted(self.rows.items()), self.left_out, self.bad)).encode()
        ).hexdigest()

    def records(self, sequence: int) -> pl.DataFrame:
        keys = list(self.rows)
        days = [self.rows[key][0] or 0 for key in keys]
        times = [datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), UTC) for day in days]
        values = [self.rows[key][1] for key in keys]
        if self.table is EVENTS:
            cells: dict[str, list[object]] = {
                "event_id": keys,
                "member_id": keys,
                "event_type": ["x"] * len(keys),
                "occurred_at": times,
            }
        else:
            cells = {"member_id": keys}
        schema = {ROW_NO: pl.Int64()} | {name: self.table.columns[name].dtype for name in [*cells, "platform"]}
        rows = pl.DataFrame({ROW_NO: range(len(keys)), **cells, "platform": values}, schema=schema)
        return as_records(rows, table=self.table, timezone="UTC").with_columns(
            ingested_at=pl.lit(NOW).cast(TIMESTAMP),
            source=pl.lit(self.table.name),
            source_file=pl.lit(self.path),
            arrival_id=pl.lit(self.arrival_id),
            **{SEQUENCE: pl.lit(sequence, dtype=pl.Int64)},
        )

    def facts(self, sequence: int) -> dict[str, object]:
        counts = dict.fromkeys((*COUNTS, RETIRED_COUNT), 0) | {"left_out": self.left_out, "quarantined": self.bad}
        return {
            "arrival_id": self.arrival_id, "table": self.table.name, "source": self.table.name, "path": self.path,
            "content_hash": "", "size_bytes": 0, "modified_ns": 0, "arrived_at": NOW, "as_of": None, "sequence": sequence,
            "rows_read": len(self.rows) + self.left_out + self.bad, **counts, "key_prefix": None,
        }  # fmt: skip


def new_of(lake: Lake, files: Sequence[File]) -> list[File]:
    """The files whose content is not what their path held last."""
    ledger = read_arrivals(lake)
    last = {(table, path): arrival for arrival, table, path in ledger.select("arrival_id", "table", "path").iter_rows()}
    return [file for file in files if last.get((file.table.name, file.path)) != file.arrival_id]


def take_in(lake: Lake, *files: File, dies: bool = False, in_turn: bool = False) -> dict[str, Landed]:
    """Land new files and record them, unless the run dies in between; all at once, or one after another."""
    undo_unrecorded(lake)
    ledger = read_arrivals(lake)
    first = ledger.select(pl.col("sequence").max().fill_null(0)).item() + 1
    numbered = list(enumerate(new_of(lake, files), start=first))
    tonight = pl.DataFrame([file.facts(sequence) for sequence, file in numbered], schema=dict(SCHEMA))
    ledger = pl.concat([ledger.join(tonight, on="arrival_id", how="anti"), tonight])
    landed: dict[str, Landed] = {}
    for table in (MEMBERS, EVENTS):
        mine = [file.records(sequence) for sequence, file in numbered if file.table is table]
        if mine:
            landed[table.name] = land_batches(lake, table, mine if in_turn else [pl.concat(mine)])
            ledger = move_counts(ledger, count="landed", changes=landed[table.name].landed)
            ledger = move_counts(ledger, count="replaced", changes=landed[table.name].replaced)
    if numbered and not dies:
        record(lake, ledger)
    return landed


@dataclass
class Account:
    """What the lake and the ledger must hold: one dictionary per table, filled arrival by arrival.

    Args:
        held: Table → key → its content and the arrival it came with.
        landed: Arrival → records of it that are held.
        replaced: Arrival → records of it given up for others.
        last: Table and path → the arrival that came last.
    """

    held: dict[str, dict[str, tuple[Content, str]]] = field(default_factory=lambda: {"members": {}, "events": {}})
    landed: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    last: dict[tuple[str, str], str] = field(default_factory=dict)

    def take_in(self, *files: File) -> None:
        new = [file for file in files if self.last.get((file.table.name, file.path)) != file.arrival_id]
        tonight: dict[tuple[str, str], tuple[Content, str]] = {}
        for file in new:
            arrival = file.arrival_id
            self.last[file.table.name, file.path] = arrival
            self.landed[arrival] = self.replaced[arrival] = 0
            for key, content in file.rows.items():
                if (file.table.name, key) in tonight:
                    self.replaced[tonight[file.table.name, key][1]] += 1
                tonight[file.table.name, key] = (content, arrival)
        for (table, key), (content, arrival) in tonight.items():
            earlier = self.held[table].get(key)
            if earlier is not None and earlier[0] == content:
                self.replaced[arrival] += earlier[1] != arrival
                self.landed[arrival] += earlier[1] == arrival
                continue
            if earlier is not None:
                self.landed[earlier[1]] -= 1
                self.replaced[earlier[1]] += 1
            self.held[table][key] = (content, arrival)
            self.landed[arrival] += 1

    def days_apart(self, other: dict[str, tuple[Content, str]]) -> set[date]:
        """The days on which the events held differ."""
        mine, theirs = set(self.held["events"].items()), set(other.items())
        return {FIRST_DAY + timedelta(days=content[0] or 0) for _, (content, _) in mine ^ theirs}


def held_in(lake: Lake, table: Table) -> dict[str, tuple[Content, str]]:
    """Key → content and arrival, as the lake has them."""
    columns = [table.key, "platform", "arrival_id", *(["event_date"] if table.time else [])]
    if not lake.exists(table.name):
        return {}
    rows = lake.scan(table.name).select(columns).collect()
    assert rows[table.key].is_unique().all()
    assert lake.row_count(table.name) == rows.height
    return {key: (((day[0] - FIRST_DAY).days if day else None, value), arrival) for key, value, arrival, *day in rows.iter_rows()}


def counted_in(lake: Lake, count: str) -> dict[str, int]:
    """Arrival → one of its counts, as the ledger has it."""
    return dict(read_arrivals(lake).select("arrival_id", count).iter_rows())
