"""Write the simulated community to disk."""

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
from lake.simulate.population import draw_population
from lake.simulate.wording import Calendar

TIMEZONE: Final = "Europe/London"
DEFAULT_SEED: Final = 2025
FIRST_DAY: Final = date(2025, 1, 1)


@dataclass(frozen=True)
class SimulatedCommunity:
    """What `simulate` wrote.

    Args:
        folder: Where; it holds `landing/` and `truth/`.
        first_day: The first simulated day, in the community's timezone.
        last_day: The last one, complete.
        timezone: The community's timezone.
        currency: Currency of all amounts.
        rows: Table → rows in its files, order lines for orders, bad rows included.
        bad_rows: Table → kind of breakage → rows broken so.
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
        folder: Where to write `landing/` and `truth/`; made if missing, an earlier simulation is replaced.
        seed: Seed of all randomness.
        members: How many members join before the last day.
        days: How many days to simulate.
        first_day: The first of them.

    Raises:
        ConfigurationError: When there would be no member or no day.
    """
    if members < 1 or days < 1:
        raise ConfigurationError(
            f"A community of {members} members over {days} days cannot be simulated.", remedy="Ask for at least 1 of each."
        )
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    people_rng, life_rng, orders_rng, wording_rng, blemish_rng = streams
    calendar = Calendar(first_day, TIMEZONE)
    people = draw_population(people_rng, members=members, days=days)
    life = live(people, life_rng, first_day=first_day, days=days)
    orders = life.orders.columns()
    lines = order_lines(people, orders_rng, day=orders["day"], member=orders["member"], days=days)
    contacts = contacts_export(life, calendar, days=days)
    events = events_export(life, wording_rng, calendar)
    exports = {
        "members": members_export(people, wording_rng, calendar),
        "events_web": events.filter(pl.col("platform") == "web"),
        "events_app": _as_app_log(events.filter(pl.col("platform") != "web")),
        "orders": orders_export(lines, calendar),
        "content": content_export(life, wording_rng, calendar),
        "contacts": contacts,
        "feedback": feedback_export(life, wording_rng, calendar),
    }
    _write_truth(folder / "truth", members=members_truth(life, lines, calendar), contacts=contacts_truth(life, contacts))
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


def _as_app_log(events: pl.DataFrame) -> pl.DataFrame:
    """Reword events as the app's own log does: shorter names, times as ISO text with a Z."""
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
    """Spoil some rows, write every export, and return the rows and the bad rows per table."""
    (folder / "events").mkdir(parents=True, exist_ok=True)
    for earlier in [*folder.glob("events/web-*.parquet"), *folder.glob("events/app-*.jsonl")]:
        earlier.unlink()
    rows: dict[str, int] = {}
    bad_rows: dict[str, dict[str, int]] = {}
    for name, good in exports.items():
        table = name.partition("_")[0]
        export, counts = add_bad_rows(name, good, rng)
        rows[table] = rows.get(table, 0) + export.height
        known = bad_rows.setdefault(table, {})
        bad_rows[table] = {kind: known.get(kind, 0) + counts.get(kind, 0) for kind in sorted({*known, *counts})}
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
    """Split rows by month; the broken ones at the end, whose time says nothing, go where good rows end."""
    key = rows.select(month.alias("month")).to_series()
    last = key.filter(key.str.contains(r"^20\d\d-(0[1-9]|1[0-2])$")).max()
    is_sound = key.str.contains(r"^20\d\d-(0[1-9]|1[0-2])$")
    keyed = rows.with_columns(pl.when(is_sound).then(key).otherwise(pl.lit(last)).alias("month"))
    return [(str(name), part) for (name,), part in sorted(keyed.partition_by("month", include_key=False, as_dict=True).items())]


def _write_gzip(path: Path, text: str) -> None:
    # Without a name and a time in the header, the same content gives the same bytes.
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(text.encode())
