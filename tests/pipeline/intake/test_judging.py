"""Taking in, below the flow: what one cell or one table does to a night, from the files to the findings and the message."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.errors import ConfigurationError
from lake.storage.delta import Lake
from lake.storage.release_format import mark_format
from outputs.report.validation_page import render_validation
from pipeline.history.daily_rollups import load_snapshot, roll_up
from pipeline.intake.intake import Intake, land_intake, validate_sources
from pipeline.learning.challenger import first_day
from pipeline.summary import stop_error, validation_facts
from runtime.run_context import open_run

NIGHT = date(2024, 1, 31)
NOW = datetime(2024, 2, 1, 3, tzinfo=UTC)
OPEN = """\
[community]
name = "Forum"
"""
MEMBERS = """
[sources.members]
path = "members.csv"
"""
CONTENT = """
[sources.content]
path = "content.csv"
"""
EVENTS = """
[sources.events]
path = "events*.csv"
"""
ORDERS = """
[sources.orders]
path = "orders*.csv"
"""


def judged(folder: Path, configuration: str, **files: str) -> Intake:
    """Judge the files, given as lines, the header first."""
    (folder / "evenfall.toml").write_text(configuration)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text.replace(" ", "\n"))
    run = open_run(folder, NIGHT, now=NOW)
    return validate_sources(run.workspace, run.settings, as_of=NIGHT, now=NOW, progress=lambda _: None)


def landed(folder: Path, intake: Intake) -> Lake:
    run = open_run(folder, NIGHT, now=NOW)
    land_intake(run.workspace, intake)
    roll_up(run.workspace.lake, timezone=run.timezone, now_date=NIGHT)
    return run.workspace.lake


def told(intake: Intake) -> list[str]:
    return [finding.says for finding in intake.findings if finding.rule == "cells_are_valid"]


FORUM = {
    "members": "member_id,joined_at,can_contact m1,0000-00-00,maybe m2,2023-12-01,",
    "content": "content_id,author_id,published_at p1,m1,2024-01-02",
    "events": "event_id,member_id,event_type,occurred_at,content_id,target_member_id "
    "e1,m1,like,2024-01-30,p1,m2 e2,m1,like,2024-01-30,p9,m9 e3,m2,like,2024-01-31,,",
}


def test_a_cell_that_cannot_be_used_costs_neither_its_row_nor_what_refers_to_it(tmp_path: Path) -> None:
    intake = judged(tmp_path, OPEN + MEMBERS + CONTENT + EVENTS, **FORUM)
    assert not intake.stops
    assert told(intake) == [
        "members.can_contact: 1 of 1 values could not be read as yes or no and count as no, like aaaaa.",
        "members.joined_at: 1 of 2 values could not be read as a time and were left empty, such as '0000-00-00'.",
        "events.content_id: 1 of 2 values name no row of content that is known and were left empty.",
        "events.target_member_id: 1 of 2 values name no row of members that is known and were left empty.",
    ]
    page = render_validation(validation_facts(open_run(tmp_path, NIGHT, now=NOW), intake, tonight=None))
    assert "1 value · counted as no" in page
    assert "1 value · left empty" in page
    assert "like a9, 2 characters" in page
    assert "<td>events.csv</td>" in page
    lake = landed(tmp_path, intake)
    assert [(arrival.facts["quarantined"], arrival.records.height) for arrival in intake.arrivals] == [(0, 2), (0, 1), (0, 3)]
    members = lake.scan("members").sort("member_id").select("can_contact", "joined_at").collect()
    assert members["can_contact"].to_list() == [False, None]
    assert members["joined_at"].is_null().to_list() == [True, False]
    events = lake.scan("events").sort("event_id").select("content_id", "target_member_id").collect()
    assert events.rows() == [("p1", "m2"), (None, None), (None, None)]


def test_a_stopped_run_names_every_table_and_what_made_others_bad(tmp_path: Path) -> None:
    bad = FORUM | {"members": f"member_id,joined_at m7,2023-12-01 {'m' * 2001},2023-12-01"}
    intake = judged(tmp_path, OPEN + MEMBERS + CONTENT + EVENTS, **bad)
    message = str(stop_error(intake, page=Path("page.html")))
    expected = [
        "1 of 2 arrived members rows are bad (50.0%); at most 20.0% may be.",
        "member_id_length: 1 rows; row 2",
        "1 of 1 arrived content rows are bad (100.0%): every one of them. They are bad because members are.",
        "author_id_known: 1 rows; row 1",
        "3 of 3 arrived events rows are bad (100.0%): every one of them. They are bad because members are.",
        "member_id_known: 3 rows; row 1, row 2, row 3",
        "raise max_bad_share under [validation.members]",
    ]
    places = [message.find(words) for words in expected]
    assert -1 not in places, message
    assert places == sorted(places)
    assert "[validation.events]" not in message


def test_no_limit_is_named_where_every_row_is_bad(tmp_path: Path) -> None:
    none = FORUM | {"events": "member_id,event_type,occurred_at m1,like,never"}
    message = str(stop_error(judged(tmp_path, OPEN + EVENTS, **none), page=Path("page.html")))
    assert "Repair the export, or how [sources.events] maps it, and run again." in message
    assert "max_bad_share" not in message


def test_more_bad_rows_than_the_limit_name_the_limit(tmp_path: Path) -> None:
    some = FORUM | {"events": "member_id,event_type,occurred_at m1,like,2024-01-30 m1,like,never"}
    message = str(stop_error(judged(tmp_path, OPEN + EVENTS, **some), page=Path("page.html")))
    assert "raise max_bad_share under [validation.events]" in message


def orders(*currencies: str, key: str = "o") -> str:
    return " ".join(
        ["order_id,member_id,ordered_at,amount,currency"]
        + [f"{key}{number},m1,2024-01-30,100,{currency}" for number, currency in enumerate(currencies)]
    )


def test_orders_of_two_currencies_stop_the_night_whether_they_come_together_or_not(tmp_path: Path) -> None:
    for currencies in (("USD", "JPY", "JPY"), ("USD", "usd", "")):
        folder = tmp_path / currencies[1]
        folder.mkdir()
        stops = judged(folder, OPEN + ORDERS, orders=orders(*currencies)).stops
        assert [stop.rule for stop in stops] == (["one_currency"] if "JPY" in currencies else [])
    assert "JPY (2 rows), USD (1 row)" in str(stop_error(judged(tmp_path / "JPY", OPEN + ORDERS), page=Path("page.html")))
    begun = tmp_path / "usd"
    landed(begun, judged(begun, OPEN + ORDERS))
    (stop,) = judged(begun, OPEN + ORDERS, orders2=orders("EUR", key="x")).stops
    assert "USD (2 rows), EUR (1 row)" in stop.says
    # A file that brings the same orders in another currency takes the place of what was wrong.
    assert not judged(begun, OPEN + ORDERS, orders2=orders("EUR", "EUR", "EUR")).stops
    (shown,) = judged(begun, OPEN + 'currency = "GBP"\n' + ORDERS, orders2=orders("USD", key="x")).stops
    assert shown.says == "All orders that say a currency are in USD (3 rows), and [community] currency is GBP."


def test_one_event_of_1970_is_told_once_and_begins_no_history(tmp_path: Path) -> None:
    rows = [f"m{day % 3},login,2024-01-{day:02}" for day in range(1, 32)] + ["m1,login,1970-01-01"]
    intake = judged(tmp_path, OPEN + EVENTS, events=" ".join(["member_id,event_type,occurred_at", *rows]))
    assert [finding.says for finding in intake.findings] == [
        "events has 1 row on 1970-01-01, more than 180 days before the rest, which begins on 2024-01-01: "
        "kept, but not counted as history."
    ]
    landed(tmp_path, intake)
    run = open_run(tmp_path, NIGHT, now=NOW)
    assert first_day(load_snapshot(run).history, NIGHT) == date(2024, 1, 1)
    assert judged(tmp_path, OPEN + EVENTS).findings == ()


def test_days_of_two_zones_do_not_come_together(tmp_path: Path) -> None:
    judged(tmp_path, OPEN + EVENTS, **FORUM)
    mark_format(tmp_path / "lake", timezone="UTC")
    with pytest.raises(ConfigurationError, match=r"counts days in UTC, and .* now says Asia/Tokyo"):
        judged(tmp_path, OPEN + 'timezone = "Asia/Tokyo"\n' + EVENTS)
