"""The figures beside the week before, what changed and why, and the heat maps."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from community.figure_changes import FigureChange
from outputs.report.change_sentences import change_sentences, difference_text, value_text
from outputs.report.facts import Edition
from outputs.report.headlines import headlines
from outputs.report.page import render_report
from outputs.report.sparkline import sparkline
from outputs.report.week_facts import PERIOD_DAYS
from tests.outputs.examples import AS_OF, HOSTILE, ordinary_night
from tests.outputs.weeks import changes, morning, week
from wording.english import ENGLISH
from wording.numbers import NO_BREAK_SPACE

WEEK = week()
NIGHT = replace(ordinary_night(), morning=morning(), smallest_group=5)


def text_of(html: str, section: str) -> str:
    found = re.search(rf'<section id="{section}">(.*?)</section>', html, re.DOTALL)
    assert found is not None, section
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def test_a_row_tells_a_figure_beside_the_week_before_and_a_year_before() -> None:
    text = text_of(render_report(NIGHT), "figures")
    assert "Members active within 7 days 1,204 1,620 −416 unusual 1,550" in text
    assert "New members active 7 days later 21 % 31 % −10.0 points too early to say –" in text
    assert "Members active on an average day 3.4 3.6 −0.2 no sure change –" in text
    assert "Feedback score, 0 to 10 7.1 – – nothing before –" in text
    assert "Spend £0 £1,812 −£1,812 ended" in text


def test_what_changed_is_told_the_most_remarkable_first_and_as_surely_as_it_is_known() -> None:
    text = text_of(render_report(NIGHT), "changes")
    assert "70 more members fell silent this week" in text
    assert "130 after 60 the week before. That is twice as much or more. That is unusual" in text
    assert "Most of the rise is in the tier regular: 90 after 30." in text
    assert "Changed, but as it often does: members active within 30 days." in text
    assert "1 other figure shows no sure change." in text
    assert text.index("went to members") < text.index("were active within") < text.index("fell silent")
    # Six of the eight that are news.
    found = re.search(r'<section id="changes">(.*?)</section>', render_report(NIGHT), re.DOTALL)
    assert found is not None
    assert found[1].count("<li") == 6


def test_a_small_mean_is_told_with_one_digit_beside_a_whole_one() -> None:
    change = FigureChange("dau", 2.3, 2.0, None, 0.3, 0.5)
    assert (value_text("dau", 2.3, None), value_text("dau", 2.0, None)) == ("2.3", "2.0")
    assert difference_text(change, None) == "+0.3"


def test_a_week_without_news_counts_no_others() -> None:
    quiet = replace(WEEK, changes=(FigureChange("wau", 990, 1000, None, 50.0, 100.0),))
    text = text_of(render_report(replace(NIGHT, morning=replace(morning(), week=quiet))), "changes")
    assert text.endswith("Nothing has changed beyond chance and the usual ups and downs.")


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (
            "new_members",
            "Most of the fall is in those who came by <script>alert('1')</script>: 10 after 45. A year ago it was 55.",
        ),
        ("retention_d7", "cannot be told yet: too little is known of the time before. Most of that comes from the platform ios"),
        ("retention_d7", "the platform ios: 10 % there after 30 %."),
        ("silent_share_30d", "not what members do but who they are: the share of the platform web is 70 % after 50 %."),
        ("spend", "Most of the fall is in the community Wine: £0 after £1,812."),
    ],
)
def test_a_sentence_says_where_most_of_a_change_lies(figure: str, said: str) -> None:
    (change,) = (one for one in changes() if one.figure == figure)
    assert said in " ".join(change_sentences(change, WEEK, "GBP")).replace(NO_BREAK_SPACE, " ")


def test_the_first_headline_is_no_surer_than_the_figure() -> None:
    def first(wau: FigureChange) -> str:
        return str(headlines(replace(NIGHT, morning=replace(morning(), week=replace(WEEK, changes=(wau,)))))[0])

    wau = FigureChange("wau", 990, 1000, None, 50.0, 100.0)
    assert first(wau) == "990 members were active in the last 7 days, about as many as the week before (1,000)."
    assert first(replace(wau, now=920)).endswith("80 fewer than the week before, within the usual ups and downs.")
    assert first(replace(wau, now=1200)).endswith("200 more than the week before, more than the usual ups and downs.")
    assert first(replace(wau, now=800, usual=None)).endswith("200 fewer than the week before.")
    assert first(replace(wau, before=None)) == "990 members were active in the last 7 days."
    assert first(replace(wau, now=0)).endswith("1,000 fewer than the week before, more than the usual ups and downs.")


def test_every_figure_has_a_sentence_for_more_and_for_less_whatever_the_period() -> None:
    for period in PERIOD_DAYS:
        for figure in (key.split(".")[2] for key in ENGLISH.sentences if key.startswith("figures.name.")):
            for now, before in ((0.9, 0.2), (0.2, 0.9), (0.0, 3.0), (3.0, 0.0)):
                change = FigureChange(figure, now, before)
                told = change_sentences(change, week(period), "EUR")
                assert all(one.endswith(".") for one in told)
                assert ("4 weeks" in told[0]) == (period == "month")
                assert value_text(figure, now, None)
                assert difference_text(change, None)


def test_cohorts_and_hours_are_tables_without_what_only_few_did() -> None:
    html = render_report(NIGHT)
    cohorts, hours = text_of(html, "cohorts"), text_of(html, "hours")
    assert "4 Aug 2011 42 50 % 33 % 25 %" in cohorts
    # The second cohort has two members.
    assert "11 Aug 2011" not in cohorts
    assert "18 Aug 2011 67 50 %" in cohorts
    assert "Weeks in which fewer than 5 members joined are left out." in cohorts
    assert "The busiest hours are Mon from 20:00." in hours
    assert "20:00 318" in hours
    assert "3:00 4:00" in hours
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        if "heat" in table:
            assert "<caption>" in table
            assert "<th>" not in table


def test_an_edition_says_which_days_it_covers() -> None:
    edition = Edition("month", AS_OF.replace(day=4), None)
    html = render_report(replace(NIGHT, morning=morning("month"), edition=edition))
    assert "Monthly report" in html
    assert "The 28 days from 4 Aug 2011 to 31 Aug 2011" in html
    assert "in the last 4 weeks" in text_of(html, "changes")
    assert "4 weeks before" in text_of(html, "tiers")
    assert "Morning report" not in html


def test_the_page_has_landmarks_and_no_name_breaks_out() -> None:
    html = render_report(NIGHT)
    assert HOSTILE not in html
    assert '<a class="skip" href="#main">' in html
    for once in ("<h1>", "<main id", "<header>", "<footer>", '<html lang="en">'):
        assert html.count(once) == 1, once


def test_a_sparkline_breaks_where_there_is_no_value() -> None:
    drawn = sparkline((1.0, 2.0, None, 4.0, 4.0, 3.0))
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 1
    assert 'aria-hidden="true"' in drawn
    assert sparkline((1.0, 2.0)) == ""
    assert "nan" not in sparkline((5.0, 5.0, 5.0))
