"""The sections of the morning report, each built from the facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from outputs.report.charts import (
    activity_chart,
    bars_chart,
    calibration_chart,
    lift_chart,
    trend_chart,
)
from outputs.report.facts import Group, Metric, ModelHealth, ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.risk_facts import TierRule
from wording.numbers import share
from wording.texts import fill, label, sentences

_REASONS_SHOWN = 8


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        id: Its anchor, unique within the report: small letters and hyphens.
        title: Its heading.
        body: Its HTML; `Markup`, because it is not escaped again.
        order: Where it stands: what to do today from 2 on, the figures from 10, members from 20, their ways from 30, and whether
            to trust it all from 50 on.
    """

    id: str
    title: str
    body: Markup
    order: int


def newly_at_risk_section(facts: ReportFacts) -> Section | None:
    """Show how many valuable members became at risk, in which groups and why; the names are in the contact list."""
    newly = facts.newly_at_risk
    if newly is None:
        return None
    body = render_fragment(
        "section_newly_at_risk.html.j2",
        facts=facts,
        newly=newly,
        breakdowns=[
            (fill(title), shares(groups))
            for title, groups in (
                ("newly_at_risk.by_tier", newly.by_tier),
                ("newly_at_risk.by_group", newly.by_segment),
                ("newly_at_risk.by_reason", newly.reasons[:_REASONS_SHOWN]),
            )
            if groups
        ],
    )
    return Section("newly-at-risk", fill("newly_at_risk.title"), body, 6)


def activity_section(facts: ReportFacts) -> Section | None:
    """Show active members day by day: a wide drawing, and a narrow one for phones."""
    by_day = facts.activity.by_day
    if by_day.is_empty():
        return None
    charts = (
        activity_chart(by_day, chart_id="activity-wide"),
        activity_chart(by_day, chart_id="activity-narrow", width=290, height=190),
    )
    return Section("activity", fill("activity.title"), render_fragment("section_activity.html.j2", charts=charts), 16)


def tiers_section(facts: ReportFacts) -> Section | None:
    """Show the tiers beside last night's."""
    if not facts.tiers:
        return None
    rows = pl.DataFrame(
        {
            "label": [label(tier.name) for tier in facts.tiers],
            "members": [tier.members for tier in facts.tiers],
            "before": [tier.previous_members for tier in facts.tiers],
        },
        schema={"label": pl.String, "members": pl.Int64, "before": pl.Int64},
    )
    chart = bars_chart(rows, chart_id="tiers-chart", title=fill("chart.tiers"), before=True)
    body = render_fragment(
        "section_tiers.html.j2",
        tiers=facts.tiers,
        currency=facts.currency,
        chart=chart,
        has_risk=any(tier.high_risk is not None for tier in facts.tiers),
        has_value=any(tier.expected_value is not None for tier in facts.tiers),
        has_before=any(tier.previous_members is not None for tier in facts.tiers),
        horizon_days=facts.value_horizon_days,
        smallest=facts.smallest_group,
        edition=facts.edition,
        before_key="tiers.night_before" if facts.edition is None else f"tiers.before.{facts.edition.period}",
        before_mark="tiers.key.night_before" if facts.edition is None else f"tiers.key.before.{facts.edition.period}",
        rule="" if facts.tier_rule is None else _tier_rule(facts.tier_rule, facts.value_horizon_days),
    )
    return Section("tiers", fill("tiers.title"), body, 20)


def _tier_rule(rule: TierRule, value_horizon_days: int | None) -> str:
    """Say by what members have their tiers."""
    if rule.has_weights:
        by = fill("tiers.rule.weights")
    elif rule.is_money:
        by = fill("tiers.rule.money", days=value_horizon_days or 0)
    else:
        by = fill("tiers.rule.contribution")
    bands = fill("tiers.rule.bands", diamond=rule.diamond, gold=rule.gold, silver=rule.silver, days=rule.eligible_days)
    return sentences(by, bands)


def groups_section(facts: ReportFacts) -> Section | None:
    """Show the stages of the members' life and the behaviour groups."""
    tables = [
        (fill(title), shares(groups))
        for title, groups in (("groups.lifecycle", facts.lifecycle), ("groups.behaviour", facts.segments))
        if groups
    ]
    if not tables:
        return None
    return Section(
        "groups",
        fill("groups.title"),
        render_fragment("section_groups.html.j2", tables=tables, stages=_stages(facts), not_profiled=facts.not_profiled),
        26,
    )


