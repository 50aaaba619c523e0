from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from outputs.report.facts import Activity, Group, Metric, ModelHealth, NewlyAtRisk, ReportFacts, RuleBreach
from outputs.report.headlines import headlines
from outputs.report.loop_facts import ActionPlan, Trait
from outputs.report.page import render_report
from outputs.report.risk_facts import Outlook, Risk
from outputs.report.sections import ModelView, Section
from outputs.report.small_groups import without_small_groups
from segments.lifecycle import LifecyclePolicy
from tests.outputs.examples import (
    AS_OF,
    FLOWS,
    HOSTILE,
    activity_by_day,
    answered,
    by_population,
    churn_health,
    contact_plan,
    ordinary_night,
    value_health,
)

VOID = {"meta", "br", "link", "img", "rect", "line", "path", "circle"}


class Page(HTMLParser):
    """Collects tags, ids, attributes and text, and that every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def quiet_community() -> ReportFacts:
    """A first night, without orders, with nobody to score."""
    tiers = (Group("gold", 1), Group("regular", 2))
    return ReportFacts("Beer", AS_OF, None, members=3, activity=Activity(activity_by_day(9), 1, 0), tiers=tiers)


def hostile_night() -> ReportFacts:
    night = ordinary_night(HOSTILE)
    assert night.contact_list is not None
    health = replace(churn_health(), version=HOSTILE, purpose=HOSTILE, card_path=HOSTILE, measured_on=HOSTILE)
    return replace(
        night,
        tiers=(Group(HOSTILE, 1, 1),),
        segments=(Group(HOSTILE, 1),),
        warnings=(HOSTILE,),
        newly_at_risk=NewlyAtRisk(1, (HOSTILE,), 1, reasons=(Group(HOSTILE, 1),)),
        models=(health,),
        flows=(replace(FLOWS[0], table=HOSTILE),),
        breaches=(RuleBreach(HOSTILE, HOSTILE, 1),),
        currency=HOSTILE,
        contact_list=replace(night.contact_list, plan=replace(contact_plan(), actions=(hostile_action(),))),
        talked=replace(answered(), actions=(replace(answered().actions[0], action=HOSTILE),)),
    )


def hostile_action() -> ActionPlan:
    return ActionPlan(HOSTILE, 1, None, (Trait("segment", HOSTILE, 1),))


def test_a_report_is_one_well_formed_file_that_loads_nothing() -> None:
    html = render_report(ordinary_night())
    page = Page(html)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "link", "iframe", "img", "object", "embed", "base"})
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    outside = [value for name, value in page.attributes if value and "//" in value and name != "xmlns"]
    assert outside == []
    without_namespaces = re.sub(r'xmlns(:\w+)?="[^"]*"', "", html)
    assert "http" not in without_namespaces.replace("http-equiv", "")
    assert "@import" not in html
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", html)
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render_report(ordinary_night()) == render_report(ordinary_night())


def test_hostile_names_are_escaped() -> None:
    html = render_report(hostile_night())
    assert "<script" not in html
    assert html.count(str(escape(HOSTILE))) > 5
    assert Page(html).open == []


def test_the_morning_is_told_in_sentences() -> None:
    said = [str(line).replace("\u00a0", " ") for line in headlines(ordinary_night())]
    assert said == [
        "1,204 members were active in the last 7 days, 3 % fewer than the week before; 38 members joined.",
        "Talk to 200 members on Thursday 1 September 2011, most of all “save valuable” (118), “welcome newcomer” (81) "
        "and “win back valuable” (1).",
        "41 of your 250 gold and diamond members are newly at risk.",
        "288 of 2,500 members still here (12 %) have a high risk of leaving, that is of no activity over the next 90 days "
        "(the night before 301); 804 of all still here are expected to leave.",
        "1,813 members have been silent for 90 to 365 days; 594 of them are expected to come back over the next 90 days.",
        "£182,340 was spent in the last 7 days, refunds taken off, 7 % more than the week before.",
        "£1,222,271 is what all members together are expected to spend over the next 90 days.",
        "34 of 54,632 rows read were set aside for breaking a rule.",
    ]


def test_where_nearly_all_leave_one_sentence_says_so_with_the_numbers() -> None:
    def said(here: Outlook, gone: Outlook) -> list[str]:
        night = replace(ordinary_night(), risk=Risk(90, 365, here, gone))
        lines = [str(line).replace("\u00a0", " ") for line in headlines(night)]
        return [line for line in lines if line.startswith("Nearly everybody")]

    few, most = Outlook(100, 60, 30, 10, 79.9), Outlook(100, 5, 10, 85, 80.0)
    assert said(few, few) == []
    assert said(most, few) == [
        "Nearly everybody is expected to leave: 80 of 100 members still here (80 %) within 90 days. So a high risk, which 85 of "
        "them have, sets nobody apart; go by the probability."
    ]
    assert said(few, Outlook(900, 0, 10, 890, 850.0)) == [
        "Nearly everybody is expected to leave or to stay away: 930 of 1,000 members scored (93 %) over 90 days. So a high risk, "
        "which 900 of them have, sets few apart; go by the probability."
    ]


def test_the_two_questions_are_counted_apart() -> None:
    text = told(render_report(ordinary_night()), "risk")
    assert "Still here, may leave 2,500 288 502 1,710 804 1,696" in text
    assert "Gone, may come back 1,813 1,136 467 210 1,220 594" in text
    assert "Risk is high from a probability of 60 %, medium from 30 %." in text
    known = ordinary_night().risk
    assert known is not None
    relative = replace(ordinary_night(), risk=replace(known, medium_from=None))
    assert "Risk is high from" not in told(render_report(relative), "risk")


def test_the_page_says_by_what_members_have_their_tiers_and_who_is_in_none() -> None:
    html = render_report(ordinary_night())
    assert (
        "Members rank by what they spent in the last 365 days plus what they are expected to spend over the next 90 days" in html
    )
    assert "the best 2 %, gold by the best 10 % and silver by the best 30 %" in told(html, "tiers").replace("\u00a0", " ")
    assert "17 members who may not be profiled are in no tier, stage or group." in told(html, "groups")


def test_the_page_says_at_which_silence_a_stage_begins() -> None:
    night = replace(ordinary_night(), stages=LifecyclePolicy.for_horizon(90))
    said = told(render_report(night), "groups")
    for part in (
        "joined in the last 28 days",
        "silent for 90 days or longer",
        "for 180 days or longer",
        "for 360 days or longer",
    ):
        assert part in said
    assert "Dormant:" not in told(render_report(ordinary_night()), "groups")


def test_few_are_not_named_among_those_to_talk_to() -> None:
    night = without_small_groups(replace(ordinary_night(), smallest_group=5))
    [line] = [str(line) for line in headlines(night) if str(line).startswith("Talk to")]
    assert line.endswith(", most of all “save valuable” (118).")


def test_one_member_is_spoken_of_in_the_singular() -> None:
    newly = NewlyAtRisk(valuable=1, tiers=("gold",), members=1)
    said = [str(line) for line in headlines(replace(quiet_community(), newly_at_risk=newly))]
    assert said == [
        "1 member was active in the last 7 days, after none the week before.",
        "1 of your 1 gold member is newly at risk.",
    ]


def test_a_community_without_orders_reads_nothing_of_spend() -> None:
    html = render_report(quiet_community()).split("</style>")[1]
    assert not re.search(r"spen[dt]|£|\$|€|order|revenue", html, re.IGNORECASE)


def test_a_first_night_says_that_there_is_nothing_to_compare_with() -> None:
    newly = NewlyAtRisk(valuable=3, tiers=("gold",), members=None)
    html = render_report(replace(quiet_community(), newly_at_risk=newly))
    assert "This is the first night" in html
    assert "Night before" not in html


def test_the_names_are_one_relative_link_away() -> None:
    page = Page(render_report(ordinary_night()))
    assert ("href", "../lists/2011-08-31/contact_list.xlsx") in page.attributes


def test_sections_stand_in_their_order_and_others_can_be_added() -> None:
    added = Section("lift", "Did talking help?", Markup("<p>Not yet.</p>"), 35)
    html = render_report(ordinary_night(), extra_sections=[added])
    found = re.findall(r'<section id="([\w-]+)">', html)
    assert found == [
        "talk",
        "newly-at-risk",
        "risk",
        "assessment",
        "activity",
        "tiers",
        "groups",
        "carriers",
        "lift",
        "talked",
        "models",
        "data",
    ]


def told(html: str, section: str) -> str:
    """Return the text of a section as a reader sees it, with one blank between words."""
    body = re.sub(r"<[^>]+>", " ", html.split(f'<section id="{section}">')[1].split("</section>", maxsplit=1)[0])
    return " ".join(unescape(body).split())


def test_how_pieces_were_chosen_is_told_beside_the_contact_list() -> None:
    night = ordinary_night()
    assert night.contact_list is not None
    told_by = replace(night, contact_list=replace(night.contact_list, showing="Messages name <b>what</b> is new."))
    assert "Messages name <b>what</b> is new." in told(render_report(told_by), "talk")
    assert "Messages name" not in render_report(night)


def test_whom_to_talk_to_is_counted_by_action_with_what_they_share_and_the_gain() -> None:
    text = told(render_report(ordinary_night()), "talk")
    assert "200 members to contact on Thursday 1 September 2011." in text
    assert "Together these contacts are expected to bring £85.47 more than doing nothing." in text
    assert "Save valuable 118 94 % silver tier and 88 % medium risk £60.77" in text
    assert "Welcome newcomer 81 all “new faces” £11.50" in text
    assert "142 members are left alone on purpose, to measure whether talking works; 14 of them would be on the list." in text
    assert "2,412 members: not active recently enough to be scored. 1,373 members: no action is meant for them now." in text


def test_without_orders_the_gain_is_in_members_and_a_community_without_actions_has_one_row() -> None:
    night = ordinary_night()
    assert night.contact_list is not None
    plan = replace(contact_plan(), is_money=False, actions=(ActionPlan(None, 200, 85.47),))
    text = told(render_report(replace(night, contact_list=replace(night.contact_list, plan=plan))), "talk")
    assert "expected to keep 85.5 members who would leave otherwise" in text
    assert "By what is at stake 200 nothing that holds for half of them 85.5" in text


def test_until_there_is_an_answer_a_late_section_says_when_it_is_due() -> None:
    html = render_report(ordinary_night())
    assert re.findall(r'<section id="([\w-]+)">', html)[-3:] == ["talked", "models", "data"]
    assert told(html, "talked") == (
        "Did talking work? There is no answer yet. It is due on Wednesday 28 September 2011 at the earliest: 214 decisions are "
        "waiting for their outcome, and those listed are then compared with those left alone."
    )
    nothing = replace(answered(), has_answer=False, first_due=None, odd_contacts=())
    assert "no decision is waiting" in told(render_report(replace(ordinary_night(), talked=nothing)), "talked")


def test_once_there_is_an_answer_it_stands_beside_what_to_do_tomorrow() -> None:
    html = render_report(replace(ordinary_night(), warnings=(), talked=answered()))
    assert re.findall(r'<section id="([\w-]+)">', html)[:2] == ["talk", "talked"]
    text = told(html, "talked")
    assert "Talking works, judged by who came back: +6.0 points, with 95 % certainty between +3.2 points and +8.8 points." in text
    assert "Save valuable brought £9,412 for a cost of £310." in text
    assert "Thank contributor: 21 members held out so far; too few to trust a figure." in text
    assert "Save valuable 2,303 of 2,310 208 £9,412 £310 30.4 ×" in text
    assert "12 contacts under the name of an action reached members whom no night had chosen for it." in text
    # Harm and a mismatch of the arms are what a person should act on.
    assert re.findall(r'<li class="alert">(\w+ \w+)', html.split('<section id="talked">')[1]) == [
        "Welcome newcomer",
        "Wake lurker",
    ]


def test_an_effect_that_is_not_to_be_trusted_keeps_nothing() -> None:
    text = told(render_report(replace(ordinary_night(), talked=answered())), "talked")
    assert "Wake lurker 633 of 640 – – £310 –" in text


def test_two_sections_of_one_id_are_refused() -> None:
    with pytest.raises(AssertionError, match="unique"):
        render_report(ordinary_night(), extra_sections=[Section("tiers", "Again", Markup(""), 99)])


def test_rows_that_do_not_add_up_are_named() -> None:
    lost = replace(FLOWS[1], read=FLOWS[1].read + 1)
    assert not lost.adds_up
    html = render_report(replace(ordinary_night(), flows=(lost,)))
    assert "Orders does not add up" in html
    assert "Every row is accounted for" not in html


@pytest.mark.parametrize(
    ("model", "better", "expected"),
    [
        (0.8, "higher", "better than the best simple rule does"),
        (0.6, "higher", "no better than a simple rule does"),
        (0.6, "lower", "better than the best simple rule does"),
        (1.1, "closer to 1", "better than the best simple rule does"),
    ],
)
def test_a_model_is_judged_against_its_best_baseline(model: float, better: str, expected: str) -> None:
    metric = Metric("M", "A measure.", model, {"recency": 0.7, "unknown": None}, better)
    health = replace(churn_health(), metrics=(metric,))
    assert expected in render_report(replace(ordinary_night(), models=(health,)))


def test_the_report_draws_both_populations_in_the_charts_it_had() -> None:
    health = churn_health()
    assert health.calibration is not None
    assert health.lift is not None
    both = replace(health, calibration=by_population(health.calibration), lift=by_population(health.lift))
    night = ordinary_night()
    earlier, page = (render_report(replace(night, models=(one,))) for one in (health, both))
    assert page.count("<svg") == earlier.count("<svg")
    assert page.count(">Still here</text>") == page.count(">Gone</text>") == 2
    assert ">Gone</text>" not in earlier


def test_a_model_not_measured_yet_and_empty_frames_still_render() -> None:
    empty = pl.DataFrame(schema={"event_date": pl.Date, "active_members": pl.Int64})
    health = ModelHealth("Churn", "churn", "churn/1", AS_OF, 0, "nothing yet", metrics=(), calibration=pl.DataFrame(), lift=None)
    night = replace(quiet_community(), activity=Activity(empty, 0, 0), models=(health,), tiers=())
    html = render_report(night)
    assert "It has not been measured yet" in html
    assert "No members</strong> were active in the last 7 days, as the week before." in html
    assert "nothing yet" not in html


BASELINES = st.dictionaries(st.sampled_from("abcd"), st.none() | st.floats(0, 2).map(lambda value: round(value, 2)), max_size=4)


@given(st.floats(0, 2).map(lambda value: round(value, 2)), BASELINES, st.sampled_from(["higher", "lower", "closer to 1"]))
def test_a_model_is_better_than_the_best_rule_only_when_it_is_better_than_every_rule(
    model: float, baselines: dict[str, float | None], better: str
) -> None:
    good = {"higher": lambda value: value, "lower": lambda value: -value, "closer to 1": lambda value: -abs(value - 1)}[better]
    health = replace(churn_health(), calibration=None, lift=None)
    view = ModelView.of(replace(health, metrics=(Metric("M", "A measure.", model, baselines, better),)), prefix="m")
    known = {name: value for name, value in baselines.items() if value is not None}
    if not known:
        assert view.verdict == ""
        return
    assert ("no better" not in view.verdict) == all(good(model) > good(value) for value in known.values())


def test_words_that_only_analysts_know_stand_on_the_card_to_which_the_report_leads() -> None:
    html = render_report(replace(ordinary_night(), models=(churn_health(), value_health())))
    text = re.sub(r"<[^>]+>", " ", html.split("</style>")[1])
    for word in ("nGini", "Brier", "AUC", "twin", "gate", "nbd", "calibration slope", "RMSE", "holdout model"):
        assert not re.search(rf"\b{word}\b", text, re.IGNORECASE), word
    assert '<a href="model-card-value.html">' in html
