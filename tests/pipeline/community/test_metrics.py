"""The figures of the community as a whole go to MLflow by plain names, each of them explained there."""

from __future__ import annotations

from dataclasses import replace

from outputs.report.content_facts import AnswerSpeed, Unanswered
from pipeline.community.metrics import community_metrics
from runtime.tracking.run_presentation import ABOUT
from tests.outputs.examples import assessments, carriers, ordinary_night

UNANSWERED = Unanswered("x", 90, 24, posts=40, waiting=10, by_newcomers=3, first_posts=1, by_staff_only=0, waited_a_week=2)


def test_every_part_of_the_community_gives_its_figures() -> None:
    speed = AnswerSpeed(12, 0.5, 0.3, 0.7, median_hours=None)
    night = replace(
        ordinary_night(), assessments=assessments(), carriers=carriers(), unanswered=replace(UNANSWERED, recent=speed)
    )
    assert community_metrics(night) == {
        "community.active_members": 1204,
        "community.contributions_per_active": 2.345,
        "community.connected_share": 0.31,
        "community.responses_per_active": 1,
        "community.absence_factor": 14,
        "community.spend": 402_210.4,
        "community.expected_spend": 1_222_271,
        "community.communities": 9,
        "community.leaders": 10,
        "community.leaders_reach_share": 602 / 1204,
        "community.answered_within_day_share": 0.5,
        "community.unanswered_share": 10 / 40,
    }
    slow = replace(night, unanswered=replace(UNANSWERED, recent=replace(speed, median_hours=30.5)))
    assert community_metrics(slow)["community.answer_median_hours"] == 30.5
    for name in community_metrics(slow):
        assert f"`{name.removeprefix('community.')}`" in ABOUT["nights"], name


def test_a_community_without_a_part_has_none_of_its_figures() -> None:
    assert community_metrics(replace(ordinary_night(), assessments=None, carriers=None, unanswered=None)) == {}
