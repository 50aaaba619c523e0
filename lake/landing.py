"""Landing: tonight's records take their place in the lake, and a key that arrives again replaces the earlier record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from lake.contracts import PROVENANCE, TIMESTAMP, Table
from lake.storage.delta import DAY, Lake

SEQUENCE: Final = "sequence"
# Records given up for others that say another member, time or amount: how many, and one example.
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
    """How tonight's records and the earlier ones they met were counted.

    Args:
        landed: Change in records held, by `arrival_id`; negative where an earlier arrival lost some.
        replaced: Records given up for another with the same key, by `arrival_id`.
        days: How many days of the table were written.
        added: Change in parts that joined a record of another arrival, by `arrival_id`.
        retired: Records that landed once and are held no longer, by `arrival_id`.
        replacements: One row per two arrivals of which the later replaced records of the earlier by others of a different
            member, time or amount, as `REPLACEMENTS` has it.
    """

    landed: dict[str, int]
    replaced: dict[str, int]
    days: int
    added: dict[str, int] = field(default_factory=dict)
    retired: dict[str, int] = field(default_factory=dict)
    replacements: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(REPLACEMENTS)))


def land(lake: Lake, table: Table, records: pl.DataFrame) -> Landed:
    """Write tonight's records of one table, all of them at once: `land_in_turn` with one batch."""
    return land_in_turn(lake, table, [records])


def land_in_turn(lake: Lake, table: Table, batches: Iterable[pl.DataFrame]) -> Landed:
    """Write tonight's records of one table, one commit a batch.

    A record that is already held with the same content is not written again, so a cumulative export touches only the days
    that truly changed.

    Args:
        lake: The lake, with everything recorded: what a killed run landed without recording it has been taken back, so that
            landing the same arrival again counts and stores the same as landing it once.
        table: The contract of the records.
        batches: One row per record: the landed schema and `sequence`, the arrival's place in tonight's order, which rises from
            batch to batch. Keys are unique within an arrival, and an arrival lies in one batch.

    Returns:
        The counts. What is held is the same however the arrivals are batched, and so are the counts, but for records that an
        arrival changed and a later one of another batch changed back: the later one has them then, not the one of old.
    """
    landed: list[tuple[str, int]] = []
    replaced: list[tuple[str, int]] = []
    days: set[date] = set()
    before: list[str] = []
    replacements: list[pl.DataFrame] = [pl.DataFrame(schema=dict(REPLACEMENTS))]
    for records in batches:
        counted = _land(lake, table, records, tonight_before=before)
        landed += counted.landed
        replaced += counted.replaced
        days |= counted.days
        replacements.append(counted.replacements)
        before += records["arrival_id"].unique(maintain_order=True).to_list()
    return Landed(_add_up(landed), _add_up(replaced), len(days), replacements=pl.concat(replacements))


@dataclass(frozen=True)
class _Counted:
    landed: list[tuple[str, int]]
    replaced: list[tuple[str, int]]
    days: set[date]
    replacements: pl.DataFrame


def _land(lake: Lake, table: Table, records: pl.DataFrame, *, tonight_before: Collection[str]) -> _Counted:
    newest = records.sort(SEQUENCE, table.key).unique(table.key, keep="last", maintain_order=True)
    overtaken = records.join(newest.select(table.key, SEQUENCE), on=[table.key, SEQUENCE], how="anti")
    met = _met(lake, table, newest)
    # Of tonight's arrivals the last one has a record, even where an earlier one brought the same.
    same = met.filter(pl.col("is_same") & ~pl.col("arrival_id").is_in(tonight_before))
    changed = met.join(same.select(table.key), on=table.key, how="anti")
    fresh = newest.join(same.select(table.key), on=table.key, how="anti")
    days = write_records(lake, table, fresh.select(list(table.landed_schema)), gone=changed)
    resent = same.filter(pl.col("arrival_id") != pl.col("arrival_id_tonight"))
    landed_again = same.filter(pl.col("arrival_id") == pl.col("arrival_id_tonight"))
    gained = [*_by_arrival(fresh), *_by_arrival(landed_again)]
    replaced = [*_by_arrival(overtaken), *_by_arrival(resent, "arrival_id_tonight"), *_by_arrival(changed)]
    lost = [(arrival, -count) for arrival, count in _by_arrival(changed)]
    tonight = overtaken.join(newest, on=table.key, how="inner", suffix="_tonight")
    given_up = pl.concat([_replacements(table, changed), _replacements(table, tonight)])
    return _Counted(landed=[*gained, *lost], replaced=replaced, days=days, replacements=given_up)


def _replacements(table: Table, pairs: pl.DataFrame) -> pl.DataFrame:
    """Count, by the two arrivals, the records given up for others that say another member, time or amount.

    Args:
        table: The contract of the records.
        pairs: One row per record given up, with the values of the other in columns that end in `_tonight`.
    """
    if table.time is None or pairs.is_empty():
        return pl.DataFrame(schema=dict(REPLACEMENTS))
    amount = "amount_minor" if "amount" in table.columns else None
    compared = {"other_member": table.owner, "other_time": table.time, "other_amount": amount}
    differs = {
        name: pl.lit(value=False) if column is None else pl.col(column).ne_missing(pl.col(f"{column}_tonight"))
        for name, column in compared.items()
    }
    example = {
        "key": pl.col(table.key),
        "member": pl.col(table.owner),
        "time": pl.col(table.time),
        "time_later": pl.col(f"{table.time}_tonight"),
        "amount_minor": pl.col(amount) if amount else pl.lit(None),
        "amount_minor_later": pl.col(f"{amount}_tonight") if amount else pl.lit(None),
    }
    told = pairs.with_columns(**differs).filter(pl.any_horizontal(list(differs))).sort(table.key)
    counted = told.group_by(earlier_id="arrival_id", later_id="arrival_id_tonight", maintain_order=True).agg(
        pl.len().alias("records"), pl.col(list(differs)).sum(), *(value.first().alias(name) for name, value in example.items())
    )
    return counted.select(pl.col(name).cast(dtype) for name, dtype in REPLACEMENTS.items())


def _met(lake: Lake, table: Table, newest: pl.DataFrame) -> pl.DataFrame:
    """One row per record whose key is held already: its earlier arrival and day, and whether its content is the same."""
    content = [column for column in table.landed_schema if column not in PROVENANCE and column != table.key]
    earlier = of_days_met(lake, table, newest[table.key])
    both = earlier.select(table.key, *content, "arrival_id").join(
        newest.lazy().select(table.key, *content, "arrival_id"), on=table.key, how="inner", suffix="_tonight"
    )
    is_same = pl.all_horizontal(pl.col(column).eq_missing(pl.col(f"{column}_tonight")) for column in content)
    told = [column for column in (table.owner, table.time, "amount_minor") if column in content]
    day = [DAY] if DAY in content else []
    kept = [table.key, "arrival_id", "arrival_id_tonight", *day, *told, *(f"{column}_tonight" for column in told)]
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


def write_records(lake: Lake, table: Table, fresh: pl.DataFrame, *, gone: pl.DataFrame) -> set[date]:
    """Write records in the place of others, one commit; returns the days that were written.

    Args:
        lake: The lake.
        table: The contract of the records.
        fresh: One row per record, in the landed schema.
        gone: The records they take the place of, or that are held no longer: their keys and, where the table has one, days.
    """
    if fresh.is_empty() and gone.is_empty() and lake.exists(table.name):
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
