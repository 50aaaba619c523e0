"""Big communities for benchmarks, skewed like real ones, written day by day as a community's systems would export them.

    python -m benchmarks.community FOLDER --members 500000 --events 50000000 --days 365 --seed 2026
    python -m benchmarks.community FOLDER --one-more-day 140000

Activity follows a power law, the week and the hour have their rhythm, members join, fade and leave, some return. Every
day is drawn from its own seed, so a day is the same whether it is written alone or with the others, and memory follows
the largest day, not the history.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from benchmarks.population import (
    WEEKDAY_RHYTHM,
    Floats,
    Integers,
    Population,
    Size,
    make_population,
    members_who_joined,
)

# Event type → share of all events, and whether it is directed at another member.
EVENT_TYPES: Final[dict[str, tuple[float, bool]]] = {
    "view": (0.31, False),
    "like": (0.19, True),
    "login": (0.14, False),
    "comment": (0.09, True),
    "message": (0.07, True),
    "search": (0.06, False),
    "reply": (0.05, True),
    "share": (0.03, False),
    "post": (0.025, False),
    "follow": (0.015, True),
    "rsvp": (0.012, False),
    "attend": (0.008, False),
}
_HOURLY_RHYTHM: Final = np.array([2, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 6, 7, 6, 6, 6, 6, 7, 8, 9, 10, 10, 7, 4]) / 126
_TO_THE_OWN_CIRCLE: Final = 0.7
_MEAN_CIRCLE_DISTANCE: Final = 6.0
_REFUND_SHARE: Final = 0.04
_SECONDS_PER_DAY: Final = 86_400
_FACTS: Final = "community.json"

CONFIGURATION: Final = """\
[community]
name = "Generated community"
timezone = "UTC"
currency = "EUR"

[churn]
horizon_days = 28
eligible_days = 90

[value]
horizon_days = 28

[sources.members]
path = "landing/members/*.parquet"

[sources.events]
path = "landing/events/*.parquet"

