"""The measurement of the early warning, on few nights; docs/early-warning.md has the figures of many."""

from __future__ import annotations

from benchmarks.early_warning import CASES, HISTORY, delay, false_alarms


def test_quiet_nights_are_quiet() -> None:
    assert len(false_alarms(seed=5, nights=40, members=600)) <= 1


def test_a_source_that_stops_is_told_the_same_night_and_a_smaller_platform_within_a_week() -> None:
    cases = {case.says: case for case in CASES}
    assert HISTORY > 0
    assert delay(cases["a source stops"], seed=5, members=600) == 1
    seen = delay(cases["activity of one platform −40 %"], seed=5, members=600)
    assert seen is not None
    assert seen <= 7
