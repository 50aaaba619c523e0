"""A made-up community's facts for the tests of pages: an ordinary night, with names that try to break out of HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from community.assessments import Assessments, Change, ExpectedSpend, Figure
from outputs.report.facts import (
    Activity,
    ContactList,
    Group,
    Metric,
    ModelHealth,
    NewlyAtRisk,
    ReportFacts,
    RuleBreach,
    TableFlow,
)
from outputs.report.loop_facts import ActionPlan, ContactPlan, MeasuredAction, NotListed, OddContacts, Talked, Trait
from outputs.report.network_facts import AbsencePoint, Carriers, CommunityChange, CommunityRow, Loss
from outputs.report.risk_facts import Outlook, Risk, TierRule
from outputs.report.validation_page import BrokenRule, ShownExample, TableValidation, ValidationFacts

AS_OF = date(2011, 8, 31)
HOSTILE = "<script>alert('1')</script>"
FLOWS = (
    TableFlow("members", read=4313, left_out=0, merged=0, replaced=0, quarantined=0, landed=4313),
    TableFlow("orders", 50_318, 12_004, 35_102, 7, 34, 3171, newest=AS_OF, age_days=0),
    TableFlow("contacts", 1, 0, 0, 0, 0, 1, newest=AS_OF - timedelta(days=3), age_days=3),
)


def activity_by_day(days: int = 123) -> pl.DataFrame:
    start = AS_OF - timedelta(days=days - 1)
    rows = [(start + timedelta(days=n), 180 + 50 * (n % 7 < 5) + (n * n) % 23 - n // 4) for n in range(days)]
    return pl.DataFrame(rows, schema={"event_date": pl.Date, "active_members": pl.Int64}, orient="row")


def churn_health() -> ModelHealth:
    return ModelHealth(
        purpose="Churn",
        predicts="churn",
        version="churn/3",
        trained_as_of=date(2011, 6, 2),
        age_days=90,
        measured_on="4,313 members as of 2 Jun 2011",
        metrics=(
            Metric(
                "AUC", "How well leavers are told from stayers; 0.5 is chance.", 0.770, {"recency": 0.708, "past rate": 0.693}
            ),
            Metric("Brier score", "How far the probabilities are off; smaller is better.", 0.192, {"recency": 0.214}, "lower"),
            Metric("Calibration slope", "1 when the probabilities mean what they say.", 1.03, {"recency": None}, "closer to 1"),
        ),
        calibration=pl.DataFrame(
            {
                "predicted": [0.06, 0.2, 0.38, 0.61, 0.83],
                "observed": [0.08, 0.18, 0.42, 0.58, 0.85],
                "n": [600, 900, 1400, 1000, 413],
            }
        ),
        lift=pl.DataFrame(
            {"share_of_members": [n / 20 for n in range(1, 21)], "lift": [1 + 1.04 * (1 - n / 20) ** 2 for n in range(1, 21)]}
        ),
    )


def by_population(points: pl.DataFrame) -> pl.DataFrame:
    """The curves of those still here and of those gone, who are half as well told."""
    gone = points.with_columns(pl.col("observed" if "observed" in points.columns else "lift") * 0.9)
    return pl.concat([points.with_columns(population=pl.lit(of)) for of, points in (("still_here", points), ("gone", gone))])


def value_health() -> ModelHealth:
    meaning = "How well big spenders are told from small ones; 1 is perfect."
    return ModelHealth(
        purpose="Value",
        predicts="spend",
        version="value/2",
        trained_as_of=date(2011, 6, 2),
        age_days=90,
        measured_on="5,268 members as of 2 Jun 2011",
        metrics=(
            Metric("nGini", meaning, 0.724, {"past rate": 0.674}),
            Metric("Total", "Predicted spend divided by real spend.", 1.042, {"past rate": 1.31}, "closer to 1"),
        ),
        card_path="model-card-value.html",
    )


def contact_plan() -> ContactPlan:
    return ContactPlan(
        day=AS_OF + timedelta(days=1),
        actions=(
            ActionPlan("save_valuable", 118, 60.77, (Trait("tier", "silver", 111), Trait("churn_risk", "medium", 104))),
            ActionPlan("welcome_newcomer", 81, 11.5, (Trait("segment", "new faces", 81),)),
            ActionPlan("win_back_valuable", 1, 13.2),
        ),
        expected_gain=85.47,
        is_money=True,
        held_out=142,
        held_out_ranked=14,
        not_listed=(NotListed("not eligible", 2412), NotListed("not in any audience", 1373), NotListed("cool-down", 1)),
    )


def carriers() -> Carriers:
    """A community carried by few, with news of every kind and names that try to break out of HTML."""
    return Carriers(
        members=1204,
        window_days=365,
        leaders=10,
        reached=602,
        leaders_at_risk=1,
        loss=Loss(151, 0.09, 0.004),
        team_posts_share=0.25,
        absence=tuple(AbsencePoint(AS_OF - timedelta(days=28 * ago), 2 + ago, 40) for ago in range(6, -1, -1)),
        communities=(CommunityRow(HOSTILE, 35, 34, 11, 8, 2), *(CommunityRow(f"Place {n}", 20, None, 9, 1, 0) for n in range(8))),
        in_communities=195,
        changes=(
            CommunityChange("merged", ("Wine", "Grapes"), ("Wine",)),
            CommunityChange("split", ("Beer",), ("Beer", "Ale")),
            CommunityChange("born", (), (HOSTILE,)),
            CommunityChange("died", ("Mead",), ()),
        ),
        rings=(5, 4),
    )


def assessments() -> Assessments:
    """A community with data for everything: activity surely falls, the rest is as usual, and spend has no interval yet."""
    return Assessments(
        (
            Figure("active_members", 1204, 1620, 1550, Change(1204 / 1620 - 1, -0.31, -0.19)),
            Figure("contributions_per_active", 2.345, 2.5, 12.34, Change(2.345 / 2.5 - 1, -0.3, 0.25)),
            Figure("connected_share", 0.31, 0.3, 0.42, Change(0.31 / 0.3 - 1, -0.1, 0.2)),
            Figure("responses_per_active", 1.0, 1.0, 1.5, Change(0.0, -0.2, 0.25)),
            Figure("absence_factor", 14, 12, 0, Change(14 / 12 - 1, -0.4, 1.3)),
            Figure("spend", 402_210.4, 380_000.0, 0.0, Change(402_210.4 / 380_000 - 1)),
        ),
        ExpectedSpend(90, 1_222_271.0, 1_010_000.0, 1_480_000.0, 1_190_004.5, 900_000.0),
    )


def waiting() -> Talked:
    """Nothing has matured: 214 decisions wait, the first until the end of September."""
    actions = tuple(
        MeasuredAction(name, "returned", 0, 0, None, None, None, None, None, None, is_trustworthy=False, waiting=107)
        for name in ("save_valuable", "welcome_newcomer")
    )
    total = replace(actions[0], action=None, waiting=210)
    return Talked(has_answer=False, actions=actions, total=total, waiting=214, first_due=AS_OF + timedelta(days=28))


def answered() -> Talked:
    """One action works, one does harm, one is open, one has too few held out, one is not to be trusted, one waits."""

    def measured(action: str | None, outcome: str, arms: tuple[int, int], rates: tuple[float, float], **further: Any) -> Any:
        error = further.pop("error", 0.02)
        effect = rates[0] - rates[1]
        known = {"p_srm": 0.4, "is_trustworthy": True, "cost": 310.0, "listed": arms[0], "contacted": arms[0] - 7, **further}
        return MeasuredAction(action, outcome, *arms, *rates, effect, effect - 2 * error, effect + 2 * error, **known)

    return Talked(
        has_answer=True,
        actions=(
            measured("save_valuable", "returned", (2310, 260), (0.61, 0.52), members_kept=208.0, value_kept=9412.0,
                     return_on_cost=30.4),
            measured("win_back_valuable", "spent", (412, 51), (18.4, 11.2), error=4.1, members_kept=12.0, value_kept=2966.0),
            measured("welcome_newcomer", "returned", (1204, 133), (0.31, 0.37), members_kept=-72.0, cost=0.0),
            measured("thank_contributor", "posted", (212, 21), (0.80, 0.71), error=0.05, is_trustworthy=False),
            measured("wake_lurker", "posted", (640, 12), (0.14, 0.02), error=0.03, p_srm=1e-9, is_trustworthy=False),
            replace(waiting().actions[0], action="invite_opinion_leader", outcome="login", waiting=9),
        ),
        total=measured(None, "returned", (3950, 400), (0.52, 0.46), error=0.014, members_kept=237.0, value_kept=11_800.0,
                       return_on_cost=13.2),
        waiting=512,
        first_due=AS_OF + timedelta(days=1),
        odd_contacts=(OddContacts("not_listed", 12), OddContacts("held_out", 1)),
    )  # fmt: skip


def ordinary_night(community: str = "Online Retail II") -> ReportFacts:
    """A night in a community with orders, the second one at least."""
    return ReportFacts(
        community=community,
        as_of=AS_OF,
        currency="GBP",
        members=5268,
        activity=Activity(activity_by_day(), 1204, 1241, new_7d=38, spend_7d=182_340.5, spend_previous_7d=170_110.0),
        tiers=(
            Group("diamond", 50, 52, 3, 410_233.0),
            Group("gold", 200, 198, 21, 390_114.0),
            Group("silver", 1004, 1003, 188, 301_902.0),
            Group("regular", 4014, 3977, 1212, 120_022.0),
        ),
        risk=Risk(90, 365, Outlook(2500, 1710, 502, 288, 803.6, 301), Outlook(1813, 210, 467, 1136, 1219.5, 1097), 0.3, 0.6),
        tier_rule=TierRule(is_money=True, has_weights=False, eligible_days=365, diamond=0.02, gold=0.1, silver=0.3),
        newly_at_risk=NewlyAtRisk(
            valuable=250,
            tiers=("diamond", "gold"),
            members=41,
            by_tier=(Group("diamond", 9), Group("gold", 32)),
            by_segment=(Group("steady big spenders", 24), Group("seasonal buyers", 12), Group("one-off gifts", 5)),
            reasons=(
                Group("No order for longer than usual", 33),
                Group("Orders fewer each month", 18),
                Group("Returned goods", 1),
            ),
        ),
        lifecycle=(
            Group("new", 210),
            Group("active", 2105),
            Group("at_risk", 901),
            Group("dormant", 1097),
            Group("lost", 900),
            Group("returning", 55),
        ),
        not_profiled=17,
        segments=(
            Group("one-off gifts", 2801),
            Group("seasonal buyers", 1467),
            Group("steady big spenders", 999),
            Group("new faces", 1),
        ),
        contact_list=ContactList(200, "../lists/2011-08-31/contact_list.xlsx", "../lists/2011-08-31", contact_plan()),
        models=(churn_health(), value_health()),
        flows=FLOWS,
        breaches=(RuleBreach("orders", "Ordered at is not later than now", 30), RuleBreach("orders", "Amount is a number", 4)),
        carriers=carriers(),
        assessments=assessments(),
        warnings=("Contacts: the newest row is 3 days old.",),
        validation_path="2011-08-31-checks.html",
        value_horizon_days=90,
        expected_value=1_222_271.0,
        talked=waiting(),
    )


def night_with_checks() -> ValidationFacts:
    """A night that one table stopped."""
    return ValidationFacts(
        community="Online Retail II",
        as_of=AS_OF,
        remedy="Repair the export and run the night again, or raise its limit of bad rows in evenfall.toml.",
        tables=(
            TableValidation(FLOWS[0], rules_run=9),
            TableValidation(
                TableFlow("orders", 50_318, 12_004, 0, 0, 38_314, 0, newest=AS_OF, age_days=0),
                rules_run=7,
                broken=(
                    BrokenRule(
                        "ordered_at is not later than now",
                        30,
                        (
                            ShownExample(17, "ordered_at", "2031-08-31 09:12:00", "orders-2011.csv"),
                            ShownExample(18_204, "ordered_at", "2031-08-31 09:15:00", "orders-2011.csv"),
                            ShownExample(18_205, "ordered_at", None),
                            ShownExample(18_206, "ordered_at", "a fourth that is not shown"),
                        ),
                        "stopped",
                    ),
                    BrokenRule(
                        "amount is a number",
                        4,
                        (ShownExample(3, "amount", f"=1+1 {HOSTILE}"), ShownExample(4, "amount", "12,5\t0")),
                    ),
                    BrokenRule("member_id is in members", 1, (ShownExample(9, "member_id", "M-0042-secret"),)),
                ),
                warnings=("Rows per day fell from 1,204 to 88.",),
                stopped_because="34 of 38,314 rows (0.1 %) broke a rule; the limit is 0.05 %.",
            ),
        ),
    )
