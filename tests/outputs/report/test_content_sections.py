"""The sections on posts that wait for an answer and on what works, from made-up facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html import unescape

import pytest

from outputs.report.content_facts import (
    AnswerSpeed,
    BestShare,
    GroupQuality,
    OddPlace,
    TopicTrend,
    Unanswered,
    WaitingTopic,
    WhatWorks,
)
from outputs.report.content_sections import unanswered_section, works_section
from outputs.report.headlines import headlines
from outputs.report.page import render_report
from tests.outputs.examples import HOSTILE, ordinary_night
from wording.content import hours_text, people_a_week

SPEED = AnswerSpeed(40, 0.55, 0.4, 0.69, 21.4)
UNANSWERED = Unanswered(
    "../lists/2011-08-31/unanswered.xlsx", 90, 24, posts=120, waiting=17, by_newcomers=5, first_posts=1, by_staff_only=3,
    waited_a_week=9, recent=SPEED, earlier=replace(SPEED, median_hours=0.4), newcomers=replace(SPEED, median_hours=None),
    is_faster=False, topics=(WaitingTopic("cider", 9, 30, 90.0), WaitingTopic(HOSTILE, 1, 2, None)),
    odd=(OddPlace("weekday", 7, SPEED, is_slower=True), OddPlace("hour", 23, SPEED, is_slower=False)),
)  # fmt: skip
WORKS = WhatWorks(
    90, posts=200, authors=60, responses=300, by_readers=False,
    groups=(GroupQuality("topic", "cider", 40, 20, 160, 2.2, 1.4, 3.1), GroupQuality("hour", "23", 20, 9, 12, 0.44, 0.3, 0.8)),
    topics=(GroupQuality("topic", "cider", 40, 20, 160, 2.2, 1.4, 3.1),),
    best=(BestShare("title", "question_mark", 0.6, 0.2),),
    trends=(TopicTrend("cider", date(2011, 7, 1), 3, 11.25), TopicTrend("mead", date(2011, 7, 8), 4.5, 0.5)),
)  # fmt: skip


def text(section: object) -> str:
    assert section is not None
    return unescape(section.body)  # type: ignore[attr-defined]


def test_the_section_says_how_many_wait_and_whom_to_answer_first() -> None:
    said = text(unanswered_section(replace(ordinary_night(), unanswered=UNANSWERED)))
    assert "17</span> of 120 posts of the last 90 days have had no answer for 24 hours or longer." in said
    assert "5 of these are by newcomers, and 1 of those is the first one of a member." in said
    assert 'href="../lists/2011-08-31/unanswered.xlsx"' in said
    assert "Answers come more slowly than in the 28 days before." in said
    assert "Slower: of 40 posts (Sundays), 55" in said
    assert "Faster: of 40 posts (23:00 to 00:00)" in said
    assert "3 posts were answered by staff alone." in said
    assert "40\N{NO-BREAK SPACE}% to 69\N{NO-BREAK SPACE}%" in said


def test_nothing_that_waits_is_said_and_has_no_list_to_open() -> None:
    quiet = replace(UNANSWERED, waiting=0, by_newcomers=0, topics=(), recent=None, is_faster=None)
    said = text(unanswered_section(replace(ordinary_night(), unanswered=quiet)))
    assert "No post of the last 90 days has waited for 24 hours without an answer." in said
    assert "href" not in said


def test_the_section_says_what_to_post_more_of_and_what_became_hot() -> None:
    said = text(works_section(replace(ordinary_night(), what_works=WORKS)))
    assert "Posts on “cider” draw 2.2 times the responses to be expected (1.4 to 3.1): 40 posts by 20 members." in said
    assert "Posts from 23:00 to 00:00 draw 44\N{NO-BREAK SPACE}% of the responses to be expected" in said
    assert "Posts with a question mark in the title: 60\N{NO-BREAK SPACE}% of the best tenth, 20\N{NO-BREAK SPACE}%" in said
    assert "“cider” rose from 3 to 11 people a week since 1 Jul 2011." in said
    assert "“mead” fell from 4.5 to 0.5 people a week" in said
    assert "same age" in said
    assert "changes within 26 weeks" in said
    assert "href" not in said
    linked = replace(WORKS, path="../lists/2011-08-31/best_content.xlsx")
    assert 'href="../lists/2011-08-31/best_content.xlsx"' in text(works_section(replace(ordinary_night(), what_works=linked)))


def test_where_nothing_stands_out_that_is_said() -> None:
    plain = replace(WORKS, groups=(), topics=(), best=(), trends=(), by_readers=True)
    said = text(works_section(replace(ordinary_night(), what_works=plain)))
    assert "No topic, form, weekday or hour draws more or fewer responses than the others beyond chance." in said
    assert "<h3>" not in said
    assert "readers" in said


def test_a_community_without_content_has_neither_section() -> None:
    page = render_report(ordinary_night())
    assert 'id="unanswered"' not in page
    assert 'id="what-works"' not in page


def test_what_members_wrote_is_escaped() -> None:
    hostile = replace(WORKS, topics=(replace(WORKS.topics[0], group=HOSTILE),), trends=(replace(WORKS.trends[0], topic=HOSTILE),))
    page = render_report(replace(ordinary_night(), unanswered=UNANSWERED, what_works=hostile))
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;") >= 3


def test_the_headline_asks_to_act_where_newcomers_wait() -> None:
    def said(facts: Unanswered) -> tuple[str, str]:
        (headline,) = [one for one in headlines(replace(ordinary_night(), unanswered=facts)) if "answer" in str(one)]
        return str(headline), headline.tone

    assert said(UNANSWERED) == ("17 posts wait for an answer, 5 by newcomers.", "alert")
    assert said(replace(UNANSWERED, by_newcomers=0)) == ("17 posts wait for an answer.", "plain")
    assert not [
        one for one in headlines(replace(ordinary_night(), unanswered=replace(UNANSWERED, waiting=0))) if "answer" in str(one)
    ]


@pytest.mark.parametrize(
    ("hours", "said"), [(None, "–"), (0.4, "under an hour"), (1.2, "1 hour"), (47, "47 hours"), (90, "4 days")]
)
def test_a_wait_is_written_in_hours_and_then_in_days(hours: float | None, said: str) -> None:
    assert hours_text(hours) == said


def test_people_a_week_are_whole_where_they_are_many() -> None:
    assert [people_a_week(mean) for mean in (0.44, 3.0, 11.25)] == ["0.4", "3", "11"]
