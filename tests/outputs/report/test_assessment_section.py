"""The report says how the community is doing: figures beside earlier ones, and a sentence only for what has surely changed."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from community.assessments import Assessments, Change, Figure
from outputs.report.assessment_section import assessment_section
from tests.outputs.examples import assessments, ordinary_night

STEADY = "Nothing has changed more than is usual here from one four weeks to the next."


def told(facts: Assessments | None) -> str:
    section = assessment_section(replace(ordinary_night(), assessments=facts))
    assert section is not None
    text = html.unescape(re.sub(r"<[^>]+>", " ", section.body)).replace("\N{NO-BREAK SPACE}", "")
    return " ".join(text.split())


def test_what_surely_changed_is_a_sentence_and_every_figure_is_a_row() -> None:
    said = told(assessments())
    for part in (
        "Fewer members are active than four weeks ago: 1,204 within 28 days, 1,620 in the 28 days before. "
        "A year before it was 1,550.",
        "Over the next 90 days members are expected to spend £1,222,271; eight times of ten it will be £1,010,000 to £1,480,000. "
        "In the last 90 days they spent £1,190,004. A year ago they spent £900,000 in the same 90 days.",
        "Activity: members who were active 1,204 1,620 −26% −31% to −19% 1,550",
        "Activity: contributions of each active member 2.35 2.50 −6% −30% to +25% 12.3",
        "Influence: active members who responded to others, or others to them 31% 30% +3% −10% to +20% 42%",
        "Influence: responses of each active member to others 1.00 1.00 0% −20% to +25% 1.50",
        "Influence: how many people made half of the contributions 14 12 +17% −40% to +130% 0",
        "Commercial value: what members spent £402,210 £380,000 +6% – £0",
        "All ranges of a night hold together on 95 of 100 nights.",
        "Where no range is given, too little of the past is known",
    ):
        assert part in said, part
    assert STEADY not in said


def test_a_night_like_the_others_says_so_once() -> None:
    said = told(Assessments((Figure("active_members", 10, 11, None, Change(-0.09, -0.4, 0.3)),)))
    assert said.count(STEADY) == 1
    for absent in ("A year before", "expected to spend", "Where no range"):
        assert absent not in said, absent


def test_a_change_that_is_sure_never_has_zero_at_the_end_of_its_range() -> None:
    said = told(Assessments((Figure("active_members", 103, 100, None, Change(0.03, 0.003, 0.06)),)))
    assert "+3% +0.3% to +6.0%" in said


def test_a_young_community_has_its_figures_alone() -> None:
    said = told(Assessments((Figure("active_members", 10),)))
    assert said == "Within 28 days Now Activity: members who were active 10"
    assert assessment_section(replace(ordinary_night(), assessments=None)) is None
    assert assessment_section(replace(ordinary_night(), assessments=Assessments(()))) is None
