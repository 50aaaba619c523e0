"""Goals are judged by what was known by the night: met for certain, out of reach, on the edge."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from community.figures import FIGURES_SCHEMA
from community.goals import Goal, check_goals, judge, kind_of
from community.readings import Floats
from tests.community.test_forecasts import community

FIRST = date(2024, 1, 1)
NIGHT = FIRST + timedelta(days=399)


def figures(daily: Floats, figure: str = "mau", dimension: str = "") -> pl.DataFrame:
    rows = [(FIRST + timedelta(days=n), figure, dimension, float(value)) for n, value in enumerate(daily)]
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA, orient="row")


def goal(target: float, *, days: int = 60, figure: str = "mau", **further: str) -> Goal:
    return Goal(figure=figure, target=target, by=NIGHT + timedelta(days=days), **further)


def steady(days: int = 400) -> pl.DataFrame:
    return figures(1_000 + np.random.default_rng(1).normal(0, 20, days))


def chance(asked: Goal, known: pl.DataFrame) -> float:
    judged = judge(asked, known, as_of=NIGHT)
    assert judged.chance is not None
    return judged.chance


def test_a_goal_far_below_is_on_track_one_far_above_is_not_and_one_on_the_edge_is_open() -> None:
    chances = {}
    for target in (700, 1_000, 1_500):
        judged = judge(goal(target), steady(), as_of=NIGHT)
        assert judged.chance is not None
        chances[target] = judged.chance
        assert judged.status == ("on_track" if judged.chance >= 0.5 else "off_track")
    assert chances[700] > 0.95
    assert 0.3 < chances[1_000] < 0.7
    assert chances[1_500] < 0.05


def test_the_chance_falls_with_a_higher_target_and_rises_with_a_later_day_where_the_figure_rises() -> None:
    rising = figures(np.linspace(500, 1_000, 400) + np.random.default_rng(2).normal(0, 5, 400))
    by_target = [chance(goal(target), rising) for target in (900, 1_000, 1_100, 1_300)]
    assert by_target == sorted(by_target, reverse=True)
    by_day = [chance(goal(1_100, days=days), rising) for days in (14, 42, 91, 150)]
    assert by_day == sorted(by_day)
    assert by_day[0] < 0.1
    assert by_day[-1] > 0.6


def test_a_goal_of_less_is_met_from_below() -> None:
    lost = figures(np.full(400, 10.0) + np.random.default_rng(3).normal(0, 1, 400), "lost_members")
    easy, hard = (judge(goal(target, figure="lost_members"), lost, as_of=NIGHT) for target in (400, 200))
    assert (easy.status, hard.status) == ("on_track", "off_track")
    assert easy.value == pytest.approx(280, rel=0.05)
    turned = judge(goal(400, figure="lost_members", reach="at_least"), lost, as_of=NIGHT)
    assert turned.chance == pytest.approx(1 - (easy.chance or 0))


def test_a_figure_is_a_count_an_amount_a_share_or_a_score() -> None:
    figures_of_a_kind = {
        "count": ("dau", "orders"), "amount": ("spend", "first_answer_hours_30d"), "share": ("stickiness", "open_rate_30d"),
        "score": ("feedback_score_30d", "nps_30d"),
    }  # fmt: skip
    assert all(kind_of(figure) == kind for kind, kinds in figures_of_a_kind.items() for figure in kinds)


def test_exactly_the_target_meets_it_from_either_side() -> None:
    assert [goal(10, figure="orders", reach=reach).is_met(10) for reach in ("at_least", "at_most")] == [True, True]


def test_the_pace_is_what_a_week_has_to_bring_and_what_the_last_four_weeks_brought() -> None:
    judged = judge(goal(1_500, days=70), figures(np.arange(400.0) + 601), as_of=NIGHT)
    assert judged.value == 1_000
    assert judged.pace_needed == pytest.approx((1_500 - 1_000) / 10)
    assert judged.pace == pytest.approx(7)


def test_what_comes_after_the_night_changes_nothing() -> None:
    daily = community(4, days=500)
    known, more = figures(daily[:400], "dau"), figures(daily, "dau")
    asked = goal(250, figure="dau", days=30)
    assert judge(asked, known, as_of=NIGHT) == judge(asked, more, as_of=NIGHT)


def test_a_day_that_has_come_is_judged_by_that_day_alone() -> None:
    rising = figures(np.arange(400.0))
    past = Goal(figure="mau", target=300, by=FIRST + timedelta(days=300))
    assert judge(past, rising, as_of=NIGHT).status == "met"
    assert judge(past, rising, as_of=NIGHT).value == 300
    assert judge(past.model_copy(update={"target": 300.5}), rising, as_of=NIGHT).status == "missed"
    assert judge(past.model_copy(update={"by": NIGHT}), rising, as_of=NIGHT).value == 399


def test_a_group_is_judged_by_its_own_rows() -> None:
    both = pl.concat([steady(), figures(np.full(400, 40.0), dimension="tier=gold")])
    assert judge(goal(30, tier="gold"), both, as_of=NIGHT).value == 40
    assert judge(goal(30, tier="silver"), both, as_of=NIGHT).status == "no_data"


def test_a_young_figure_has_a_pace_and_no_chance() -> None:
    judged = judge(goal(2_000), steady().tail(40), as_of=NIGHT)
    assert judged.status == "unknown"
    assert judged.chance is None
    assert judged.pace_needed is not None
    assert judged.pace is not None
    assert judge(goal(2_000), steady().tail(28), as_of=NIGHT).pace is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"figure": "mao"}, "unknown figure 'mao'; did you mean 'mau'?"),
        ({"figure": "happiness!"}, "known: buyers, "),
        ({"tier": "gold", "platform": "ios"}, "one group; this one names `platform` and `tier`"),
        ({"target": 0}, "the target of 'mau' has to be above 0"),
        ({"target": "nan"}, "finite"),
    ],
)
def test_a_goal_that_nobody_can_judge_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        Goal.model_validate({"figure": "mau", "target": 10, "by": NIGHT, **given})


def test_two_goals_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two goals are called 'mau'"):
        check_goals((goal(10), goal(20)))
    named = goal(20).model_copy(update={"name": "Later"})
    assert check_goals((goal(10), named, goal(10, tier="gold")))[2].slug == "mau_tier_gold"
