"""Landing: tonight's records take their place in the lake, and a key that arrives again replaces the earlier record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from lake.arrivals import undo_unrecorded
from lake.contracts import PROVENANCE, Table
from lake.quarantine import QUARANTINE
from lake.store import DAY, Lake

SEQUENCE: Final = "sequence"


@dataclass(frozen=True)
class Landed:
    """How tonight's records and the earlier ones they met were counted.

    Args:
        landed: Change in records held, by `arrival_id`; negative where an earlier arrival lost some.
        replaced: Records given up for another with the same key, by `arrival_id`.
        days: How many days of the table were written.
    """

    landed: dict[str, int]
    replaced: dict[str, int]
    days: int


def land(lake: Lake, table: Table, records: pl.DataFrame) -> Landed:
    """Write tonight's records of one table, all of them at once: `land_in_turn` with one batch."""
    return land_in_turn(lake, table, [records])


def land_in_turn(lake: Lake, table: Table, batches: Iterable[pl.DataFrame]) -> Landed:
    """Write tonight's records of one table, one commit a batch.

    A record that is already held with the same content is not written again, so a cumulative export touches only the days
    that truly changed. What an earlier run landed without recording it, because it was killed, is taken back first: landing
    the same arrival again counts and stores the same as landing it once.

    Args:
        lake: The lake.
        table: The contract of the records.
        batches: One row per record: the landed schema and `sequence`, the arrival's place in tonight's order, which rises from
            batch to batch. Keys are unique within an arrival, and an arrival lies in one batch.

    Returns:
        The counts. What is held is the same however the arrivals are batched, and so are the counts, but for records that an
        arrival changed and a later one of another batch changed back: the later one has them then, not the one of old.
    """
    undo_unrecorded(lake, [table.name, QUARANTINE])
    landed: list[tuple[str, int]] = []
    replaced: list[tuple[str, int]] = []
    days: set[date] = set()
    before: list[str] = []
    for records in batches:
        counted = _land(lake, table, records, tonight_before=before)
        landed += counted.landed
        replaced += counted.replaced
        days |= counted.days
        before += records["arrival_id"].unique(maintain_order=True).to_list()
    return Landed(landed=_add_up(landed), replaced=_add_up(replaced), days=len(days))


@dataclass(frozen=True)
class _Counted:
    landed: list[tuple[str, int]]
    replaced: list[tuple[str, int]]
    days: set[date]


def _land(lake: Lake, table: Table, records: pl.DataFrame, *, tonight_before: Collection[str]) -> _Counted:
    newest = records.sort(SEQUENCE, table.key).unique(table.key, keep="last", maintain_order=True)
    overtaken = records.join(newest.select(table.key, SEQUENCE), on=[table.key, SEQUENCE], how="anti")
    met = _met(lake, table, newest)
    # Of tonight's arrivals the last one has a record, even where an earlier one brought the same.
    same = met.filter(pl.col("is_same") & ~pl.col("arrival_id").is_in(tonight_before))
    changed = met.join(same.select(table.key), on=table.key, how="anti")
    fresh = newest.join(same.select(table.key), on=table.key, how="anti")
    days = _write(lake, table, fresh.select(list(table.landed_schema)), gone=changed)
    resent = same.filter(pl.col("arrival_id") != pl.col("arrival_id_tonight"))
    landed_again = same.filter(pl.col("arrival_id") == pl.col("arrival_id_tonight"))
    gained = [*_by_arrival(fresh), *_by_arrival(landed_again)]
    replaced = [*_by_arrival(overtaken), *_by_arrival(resent, "arrival_id_tonight"), *_by_arrival(changed)]
    lost = [(arrival, -count) for arrival, count in _by_arrival(changed)]
    return _Counted(landed=[*gained, *lost], replaced=replaced, days=days)


def _met(lake: Lake, table: Table, newest: pl.DataFrame) -> pl.DataFrame:
    """One row per record whose key is held already: its earlier arrival and day, and whether its content is the same."""
    content = [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
    earlier = of_days_met(lake, table, newest[table.key])
    both = earlier.select(table.key, *content, "arrival_id").join(
        newest.lazy().select(table.key, *content, "arrival_id"), on=table.key, how="inner", suffix="_tonight"
    )
    is_same = pl.all_horizontal(pl.col(column).eq_missing(pl.col(f"{column}_tonight")) for column in content)
    kept = [column for column in (table.key, DAY, "arrival_id", "arrival_id_tonight") if column != DAY or DAY in content]
    return both.select(*kept, is_same=is_same).collect(engine="streaming").sort(table.key)


def of_days_met(lake: Lake, table: Table, keys: pl.Series) -> pl.LazyFrame:
    """The records of the days that hold any of the keys.

    The log tells which days cannot; of the others the keys alone are read, which saves reading the content of those that do
    not. Where ids grow with time, as most do, a night's arrivals meet a few days however long the history is.

    Args:
        lake: The lake.
        table: A table of it.
        keys: Keys of records.
    """
    earlier = lake.scan_or_empty(table.name, table.landed_schema)
    if table.time is None or not lake.exists(table.name):
        return earlier
    near = earlier.filter(pl.col(DAY).is_in(sorted(lake.days_that_may_hold(table.name, keys, column=table.key))))
    met = near.select(table.key, DAY).join(keys.to_frame(table.key).lazy(), on=table.key, how="semi")
    return near.filter(pl.col(DAY).is_in(sorted(met.select(pl.col(DAY).unique()).collect(engine="streaming")[DAY])))


def _write(lake: Lake, table: Table, fresh: pl.DataFrame, *, gone: pl.DataFrame) -> set[date]:
    if fresh.is_empty() and lake.exists(table.name):
        return set()
    earlier = lake.scan_or_empty(table.name, table.landed_schema)
    keys = gone.lazy().select(table.key)
    if table.time is None:
        kept = earlier.join(keys, on=table.key, how="anti").collect()
        lake.replace(table.name, pl.concat([kept, fresh]).sort(table.key))
        return set()
    days = set(fresh[DAY].unique()) | set(gone[DAY].unique())
    kept = earlier.filter(pl.col(DAY).is_in(sorted(days))).join(keys, on=table.key, how="anti").collect()
    lake.replace_days(table.name, pl.concat([kept, fresh]).sort(DAY, table.key), days=days)
    return days


def _by_arrival(rows: pl.DataFrame, column: str = "arrival_id") -> Iterator[tuple[str, int]]:
    yield from rows.group_by(column).len().iter_rows()


def _add_up(counts: list[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for arrival, count in counts:
        total[arrival] = total.get(arrival, 0) + count
    return dict(sorted(total.items()))
