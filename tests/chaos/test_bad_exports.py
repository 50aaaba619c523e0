"""Whatever an export holds, the answer is a night that accounts for every row, or a sentence saying whose fault it is."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lake.arrivals import check_identity, read_arrivals
from lake.contracts import TABLES
from lake.errors import DataError, EvenfallError
from pipeline.intake.intake import land_intake, validate_sources
from runtime.memory import MemoryBudget
from runtime.settings import Settings
from runtime.workspace import Workspace
from tests.chaos.inputs import FORMATS, Export, exports

EXAMPLES = int(os.environ.get("EVENFALL_TEST_EXAMPLES", "5"))
CLOCK = datetime(2025, 7, 1, 3, tzinfo=UTC)
NIGHT = date(2025, 6, 30)
BEARING_ALL = {"max_bad_share": 1.0, "max_age_days": 100_000}
COLUMNS = {"order_id": "order", "member_id": "customer", "ordered_at": "at", "amount": "amount", "kind": "note"}
PLAIN = {column: COLUMNS[column] for column in ("member_id", "ordered_at", "amount")}


HEADER = "order,customer,at,amount,note\n"


def settings_for(path: str | list[str], *, columns: dict[str, str], **source: Any) -> Settings:
    orders = {"path": path, "columns": columns, **source}
    return Settings(community={"timezone": "Europe/Berlin"}, sources={"orders": orders}, validation={"orders": BEARING_ALL})


def take_in(root: Path, configured: Settings) -> pl.DataFrame | EvenfallError:
    """The ledger after taking in, or the error that stopped it; anything else but these two is a bug."""
    workspace = Workspace(root)
    try:
        intake = validate_sources(workspace, configured, as_of=NIGHT, now=CLOCK, progress=lambda _: None)
        if intake.stops:
            return DataError(intake.stops[0].says, remedy="Repair it.")
        land_intake(workspace, intake)
    except EvenfallError as error:
        return error
    return read_arrivals(workspace.lake)


def check_told(error: EvenfallError) -> None:
    assert error.exit_code in (2, 3), error
    assert error.what.strip()
    assert error.remedy.strip()
    assert "Traceback" not in str(error)


def check(found: pl.DataFrame | EvenfallError, root: Path, *, records: int | None) -> None:
    lake = Workspace(root).lake
    if isinstance(found, EvenfallError):
        assert not lake.exists("orders"), "something of a refused file landed"
        check_told(found)
        return
    check_identity(found, record_counts={name: lake.row_count(name) for name in TABLES})
    if records is not None:
        assert found["rows_read"].sum() == records
    assert lake.scan("quarantine").collect().height == found["quarantined"].sum()
    landed = lake.scan("orders").collect()
    assert landed["order_id"].is_unique().all()
    assert landed.select(pl.col("member_id", "ordered_at", "amount_minor").is_not_null().all()).row(0) in ((True,) * 3,)


@pytest.mark.parametrize("file_format", FORMATS)
@given(data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_no_export_is_answered_with_a_traceback_or_loses_a_row(
    file_format: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    export: Export = data.draw(exports(file_format))
    root = tmp_path_factory.mktemp("workspace")
    (root / export.name).write_bytes(export.content)
    configured = settings_for(export.name, columns=data.draw(st.sampled_from((COLUMNS, PLAIN))), **export.settings)
    found = take_in(root, configured)
    event(f"{export.damage}: {'refused' if isinstance(found, EvenfallError) else 'taken in'}")
    check(found, root, records=export.records)


def test_ten_thousand_columns_are_read_past(tmp_path: Path) -> None:
    wide = pl.DataFrame(
        {"order": ["1", "2"], "customer": ["ann", "bob"], "at": ["2025-06-01"] * 2, "amount": ["1", "x"], "note": ["", ""]}
    )
    wide = wide.with_columns(pl.lit("x" * 9).alias(f"column {number}") for number in range(10_000))
    for file_format in ("csv", "parquet", "jsonl"):
        root = tmp_path / file_format
        root.mkdir()
        path = root / f"orders.{file_format}"
        (wide.write_ndjson if file_format == "jsonl" else getattr(wide, f"write_{file_format}"))(path)
        found = take_in(root, settings_for(path.name, columns=COLUMNS))
        check(found, root, records=2)
        assert not isinstance(found, EvenfallError)
        assert found.select("landed", "quarantined").row(0) == (1, 1)


@pytest.mark.parametrize("what", ["vanishes", "becomes a folder", "is cut", "becomes a link to itself"])
def test_a_file_that_changes_under_the_night_stops_it_and_nothing_of_any_file_lands(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first file has been judged when the second changes.
    monkeypatch.setattr(MemoryBudget, "rows_validated_together", 1)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER + f"{name},ann,2025-06-01,1,\n")
    second = tmp_path / "b.csv"

    def meddle(_: str) -> None:
        second.unlink()
        if what == "becomes a folder":
            second.mkdir()
        elif what == "is cut":
            second.write_text(HEADER + "b.csv,ann")
        elif what == "becomes a link to itself":
            second.symlink_to(second)

    configured = settings_for(["a.csv", "b.csv"], columns=COLUMNS)
    with pytest.raises(EvenfallError) as error:
        validate_sources(Workspace(tmp_path), configured, as_of=NIGHT, now=CLOCK, progress=meddle)
    assert error.value.exit_code in (2, 3)
    assert not Workspace(tmp_path).lake.exists("orders")


def test_a_file_that_comes_or_grows_during_the_night_is_taken_in_by_the_next(tmp_path: Path) -> None:
    configured = settings_for("*.csv", columns=COLUMNS)
    (tmp_path / "a.csv").write_text(HEADER + "1,ann,2025-06-01,1,\n")

    def more(_: str) -> None:
        (tmp_path / "b.csv").write_text(HEADER + "2,bob,2025-06-01,1,\n")
        (tmp_path / "a.csv").write_text(HEADER + "1,ann,2025-06-01,1,\n3,cleo,2025-06-01,1,\n")

    workspace = Workspace(tmp_path)
    land_intake(workspace, validate_sources(workspace, configured, as_of=NIGHT, now=CLOCK, progress=more))
    assert workspace.lake.row_count("orders") == 1
    check(take_in(tmp_path, configured), tmp_path, records=1 + 1 + 2)
    assert workspace.lake.row_count("orders") == 3


@given(data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_files_that_come_go_and_change_from_night_to_night_lose_no_row(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("workspace")
    configured = settings_for(["*.csv", "*.jsonl", "*.parquet"], columns=COLUMNS)
    for name in ("0.csv", "0.jsonl", "0.parquet"):
        write = {"csv": "write_csv", "jsonl": "write_ndjson", "parquet": "write_parquet"}[name[2:]]
        getattr(pl.DataFrame({"order": ["x"], "customer": ["ann"], "at": ["2025-06-01"], "amount": ["1"], "note": [""]}), write)(
            root / name
        )
    for _ in range(3):
        file_format = data.draw(st.sampled_from(("csv", "jsonl", "parquet")))
        export: Export = data.draw(exports(file_format))
        path = root / f"{data.draw(st.integers(0, 2))}.{file_format}"
        before = Workspace(root).lake.row_count("orders")
        path.write_bytes(export.content)
        found = take_in(root, configured)
        if isinstance(found, EvenfallError):
            assert Workspace(root).lake.row_count("orders") == before
            check_told(found)
            break
        check(found, root, records=None)
