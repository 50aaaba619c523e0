"""The structured log of a night: every step with its time and counts, however the run ends, and nobody's name."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from mlflow import MlflowClient

from lake.errors import OutsideServiceError
from pipeline.retention import apply_retention
from runtime.logged_run import logged
from runtime.run_context import RunContext, open_run
from runtime.run_log import RunLog, log_files, read_log
from runtime.tracking.store_address import local_store_address
from tests.communities import LAST_DAY, SHOP, shop_lines, until, write_shop
from tests.nights import NIGHT, Run

STEPS = [
    "taking in", "landing", "rolling up", "computing features", "finding the champions", "measuring the network",
    "measuring the level", "scoring", "finding reasons", "segmenting", "reading content", "publishing the lists",
    "counting the figures", "judging the figures",
    "measuring what matured", "deciding what is told", "measuring effects", "writing the report", "recording the night",
    "tidying up",
]  # fmt: skip


def test_a_night_logs_every_step_with_its_time_memory_and_counts_and_names_nobody(run: Run, begun: Path) -> None:
    shop, sold, night = begun, shop_lines(), NIGHT
    assert run("nightly", "--workspace", shop, "--as-of", night).code == 0
    file = shop / "logs" / f"{night}.jsonl"
    lines = list(read_log(file))
    runs = list(dict.fromkeys(line["run"] for line in lines))
    assert len(runs) == 2
    ended = [{line["step"]: line for line in lines if line["event"] == "step ended" and line["run"] == one} for one in runs]
    assert [list(steps) for steps in ended] == [STEPS, STEPS]
    assert all(step["seconds"] >= 0 and step["peak_memory_mib"] > 0 for step in ended[0].values())
    members = until(sold, night)["customer"].n_unique()
    assert ended[0]["taking in"]["rows_read"] == sold.height
    assert ended[1]["taking in"]["rows_read"] == 0
    assert ended[1]["taking in"]["unchanged"] == 1
    assert [steps["scoring"]["members"] for steps in ended] == [members, members]
    assert [line["exit"] for line in lines if line["event"] == "run ended"] == [0, 0]
    # Ids of runs and versions are hexadecimal, as these members' names could be.
    without_ids = re.sub(r"[0-9a-f-]{7,}", "", file.read_text())
    assert not [name for name in sold["customer"].unique() if name in without_ids]
    receipt = json.loads((shop / "lists" / str(night) / "receipt.json").read_text())
    assert receipt["steps"]["publishing the lists"]["members"] == members
    assert receipt["log"] == f"logs/{night}.jsonl"
    client = MlflowClient(local_store_address(shop))
    (logged_run,) = client.search_runs([client.get_experiment_by_name("nights").experiment_id])
    assert logged_run.data.metrics["counts/scoring/members"] == members
    assert logged_run.data.metrics["seconds/taking_in"] >= 0


def test_a_failure_is_logged_by_kind_and_sentence_without_its_secrets(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "evenfall.toml").write_text(SHOP + '\n[lists]\npublish_uri = "postgresql://writer:${LIST_PASSWORD}@db/x"\n')
    monkeypatch.setenv("LIST_PASSWORD", "moon-and-stars")
    run = open_run(shop, LAST_DAY)
    with pytest.raises(OutsideServiceError), logged(run, "nightly"), run.step("publishing the lists"):
        raise OutsideServiceError("no answer to moon-and-stars", remedy="Try moon-and-stars again.")
    with pytest.raises(ZeroDivisionError), logged(run, "nightly"):
        raise ZeroDivisionError("c001 spent nothing")
    file = shop / "logs" / f"{LAST_DAY}.jsonl"
    lines = list(read_log(file))
    assert [line["exit"] for line in lines if line["event"] == "run ended"] == [4, 1]
    assert next(line for line in lines if line["event"] == "step failed")["step"] == "publishing the lists"
    errors = [{key: line[key] for key in line.keys() - {"at", "run", "event"}} for line in lines if line["event"] == "error"]
    assert errors == [
        {"kind": "OutsideServiceError", "says": "no answer to ***", "remedy": "Try *** again."},
        {"kind": "ZeroDivisionError"},
    ]
    assert "moon" not in file.read_text()


def test_lines_of_a_night_not_yet_known_are_kept_and_a_cut_off_line_harms_no_other(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "logs")
    log.tell("before the run", lost=True)
    log.begin(None, purpose="nightly")
    log.tell("step began", step="taking in")
    assert not (tmp_path / "logs").exists()
    log.of(date(2025, 7, 1))
    log.tell("step ended", step="taking in")
    (file,) = log_files(tmp_path / "logs")
    assert [line["event"] for line in read_log(file)] == ["run began", "step began", "step ended"]
    with file.open("ab") as stream:
        stream.write(b'{"at": "2025-07-02T00:0')
    log.end(exit_code=0, seconds=1.5)
    assert [line["event"] for line in read_log(file)][-1] == "run ended"
    unknown = RunLog(tmp_path / "logs")
    unknown.begin(None, purpose="nightly")
    unknown.end(exit_code=2, seconds=0.1)
    assert [path.name[:8] for path in log_files(tmp_path / "logs")] == ["2025-07-", "unknown-"]


def test_a_log_that_cannot_be_written_does_not_stop_the_night(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder belongs")
    log = RunLog(tmp_path / "logs")
    log.begin(date(2025, 7, 1), purpose="nightly")
    log.end(exit_code=0, seconds=1.0)


def test_logs_age_out_with_the_lists(tmp_path: Path) -> None:
    write_shop(tmp_path, pl.DataFrame(shop_lines().head(1)), configuration=SHOP + "\n[retention.lists]\nkeep_days = 7\n")
    for days in (0, 6, 7, 30):
        run: RunContext = open_run(tmp_path, LAST_DAY - timedelta(days=days))
        run.log.begin(run.asked, purpose="nightly")
        run.log.end(exit_code=0, seconds=1.0)
    apply_retention(open_run(tmp_path, LAST_DAY))
    assert list(log_files(tmp_path / "logs").values()) == [LAST_DAY - timedelta(days=6), LAST_DAY]
