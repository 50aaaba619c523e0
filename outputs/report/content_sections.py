"""The sections of the morning report about content: posts that wait for an answer, and what works."""

from __future__ import annotations

from collections.abc import Iterator

from outputs.report.content_facts import AnswerSpeed, GroupQuality, OddPlace, TopicTrend, Unanswered, WhatWorks
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.content import hours_text, people_a_week, place_name, posts_name
from wording.texts import fill

_UNANSWERED, _WORKS = 32, 34


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


def works_section(facts: ReportFacts) -> Section | None:
    """Show what to post more of and when, what the best posts have in common, hot topics, and volume beside quality by topic."""
    works = facts.what_works
    if works is None:
        return None
    more = [_group_line(one) for one in works.groups if one.low > 1]
    less = [_group_line(one) for one in works.groups if one.high < 1]
    body = render_fragment(
        "section_works.html.j2",
        works=works,
        each=works.responses / works.posts,
        more=more,
        less=less,
        lists=list(_lists(works, more, less)),
        topics=[(one, one.responses / one.posts, fill("works.interval", low=one.low, high=one.high)) for one in works.topics],
    )
    return Section("what-works", fill("works.title"), body, _WORKS)


def _lists(works: WhatWorks, more: list[str], less: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Return the lists of the section that have anything to say, each with its heading."""
    best = [
        fill("works.best.line", posts=posts_name(one.of, one.group), best=one.best_share, other=one.other_share)
        for one in works.best
    ]
    rising = [_trend_line(one) for one in works.trends if one.after > one.before]
    falling = [_trend_line(one) for one in works.trends if one.after <= one.before]
    every = (
        (fill("works.more"), more),
        (fill("works.less"), less),
        (fill("works.best"), best),
        (fill("works.rising"), rising),
        (fill("works.falling"), falling),
    )
    return ((title, lines) for title, lines in every if lines)


def _group_line(one: GroupQuality) -> str:
    key = "works.more.line" if one.low > 1 else "works.less.line"
    posts = posts_name(one.of, one.group)
    return fill(key, posts=posts, quality=one.quality, low=one.low, high=one.high, n=one.posts, authors=one.authors)


def _trend_line(one: TopicTrend) -> str:
    key = "works.rising.line" if one.after > one.before else "works.falling.line"
    return fill(key, topic=one.topic, before=people_a_week(one.before), after=people_a_week(one.after), since=one.since)
