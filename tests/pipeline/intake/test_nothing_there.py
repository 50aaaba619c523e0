"""Files that hold nothing, files that are no longer there, and ids that are none: the night goes on, or says why not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.arrivals import read_arrivals
from lake.errors import ConfigurationError, DataError
from lake.quarantine import read_quarantine
from pipeline.intake.intake import Intake, land_intake, validate_sources
from runtime.settings import Settings
from runtime.workspace import Workspace

CLOCK = datetime(2025, 7, 1, 3, tzinfo=UTC)
NIGHT = date(2025, 6, 30)
EVENTS = "event_id,member_id,event_type,occurred_at,target_member_id\n"
FORUM: dict[str, Any] = {
    "events": {"path": "landing/e*.csv"},
    "members": {"path": "landing/members.csv"},
    "feedback": {"path": "landing/feedback.csv"},
    "orders": {"path": "orders/*.csv", "optional": True},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "e-01.csv").write_text(EVENTS + "1,ann,post,2025-06-29,bob\n2,bob,post,2025-06-30,\n")
    (tmp_path / "landing" / "e-02.csv").write_text(EVENTS)
    (tmp_path / "landing" / "members.csv").write_text("member_id,joined_at\n")
    (tmp_path / "landing" / "feedback.csv").write_bytes(b"")
    return tmp_path


def judged(root: Path, sources: dict[str, Any]) -> Intake:
    configured = Settings(sources=sources, validation={"events": {"max_bad_share": 1.0}})
    return validate_sources(Workspace(root), configured, as_of=NIGHT, now=CLOCK, progress=lambda _: None)


def told(intake: Intake) -> set[tuple[str, str, str]]:
    return {(found.table, found.rule, found.severity) for found in intake.findings}


def test_empty_files_are_counted_and_a_path_that_has_matched_may_match_nothing_later(root: Path) -> None:
    first = judged(root, FORUM)
    missing = {("members", "table_not_missing", "warning"), ("feedback", "table_not_missing", "warning")}
    assert told(first) == missing
    land_intake(Workspace(root), first)
    ledger = read_arrivals(Workspace(root).lake).select("path", "rows_read", "landed").sort("path").rows()
    empty = ("landing/e-02.csv", "landing/feedback.csv", "landing/members.csv")
    assert ledger == [("landing/e-01.csv", 2, 2), *((path, 0, 0) for path in empty)]
    assert judged(root, FORUM).unchanged == 4

    for file in (root / "landing").glob("e*.csv"):
        file.unlink()
    emptied = judged(root, FORUM)
    assert told(emptied) == missing | {("events", "path_matches_a_file", "warning")}
    (finding,) = (found for found in emptied.findings if found.rule == "path_matches_a_file")
    assert "landing/e*.csv matches no file" in finding.says
    with pytest.raises(ConfigurationError, match=r"landing/evnts\*\.csv matches no file"):
        judged(root, FORUM | {"events": {"path": ["landing/e*.csv", "landing/evnts*.csv"]}})


def test_a_community_without_any_activity_stops(root: Path) -> None:
    (root / "landing" / "e-01.csv").write_text(EVENTS)
    assert ("events", "table_not_missing") in {(stop.table, stop.rule) for stop in judged(root, FORUM).stops}
    optional = {"orders": FORUM["orders"]}
    assert [(stop.table, stop.rule) for stop in judged(root, optional).stops] == [("orders", "table_not_missing")]


def test_what_is_no_id_is_quarantined_and_ids_that_a_spreadsheet_rounded_stop_the_night(root: Path) -> None:
    file = root / "landing" / "e-01.csv"
    people = ["NULL", "None", "nan", "N/A", "-", "0", "8.76543E+17", "ann", "None of us"]
    file.write_text(EVENTS + "".join(f"{number},{who},-,2025-06-30,NULL\n" for number, who in enumerate(people)))
    only = {"events": FORUM["events"]}
    land_intake(Workspace(root), judged(root, only))
    lake = Workspace(root).lake
    landed = lake.scan("events").select("event_id", "member_id", "event_type", "target_member_id").sort("event_id").collect()
    assert landed.rows() == [("7", "ann", "-", None), ("8", "None of us", "-", None)]
    assert read_quarantine(lake).sort("row_no")["rules"].to_list() == [["member_id_present"]] * 6 + [["member_id_is_not_rounded"]]

    known = {"events": FORUM["events"] | {"null_values": []}}
    file.write_text(EVENTS + "0,0,post,2025-06-30,\n")
    assert judged(root, known).arrivals[0].records.frame.collect()["member_id"].to_list() == ["0"]

    file.write_text(EVENTS + "".join(f"{number},8.7654{number}E+17,post,2025-06-30,\n" for number in range(9)))
    with pytest.raises(DataError, match=r"events \(landing/e-01\.csv\), column member_id: 9 of 9 ids were rounded") as error:
        judged(root, only)
    assert "as text" in error.value.remedy
    pl.DataFrame({"id": [8.76543e17] * 3, "at": ["2025-06-30"] * 3}).write_parquet(root / "landing" / "e-03.parquet")
    columns = {"event_type": "'post'", "occurred_at": "at", "member_id": "CAST(id AS VARCHAR)"}
    with pytest.raises(DataError, match="3 of 3 ids were rounded"):
        judged(root, {"events": {"path": "landing/e-03.parquet", "columns": columns}})
