"""The sections of the morning report about content: posts that wait for an answer, and what works."""

from __future__ import annotations

from typing import Final

from outputs.report.content_facts import AnswerSpeed, OddPlace, Unanswered
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.content import hours_text, place_name
from wording.texts import fill

_UNANSWERED: Final = 12


def unanswered_section(facts: ReportFacts) -> Section | None:
    """Show how many posts wait for an answer, by whom and on what, and how fast the community answers."""
    unanswered = facts.unanswered
    if unanswered is None:
        return None
    body = render_fragment(
        "section_unanswered.html.j2",
        unanswered=unanswered,
        topics=[(one.topic, one.waiting, one.posts, hours_text(one.median_hours)) for one in unanswered.topics],
        speeds=_speeds(unanswered),
        compared=_compared(unanswered),
        odd=[_odd_line(one) for one in unanswered.odd],
    )
    return Section("unanswered", fill("unanswered.title"), body, _UNANSWERED)


def _speeds(unanswered: Unanswered) -> list[tuple[str, AnswerSpeed, str]]:
    named = (
        (fill("unanswered.recent"), unanswered.recent),
        (fill("unanswered.earlier"), unanswered.earlier),
        (fill("unanswered.newcomers"), unanswered.newcomers),
    )
    return [(name, speed, hours_text(speed.median_hours)) for name, speed in named if speed is not None]


def _compared(unanswered: Unanswered) -> str:
    """Say whether answers have become faster; "" where there is nothing to compare."""
    if unanswered.recent is None or unanswered.earlier is None:
        return ""
    if unanswered.is_faster is None:
        return fill("unanswered.no_difference")
    return fill("unanswered.faster" if unanswered.is_faster else "unanswered.slower")


def _odd_line(one: OddPlace) -> str:
    key = "unanswered.odd.slower" if one.is_slower else "unanswered.odd.faster"
    return fill(key, place=place_name(one.of, one.value), share=one.speed.day_share, n=one.speed.posts)
