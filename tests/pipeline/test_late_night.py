"""A night that never ran is told once, by whoever asks first after it was due."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.late_night import late_night, tell_late_night
from runtime.run_context import RunContext, open_run
from tests.catchers import webhook
from tests.communities import SHOP, write_shop

NEWEST = date(2025, 3, 10)


def shop_after(folder: Path, *, every: int = 1, settings: str = "") -> None:
    write_shop(folder, configuration=f"{SHOP}\n{settings}")
    for back in range(4):
        lists = folder / "lists" / (NEWEST - timedelta(days=every * back)).isoformat()
        lists.mkdir(parents=True)
        (lists / "receipt.json").write_text(json.dumps({}), encoding="utf-8")


def at(folder: Path, moment: datetime) -> RunContext:
    run = open_run(folder, NEWEST + timedelta(days=1), now=moment.astimezone(UTC))
    return replace(run, asked=None)


# Berlin is an hour ahead of UTC in March: the day of the 11th is over at 23:00 UTC, and its night is due six hours later.
@pytest.mark.parametrize(
    ("every", "moment", "due"),
    [
        (1, datetime(2025, 3, 12, 4, 59, tzinfo=UTC), None),
        (1, datetime(2025, 3, 12, 5, 1, tzinfo=UTC), date(2025, 3, 11)),
        (7, datetime(2025, 3, 16, 12, 0, tzinfo=UTC), None),
        (7, datetime(2025, 3, 18, 12, 0, tzinfo=UTC), date(2025, 3, 17)),
    ],
)
def test_a_night_is_late_six_hours_after_its_day_by_the_rhythm_of_the_last_nights(
    tmp_path: Path, every: int, moment: datetime, due: date | None
) -> None:
    shop_after(tmp_path, every=every)
    late = late_night(at(tmp_path, moment))
    assert (None if late is None else late.due) == due


def test_a_night_that_the_data_decide_is_late_by_when_the_newest_lists_were_written(tmp_path: Path) -> None:
    shop_after(tmp_path, settings='[run]\nas_of = "latest"\n')
    written = datetime(2025, 6, 1, 2, 0, tzinfo=UTC)
    os.utime(tmp_path / "lists" / NEWEST.isoformat() / "receipt.json", (written.timestamp(),) * 2)
    assert late_night(at(tmp_path, written + timedelta(hours=29))) is None
    assert late_night(at(tmp_path, written + timedelta(hours=31))) is not None


def test_it_is_told_once_for_each_newest_night(tmp_path: Path) -> None:
    with webhook() as caught:
        shop_after(tmp_path, settings=f'[alerts]\nsend_to = ["json://127.0.0.1:{caught.port}/"]\n')
        moment = datetime(2025, 3, 12, 9, 0, tzinfo=UTC)
        assert [tell_late_night(at(tmp_path, moment + timedelta(hours=hour))) for hour in range(3)] == [True, False, False]
        (tmp_path / "lists" / "2025-03-12").mkdir()
        (tmp_path / "lists" / "2025-03-12" / "receipt.json").write_text("{}", encoding="utf-8")
        assert tell_late_night(at(tmp_path, moment)) is False
        assert tell_late_night(at(tmp_path, moment + timedelta(days=3))) is True
    assert caught.posts[0]["title"] == "Small shop: the night of 2025-03-11 has not run"


def test_a_late_night_that_nobody_could_be_told_is_told_the_next_time(tmp_path: Path) -> None:
    shop_after(tmp_path)
    assert [tell_late_night(at(tmp_path, datetime(2025, 3, 12, 9, 0, tzinfo=UTC))) for _ in range(2)] == [False, False]


def test_before_the_first_night_none_is_late(tmp_path: Path) -> None:
    write_shop(tmp_path)
    assert late_night(at(tmp_path, datetime(2025, 3, 12, 9, 0, tzinfo=UTC))) is None
