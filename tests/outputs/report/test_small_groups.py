"""A group of two is nowhere in the report, cannot be computed from it, and sums stay right."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from community.journey import Retention
from community.proportions import Estimate
from outputs.report.facts import Group, NewlyAtRisk, ReportFacts
from outputs.report.loop_facts import ActionPlan, Trait
from outputs.report.network_facts import CommunityChange, CommunityRow
from outputs.report.page import render_report
from outputs.report.people_facts import LevelFlow, Move, Newcomers, PeopleFacts, Ready, Recognition, Rising
from outputs.report.small_groups import merged, without_small_groups
from tests.outputs.examples import AS_OF, carriers, contact_plan, ordinary_night
from tests.outputs.weeks import morning

FEWEST = 5
# Of every kind of group, one of two members, called so that it is found wherever it is shown.
PLANTED = "Zzz"


def planted() -> ReportFacts:
    night = ordinary_night()
    two, many = Group(f"{PLANTED} group", 2, 2, 1, 900.0), Group("many", 40, 41, 9, 100.0)
    assert night.contact_list is not None
    plan = contact_plan()
    actions = (ActionPlan("many", 30, 4.0, (Trait("segment", f"{PLANTED} trait", 2),)), ActionPlan(f"{PLANTED}_action", 2, 7.25))
    members = CommunityRow("Many", 40, 41, 30, 4, 2), CommunityRow(f"{PLANTED} place", 2, 9, 1, 1, 1)
    estimate, sources = Estimate(0.5, 0.4, 0.6), (("Many", 50), (f"{PLANTED} source", 2))
    flow = LevelFlow(((None, f"{PLANTED} level", 2),), ())
    return replace(
        night,
        smallest_group=FEWEST,
        tiers=(two, many),
        lifecycle=(many, two),
        segments=(many, two),
        newly_at_risk=NewlyAtRisk(60, ("gold",), 42, (many, two), (many, two), (many, two)),
        contact_list=replace(night.contact_list, plan=replace(plan, actions=actions)),
        carriers=replace(
            carriers(), communities=members, changes=(CommunityChange("born", (), (f"{PLANTED} place",)),), rings=(2, 9)
        ),
        people=PeopleFacts(
            newcomers=Newcomers(None, tuple(Retention(*one, estimate) for one in sources), None, 90, 40),
            rising=Rising(
                AS_OF, (Move(f"{PLANTED}_low", f"{PLANTED}_high", 2, True), Move("silver", "gold", 9, True)),
                ready=(Ready(f"{PLANTED}_tier", 2, None, 0), Ready("gold", 9, f"{PLANTED} part", 2)),
            ),
            recognition=Recognition(20, 90, 0, (), ((f"{PLANTED} level", 2), ("Lots", 30)), flow, path="x"),
        ),
        morning=morning(),
    )  # fmt: skip


def test_a_group_of_two_is_nowhere_in_the_report() -> None:
    shown = render_report(planted())
    assert PLANTED.lower() not in shown.lower()
    # It is the setting that hides them.
    open_to_all = render_report(replace(planted(), smallest_group=1)).lower()
    for what in ("group", "trait", " action", "place", "source", " low", " tier", "part", "level"):
        assert f"{PLANTED}{what if what[0] == ' ' else ' ' + what}".lower() in open_to_all, what


def test_the_sums_stay_right() -> None:
    facts = planted()
    hidden = without_small_groups(facts)
    for before, after in ((facts.tiers, hidden.tiers), (facts.segments, hidden.segments)):
        for of in ("members", "previous_members", "high_risk", "expected_value"):
            assert sum(getattr(one, of) for one in before) == sum(getattr(one, of) for one in after)
    assert facts.contact_list is not None
    assert hidden.contact_list is not None
    plans = facts.contact_list.plan, hidden.contact_list.plan
    assert [sum(action.members for action in plan.actions) for plan in plans if plan is not None] == [32, 32]


GROUPS = st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30))), max_size=7)


@given(GROUPS, st.integers(1, 12))
def test_no_group_that_is_shown_is_small_nor_are_the_others(sizes: list[tuple[int, int | None]], fewest: int) -> None:
    groups = [Group(f"g{n}", members, before) for n, (members, before) in enumerate(sizes)]
    shown = merged(groups, fewest)
    assert sum(group.members for group in shown) == sum(group.members for group in groups)
    others = [group for group in shown if not group.name.startswith("g")]
    for group in shown:
        if group not in others:
            assert group.members == 0 or group.members >= fewest
            assert not group.previous_members or group.previous_members >= fewest
    # Where everybody together is a small group, all are the others.
    for group in others:
        assert group.members == 0 or group.members >= fewest or not any(one.members for one in shown if one not in others)
