"""What a night tells of the loop, counted by hand; it never names a member."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from community.rule_choice import RuleTest
from engagement.contact_history import CONTACTS_SCHEMA, contact_history
from engagement.decisions import Decisions
from engagement.holdouts import ARMS_SCHEMA
from engagement.sample_ratio import p_of_draws
from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, MEMBERS_SCHEMA, conform
from outputs.report.loop_facts import ActionPlan, NotListed, OddContacts, Trait
from pipeline.community.showing import store_tests
from pipeline.engagement.deciding import NightDecisions
from pipeline.engagement.effects import effects_over_time, measure_effects
from pipeline.engagement.facts import (
    LoopMeasures,
    contact_list_facts,
    loop_metrics,
    loop_warnings,
    measure_loop,
    talked_facts,
)
from pipeline.engagement.ledger import read_decisions, record_night
from pipeline.engagement.ranking import RankingFacts
from pipeline.night import NightLists
from runtime.run_context import RunContext
from tests.campaigns import NIGHT, club
from tests.pipeline.engagement.ledgers import ACTION, FIRST, MATURED, NOTHING, SECOND, WHOLE, decided, record


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    opened = club(tmp_path_factory.mktemp("club"))
    record(opened)
    return opened.on(NIGHT)


@pytest.fixture(scope="module")
def loop(run: RunContext) -> LoopMeasures:
    return measure_loop(run)


def lists(run: RunContext, contacts: pl.DataFrame, members: pl.DataFrame) -> NightLists:
    nothing = pl.DataFrame()
    chosen = decided(run, {"m0": "listed", "m1": "listed", "m2": ACTION})
    decisions = Decisions(chosen, nothing, pl.DataFrame(schema=ARMS_SCHEMA), 0.0)
    history = contact_history(
        pl.DataFrame(schema=CONTACTS_SCHEMA),
        read_decisions(run.workspace.lake, before=date(2000, 1, 1)),
        as_of=NIGHT,
        actions=(),
        churn_horizon_days=14,
        policy=run.settings.contact_policy,
    )
    return NightLists(
        conform(members, schema=MEMBERS_SCHEMA),
        conform(contacts, schema=CONTACT_SCHEMA),
        pl.DataFrame(schema=CHANGES_SCHEMA),
        NightDecisions((), decisions, history, nothing),
    )


def tonight(run: RunContext, *, value: float | None) -> NightLists:
    contacts = pl.DataFrame(
        {
            "as_of": NIGHT,
            "member_id": ["m0", "m1", "m3"],
            "rank": [1, 2, 3],
            "action": [ACTION, ACTION, "wake_lurker"],
            "tier": ["gold", "gold", None],
            "churn_risk": ["high", "low", None],
            "expected_gain": [2.5, 1.25, 4.0],
        }
    )
    rules = [None, None, "holdout", None, "cap", "cap", "role", "quiet day", "no gain"]
    members = pl.DataFrame(
        {
            "as_of": NIGHT,
            "member_id": [f"m{number}" for number in range(9)],
            "segment": ["Buyers", "Readers", None, "Readers", None, None, None, None, None],
            "suppressed_because": rules,
            "expected_value": [value] * 9,
        },
        schema_overrides={"expected_value": pl.Float64},
    )
    return lists(run, contacts, members)


def test_the_plan_counts_members_by_action_and_says_what_half_of_them_share(run: RunContext) -> None:
    told = contact_list_facts(run, tonight(run, value=10.0))
    assert (told.members, told.path) == (3, f"../lists/{NIGHT}/contact_list.xlsx")
    assert told.plan is not None
    shared = (Trait("tier", "gold", 2), Trait("churn_risk", "high", 1), Trait("segment", "Buyers", 1))
    assert told.plan.actions == (
        ActionPlan(ACTION, 2, 2.5 + 1.25, shared),
        ActionPlan("wake_lurker", 1, 4.0, (Trait("segment", "Readers", 1),)),
    )
    assert (told.plan.day, told.plan.expected_gain, told.plan.is_money) == (NIGHT + timedelta(days=1), 2.5 + 1.25 + 4, True)
    assert (told.plan.held_out, told.plan.held_out_ranked) == (1, 1)
    assert told.plan.not_listed == (NotListed("cap", 2), NotListed("no gain", 1), NotListed("quiet day", 1))


def test_the_rule_that_chose_what_to_show_is_told_where_something_is_shown(run: RunContext) -> None:
    night = tonight(run, value=10.0)
    assert contact_list_facts(run, night).showing is None
    shown = replace(night, contacts=night.contacts.with_columns(show=pl.lit("Hops")))
    assert "what most members came to lately" in (contact_list_facts(run, shown).showing or "")
    tests = (RuleTest("popular", False, 90, 0.2, 0.1), RuleTest("item_to_item", True, 90, 0.3, 0.2, 0.1, 0.01, 0.2))
    store_tests(run.workspace.lake, tests, NIGHT)
    assert "of 90 members" in (contact_list_facts(run, shown).showing or "")
    assert contact_list_facts(run, night).showing is None


def test_without_orders_the_gain_counts_members(run: RunContext) -> None:
    plan = contact_list_facts(run, tonight(run, value=None)).plan
    assert plan is not None
    assert plan.is_money is False


def test_an_empty_list_has_no_actions_and_no_gain(run: RunContext) -> None:
    night = tonight(run, value=None)
    told = contact_list_facts(run, replace(night, contacts=night.contacts.head(0)))
    assert told.plan is not None
    assert (told.members, told.plan.actions, told.plan.expected_gain) == (0, (), None)


def test_effects_are_told_by_action_and_together(loop: LoopMeasures) -> None:
    talked = talked_facts(loop)
    assert talked is not None
    assert talked.has_answer
    saved = next(one for one in talked.actions if one.action == ACTION)
    # m0, m1 and m5 were listed, m2 and m6 held out; m3 is left alone by all actions and counts with them only.
    assert (saved.n_treated, saved.n_holdout, saved.rate_treated, saved.rate_holdout) == (3, 2, 2 / 3, 1 / 2)
    assert (saved.listed, saved.contacted, saved.is_trustworthy) == (2, 1, False)
    assert talked.total.action is None
    # One was decided on by the action on 20 June; what they do is known fourteen days later.
    assert (talked.waiting, talked.first_due) == (1, SECOND + timedelta(days=14))


def test_the_sizes_of_the_arms_of_all_actions_are_judged_by_the_draw_by_all(loop: LoopMeasures) -> None:
    # Five of six were decided on, two of them held out by the action, and one was left alone by all.
    total = loop.effects.total.effect
    assert (total.n_treated, total.n_holdout) == (5, 1)
    expected = p_of_draws(pl.DataFrame({"is_treated": [True, True, True, True, True, False], "holdout_share": WHOLE}))
    assert total.p_srm == pytest.approx(expected)


def test_before_anything_matured_the_first_answer_is_due(run: RunContext) -> None:
    talked = talked_facts(LoopMeasures(measure_effects(run, before=MATURED), {}))
    assert talked is not None
    assert not talked.has_answer
    assert (talked.waiting, talked.first_due) == (5, MATURED)


def test_a_community_without_actions_is_told_nothing(loop: LoopMeasures) -> None:
    assert talked_facts(replace(loop, effects=replace(loop.effects, actions=()))) is None


def test_each_night_on_which_outcomes_became_known_has_its_effects(run: RunContext) -> None:
    (only,) = effects_over_time(run)
    assert only.as_of == MATURED
    assert next(one.effect.n_treated for one in only.actions if one.action == ACTION) == 3


def test_metrics_name_actions_and_no_member(loop: LoopMeasures) -> None:
    metrics = loop_metrics(loop)
    assert metrics[f"effects.{ACTION}.n_treated"] == 3
    assert metrics["effects.all.n_holdout"] == 1
    assert {name.split(".")[1] for name in metrics} == {ACTION, "all"}
    assert set(metrics) >= {f"effects.{ACTION}.{figure}" for figure in ("effect", "n_treated", "n_holdout")}


def test_arms_that_do_not_fit_their_shares_are_warned_of(loop: LoopMeasures) -> None:
    assert loop_warnings(loop) == []
    total = loop.effects.total
    mismatched = replace(loop.effects, total=replace(total, effect=replace(total.effect, p_srm=1e-5)))
    (warning,) = loop_warnings(replace(loop, effects=mismatched))
    assert warning.startswith("All actions together: do not trust this effect.")


def test_contacts_that_fit_no_decision_are_counted(tmp_path: Path) -> None:
    opened = club(tmp_path)
    # Of those whom the campaign `spring` reached, m1 was to be left alone.
    alone = decided(opened, {"m1": "all"}, action="spring")
    arms = pl.DataFrame(schema=ARMS_SCHEMA)
    record_night(opened.workspace.lake, as_of=FIRST, decided=alone, arms=arms, observed=NOTHING)
    talked = talked_facts(measure_loop(opened.on(NIGHT)))
    assert talked is not None
    assert OddContacts("held_out", 1) in talked.odd_contacts


def test_the_ranking_of_an_action_that_was_judged_is_told(loop: LoopMeasures) -> None:
    judged = RankingFacts(ACTION, NIGHT, False, "not surely better", 0.01, 0.02, -0.03, 0.01, 600, 120, 700)
    unjudged = replace(judged, action="wake_lurker", qini=None, champion_qini=None, low=None, high=None)
    talked = talked_facts(replace(loop, rankings=(judged, unjudged)))
    assert talked is not None
    (line,) = talked.rankings
    assert line.startswith("Save valuable goes first to members for whom most is at stake: judged by 720 later decisions")
