"""A roll-back goes to what nights really used."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from pipeline.learning.rollback import used_by_nights
from runtime.run_log import RunLog
from runtime.workspace import Workspace


def publish(folder: Path, night: str, *, churn: int, runs: tuple[tuple[str, int], ...] = ()) -> None:
    """Write a night's receipt, and the log of the runs that made it: what each was for and its exit code."""
    (folder / "lists" / night).mkdir(parents=True)
    receipt = {"models": {"churn": f"churn/{churn}"}}
    (folder / "lists" / night / "receipt.json").write_text(json.dumps(receipt))
    for purpose, exit_code in runs:
        log = RunLog(folder / "logs")
        log.begin(date.fromisoformat(night), purpose=purpose)
        log.end(exit_code=exit_code, seconds=1.0)


def test_the_nights_that_count_are_those_with_lists_that_no_backfill_made_the_newest_first(tmp_path: Path) -> None:
    publish(tmp_path, "2025-06-01", churn=1)
    publish(tmp_path, "2025-06-02", churn=10, runs=(("nightly", 0),))
    publish(tmp_path, "2025-06-03", churn=3, runs=(("backfill", 0),))
    publish(tmp_path, "2025-06-04", churn=4, runs=(("nightly", 3), ("backfill", 0)))
    publish(tmp_path, "2025-06-05", churn=5, runs=(("backfill", 0), ("nightly", 0)))
    publish(tmp_path, "2025-06-06", churn=6)
    (tmp_path / "lists" / ".2025-06-05.replaced").mkdir()
    used = list(used_by_nights(Workspace(tmp_path), "churn", until=date(2025, 6, 5)))
    assert used == [(date(2025, 6, 5), 5), (date(2025, 6, 2), 10), (date(2025, 6, 1), 1)]
    assert list(used_by_nights(Workspace(tmp_path), "value", until=date(2025, 6, 5))) == []
