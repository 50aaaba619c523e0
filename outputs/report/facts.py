"""What the morning report says, as plain data: counts, shares and small frames. No member's id is ever part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from community.assessments import Assessments
from outputs.report.calibration_rows import CalibrationRow
from outputs.report.content_facts import Unanswered, WhatWorks
from outputs.report.loop_facts import ContactPlan, Talked
from outputs.report.morning_facts import MorningFacts
from outputs.report.network_facts import Carriers
from outputs.report.people_facts import PeopleFacts
from outputs.report.risk_facts import Risk, TierRule
from outputs.report.week_facts import Period
from segments.lifecycle import LifecyclePolicy


@dataclass(frozen=True)
class Activity:
    """How lively the community is.

    Args:
        by_day: One row per day: `event_date` Date, `active_members` integer; the last 90 days are drawn, the days before them
            are for the mean of 7 days.
        active_7d: Members active on one of the 7 days that end with the night.
        active_previous_7d: The same for the 7 days before those.
        new_7d: Members first seen in those 7 days, or None when unknown.
        spend_7d: Net spend in those 7 days in currency units; None in a community without orders.
        spend_previous_7d: The same for the 7 days before those.
    """

    by_day: pl.DataFrame
    active_7d: int
    active_previous_7d: int
    new_7d: int | None = None
    spend_7d: float | None = None
    spend_previous_7d: float | None = None


@dataclass(frozen=True)
class Group:
    """Some members under one name.

    Args:
        name: The group's name as in the lists, such as `gold` or `at_risk`; or a reason as a sentence.
        members: How many they are tonight.
        previous_members: How many they were the night before, or None on the first night.
        high_risk: How many of them are still here and have a high risk of leaving, or None when not shown.
        expected_value: What they are expected to spend together, or None in a community without orders.
    """

    name: str
    members: int
    previous_members: int | None = None
    high_risk: int | None = None
    expected_value: float | None = None


@dataclass(frozen=True)
class NewlyAtRisk:
    """The valuable members still here whose risk became high tonight, in aggregate.

    Args:
        valuable: Members in the tiers that count as valuable.
        tiers: Those tiers, best first.
        members: How many of them are newly at risk; None on the first night, which has nothing to compare with.
        by_tier: Those newly at risk by tier.
        by_segment: By behaviour group.
        reasons: By what the strongest reason is about that raises the risk.
    """

    valuable: int
    tiers: tuple[str, ...]
    members: int | None
    by_tier: tuple[Group, ...] = ()
    by_segment: tuple[Group, ...] = ()
    reasons: tuple[Group, ...] = ()


@dataclass(frozen=True)
class ContactList:
    """Where the names are.

    Args:
        members: Rows of the contact list.
        path: The Excel file, relative to the report's own folder, such as `../lists/2011-08-31/contact_list.xlsx`.
        folder: The folder of the night's lists, relative likewise.
        plan: What the report tells of it; None where nothing is known but its length.
        showing: How the pieces of content were chosen that it names; None where it names none.
    """

    members: int
    path: str
    folder: str
    plan: ContactPlan | None = None
    showing: str | None = None


@dataclass(frozen=True)
class Metric:
    """One measure of a model beside the baselines'.

    Args:
        name: Such as `AUC`.
        meaning: What it says, in one plain sentence.
        model: The model's value, or None when it could not be measured.
        baselines: Baseline → its value.
        better: `higher`, `lower`, or `closer to 1`.
    """

    name: str
    meaning: str
    model: float | None
    baselines: Mapping[str, float | None] = field(default_factory=dict)
    better: str = "higher"


@dataclass(frozen=True)
class ModelHealth:
    """How well a model did on nights whose outcome is known.

    Args:
        purpose: Such as `Churn` or `Value`.
        predicts: Whether it predicts who leaves or what they spend.
        version: Such as `churn/3`.
        trained_as_of: The last night it learnt from.
        age_days: Days from then to tonight.
        measured_on: On what it was measured, such as `4,313 members as of 2 Jun 2011`.
        metrics: The measures, the most telling first.
        calibration: `predicted`, `observed`, `n` per group of like predictions, and `population` where it is that of those still
            here and of those gone; or None.
        lift: `share_of_members`, `lift` per point, and `population` likewise; or None.
        card_path: The model's card, relative to the report's own folder; None where there is none.
    """

    purpose: str
    predicts: Literal["churn", "spend"]
    version: str
    trained_as_of: date
    age_days: int
    measured_on: str
    metrics: tuple[Metric, ...]
    calibration: pl.DataFrame | None = None
    lift: pl.DataFrame | None = None
    card_path: str | None = None


@dataclass(frozen=True)
class ChosenRow:
    """Members whom a past night chose for contact, and how many of them left.

    Args:
        group: all, held_out, contacted or not_contacted.
        n: Members with a known outcome.
        predicted: Mean churn probability.
        happened: Share that left.
        lift: That share in multiples of everybody's; None where nobody left.
    """

    group: str
    n: int
    predicted: float
    happened: float
    lift: float | None


@dataclass(frozen=True)
class Matured:
    """How the predictions of past nights came true.

    Args:
        nights: One row per night whose horizon is over: `as_of` Date, `predicted` and `happened` shares of members leaving,
            `n` members scored.
        metrics: The newest such night's measures: `auc`, `ece`, `calibration_slope` and others.
        horizon_days: Days after which an outcome is known.
        calibration: The newest night's `predicted`, `observed`, `n` per group of like predictions, and `population` likewise.
        lift: The newest night's `share_of_members`, `lift` per point, and `population` likewise; None when nobody left.
        value_ratio: Predicted over real total spend of the newest night whose spend is known; None without orders.
        by_band: The newest night's calibration by tier, then by tenure; empty for nights of earlier versions.
        chosen: Those whom the newest night chose for contact, all and by what happened to them; empty where nobody was chosen.
    """

    nights: pl.DataFrame
    metrics: Mapping[str, float]
    horizon_days: int
    calibration: pl.DataFrame
    lift: pl.DataFrame | None = None
    value_ratio: float | None = None
    by_band: tuple[CalibrationRow, ...] = ()
    chosen: tuple[ChosenRow, ...] = ()


@dataclass(frozen=True)
class TableFlow:
    """What became of the rows a table read tonight: read = left out + merged + replaced + quarantined + landed.

    Args:
        table: Its name.
        read: Rows read from new files and queries.
        left_out: Rows the source's `where` left out.
        merged: Lines summed into an order that has others, and rows added to a record that another source or file has.
        replaced: Records that a later one with their key replaced.
        quarantined: Rows set aside because they broke a rule.
        landed: Records that landed.
        newest: The last day the table has, or None when it has no days.
        age_days: Days from then to the night.
        retired: Records that the newest snapshots lacked, counted beside the rows read.
    """

    table: str
    read: int
    left_out: int
    merged: int
    replaced: int
    quarantined: int
    landed: int
    newest: date | None = None
    age_days: int | None = None
    retired: int = 0

    @property
    def adds_up(self) -> bool:
        """Tell whether every row read is accounted for."""
        return self.read == self.left_out + self.merged + self.replaced + self.quarantined + self.landed


@dataclass(frozen=True)
class RuleBreach:
    """A rule that rows broke.

    Args:
        table: Where.
        rule: The rule in plain words.
        rows: How many rows broke it.
    """

    table: str
    rule: str
    rows: int


@dataclass(frozen=True)
class Edition:
    """What a weekly or monthly edition covers.

    Args:
        period: Week, or month, which is four weeks.
        first: Its first day.
        before: The night that its groups are compared with; None where none is stored.
    """

    period: Period
    first: date
    before: date | None


@dataclass(frozen=True)
class ReportFacts:
    """Everything the morning report says.

    Args:
        community: The community's name.
        as_of: The night.
        currency: ISO 4217 code, or None.
        members: Members ever seen.
        activity: How lively it is.
        tiers: Every tier, best first.
        tier_rule: By what members have them; None leaves it unsaid.
        risk: How many may leave and how many may come back; None while nobody can be scored.
        newly_at_risk: The valuable among them; None while nobody can be scored.
        lifecycle: Members per stage, in the order of a member's life.
        stages: The days at which stages begin; None leaves it unsaid.
        not_profiled: Members who may not be profiled, and so are in no tier, stage or group.
        segments: Members per behaviour group, largest first.
        contact_list: Where the names are.
        models: Health of each model.
        matured: How past predictions came true; None until a horizon is over.
        flows: What tonight's run read, per table.
        breaches: The rules that rows broke tonight, most rows first.
        warnings: Sentences a person should read before trusting the rest.
        validation_path: The night's validation page, relative to the report's folder, or None.
        value_horizon_days: The window of expected spend in days; None in a community without orders.
        expected_value: What all members are expected to spend in it; None likewise.
        talked: Whether talking worked; None where nothing is measured.
        watch: Sentences on what is known of tonight's predictions before their outcome.
        carriers: Who carries the community; None where nobody responds to anybody.
        unanswered: Which posts wait for an answer; None in a community without content, or in which nobody answers.
        what_works: What people respond to; None where there is little content, or where nobody responds to it.
        people: What is known of the people as a community.
        assessments: How the community as a whole is doing; None where nobody did anything within a year.
        morning: What the daily figures say; None before any were counted.
        smallest_group: Groups with fewer members are not shown.
        edition: What a weekly or monthly edition covers; None for the report of a night.
    """

    community: str
    as_of: date
    currency: str | None
    members: int
    activity: Activity
    tiers: tuple[Group, ...]
    tier_rule: TierRule | None = None
    risk: Risk | None = None
    newly_at_risk: NewlyAtRisk | None = None
    lifecycle: tuple[Group, ...] = ()
    stages: LifecyclePolicy | None = None
    not_profiled: int = 0
    segments: tuple[Group, ...] = ()
    contact_list: ContactList | None = None
    models: tuple[ModelHealth, ...] = ()
    matured: Matured | None = None
    flows: tuple[TableFlow, ...] = ()
    breaches: tuple[RuleBreach, ...] = ()
    warnings: tuple[str, ...] = ()
    validation_path: str | None = None
    value_horizon_days: int | None = None
    expected_value: float | None = None
    talked: Talked | None = None
    watch: tuple[str, ...] = ()
    carriers: Carriers | None = None
    unanswered: Unanswered | None = None
    what_works: WhatWorks | None = None
    people: PeopleFacts = field(default_factory=PeopleFacts)
    assessments: Assessments | None = None
    morning: MorningFacts | None = None
    smallest_group: int = 1
    edition: Edition | None = None
