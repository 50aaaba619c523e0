from __future__ import annotations

import pytest

from wording.report import calibration_band, change, checks_summary


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (1204, 1241, "3\u00a0% fewer than the week before"),
        (110, 100, "10\u00a0% more than the week before"),
        (1001, 1000, "about the same as the week before"),
        (300, 100, "3 times as many as the week before"),
        (250, 100, "2.5 times as many as the week before"),
        (5, 0, "after none the week before"),
        (0, 0, "as the week before"),
        (0, 10, "100\u00a0% fewer than the week before"),
    ],
)
def test_a_change_is_told_in_proportion(now: int, before: int, expected: str) -> None:
    assert change(now, before, of="members") == expected


def test_a_change_of_spend_is_less_and_as_much() -> None:
    assert change(50, 100, of="spend") == "50\u00a0% less than the week before"
    assert change(200, 100, of="spend") == "2 times as much as the week before"


def test_a_stop_is_told_before_anything_else_of_the_checks() -> None:
    assert checks_summary(stopped=["events", "orders"], read=0, quarantined=0).startswith("The run stopped at events and orders.")
    assert checks_summary(stopped=[], read=1, quarantined=1) == "The run went on: 1 of 1 row (100\u00a0%) set aside."


def test_a_band_that_is_no_time_since_joining_goes_by_the_name_of_its_tier() -> None:
    assert [calibration_band(band) for band in ("new", "gold")] == ["Here under 28 days", "Gold"]
