"""The planted community as a workspace: exports of members, content and events, taken in as a night does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from features.history import History
from pipeline.community.network import NightNetwork, measure_network
from pipeline.execution.executor import Features, LocalExecutor
from pipeline.history.daily_rollups import load_snapshot
from runtime.run_context import RunContext, open_run
from tests.features.builders import AS_OF
from tests.features.network.planted import Planted
from tests.forum import take_in

CONFIGURATION = """\
[community]
name = "Planted"
[churn]
horizon_days = 28
eligible_days = 90

[sources.members]
path = "members.csv"
[sources.content]
path = "content.csv"
[sources.events]
path = "events*.csv"
"""
TOPICS = ("wine", "beer", "cider", "mead")
NOW = datetime.combine(AS_OF + timedelta(days=40), time(2), tzinfo=UTC)


def write_planted(folder: Path, found: Planted, *, refuses: tuple[int, ...] = ()) -> None:
    """Write configuration and exports: everybody writes a piece a quarter on the topic of their community, and responds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(CONFIGURATION, encoding="utf-8")
    members = range(len(found.community))
    profiled = ["no" if one in refuses else "yes" for one in members]
    pl.DataFrame({"member_id": [f"m{one}" for one in members], "can_profile": profiled}).write_csv(folder / "members.csv")
    pieces = [
        (f"p{one}-{quarter}", f"m{one}", f"{AS_OF - timedelta(days=80 * quarter)} 09:00:00", TOPICS[found.community[one]])
        for one in members
        for quarter in range(3)
        if found.ring[one] < 0
    ]
    pl.DataFrame(pieces, schema=["content_id", "author_id", "published_at", "topic"], orient="row").write_csv(
        folder / "content.csv"
    )
    write_events(folder, "events.csv", found.rows)


def write_events(folder: Path, name: str, ties: pl.DataFrame) -> None:
    """Write ties as events that name whom they are directed at."""
    ties.select(
        event_id=pl.format("{}-{}-{}", "event_date", "member_no", "other_no"),
        member_id=pl.format("m{}", "member_no"),
        event_type=pl.lit("reply"),
        occurred_at=pl.format("{} 20:00:00", "event_date"),
        target_member_id=pl.format("m{}", "other_no"),
    ).write_csv(folder / name)


def night_of(folder: Path, night: date = AS_OF) -> tuple[RunContext, History, Features]:
    """Take in what is new, and compute the features of a night."""
    take_in(folder, night=night, now=NOW)
    return prepared(folder, night)


def prepared(folder: Path, night: date = AS_OF) -> tuple[RunContext, History, Features]:
    """Compute the features of a night from what has been taken in."""
    run = open_run(folder, night, now=NOW).on(night)
    snapshot = load_snapshot(run)
    return run, snapshot.history, LocalExecutor().compute_features(run, snapshot)


def measured(folder: Path, night: date = AS_OF) -> NightNetwork:
    """Measure the network of a night from what has been taken in."""
    network = measure_network(*prepared(folder, night))
    assert network is not None
    return network