[sources.orders]
path = "landing/orders/*.parquet"
"""


def write_community(folder: Path, size: Size, *, progress: Callable[[str], None] = lambda _: None) -> None:
    """Write a workspace: `evenfall.toml`, and one Parquet file per day of members, events and orders under `landing/`.

    Args:
        folder: The workspace; made when it is not there.
        size: Which community.
        progress: Told every thirty days.
    """
    population = make_population(size)
    events, orders = (_shares_of_days(size, population, total) for total in (size.events, size.orders_in_all))
    for table in ("members", "events", "orders"):
        (folder / "landing" / table).mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(CONFIGURATION, encoding="utf-8")
    for start in range(0, size.days, size.days_per_file):
        days = range(start, min(start + size.days_per_file, size.days))
        written = [(day, int(events[day]), int(orders[day])) for day in days]
        _write_file(folder, size, population, written)
        if days.stop % 30 < size.days_per_file:
            progress(f"{days.stop} of {size.days} days written")
    _note(folder, size, days_written=size.days)


def write_one_more_day(folder: Path, *, events: int | None = None) -> date:
    """Add the day after the newest one to a workspace that `write_community` made.

    Args:
        folder: The workspace.
        events: New events; by default as many as on the mean day of the history.

    Returns:
        The day added.
    """
    size, day = read_size(folder), int(_facts(folder)["days_written"])
    mean = size.events // size.days if events is None else events
    population = make_population(size)
    _write_file(folder, size, population, [(day, mean, mean * size.orders_in_all // max(size.events, 1))])
    _note(folder, size, days_written=day + 1)
    return size.day(day)


def read_size(folder: Path) -> Size:
    """Which community a workspace holds."""
    facts = _facts(folder)
    del facts["days_written"]
    return Size(**{**facts, "last_day": date.fromisoformat(facts["last_day"])})


def _facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return facts


def _note(folder: Path, size: Size, *, days_written: int) -> None:
    facts = {**asdict(size), "last_day": size.last_day.isoformat(), "days_written": days_written}
    (folder / _FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _shares_of_days(size: Size, population: Population, total: int) -> Integers:
    """Split a total over the days by what their members are expected to do; adds up exactly."""
    weights = np.array([population.weights(day).sum() * _rhythm(size, day) for day in range(size.days)])
    ends = np.round(np.cumsum(weights) / weights.sum() * total).astype(np.int64)
    return np.asarray(np.diff(ends, prepend=0), dtype=np.int64)


def _rhythm(size: Size, day: int) -> float:
    return float(WEEKDAY_RHYTHM[size.day(day).weekday()])


def _write_file(folder: Path, size: Size, population: Population, days: list[tuple[int, int, int]]) -> None:
    """Write one file per table for a few days, a day at a time: (day, events, orders) each."""
    name = f"{size.day(days[0][0]).isoformat()}.parquet"
    writers: dict[str, pq.ParquetWriter] = {}
    try:
        for day, events, orders in days:
            tables = {
                "members": members_who_joined(size, population, first=None if day == 0 else day, last=day),
                "events": _events(size, population, day=day, rows=events),
                "orders": _orders(size, population, day=day, rows=orders),
            }
            for table, rows in tables.items():
                written = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
                if rows.height and table not in writers:
                    path = folder / "landing" / table / name
                    writers[table] = pq.ParquetWriter(path, written.schema, compression="zstd", compression_level=3)
                if rows.height:
                    writers[table].write_table(written)
    finally:
        for writer in writers.values():
            writer.close()


def _events(size: Size, population: Population, *, day: int, rows: int) -> pl.DataFrame:
    """One row per event of a day, in the order of time."""
    random = np.random.default_rng([size.seed, 2, day])
    expected = population.weights(day)
    who = _drawn(random, _of_those_visiting(random, expected, population.visiting), rows)
    kind = random.choice(len(EVENT_TYPES), rows, p=[share for share, _ in EVENT_TYPES.values()])
    target = _targets(random, who, kind, expected)
    ids = population.ids
    return pl.DataFrame(
        {
            "event_id": _keys("e", day, rows),
            "member_id": ids[who],
            "event_type": pl.Series(list(EVENT_TYPES))[kind],
            "occurred_at": _moments(random, size, day, rows),
            "target_member_id": ids[np.maximum(target, 0)].set(pl.Series(target < 0), None),
        }
    )


def _orders(size: Size, population: Population, *, day: int, rows: int) -> pl.DataFrame:
    """One row per order of a day; a few are refunds."""
    random = np.random.default_rng([size.seed, 3, day])
    who = _drawn(random, population.buying * (population.weights(day) > 0), rows)
    amount = np.round(np.exp(random.normal(3.0, 0.8, rows)), 2)
    return pl.DataFrame(
        {
            "order_id": _keys("o", day, rows),
            "member_id": population.ids[who],
            "ordered_at": _moments(random, size, day, rows),
            "amount": np.where(random.random(rows) < _REFUND_SHARE, -amount, amount),
        }
    )


def _of_those_visiting(random: np.random.Generator, expected: Floats, visiting: Floats) -> Floats:
    """Bunch what a member does into visits: more on some days, nothing on the others, the same in the long run."""
    weights = np.where(random.random(expected.size) < visiting, expected / visiting, 0.0)
    return weights if weights.any() else expected


def _drawn(random: np.random.Generator, weights: Floats, rows: int) -> Integers:
    """Draw `rows` members by their weights."""
    ends = np.cumsum(weights)
    if not rows or ends[-1] <= 0:
        return np.zeros(rows, dtype=np.int64)
    # Sorted draws are found several times faster; shuffling gives each its place in the day.
    drawn = np.searchsorted(ends, np.sort(random.random(rows)) * ends[-1], side="right")
    return random.permutation(np.minimum(drawn, weights.size - 1)).astype(np.int64)


def _targets(random: np.random.Generator, who: Integers, kind: Integers, expected: Floats) -> Integers:
    """Whom each event is directed at; -1 for nobody. Mostly a few people close by, otherwise whoever is most active."""
    is_directed = np.array([directed for _, directed in EVENT_TYPES.values()])[kind]
    away = random.geometric(1 / _MEAN_CIRCLE_DISTANCE, who.size) * random.choice((-1, 1), who.size)
    here = np.flatnonzero(expected > 0)
    if not here.size:
        return np.full(who.size, -1)
    place = np.searchsorted(here, who)
    close = here[(place + away) % here.size]
    target = np.where(random.random(who.size) < _TO_THE_OWN_CIRCLE, close, _drawn(random, expected, who.size))
    return np.where(is_directed & (target != who), target, -1)


def _moments(random: np.random.Generator, size: Size, day: int, rows: int) -> pl.Series:
    hour = random.choice(24, rows, p=_HOURLY_RHYTHM)
    second = np.sort(hour * 3_600 + random.integers(0, 3_600, rows))
    midnight = (size.day(day) - date(1970, 1, 1)).days * _SECONDS_PER_DAY
    return pl.Series("at", (midnight + second) * 1_000_000).cast(pl.Datetime("us", "UTC"))


def _keys(prefix: str, day: int, rows: int) -> pl.Series:
    numbers = pl.int_range(rows, eager=True).cast(pl.String).str.zfill(7).alias("key")
    return numbers.to_frame().select(key=pl.lit(f"{prefix}{day:04}") + pl.col("key")).to_series()


def main(arguments: list[str] | None = None) -> None:
    """Write a community, or one more day of it, and say what was written."""
    default = Size()
    parser = argparse.ArgumentParser(prog="benchmarks.community", description="Write a big community's exports.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--members", type=int, default=default.members)
    parser.add_argument("--events", type=int, default=default.events)
    parser.add_argument("--days", type=int, default=default.days)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--days-per-file", type=int, default=default.days_per_file)
    parser.add_argument("--one-more-day", type=int, metavar="EVENTS", help="Only add the next day, with so many events.")
    asked = parser.parse_args(arguments)
    if asked.one_more_day is not None:
        print(f"{write_one_more_day(asked.folder, events=asked.one_more_day)} added")
        return
    size = Size(asked.members, asked.events, asked.days, asked.seed, days_per_file=asked.days_per_file)
    write_community(asked.folder, size, progress=print)
    print(f"{size.events:,} events of {size.members:,} members on {size.days} days, {size.day(0)} to {size.last_day}")


if __name__ == "__main__":
    main()
