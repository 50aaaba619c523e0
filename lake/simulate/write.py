"""Writing of the simulated community as files of exports, and of its true parameters."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from lake.errors import ConfigurationError
from lake.simulate.blemishes import add_bad_rows
from lake.simulate.commerce import order_lines
from lake.simulate.exports import (
    CURRENCY,
    contacts_export,
    contacts_truth,
    content_export,
    events_export,
    feedback_export,
    members_export,
    members_truth,
    orders_export,
)
from lake.simulate.life import live
from lake.simulate.population import Population, draw_population
from lake.simulate.state import Life
from lake.simulate.wording import Calendar

TIMEZONE: Final = "Europe/London"
DEFAULT_SEED: Final = 2025
FIRST_DAY: Final = date(2025, 1, 1)


@dataclass(frozen=True)
class SimulatedCommunity:
    """Facts about what `simulate` wrote.

    Args:
        folder: The folder with `landing/` and `truth/`.
        first_day: The first simulated day, in the community's timezone.
        last_day: The last simulated day, which is complete.
        timezone: The community's timezone.
        currency: The currency of all amounts.
        rows: Table → number of rows in its files, order lines for orders, bad rows included.
        bad_rows: Table → kind of breakage → number of bad rows.
    """

    folder: Path
    first_day: date
    last_day: date
    timezone: str
    currency: str
    rows: Mapping[str, int]
    bad_rows: Mapping[str, Mapping[str, int]]


def simulate(
    folder: Path,
    *,
    seed: int = DEFAULT_SEED,
    members: int = 5_000,
    days: int = 400,
    first_day: date = FIRST_DAY,
) -> SimulatedCommunity:
    """Write the exports and the truth of a simulated community; the same arguments give the same bytes.

    Args:
        folder: The folder for `landing/` and `truth/`; created if missing, an earlier simulation is replaced.
        seed: Seed of all randomness.
        members: Number of members who join before the last day.
        days: Number of days to simulate.
        first_day: The first simulated day.

    Raises:
        ConfigurationError: `members` or `days` is less than 1.
    """
    if members < 1 or days < 1:
        raise ConfigurationError(
            f"A community of {members} members over {days} days cannot be simulated.", remedy="Ask for at least 1 of each."
        )
    # A stream of its own for each part: a change in one part does not alter the random numbers of the others.
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    people_rng, life_rng, orders_rng, wording_rng, blemish_rng = streams
    calendar = Calendar(first_day, TIMEZONE)
    people = draw_population(people_rng, members=members, days=days)
    life = live(people, life_rng, first_day=first_day, days=days)
    orders = life.orders.columns()
    lines = order_lines(people, orders_rng, day=orders["day"], member=orders["member"], days=days)
    exports = _exports(people, life, lines, wording_rng, calendar, days=days)
    _write_truth(
        folder / "truth", members=members_truth(life, lines, calendar), contacts=contacts_truth(life, exports["contacts"])
    )
    rows, bad_rows = _write_landing(folder / "landing", exports, blemish_rng)
    return SimulatedCommunity(
        folder=folder,
        first_day=first_day,
        last_day=first_day + timedelta(days=days - 1),
        timezone=TIMEZONE,
        currency=CURRENCY,
        rows=rows,
        bad_rows=bad_rows,
    )


def _exports(
    people: Population, life: Life, lines: pl.DataFrame, rng: np.random.Generator, calendar: Calendar, *, days: int
) -> dict[str, pl.DataFrame]:
    # The functions share one stream of random numbers: another order of calls would give other exports for the same seed.
    events = events_export(life, rng, calendar)
    return {
        "members": members_export(people, rng, calendar),
        "events_web": events.filter(pl.col("platform") == "web"),
        "events_app": _as_app_log(events.filter(pl.col("platform") != "web")),
        "orders": orders_export(lines, calendar),
        "content": content_export(life, rng, calendar),
        "contacts": contacts_export(life, calendar, days=days),
        "feedback": feedback_export(life, rng, calendar),
    }


def _as_app_log(events: pl.DataFrame) -> pl.DataFrame:
    """Return events as the app's own log writes them: shorter names, times as ISO text with a Z."""
    return events.select(
        id="event_id",
        user="member_id",
        type="event_type",
        ts=pl.col("occurred_at").dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ"),
        item="content_id",
        to="target_member_id",
        room="channel",
        device="platform",
    )


def _write_truth(folder: Path, *, members: pl.DataFrame, contacts: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    members.write_parquet(folder / "members.parquet")
    contacts.write_parquet(folder / "contacts.parquet")


def _write_landing(
    folder: Path, exports: Mapping[str, pl.DataFrame], rng: np.random.Generator
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Add bad rows, write every export, and return the number of rows and of bad rows by table."""
    (folder / "events").mkdir(parents=True, exist_ok=True)
    for old_file in [*folder.glob("events/web-*.parquet"), *folder.glob("events/app-*.jsonl")]:
        old_file.unlink()
    rows: dict[str, int] = {}
    bad_rows: dict[str, dict[str, int]] = {}
    for name, good in exports.items():
        table = name.partition("_")[0]
        export, counts = add_bad_rows(name, good, rng)
        rows[table] = rows.get(table, 0) + export.height
        earlier_counts = bad_rows.setdefault(table, {})
        bad_rows[table] = {kind: earlier_counts.get(kind, 0) + counts.get(kind, 0) for kind in sorted({*earlier_counts, *counts})}
        _write_export(folder, name, export)
    return rows, bad_rows


def _write_export(folder: Path, name: str, rows: pl.DataFrame) -> None:
    match name:
        case "events_web":
            for month, part in _by_month(rows, pl.col("occurred_at").dt.to_string("%Y-%m")):
                part.write_parquet(folder / "events" / f"web-{month}.parquet")
        case "events_app":
            for month, part in _by_month(rows, pl.col("ts").str.head(7)):
                part.write_ndjson(folder / "events" / f"app-{month}.jsonl")
        case "orders":
            _write_gzip(folder / "orders.csv.gz", rows.write_csv())
        case "content":
            rows.write_ndjson(folder / "content.jsonl")
        case "contacts":
            rows.write_csv(folder / "contacts.csv", separator=";")
        case _:
            rows.write_csv(folder / f"{name}.csv")


def _by_month(rows: pl.DataFrame, month: pl.Expr) -> list[tuple[str, pl.DataFrame]]:
    """Return the rows by month; bad rows without a readable time are added to the last month of the good rows."""
    key = rows.select(month.alias("month")).to_series()
    last_month = key.filter(key.str.contains(r"^20\d\d-(0[1-9]|1[0-2])$")).max()
    is_month = key.str.contains(r"^20\d\d-(0[1-9]|1[0-2])$")
    keyed = rows.with_columns(pl.when(is_month).then(key).otherwise(pl.lit(last_month)).alias("month"))
    return [(str(name), part) for (name,), part in sorted(keyed.partition_by("month", include_key=False, as_dict=True).items())]


def _write_gzip(path: Path, text: str) -> None:
    # No name and time in the gzip header, so that the same content gives the same bytes.
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(text.encode())
