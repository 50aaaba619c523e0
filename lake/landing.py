"""Landing: write tonight's records into the lake; a key that arrives again replaces the earlier record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from lake.contracts import PROVENANCE, TIMESTAMP, Table
from lake.storage.delta import DAY, Lake

SEQUENCE: Final = "sequence"
# Replaced records whose successor has another member, time or amount: how many, and one example.
REPLACEMENTS: Final[Mapping[str, pl.DataType]] = {
    "earlier_id": pl.String(),
    "later_id": pl.String(),
    "records": pl.Int64(),
    "other_member": pl.Int64(),
    "other_time": pl.Int64(),
    "other_amount": pl.Int64(),
    "key": pl.String(),
    "member": pl.String(),
    "time": TIMESTAMP,
    "time_later": TIMESTAMP,
    "amount_minor": pl.Int64(),
    "amount_minor_later": pl.Int64(),
}


@dataclass(frozen=True)
class Landed:
    """The counts of a landing.

    Args:
        landed: Change in the lake's records, by `arrival_id`; negative where an earlier arrival lost some.
        replaced: Records replaced by another with the same key, by `arrival_id`.
        days: Number of days of the table that were written.
        added: Change in parts that belong to a record of another arrival, by `arrival_id`.
        retired: Records that had landed and were removed, by `arrival_id`.
        replacements: One row per pair of arrivals of which the later replaced records of the earlier by records with a different
            member, time or amount; columns of `REPLACEMENTS`.
    """

    landed: dict[str, int]
    replaced: dict[str, int]
    days: int
    added: dict[str, int] = field(default_factory=dict)
    retired: dict[str, int] = field(default_factory=dict)
    replacements: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(REPLACEMENTS)))


def land(lake: Lake, table: Table, records: pl.DataFrame) -> Landed:
    """Write tonight's records of one table as one batch.

    Args:
        lake: As in `land_batches`.
        table: As in `land_batches`.
        records: One batch, as in `land_batches`.

    Returns:
        The counts.
    """
    return land_batches(lake, table, [records])


def land_batches(lake: Lake, table: Table, batches: Iterable[pl.DataFrame]) -> Landed:
    """Write tonight's records of one table, one commit per batch.

    A record that the lake has with the same content is not written again, so a cumulative export touches only the days that
    really changed.

    Args:
        lake: The lake, with everything recorded: unrecorded landings of a killed run have been undone, so that landing the same
            arrival again counts and stores the same as landing it once.
        table: The contract of the records.
        batches: One row per record: the landed schema and `sequence`, the arrival's position in tonight's order, which increases
            from batch to batch. Keys are unique within an arrival, and an arrival is in one batch only.

    Returns:
        The counts. Neither the stored records nor the counts depend on how the arrivals are batched, with one exception: a record
        that one arrival changed and an arrival of a later batch changed back counts for the later one, not for the original one.
    """
    landed: list[tuple[str, int]] = []
    replaced: list[tuple[str, int]] = []
    days: set[date] = set()
    arrivals_before: list[str] = []
    replacements: list[pl.DataFrame] = [pl.DataFrame(schema=dict(REPLACEMENTS))]
    for records in batches:
        counted = _land(lake, table, records, arrivals_before=arrivals_before)
        landed += counted.landed
        replaced += counted.replaced
        days |= counted.days
        replacements.append(counted.replacements)
        arrivals_before += records["arrival_id"].unique(maintain_order=True).to_list()
    return Landed(_sum_by_arrival(landed), _sum_by_arrival(replaced), len(days), replacements=pl.concat(replacements))


@dataclass(frozen=True)
class _LandingCounts:
    landed: list[tuple[str, int]]
    replaced: list[tuple[str, int]]
    days: set[date]
    replacements: pl.DataFrame


def _land(lake: Lake, table: Table, records: pl.DataFrame, *, arrivals_before: Collection[str]) -> _LandingCounts:
    # Of one key the last arrival of the batch has the record; the others count as replaced right away and are never written.
    newest = records.sort(SEQUENCE, table.key).unique(table.key, keep="last", maintain_order=True)
    superseded = records.join(newest.select(table.key, SEQUENCE), on=[table.key, SEQUENCE], how="anti")
    earlier = _earlier_records(lake, table, newest)
    # Among tonight's arrivals the last one owns a record, even if an earlier batch brought the same content: such a record counts
    # as changed and moves to the later arrival.
    unchanged = earlier.filter(pl.col("is_same") & ~pl.col("arrival_id").is_in(arrivals_before))
    changed = earlier.join(unchanged.select(table.key), on=table.key, how="anti")
    fresh = newest.join(unchanged.select(table.key), on=table.key, how="anti")
    days = write_records(lake, table, fresh.select(list(table.landed_schema)), removed=changed)
    # The earlier arrival keeps a record that is sent again unchanged, so its day is not rewritten; tonight's row counts as
    # replaced.
    resent = unchanged.filter(pl.col("arrival_id") != pl.col("arrival_id_tonight"))
    # The same arrival lands once more, as in a replay of its quarantined rows: the record stays landed and is not replaced.
    landed_again = unchanged.filter(pl.col("arrival_id") == pl.col("arrival_id_tonight"))
    gained = [*_by_arrival(fresh), *_by_arrival(landed_again)]
    replaced = [*_by_arrival(superseded), *_by_arrival(resent, "arrival_id_tonight"), *_by_arrival(changed)]
    # Every row of an arrival is counted once: what `landed` loses here, `replaced` gains above.
    lost = [(arrival, -count) for arrival, count in _by_arrival(changed)]
    superseded_pairs = superseded.join(newest, on=table.key, how="inner", suffix="_tonight")
    replacements = pl.concat([_replacements(table, changed), _replacements(table, superseded_pairs)])
    return _LandingCounts(landed=[*gained, *lost], replaced=replaced, days=days, replacements=replacements)


def _replacements(table: Table, pairs: pl.DataFrame) -> pl.DataFrame:
    """Count, per pair of arrivals, the records replaced by one with another member, time or amount.

    Args:
        table: The contract of the records.
        pairs: One row per replaced record, with the values of its successor in columns that end in `_tonight`.
    """
    if table.time is None or pairs.is_empty():
        return pl.DataFrame(schema=dict(REPLACEMENTS))
    amount = "amount_minor" if "amount" in table.columns else None
    owner = table.owner if table.is_of_members else None
    compared = {"other_member": owner, "other_time": table.time, "other_amount": amount}
    differs = {
        name: pl.lit(value=False) if column is None else pl.col(column).ne_missing(pl.col(f"{column}_tonight"))
        for name, column in compared.items()
    }
    example = {
        "key": pl.col(table.key),
        "member": pl.col(owner) if owner else pl.lit(None),
        "time": pl.col(table.time),
        "time_later": pl.col(f"{table.time}_tonight"),
        "amount_minor": pl.col(amount) if amount else pl.lit(None),
        "amount_minor_later": pl.col(f"{amount}_tonight") if amount else pl.lit(None),
    }
    differing = pairs.with_columns(**differs).filter(pl.any_horizontal(list(differs))).sort(table.key)
    counted = differing.group_by(earlier_id="arrival_id", later_id="arrival_id_tonight", maintain_order=True).agg(
        pl.len().alias("records"), pl.col(list(differs)).sum(), *(value.first().alias(name) for name, value in example.items())
    )
    return counted.select(pl.col(name).cast(dtype) for name, dtype in REPLACEMENTS.items())


def _earlier_records(lake: Lake, table: Table, newest: pl.DataFrame) -> pl.DataFrame:
    """Return one row per record whose key the lake has: the earlier arrival and day, and whether the content is the same."""
    content = [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
    earlier = scan_days_with_keys(lake, table, newest[table.key])
    pairs = earlier.select(table.key, *content, "arrival_id").join(
        newest.lazy().select(table.key, *content, "arrival_id"), on=table.key, how="inner", suffix="_tonight"
    )
    is_same = pl.all_horizontal(pl.col(column).eq_missing(pl.col(f"{column}_tonight")) for column in content)
    owner = table.owner if table.is_of_members else None
    compared = [column for column in (owner, table.time, "amount_minor") if column in content]
    day = [DAY] if DAY in content else []
    columns = [table.key, "arrival_id", "arrival_id_tonight", *day, *compared, *(f"{column}_tonight" for column in compared)]
    return pairs.select(*columns, is_same=is_same).collect(engine="streaming").sort(table.key)


def scan_days_with_keys(lake: Lake, table: Table, keys: pl.Series) -> pl.LazyFrame:
    """Scan the records of the days that have any of the keys.

    Args:
        lake: The lake.
        table: A table of it.
        keys: Keys of records.
    """
    # Two steps, each cheaper than reading the content: the log's statistics exclude most days, and of the others only the keys
    # are read. Where ids grow with time, as most do, few days remain however long the history is.
    earlier = lake.scan_or_empty(table.name, table.landed_schema)
    if table.time is None or not lake.exists(table.name):
        return earlier
    possible = earlier.filter(pl.col(DAY).is_in(sorted(lake.days_that_may_hold(table.name, keys, column=table.key))))
    matches = possible.select(table.key, DAY).join(keys.to_frame(table.key).lazy(), on=table.key, how="semi")
    return possible.filter(pl.col(DAY).is_in(sorted(matches.select(pl.col(DAY).unique()).collect(engine="streaming")[DAY])))


def write_records(lake: Lake, table: Table, fresh: pl.DataFrame, *, removed: pl.DataFrame) -> set[date]:
    """Write records and remove others in one commit.

    Args:
        lake: The lake.
        table: The contract of the records.
        fresh: One row per record to write, in the landed schema.
        removed: One row per record to remove, replaced or retired: its key and, where the table has one, its day.

    Returns:
        The days that were written; empty for a table without days.
    """
    # An empty table is created all the same, so that later readers find its columns.
    if fresh.is_empty() and removed.is_empty() and lake.exists(table.name):
        return set()
    earlier = lake.scan_or_empty(table.name, table.landed_schema)
    keys = removed.lazy().select(table.key)
    if table.time is None:
        remaining = earlier.join(keys, on=table.key, how="anti").collect()
        lake.replace(table.name, pl.concat([remaining, fresh]).sort(table.key))
        return set()
    # A replaced record may have been on another day than its successor: both days are rewritten, in the same commit.
    days = set(fresh[DAY].unique()) | set(removed[DAY].unique())
    remaining = earlier.filter(pl.col(DAY).is_in(sorted(days))).join(keys, on=table.key, how="anti").collect()
    lake.replace_days(table.name, pl.concat([remaining, fresh]).sort(DAY, table.key), days=days)
    return days


def _by_arrival(rows: pl.DataFrame, column: str = "arrival_id") -> Iterator[tuple[str, int]]:
    yield from rows.group_by(column).len().iter_rows()


def _sum_by_arrival(counts: list[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for arrival, count in counts:
        total[arrival] = total.get(arrival, 0) + count
    return dict(sorted(total.items()))
