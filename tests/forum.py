"""A small forum whose members write, answer and refer each other: exports with and without keys, good rows and bad ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from lake.contracts import TABLES
from lake.storage.delta import Lake
from pipeline.history.daily_rollups import roll_up
from pipeline.intake.intake import land_intake, validate_sources
from runtime.run_context import open_run

FIRST_DAY = date(2025, 3, 1)
DAYS = 20
NIGHT = FIRST_DAY + timedelta(days=DAYS - 1)
NOW = datetime(2025, 4, 1, 2, 30, tzinfo=UTC)
WHO = ("anna-k", "anna-k-2", "bo_1", "carl", "dörte", "12347")

FORUM = """\
[community]
name = "Forum"

[churn]
horizon_days = 5
eligible_days = 10

[sources.members]
path = "landing/members.csv"
[sources.content]
path = "landing/content.csv"
[sources.events]
path = "landing/events*.csv"
[sources.feedback]
path = "landing/feedback.csv"
"""


def write_forum(folder: Path, *, configuration: str = FORUM, more: str = "") -> None:
    """Write the forum's workspace; a second export of events can be added with `write_events`."""
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(configuration + more, encoding="utf-8")
    referrers = [WHO[place - 1] if place % 2 else None for place in range(len(WHO))]
    pl.DataFrame({"member_id": WHO, "referrer_id": referrers, "region": ["x"] * len(WHO)}).write_csv(
        folder / "landing/members.csv"
    )
    pieces = [(f"piece{number}", WHO[number % len(WHO)], day(number), f"title {number}") for number in range(DAYS)]
    pl.DataFrame(pieces, schema=["content_id", "author_id", "published_at", "title"], orient="row").write_csv(
        folder / "landing/content.csv"
    )
    said = [(who, day(3), 7, f"thanks to {WHO[0]}" if who == "carl" else "fine") for who in WHO]
    said.append((WHO[0], "not a time", 3, "bad row"))
    pl.DataFrame(said, schema=["member_id", "answered_at", "score", "text"], orient="row").write_csv(
        folder / "landing/feedback.csv"
    )
    write_events(folder, "events.csv", range(DAYS * 6))


def write_events(folder: Path, name: str, numbers: range) -> None:
    """Write an export of events without keys: one in four speaks to another member, one in three is about a piece."""
    rows = [
        (
            WHO[number % 6],
            "post" if number % 5 else "like",
            day(number // 6, hours=number % 6),
            f"piece{number // 12}" if number % 3 == 0 else None,
            WHO[(number + 1 + number // 6) % 6] if number % 4 == 0 else None,
        )
        for number in numbers
    ]
    schema = ["member_id", "event_type", "occurred_at", "content_id", "target_member_id"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(folder / "landing" / name)


def day(number: int, *, hours: int = 0) -> str:
    """The time of day `number` as the exports write it."""
    return (datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=number, hours=9 + hours)).isoformat(sep=" ")


def take_in(folder: Path, *, night: date = NIGHT, now: datetime = NOW) -> pl.DataFrame:
    """Take in what is new and roll up, as a night does; returns the ledger's rows of the night."""
    opened = open_run(folder, night, now=now)
    intake = validate_sources(opened.workspace, opened.settings, as_of=night, now=now, progress=lambda _: None)
    assert not intake.stops, intake.stops
    tonight = land_intake(opened.workspace, intake)
    intake.spool.empty()
    roll_up(opened.workspace.lake, timezone=opened.timezone, now_date=night)
    return tonight


def landed(folder: Path, *, without: tuple[str, ...] = ("ingested_at", "arrival_id", "source_file")) -> dict[str, pl.DataFrame]:
    """Table → what the lake holds, in the order of the keys."""
    lake = Lake(folder / "lake")
    return {name: lake.scan(name).drop(without).collect().sort(table.key) for name, table in TABLES.items() if lake.exists(name)}
