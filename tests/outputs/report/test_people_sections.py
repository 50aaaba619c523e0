"""The sections on people say what is known in short sentences, and nothing where nothing is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html import unescape

from community.journey import ANSWERED, JOINED, POSTED, STAYED, Funnel, Retention, Stage
from community.proportions import Estimate, difference
from outputs.report.page import render_report
from outputs.report.people_facts import Invited, LevelFlow, Move, Newcomers, PeopleFacts, Ready, Recognition, Rising, Roles, Week
from tests.outputs.examples import AS_OF, HOSTILE, ordinary_night

FUNNEL = Funnel(
    date(2011, 6, 10),
    date(2011, 7, 7),
    (
        Stage(JOINED, 120, 1.0, 1.0),
        Stage(POSTED, 60, 0.5, 0.25, difference(60, 120, 30, 120)),
        Stage(ANSWERED, 48, 0.8),
        Stage(STAYED, 12, 0.25),
    ),
    stayed_answered=0.25,
    stayed_unanswered=0.1,
)
PEOPLE = PeopleFacts(
    roles=Roles(staff=2, bots=1, staff_share=0.1, bot_share=0.32, suspected=3, path="../lists/x/suspected_bots.xlsx"),
    newcomers=Newcomers(
        FUNNEL,
        (Retention(HOSTILE, 50, Estimate(0.4, 0.3, 0.5)),),
        Invited(20, 0.5, 0.25, Estimate(0.25, -0.02, 0.48)),
        active=80,
        silent=20,
    ),
    rising=Rising(
        since=date(2011, 8, 24),
        moves=(Move("silver", "gold", 4, is_rise=True), Move("gold", "regular", 1, is_rise=False)),
        weeks=(Week(AS_OF, 4, 1), Week(date(2011, 8, 24), 3, 2)),
        days_in_tier=(("gold", 12), ("silver", 0)),
        ready=(Ready("gold", 9, "active days", 5), Ready("silver", 1, None, 0)),
        path="../lists/x/ready_to_rise.xlsx",
    ),
    recognition=Recognition(
        contributors=30,
        contributions=140,
        not_counted=12,
        thanked=(("contributor", 10), ("helper", 2)),
        levels=(("Pillar", 3), (HOSTILE, 1)),
        flow=LevelFlow(
            ((None, "Member", 2), (HOSTILE, "Pillar", 1)),
            ((AS_OF, 3), (date(2011, 8, 24), 1)),
            (("Pillar", 12), ("Member", 0)),
        ),
        path="../lists/x/recognition.xlsx",
        board_path="../lists/x/board.html",
        on_board=4,
    ),
)


def text_of(people: PeopleFacts) -> str:
    html = render_report(replace(ordinary_night(), people=people))
    assert HOSTILE not in html
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def test_each_section_says_what_is_known() -> None:
    text = text_of(PEOPLE)
    for sentence in (
        "3 members look like bots: see the list of suspected bots .",
        "Wrote 60 50 % 25 % +25 (+13 to +36)",
        "Were answered 48 80 % – –",
        "Most are lost before they write: 60 of 120.",
        "Of those who wrote and were answered, 25 % stayed; of those who were not answered, 10 %.",
        "The difference lies between −2 and 48 points with 95 % certainty.",
        "20 of the 80 members active in 28 days, 25 %, wrote nothing in a year.",
        "50 40 % (30 % to 50 %)",
        "Silver Gold 4",
        "In the week until 24 Aug 2011, 3 rose and 2 fell.",
        "9 members are within 3 points of gold in the value score. What most lack is active days (5 of them).",
        "1 member is within 3 points of silver in the value score.",
        "Half of those who moved to gold did so 12 days ago or earlier.",
        "30 members made 140 contributions in the last 7 days. 12 of them count nothing",
        "Helping newcomers 2",
        "Levels reached in the last 7 days: From To Members No level Member 2",
        "In the week until 24 Aug 2011, 1 member reached a higher level.",
        "Half of those who reached Pillar did so 12 days ago or earlier.",
        "names 4 members who agreed to be shown, and nobody else.",
    ):
        assert sentence in text
    assert "moved to silver" not in text
    assert "who reached Member" not in text


def test_a_week_in_which_nobody_rises_says_so_once() -> None:
    assert PEOPLE.recognition is not None
    still = replace(PEOPLE, recognition=replace(PEOPLE.recognition, flow=LevelFlow((), ((AS_OF, 0),))))
    text = text_of(still)
    assert "Nobody reached a higher level in the last 7 days." in text
    assert "In the week until 31 Aug 2011, 0" not in text


def test_a_community_without_people_to_tell_of_has_no_such_section() -> None:
    html = render_report(replace(ordinary_night(), people=PeopleFacts()))
    for anchor in ("roles", "newcomers", "rising", "recognition"):
        assert f'id="{anchor}"' not in html


def test_parts_that_are_not_known_are_left_out() -> None:
    few = PeopleFacts(
        roles=Roles(staff=0, bots=0, suspected=1, path="x"),
        newcomers=Newcomers(None, (), None, active=0, silent=0),
        rising=Rising(since=date(2011, 8, 24)),
        recognition=Recognition(1, 1, 0, (("contributor", 1),), path="x"),
    )
    text = text_of(few)
    assert "1 member looks like a bot" in text
    assert "Nobody has moved since 24 Aug 2011." in text
    assert "1 member made 1 contribution in the last 7 days." in text
    for word in ("count nothing", "By level", "higher level", "board", "half a year", "wrote nothing", "Share of all activity"):
        assert word not in text
