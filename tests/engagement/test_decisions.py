"""Whom to contact tomorrow, and why not the others."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.actions import Action, in_audience
from engagement.contact_history import LISTED
from engagement.decisions import SUPPRESSIONS
from engagement.policy import ContactPolicy
from tests.engagement.deciding import (
    AS_OF,
    SOME_ACTIONS,
    SOME_CONTACTS,
    SOME_DECISIONS,
    SOME_MEMBERS,
    SOME_POLICIES,
    action,
    contacts,
    decided,
    earlier,
    history,
    members,
    policy,
    why_not,
)


def listed(decisions: pl.DataFrame) -> dict[int, str]:
    return dict(decisions.filter(pl.col("arm") == LISTED).select("member_no", "action").iter_rows())


def test_the_member_with_the_most_at_stake_comes_first_and_refusals_staff_and_the_unscored_never() -> None:
    people = members(
        [
            {"expected_value": 10.0},
            {"expected_value": 30.0},
            {"can_contact": False},
            {"can_profile": False},
            {"role": "staff"},
            {"role": "bot", "can_contact": False},
            {"is_eligible": False},
            {"expected_value": 20.0},
            {"expected_value": -5.0},
        ]
    )
    tonight = decided(people, [action()], policy(), capacity=2)
    assert tonight.chosen["member_no"].to_list() == [2, 8]
    assert tonight.chosen["expected_gain"].to_list() == pytest.approx([0.5 * 30 * 0.1, 0.5 * 20 * 0.1])
    assert why_not(tonight) == {
        1: "capacity", 2: None, 3: "no consent", 4: "no consent", 5: "role", 6: "role", 7: "not eligible", 8: None, 9: "no gain",
    }  # fmt: skip


@pytest.mark.parametrize(("audience", "count"), [("TRUE", 50_000), ("NULL IS NULL", 50_000), ("1 = 2", 0)])
def test_an_audience_may_read_no_column_of_a_large_community(audience: str, count: int) -> None:
    people = (
        members([{}]).select(pl.all().repeat_by(50_000).explode()).with_columns(member_no=pl.int_range(50_000, dtype=pl.Int32))
    )
    assert people.filter(in_audience(action(audience=audience))).height == count


def test_of_several_actions_the_one_that_came_furthest_says_why_not() -> None:
    rules = policy()
    actions = [
        action("a", audience="region = 'north'", cool_down_days=10),
        action("b", audience="region = 'north'", capacity_per_day=0),
    ]
    sent = contacts([(1, "a", "mail", None, 3)])
    tonight = decided(
        members([{"region": "north"}, {"region": "south"}]), actions, rules, past=history(actions, rules, sent=sent)
    )
    assert why_not(tonight) == {1: "capacity", 2: "not in any audience"}


def test_contacts_of_every_campaign_count_for_the_caps_and_the_control_arm_is_left_alone() -> None:
    rules = policy(max_per_7_days=2, channels={"push": {"max_per_30_days": 1}})
    actions = [action("a", channel="push", cool_down_days=0)]
    sent = contacts(
        [
            *[(1, "newsletter", "mail", None, 0), (1, "other", None, None, 5)],  # two contacts on the days as_of-5 … as_of
            *[(2, "newsletter", "mail", None, 0), (2, "other", "mail", None, 6)],  # the window of 7 days ends with tomorrow
            (3, "other", "push", "treatment", 28),
            (4, "other", "push", "treatment", 29),
            (5, "spring", "mail", "Control", 20),
            (6, "autumn", "mail", "control", 28),
        ]
    ).with_columns(pl.col("arm").str.to_lowercase())
    tonight = decided(members([{}] * 6), actions, rules, past=history(actions, rules, sent=sent))
    assert why_not(tonight) == {1: "cap", 2: None, 3: "cap", 4: None, 5: "control arm", 6: None}


def test_a_listed_member_rests_until_the_window_closes_and_a_contacted_one_for_the_cool_down() -> None:
    rules = policy(match_days=7)
    actions = [action("a", cool_down_days=20)]
    before = earlier(
        [(6, 1, "a", "listed"), (7, 2, "a", "listed"), (10, 3, "a", "listed"), (19, 4, "a", "a"), (20, 5, "a", "all")]
    )
    sent = contacts([(3, "a", "mail", None, 5)])
    tonight = decided(members([{}] * 5), actions, rules, past=history(actions, rules, sent=sent, decided=before))
    # Member 1 may still be contacted, 2 was not and may be listed again; the held out rest as if they had been contacted.
    assert why_not(tonight) == {1: "cool-down", 2: None, 3: "cool-down", 4: "cool-down", 5: None}


def test_nobody_is_contacted_on_a_quiet_day() -> None:
    tomorrow = AS_OF + timedelta(days=1)
    for quiet in ("wednesday", tomorrow):
        assert why_not(decided(members([{}]), [action()], policy(quiet_days=[quiet]))) == {1: "quiet day"}
    assert why_not(decided(members([{}]), [action()], policy(quiet_days=["tuesday", AS_OF]))) == {1: None}


def test_the_capacity_of_a_week_counts_the_nights_before() -> None:
    rules = policy()
    actions = [action("a", capacity_per_week=3, cool_down_days=0)]
    before = earlier([(6, 5, "a", "listed"), (1, 6, "a", "listed"), (7, 7, "a", "listed"), (2, 8, "a", "a")])
    tonight = decided(members([{}] * 4), actions, rules, past=history(actions, rules, decided=before))
    assert len(listed(tonight.chosen)) == 3 - 2


def test_an_action_of_higher_priority_takes_its_members_first() -> None:
    actions = [action("a"), action("b", priority=1, capacity_per_day=1)]
    people = members([{"expected_value": 10.0}, {"expected_value": 20.0}])
    assert listed(decided(people, actions, policy()).chosen) == {2: "b", 1: "a"}


def test_a_contact_that_costs_more_than_it_gains_is_not_made() -> None:
    people = members([{"expected_value": 10.0}, {"expected_value": 100.0}])
    assert why_not(decided(people, [action(cost=1.0)], policy())) == {1: "no gain", 2: None}


@pytest.mark.parametrize(("least", "chosen"), [("medium", {2, 3}), ("high", {3}), (0.4, {3}), (None, {1, 2, 3})])
def test_the_least_risk_limits_actions_that_save(least: str | float | None, chosen: set[int]) -> None:
    risks = [("low", 0.1), ("medium", 0.3), ("high", 0.6)]
    people = members([{"churn_risk": risk, "churn_probability": probability} for risk, probability in risks])
    assert set(listed(decided(people, [action()], policy(min_risk=least)).chosen)) == chosen
    assert set(listed(decided(people, [action(outcome="posted")], policy(min_risk=least)).chosen)) == {1, 2, 3}


def test_without_orders_the_gain_counts_members_kept() -> None:
    people = members([{"expected_value": None, "member_value_score": score} for score in (25.0, 75.0)])
    tonight = decided(people, [action(cost=5.0)], policy())
    assert tonight.chosen["expected_gain"].to_list() == pytest.approx([0.5 * 0.1 * 75 / 50, 0.5 * 0.1 * 25 / 50])


def test_the_held_out_would_have_been_listed_by_the_same_rank() -> None:
    people = members([{"expected_value": 1.0 + number % 97} for number in range(3_000)])
    actions = [action("a", holdout_share=0.2)]
    chosen = decided(people, actions, policy(holdout_share=0.1), capacity=400).chosen
    treated, held = chosen.filter(pl.col("arm") == LISTED), chosen.filter(pl.col("arm") != LISTED)
    assert treated.height == 400
    assert set(held["arm"]) == {"a", "all"}
    assert chosen.select("holdout_share", "overall_holdout_share").unique().rows() == [(0.2, 0.1)]
    # Nobody who would not have been listed is compared with those who were.
    assert held["expected_gain"].min() >= treated["expected_gain"].min()
    assert held.height == pytest.approx(400 * 0.28 / 0.72, rel=0.25)


def test_exploration_draws_a_share_of_the_list_whatever_the_gain() -> None:
    people = members([{"expected_value": 1.0 + number} for number in range(1_000)])
    chosen = decided(people, [action("a", holdout_share=0.2)], policy(exploration_share=0.5), capacity=100).chosen
    explored = chosen.filter(pl.col("why") == "explored")
    assert explored.filter(pl.col("arm") == LISTED).height == 50
    assert explored.filter(pl.col("arm") != LISTED).height > 0
    assert explored["expected_gain"].mean() < chosen.filter(pl.col("why") == "ranked")["expected_gain"].mean()


def test_exploration_holds_out_the_share_that_was_drawn() -> None:
    people = members([{"region": "north" if number % 3 else "south"} for number in range(60)])
    actions = [
        action("a", audience="region = 'north'", holdout_share=0.3),
        action("b", audience="region = 'south'", holdout_share=0.3, capacity_per_day=1),
    ]
    arms: list[str] = []
    for night in range(150):
        # Other members on another night: other arms and another order.
        others = people.with_columns(member_id=pl.format("{}-{}", pl.lit(night), "member_no"))
        rules, as_of = policy(exploration_share=1.0), AS_OF + timedelta(days=night)
        arms.extend(decided(others, actions, rules, capacity=2, as_of=as_of).chosen["arm"])
    assert arms.count(LISTED) == 2 * 150
    # Of every ten that the order reaches, three are held out until the places are taken.
    assert len(arms) - arms.count(LISTED) == pytest.approx(2 * 150 * 0.3 / 0.7, rel=0.2)


@given(
    rows=SOME_MEMBERS,
    sent=SOME_CONTACTS,
    before=SOME_DECISIONS,
    actions=SOME_ACTIONS,
    rules=SOME_POLICIES,
    capacity=st.integers(0, 6),
)
def test_no_rule_is_ever_broken(  # noqa: PLR0917 - what is generated, each by its name
    rows: list[dict[str, object]],
    sent: list[tuple[int, str, str | None, str | None, int]],
    before: list[tuple[int, int, str, str]],
    actions: tuple[Action, ...],
    rules: ContactPolicy,
    capacity: int,
) -> None:
    people = members(rows)
    past = history(actions, rules, sent=contacts(sent), decided=earlier(before))
    tonight = decided(people, actions, rules, past=past, capacity=capacity)
    chosen = listed(tonight.chosen)
    reasons = why_not(tonight)
    assert set(reasons) == set(people["member_no"])
    assert {no for no, why in reasons.items() if why is None} == set(chosen)
    assert {why for why in reasons.values() if why} <= set(SUPPRESSIONS)
    assert tonight.chosen["member_no"].is_unique().all()
    assert len(chosen) <= capacity
    assert not (chosen and rules.is_quiet(AS_OF + timedelta(days=1)))
    by_number = {row["member_no"]: row for row in people.iter_rows(named=True)}
    by_name = {one.name: one for one in actions}
    for no, name in chosen.items():
        member, one = by_number[no], by_name[name]
        assert member["can_contact"] is not False
        assert member["can_profile"] is not False
        assert member["role"] is None
        assert member["is_eligible"]
        assert member["churn_probability"] is not None
        # The slow way: look at every contact of this member, one by one.
        mine = [row for row in sent if row[0] == no]
        control = {campaign for _, campaign, _, arm, _ in mine if arm == "control"}
        for campaign in control:
            assert min(days for _, other, _, _, days in sent if other == campaign) >= 28
        ages = [(days, channel) for _, _, channel, arm, days in mine if arm != "control"]
        assert all(days + 1 >= one.cool_down_days for _, campaign, _, arm, days in mine if campaign == name and arm != "control")
        for window, limit in rules.limits.items():
            assert sum(days + 1 < window for days, _ in ages) < limit
        if one.channel in rules.channels:
            for window, limit in rules.channels[one.channel].limits.items():
                assert sum(days + 1 < window and channel == one.channel for days, channel in ages) < limit
        assert not ({no} & set(tonight.members.filter(pl.col("holdout") == "all")["member_no"]))
    for one in actions:
        used = sum(name == one.name for name in chosen.values())
        week = sum(days < 7 and name == one.name and arm == "listed" for days, _, name, arm in before)
        assert one.capacity_per_day is None or used <= one.capacity_per_day
        assert one.capacity_per_week is None or used == 0 or used + week <= one.capacity_per_week


@given(rows=SOME_MEMBERS, actions=SOME_ACTIONS, rules=SOME_POLICIES)
def test_the_order_of_the_members_decides_nothing(
    rows: list[dict[str, object]], actions: tuple[Action, ...], rules: ContactPolicy
) -> None:
    people = members(rows)
    one, other = (decided(frame, actions, rules, capacity=3) for frame in (people, people.reverse()))
    assert one.chosen.equals(other.chosen)
    assert one.members.sort("member_no").equals(other.members.sort("member_no"))


def test_an_action_that_uplift_ranks_goes_by_worth_times_uplift_at_the_level_of_the_response() -> None:
    people = members(
        [
            {"expected_value": 100.0, "churn_probability": 0.9},
            {"expected_value": 100.0, "churn_probability": 0.1},
            {"expected_value": 200.0, "churn_probability": 0.5},
            {"expected_value": 100.0, "churn_probability": 0.5},
        ]
    )
    # The fourth has none and is ranked by what is at stake.
    uplifts = pl.DataFrame(
        {"member_no": [1, 2, 3], "action": ["call"] * 3, "uplift": [0.0, 0.06, 0.03]}, schema_overrides={"member_no": pl.Int32}
    )
    tonight = decided(people, [action()], policy(), uplifts=uplifts)
    level = 0.1 * (0.9 + 0.1 + 0.5) / 3
    assert tonight.chosen["member_no"].to_list() == [3, 2, 4, 1]
    assert tonight.chosen["expected_gain"].to_list() == pytest.approx(
        [200 * level, 100 * (level + 0.03), 100 * 0.5 * 0.1, 100 * (level - 0.03)]
    )


def test_uplifts_of_another_action_change_nothing() -> None:
    people = members([{"expected_value": 10.0}, {"expected_value": 20.0}])
    other = pl.DataFrame({"member_no": [1], "action": ["mail"], "uplift": [0.5]}, schema_overrides={"member_no": pl.Int32})
    with_others, without = (decided(people, [action()], policy(), uplifts=given) for given in (other, None))
    assert with_others.chosen.equals(without.chosen)
