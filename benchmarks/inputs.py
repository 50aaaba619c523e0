"""The tables of a lake as plain Parquet files, so that every rival reads the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from features.history import History, cut
from features.incremental.totals import IncrementalTotals, compute_totals
from lake.contracts import DAILY, TIES
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.history.daily_rollups import load_history
from runtime.workspace import Workspace

EVENT_COLUMNS = (DAY, "member_id", "event_type", "occurred_at", "target_member_id")
ORDER_COLUMNS = (DAY, "member_id", "ordered_at", "amount_minor")
SAMPLE_MEMBERS = 1_000


@dataclass(frozen=True)
class Facts:
    """What is true of the inputs beside their rows.

    Args:
        as_of: The night.
        available: As `History.available`.
        event_types: As `History.event_types`.
        sample: How many members the slowest rival gets.
    """

    as_of: date
    available: tuple[str, ...]
    event_types: tuple[str, ...]
    sample: int


def write_inputs(workspace: Path, folder: Path, *, as_of: date, timezone: str, sample: int = SAMPLE_MEMBERS) -> None:
    """Write landed events and orders, rollups, ties and members up to a night, and a sample of the members' rollups."""
    folder.mkdir(parents=True, exist_ok=True)
    lake = Workspace(workspace).lake
    up_to = pl.col(DAY) <= as_of
    history = load_history(lake, timezone=timezone, as_of=as_of)
    lake.scan("events").filter(up_to).select(EVENT_COLUMNS).sink_parquet(folder / "events.parquet")
    lake.scan("orders").filter(up_to).select(ORDER_COLUMNS).sink_parquet(folder / "orders.parquet")
    lake.scan("events").filter(pl.col(DAY) == as_of).select(EVENT_COLUMNS).sink_parquet(folder / "events_of_the_day.parquet")
    lake.scan("orders").filter(pl.col(DAY) == as_of).select(ORDER_COLUMNS).sink_parquet(folder / "orders_of_the_day.parquet")
    scan_member_index(lake).sink_parquet(folder / "member_index.parquet")
    lake.scan(DAILY).filter(up_to).sink_parquet(folder / "daily.parquet")
    lake.scan(TIES).filter(up_to).sink_parquet(folder / "ties.parquet")
    history.members.sink_parquet(folder / "members.parquet")
    _write_sample(folder, sample)
    write_held_totals(history, folder, as_of=as_of)
    facts = {
        "as_of": as_of.isoformat(),
        "available": sorted(history.available),
        "event_types": history.event_types,
        "sample": sample,
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def write_held_totals(history: History, folder: Path, *, as_of: date) -> None:
    """Write the running totals that the night before left for this one."""
    write_totals(compute_totals(cut(history, as_of - timedelta(days=1))), folder / "held_totals")


def write_totals(totals: IncrementalTotals, folder: Path) -> None:
    """Write running totals, a file each."""
    folder.mkdir(exist_ok=True)
    for name, frame in totals.frames().items():
        frame.write_parquet(folder / f"{name}.parquet")


def read_held_totals(folder: Path) -> IncrementalTotals:
    """The running totals of the night before."""
    frames = {path.stem: pl.read_parquet(path) for path in (folder / "held_totals").glob("*.parquet")}
    return IncrementalTotals(read_facts(folder).as_of - timedelta(days=1), **frames)


def read_facts(folder: Path) -> Facts:
    """What is true of the inputs in a folder."""
    found = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    as_of = date.fromisoformat(found["as_of"])
    return Facts(as_of, tuple(found["available"]), tuple(found["event_types"]), found["sample"])


def read_history(folder: Path, *, members: str = "members.parquet", daily: str = "daily.parquet") -> History:
    """The history that the inputs hold."""
    facts = read_facts(folder)
    return History(
        members=pl.scan_parquet(folder / members),
        daily=pl.scan_parquet(folder / daily),
        ties=pl.scan_parquet(folder / "ties.parquet"),
        available=frozenset(facts.available),
        event_types=facts.event_types,
    )


def stretches(folder: Path, *, days: int) -> list[tuple[date, date]]:
    """The days of the events in stretches, as a first load rolls them up."""
    first, last = pl.scan_parquet(folder / "events.parquet").select(pl.col(DAY).min(), last=pl.col(DAY).max()).collect().row(0)
    starts = [first + timedelta(days=number) for number in range(0, (last - first).days + 1, days)]
    return [(start, min(start + timedelta(days=days - 1), last)) for start in starts]


def _write_sample(folder: Path, sample: int) -> None:
    members = pl.scan_parquet(folder / "members.parquet").sort("member_no").collect()
    every = max(members.height // sample, 1)
    chosen = members.gather_every(every).head(sample)
    chosen.write_parquet(folder / "sample_members.parquet")
    daily = pl.scan_parquet(folder / "daily.parquet").join(chosen.lazy().select("member_no"), on="member_no", how="semi")
    daily.sink_parquet(folder / "sample_daily.parquet")
