"""What platforms count, beside the week before; late days are not taken for losses, and an old platform is not shown."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from community.anomalies import HISTORY_DAYS
from community.bursts import TEXTS_SCHEMA
from community.figures import FIGURES_SCHEMA, WHOLE
from community.goals import Goal, judge
from community.judging import judge as judge_alarms
from community.platform_figures import as_figures, is_of_platform, newest_weeks, watched_series
from community.watched import watched_given

AS_OF = date(2026, 5, 20)
NO_TEXTS = TEXTS_SCHEMA.to_frame()


def rows(figure: str, values: list[float], *, platform: str = "wechat", last: date = AS_OF) -> pl.DataFrame:
    days = [last - timedelta(days=n) for n in reversed(range(len(values)))]
    landed = pl.DataFrame({"event_date": days, "figure": figure, "platform": platform, "value": values})
    return as_figures(landed.with_columns(pl.col("value").cast(pl.Float64)))


def counted_here() -> pl.DataFrame:
    return pl.DataFrame([(AS_OF, "dau", "platform=wechat", 5.0)], schema=FIGURES_SCHEMA, orient="row")


def test_the_newest_week_given_stands_beside_the_week_before_and_later_days_are_not_looked_at() -> None:
    late = rows("fans", [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 9], last=AS_OF - timedelta(days=3))
    of_tomorrow = rows("fans", [1_000], last=AS_OF + timedelta(days=1))
    (found,) = newest_weeks(pl.concat([late, of_tomorrow, counted_here()]), as_of=AS_OF)
    assert (found.platform, found.figure, found.day, found.newest) == ("wechat", "fans", AS_OF - timedelta(days=3), 9.0)
    assert (found.now, found.before, found.past) == (3.0, 1.0, (1.0, 3.0))


def test_a_week_that_was_not_given_is_a_gap_and_what_is_old_is_not_shown() -> None:
    gap = pl.concat([rows("fans", [4], last=AS_OF - timedelta(days=15)), rows("fans", [6, 8])])
    old = rows("plays", [1] * 30, last=AS_OF - timedelta(days=28))
    (found,) = newest_weeks(pl.concat([gap, old]), as_of=AS_OF)
    assert (found.now, found.before, found.past) == (7.0, None, (4.0, None, 7.0))


def test_a_platform_that_is_late_has_not_lost_everything_but_one_whose_figure_falls_is_told() -> None:
    days = HISTORY_DAYS
    usual = list(200 + np.random.default_rng(1).normal(0, 4, days).round())
    late = rows("visits", usual[:-3], last=AS_OF - timedelta(days=3))
    fallen = rows("plays", [*usual[:-4], 90, 88, 91, 90], platform="douyin")
    watched = watched_series(pl.concat([late, fallen, counted_here()]), as_of=AS_OF)
    how = {name: watched_given(name) for name in watched["figure"].unique()}
    assert set(how) == {"given.wechat/visits", "given.douyin/plays"}
    assert set(watched["dimension"]) == {WHOLE}
    (alarm,) = judge_alarms(watched, NO_TEXTS, how, as_of=AS_OF)
    assert (alarm.figure, alarm.direction, alarm.is_bad) == ("given.douyin/plays", "less", True)
    assert alarm.since == AS_OF - timedelta(days=3)


@pytest.mark.parametrize(("reading", "value"), [("day", 60.0), ("mean", 46.5), ("sum", 1302.0)])
def test_a_goal_of_a_platform_is_read_as_it_says_and_late_days_keep_the_last_value(reading: str, value: float) -> None:
    goal = Goal(figure="followers", platform="wechat", reading=reading, target=70, by=AS_OF + timedelta(days=30))
    growing = rows("followers", [float(n) for n in range(1, 61)], last=AS_OF)
    assert judge(goal, growing, as_of=AS_OF).value == value
    two_days_late = AS_OF + timedelta(days=2)
    assert judge(goal, growing, as_of=two_days_late).value == (60.0 if reading == "day" else pytest.approx(value, rel=0.1))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"figure": "follower", "target": 1}, "needs `platform` and `reading`"),
        ({"figure": "mau", "target": 1, "reading": "day"}, "`reading` is for figures of"),
    ],
)
def test_a_goal_says_how_a_figure_of_a_platform_is_read_and_no_other(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Goal(by=AS_OF, **given)


def test_what_platforms_count_is_told_from_what_is_counted_here() -> None:
    both = pl.concat([counted_here(), rows("fans", [1])])
    assert both.filter(is_of_platform())["figure"].to_list() == ["fans"]