def _stages(facts: ReportFacts) -> str:
    """Say at which silence each stage of the members' life begins."""
    if facts.stages is None or not facts.lifecycle:
        return ""
    days = facts.stages
    return fill(
        "groups.stages",
        new=days.new_days,
        at_risk=days.at_risk_after_days,
        dormant=days.dormant_after_days,
        lost=days.lost_after_days,
    )


def models_section(facts: ReportFacts) -> Section | None:
    """Show how far the models can be trusted: whether they beat a simple rule, curves, age; their cards have the measures."""
    if not facts.models:
        return None
    views = [ModelView.of(model, prefix=f"model-{position}") for position, model in enumerate(facts.models, start=1)]
    return Section("models", fill("models.title"), render_fragment("section_models.html.j2", models=views), 50)


def matured_section(facts: ReportFacts) -> Section | None:
    """Show how the predictions of past nights came true."""
    matured = facts.matured
    if matured is None or matured.nights.is_empty():
        return None
    charts = []
    # A single night would be a single dot, and the sentence above the drawings says it already.
    if matured.nights.height > 1:
        charts.append((fill("matured.trend"), trend_chart(matured.nights, chart_id="matured-trend")))
    charts.append((fill("matured.calibration"), calibration_chart(matured.calibration, chart_id="matured-calibration")))
    if matured.lift is not None:
        charts.append((fill("matured.lift"), lift_chart(matured.lift, chart_id="matured-lift")))
    newest = matured.nights.sort("as_of").row(-1, named=True)
    body = render_fragment("section_matured.html.j2", matured=matured, newest=newest, charts=charts)
    return Section("matured", fill("matured.title"), body, 55)


def watch_section(facts: ReportFacts) -> Section | None:
    """Show what is known of tonight's predictions before their outcome."""
    if not facts.watch:
        return None
    return Section("watch", fill("watch.title"), render_fragment("section_watch.html.j2", facts=facts), 53)


def data_section(facts: ReportFacts) -> Section | None:
    """Show what the night read and what became of every row."""
    if not facts.flows:
        return None
    return Section("data", fill("data.title"), render_fragment("section_data.html.j2", facts=facts), 60)


@dataclass(frozen=True)
class Share:
    """A group with its share of the largest (for the bar) and of all."""

    group: Group
    of_largest: float
    of_all: str


def shares(groups: Sequence[Group]) -> list[Share]:
    """Measure groups against the largest and against their sum, in the order given."""
    largest = max((group.members for group in groups), default=0)
    total = sum(group.members for group in groups)
    return [
        Share(group, of_largest=round(group.members / largest, 4) if largest else 0.0, of_all=share(group.members, total))
        for group in groups
    ]


@dataclass(frozen=True)
class ModelView:
    """A model with its drawings; its measures stand on its card, for analysts."""

    health: ModelHealth
    verdict: str
    charts: list[tuple[str, Markup]]

    @classmethod
    def of(cls, health: ModelHealth, *, prefix: str) -> ModelView:
        """Draw the curves a model has; `prefix` keeps the ids of the drawings apart."""
        charts = []
        if health.calibration is not None and not health.calibration.is_empty():
            drawing = calibration_chart(health.calibration, chart_id=f"{prefix}-calibration")
            charts.append((fill("models.calibration"), drawing))
        of = health.predicts
        if health.lift is not None and not health.lift.is_empty():
            charts.append((fill(f"models.lift.{of}"), lift_chart(health.lift, chart_id=f"{prefix}-lift", of=of)))
        return cls(health, _verdict(health), charts)


def _verdict(health: ModelHealth) -> str:
    """Say in a sentence whether the model beats its best baseline on its first measure."""
    if not health.metrics:
        return fill("models.not_measured")
    first = health.metrics[0]
    known = {name: value for name, value in first.baselines.items() if value is not None}
    if first.model is None or not known:
        return ""
    best = min(_distance(first, value) for value in known.values())
    return fill("models.better" if _distance(first, first.model) < best else "models.no_better")


def _distance(metric: Metric, value: float) -> float:
    """Measure how far a value is from the best; smaller is better."""
    return {"higher": -value, "lower": value, "closer to 1": abs(value - 1)}[metric.better]
