"""The report says of each goal whether it will be met, and of the community how healthy it is, never without the factors."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from community.figures import FIGURES_SCHEMA
from community.goals import Goal, Judged
from community.health import Factor, Health
from outputs.report.facts import ReportFacts
from outputs.report.goal_facts import GoalFacts
from outputs.report.goal_section import goal_section
from outputs.report.headlines import headlines
from outputs.report.health_section import health_section
from outputs.report.morning_facts import MorningFacts
from outputs.report.sections import Section
from tests.outputs.examples import AS_OF, HOSTILE, ordinary_night
from tests.outputs.mornings import goals, health, morning


def night(*asked: GoalFacts, healthy: Health | None = None) -> ReportFacts:
    return replace(ordinary_night(), morning=MorningFacts(pl.DataFrame(schema=FIGURES_SCHEMA), asked, healthy))


def text(section: Section | None) -> str:
    assert section is not None
    said = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", " ", section.body, flags=re.DOTALL)))
    return " ".join(said.replace("\N{NO-BREAK SPACE}", "").split())


def test_each_goal_says_where_it_stands_the_chance_and_the_pace() -> None:
    said = text(goal_section(night(*goals())))
    for part in (
        "Members active within 30 days not on track 1,500 or more wanted by 31 Dec 2011, 1,204 now. "
        "The chance is 12%. Expected on the day is 1,280; nine times of ten it will be 1,102 to 1,480. "
        "From here on it takes +17 a week; the last four weeks brought −4.2 a week. On 24 Aug 2011 the chance was 30%.",
        "Christmas on track Spend less refunds within 28 days (tier gold) £50,000 or more wanted by 24 Dec 2011, £52,000 now. "
        "The chance is over 99%.",
        "The target is reached today, and has to hold until then.",
        "contributed nothing in 30 days missed 50.0% or less was wanted by 31 Jul 2011; it was 53.2%.",
        "Less than eight weeks of it are known",
        "This community has no such figure.",
    ):
        assert part in said, part


def test_a_pace_that_would_do_is_not_told_as_if_it_were_the_reason_to_be_behind() -> None:
    goal = Goal(figure="mau", target=2000, by=AS_OF + timedelta(days=70))
    judged = Judged(goal, "off_track", 1900, chance=0.3, expected=1930, low=1700, high=2200, pace_needed=10, pace=17)
    assert "brought +17 a week, which the forecast does not expect to go on." in text(goal_section(night(GoalFacts(judged, {}))))


def test_a_goal_of_a_share_is_told_in_points() -> None:
    goal = Goal(figure="stickiness", target=0.25, by=AS_OF + timedelta(days=70))
    judged = Judged(goal, "unknown", 0.2, pace_needed=0.005, pace=-0.001)
    said = text(goal_section(night(GoalFacts(judged, {}))))
    assert "25.0% or more wanted" in said
    assert "it takes +0.5 points a week; the last four weeks brought −0.1 points a week" in said


def test_a_drawing_has_a_title_and_one_is_there_for_the_history() -> None:
    section = goal_section(night(*goals()))
    assert section is not None
    titles = re.findall(r"<title id=\"(goal-[^\"]+)\">([^<]+)</title>", section.body)
    assert titles[0] == (
        "goal-1-title",
        "From 1,102 to 1,480 nine times of ten, 1,280 expected, 1,204 now, the target at 1,500.",
    )
    assert titles[1] == ("goal-1-chance-title", "The chance night by night since 24 Aug 2011.")
    assert len({name for name, _ in titles}) == len(titles)


def test_a_name_cannot_break_out_of_the_page() -> None:
    goal = Goal(figure="mau", target=10, by=AS_OF + timedelta(days=9), name=HOSTILE, tier=HOSTILE)
    section = goal_section(night(GoalFacts(Judged(goal, "no_data"), {})))
    assert section is not None
    assert HOSTILE not in section.body


def test_health_is_told_with_its_factors_and_what_moved_it() -> None:
    said = text(health_section(night(healthy=health())))
    assert "The health index is 62 of 100, 4 points more than four weeks ago. What moved it most is commerce." in said
    assert "Commerce 80 +1.0 +6.0 Spend less refunds within 28 days Buyers, mean of 28 days" in said
    assert "Liveliness 44 −0.5 −2.0" in said
    assert "Health index 62 +0.5 +4.0" in said
    assert "50 is the middle of this community's own last 364 days" in said


def test_without_four_weeks_before_health_has_no_change() -> None:
    alone = Health(50.0, (Factor("members", 50.0, {}, ("mau",)),), {}, 60)
    said = text(health_section(night(healthy=alone)))
    assert "The health index is 50 of 100. Factor Score of 100 Measured by Members 50" in said
    same = Health(50.2, (Factor("members", 50.2, {28: 0.3}, ("mau",)),), {28: 49.9}, 60)
    assert "as it was four weeks ago" in text(health_section(night(healthy=same)))


def test_sections_appear_only_with_data() -> None:
    assert goal_section(ordinary_night_without()) is None
    assert health_section(ordinary_night_without()) is None
    assert goal_section(night()) is None
    assert health_section(night()) is None


def ordinary_night_without() -> ReportFacts:
    return replace(ordinary_night(), morning=None)


def test_the_headlines_name_the_least_likely_goal_and_the_health() -> None:
    said = [str(one) for one in headlines(replace(ordinary_night(), morning=morning()))]
    worst = "1 of 2 goals is on track. The least likely is “Members active within 30 days”, by 31 Dec 2011: 12"
    assert any(one.startswith(worst) for one in said)
    assert any(one.startswith("Health is at 62 of 100, 4 points more than four weeks ago; what moved it most is") for one in said)
    on_track = night(goals()[1])
    assert "1 of 1 goal is on track." in [str(one) for one in headlines(on_track)]
    over = Judged(Goal(figure="mau", target=1, by=date(2011, 1, 1)), "met", 3.0)
    assert not any("goal" in str(one) for one in headlines(night(GoalFacts(over, {}))))
