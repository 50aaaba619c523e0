"""A workspace of the release before opens, goes on and is verified; one of a later release is left alone."""

from __future__ import annotations

import json
import tarfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import read_arrivals
from lake.errors import ConfigurationError
from lake.storage.delta import Lake
from lake.storage.release_format import FORMAT, mark_format, read_format, refuse_newer
from pipeline.erasure.file_search import files_below
from pipeline.verification.verify import verify
from tests.nights import Run
from tests.paths import ROOT

ARCHIVE = ROOT / "tests" / "workspaces" / "before-running-totals.tar.xz"
ITS_NIGHTS = (date(2025, 3, 19), date(2025, 3, 21))
NEXT = date(2025, 3, 23)
ORDERS = """\
order,customer,at,quantity,price
o90001,c001,2025-03-22 10:00:00,2,5.50
o90001,c001,2025-03-22 10:00:00,1,3.25
o90002,c099,2025-03-23 11:00:00,1,8.00
"""


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The workspace as the release before left it, restored in another place than it was made in."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_a_workspace_of_the_release_before_goes_on_with_its_lake_models_and_lists(run: Run, before: Path) -> None:
    lists = {path: path.read_bytes() for path in files_below(before / "lists")}
    landed = Lake(before / "lake").row_count("orders")
    assert not (before / "lake" / "format.json").exists()
    (before / "landing" / "orders-3.csv").write_text(ORDERS)
    done = run("nightly", "--workspace", before, "--as-of", NEXT)
    assert done.code == 0, done.err
    assert "3 rows read = 0 left out + 1 merged + 0 replaced + 0 quarantined + 2 landed" in done.out
    assert "churn/1 was written in the format of another version of Evenfall" in done.err
    lake = Lake(before / "lake")
    assert lake.row_count("orders") == landed + 2
    assert read_arrivals(lake)["as_of"].to_list() == [*ITS_NIGHTS, NEXT]
    assert json.loads((before / "lake" / "format.json").read_text())["lake_format"] == FORMAT
    members = pl.read_parquet(before / "lists" / str(NEXT) / "members.parquet")
    assert members["churn_model"].unique().to_list() == ["churn/2"] or members["churn_model"][0].startswith("churn/2 ")
    assert members.filter(pl.col("member_id") != "c099")["previous_tier"].null_count() == 0
    assert members.filter(pl.col("member_id") == "c099")["lifecycle"].to_list() == ["new"]
    assert {path: path.read_bytes() for path in lists} == lists
    assert verify(before, str(NEXT)).answer == "matches"
    verdict = verify(before, str(ITS_NIGHTS[1]))
    assert verdict.answer == "cannot be verified"
    assert "written by an earlier release" in verdict.lines[0]


def test_a_lake_of_a_newer_release_stops_every_command_before_anything_is_changed(run: Run, before: Path) -> None:
    (before / "lake" / "format.json").write_text(json.dumps({"lake_format": FORMAT + 1}))
    held = {path: path.read_bytes() for path in files_below(before)}
    for command in (["nightly"], ["train"], ["verify"], ["erase", "c001", "--yes"], ["explain", "c001"], ["quarantine", "list"]):
        done = run(*command, "--workspace", before)
        assert done.code == 2, command
        assert f"format {FORMAT + 1}, and this one knows up to {FORMAT}" in done.err
    assert run("doctor", "--workspace", before).code == 2
    assert {path: path.read_bytes() for path in files_below(before)} == held


@pytest.mark.parametrize("text", ["", "{}", '{"lake_format": "two"}', '{"lake_format": true}', "[1]"])
def test_a_damaged_mark_is_told_and_an_absent_one_means_the_first_format(text: str, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    assert read_format(lake) is None
    (lake / "orders").mkdir(parents=True)
    assert read_format(lake) == 1
    mark_format(lake, timezone="UTC")
    assert read_format(lake) == FORMAT
    (lake / "format.json").write_text(text)
    with pytest.raises(ConfigurationError, match="does not say which format"):
        refuse_newer(lake)
