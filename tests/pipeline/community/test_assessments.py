"""The assessments of a night are read from the lake, without members who may not be profiled and without later days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from community.assessments import Assessments
from pipeline.community.assessments import assess_community
from pipeline.history.recent_rollups import read_recent_rollups
from pipeline.report_facts import activity_facts
from pipeline.watching import Watch
from runtime.run_context import RunContext, open_run
from tests.communities import FIRST_DAY, LAST_DAY, shop_lines, write_shop
from tests.features.builders import AS_OF
from tests.features.network.planted import planted
from tests.forum import take_in
from tests.pipeline.community.planted_workspace import NOW, write_planted

FOUND = planted()
LATER = datetime.combine(LAST_DAY + timedelta(days=1), time(9), tzinfo=UTC)
NOBODY = pl.DataFrame({"expected_value": [None]}, schema={"expected_value": pl.Float64})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    folder = tmp_path_factory.mktemp("assessed")
    write_planted(folder, FOUND, refuses=FOUND.leaders[:2])
    take_in(folder, night=AS_OF, now=NOW)
    return open_run(folder, AS_OF, now=NOW).on(AS_OF)


def figures(assessed: Assessments | None) -> dict[str, float]:
    assert assessed is not None
    return {one.what: one.now for one in assessed.figures}


def test_who_may_not_be_profiled_is_nowhere_and_nothing_after_the_night_counts(run: RunContext) -> None:
    now = figures(assess_community(run, NOBODY, None, read_recent_rollups(run)))
    others = ~pl.col("member_no").is_in(FOUND.leaders[:2]) & ~pl.col("other_no").is_in(FOUND.leaders[:2])
    first = AS_OF - timedelta(days=27)
    active = FOUND.rows.filter(pl.col("event_date").is_between(first, AS_OF), ~pl.col("member_no").is_in(FOUND.leaders[:2]))
    assert now["active_members"] == active["member_no"].n_unique()
    assert now["responses_per_active"] == active.filter(others).height / active["member_no"].n_unique()
    assert "spend" not in now
    earlier = run.on(AS_OF - timedelta(days=28))
    before = assess_community(run, NOBODY, None, read_recent_rollups(run))
    assert before is not None
    assert before.expected is None
    assert figures(assess_community(earlier, NOBODY, None, read_recent_rollups(earlier))) == {
        one.what: one.before for one in before.figures
    }


def test_the_report_counts_nobody_as_active_who_may_not_be_profiled(run: RunContext) -> None:
    this_week = FOUND.rows.filter(pl.col("event_date").is_between(AS_OF - timedelta(days=6), AS_OF))
    counted = this_week.filter(~pl.col("member_no").is_in(FOUND.leaders[:2]))
    # The leaders are active in the week, or this would show nothing.
    assert counted["member_no"].n_unique() < this_week["member_no"].n_unique()
    activity = activity_facts(run, has_orders=False)
    assert activity.active_7d == counted["member_no"].n_unique()
    by_day = dict(activity.by_day.iter_rows())
    assert by_day[AS_OF] == counted.filter(pl.col("event_date") == AS_OF)["member_no"].n_unique()


def test_expected_spend_stands_beside_what_was_spent_with_the_bounds_of_the_watch(tmp_path: Path) -> None:
    write_shop(tmp_path)
    take_in(tmp_path, night=LAST_DAY, now=LATER)
    run = open_run(tmp_path, LAST_DAY, now=LATER).on(LAST_DAY)
    days = run.settings.value.horizon_days
    members = pl.DataFrame({"expected_value": [10.0, None, 2.5]})
    assessed = assess_community(run, members, replace(Watch(), value=(9.0, 14.0)), read_recent_rollups(run))
    assert assessed is not None
    expected = assessed.expected
    assert expected is not None
    assert (expected.days, expected.expected, expected.low, expected.high) == (days, 12.5, 9.0, 14.0)
    first = LAST_DAY - timedelta(days=days - 1)
    lines = shop_lines().filter(pl.col("at").str.slice(0, 10) >= first.isoformat())
    assert expected.spent == pytest.approx((lines["quantity"] * lines["price"]).sum())
    assert (expected.spent_year_before is None) == (LAST_DAY - timedelta(days=363) < FIRST_DAY)


def test_a_lake_without_anything_is_not_assessed(tmp_path: Path) -> None:
    write_shop(tmp_path)
    run = open_run(tmp_path, LAST_DAY, now=LATER).on(LAST_DAY)
    assert assess_community(run, NOBODY, None, read_recent_rollups(run)) is None
