"""What a later night counts is what arrived on it, table by table, and nothing of the nights before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from lake.storage.delta import Lake
from pipeline.intake.intake import arrived_on, validate_sources
from pipeline.preflight import preflight
from runtime.run_context import open_run
from tests.forum import DAYS, FORUM, NIGHT, NOW, WHO, day, take_in, write_events, write_forum

MANY_FILES = FORUM.replace("content.csv", "content*.csv").replace("feedback.csv", "feedback*.csv")


def counted(ledger: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """Table → rows read, quarantined and landed."""
    return {row[0]: row[1:] for row in ledger.select("table", "rows_read", "quarantined", "landed").iter_rows()}


def test_the_second_and_the_third_night_count_what_arrived_on_them_in_each_table(tmp_path: Path) -> None:
    write_forum(tmp_path, configuration=MANY_FILES)
    first = {"members": (6, 0, 6), "content": (DAYS, 0, DAYS), "events": (6 * DAYS, 0, 6 * DAYS), "feedback": (7, 1, 6)}
    assert counted(take_in(tmp_path)) == first

    write_events(tmp_path, "events-2.csv", range(DAYS * 6, DAYS * 6 + 4))
    pieces = [("new1", WHO[0], day(DAYS), "a"), ("new2", WHO[1], day(DAYS), "b")]
    pl.DataFrame(pieces, schema=["content_id", "author_id", "published_at", "title"], orient="row").write_csv(
        tmp_path / "landing/content-2.csv"
    )
    said = [*((WHO[0], day(DAYS, hours=hours), 5, "fine") for hours in range(5)), (WHO[0], "not a time", 3, "bad row")]
    pl.DataFrame(said, schema=["member_id", "answered_at", "score", "text"], orient="row").write_csv(
        tmp_path / "landing/feedback-2.csv"
    )
    second, third = NIGHT + timedelta(days=1), NIGHT + timedelta(days=2)
    of_second = {"content": (2, 0, 2), "events": (4, 0, 4), "feedback": (6, 1, 5)}
    assert counted(take_in(tmp_path, night=second, now=NOW + timedelta(days=1))) == of_second

    write_events(tmp_path, "events-3.csv", range(DAYS * 6 + 6, DAYS * 6 + 9))
    assert counted(take_in(tmp_path, night=third, now=NOW + timedelta(days=2))) == {"events": (3, 0, 3)}
    lake = Lake(tmp_path / "lake")
    assert counted(arrived_on(lake, NIGHT)) == first
    assert counted(arrived_on(lake, second)) == of_second
    assert arrived_on(lake, third + timedelta(days=1)).is_empty()


def test_great_expectations_is_asked_for_only_where_a_new_file_arrived(tmp_path: Path) -> None:
    write_forum(tmp_path)
    asked: list[str] = []

    def look() -> None:
        opened = open_run(tmp_path, NIGHT, now=NOW)
        asked.append(f"preflight: {preflight(opened, writes=True, sources=True)}")
        validate_sources(
            opened.workspace,
            opened.settings,
            as_of=NIGHT,
            now=NOW,
            progress=lambda _: None,
            about_to_read=lambda: asked.append("read"),
        )

    look()
    assert asked[0] == "preflight: True"
    assert "read" in asked
    take_in(tmp_path)
    asked.clear()
    look()
    assert asked == ["preflight: False"]
    write_events(tmp_path, "events-9.csv", range(3))
    asked.clear()
    look()
    assert asked == ["preflight: True", "read"]
