"""The sections of the morning report, each built from the facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from outputs.report.charts import (
    LIFT_OF_CHURN,
    LIFT_OF_SPEND,
    activity_chart,
    bars_chart,
    calibration_chart,
    lift_chart,
    trend_chart,
)
from outputs.report.facts import Group, Metric, ModelHealth, ReportFacts
from outputs.report.frame import render_fragment
from wording import numbers as words

_REASONS_SHOWN = 8


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        id: Its anchor, unique within the report: small letters and hyphens.
        title: Its heading.
        body: Its HTML; `Markup`, because it is not escaped again.
        order: Where it stands: ours are at 10, 20, 30, …
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
            (title, shares(groups))
            for title, groups in (
                ("By tier", newly.by_tier),
                ("By behaviour group", newly.by_segment),
                ("Main reasons", newly.reasons[:_REASONS_SHOWN]),
            )
            if groups
        ],
    )
    return Section("newly-at-risk", "Valuable and newly at risk", body, 10)


def activity_section(facts: ReportFacts) -> Section | None:
    """Show active members day by day: a wide drawing, and a narrow one for phones."""
    by_day = facts.activity.by_day
    if by_day.is_empty():
        return None
    charts = (
        activity_chart(by_day, chart_id="activity-wide"),
        activity_chart(by_day, chart_id="activity-narrow", width=290, height=190),
    )
    return Section("activity", "Active members, day by day", render_fragment("section_activity.html.j2", charts=charts), 20)


def tiers_section(facts: ReportFacts) -> Section | None:
    """Show the tiers beside last night's."""
    if not facts.tiers:
        return None
    rows = pl.DataFrame(
        {
            "label": [words.label(tier.name) for tier in facts.tiers],
            "members": [tier.members for tier in facts.tiers],
            "before": [tier.previous_members for tier in facts.tiers],
        },
        schema={"label": pl.String, "members": pl.Int64, "before": pl.Int64},
    )
    chart = bars_chart(rows, chart_id="tiers-chart", title="Members in each tier tonight and the night before", before=True)
    body = render_fragment(
        "section_tiers.html.j2",
        tiers=facts.tiers,
        currency=facts.currency,
        chart=chart,
        has_risk=any(tier.high_risk is not None for tier in facts.tiers),
        has_value=any(tier.expected_value is not None for tier in facts.tiers),
        has_before=any(tier.previous_members is not None for tier in facts.tiers),
        horizon_days=facts.value_horizon_days,
    )
    return Section("tiers", "Tiers", body, 30)


def groups_section(facts: ReportFacts) -> Section | None:
    """Show the stages of the members' life and the behaviour groups."""
    tables = [
        (title, shares(groups)) for title, groups in (("Lifecycle", facts.lifecycle), ("Behaviour", facts.segments)) if groups
    ]
    if not tables:
        return None
    return Section("groups", "Lifecycle and behaviour", render_fragment("section_groups.html.j2", tables=tables), 40)


def models_section(facts: ReportFacts) -> Section | None:
    """Show how far the models can be trusted: their measures beside the baselines', calibration, lift, age."""
    if not facts.models:
        return None
    shown = [ModelView.of(model, prefix=f"model-{position}") for position, model in enumerate(facts.models, start=1)]
    return Section("models", "How good the predictions are", render_fragment("section_models.html.j2", models=shown), 50)


def matured_section(facts: ReportFacts) -> Section | None:
    """Show how the predictions of past nights came true."""
    matured = facts.matured
    if matured is None or matured.nights.is_empty():
        return None
    charts = []
    if matured.nights.height > 1:
        caption = "Line: the share predicted to leave. Dots: the share that did, one dot a night."
        charts.append((caption, trend_chart(matured.nights, chart_id="matured-trend")))
    caption = "Dots on the dashed line: predictions came true as often as they said. Larger dots stand for more members."
    charts.append((caption, calibration_chart(matured.calibration, chart_id="matured-calibration")))
    if matured.lift is not None:
        caption = "Members sorted by risk: how many times as often the riskiest left. The dashed line is picking by chance."
        charts.append((caption, lift_chart(matured.lift, chart_id="matured-lift")))
    newest = matured.nights.sort("as_of").row(-1, named=True)
    body = render_fragment("section_matured.html.j2", matured=matured, newest=newest, charts=charts)
    return Section("matured", "Did it come true?", body, 55)


def data_section(facts: ReportFacts) -> Section | None:
    """Show what the night read and what became of every row."""
    if not facts.flows:
        return None
    return Section("data", "Tonight's data", render_fragment("section_data.html.j2", facts=facts), 60)


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
        Share(group, of_largest=round(group.members / largest, 4) if largest else 0.0, of_all=words.share(group.members, total))
        for group in groups
    ]


@dataclass(frozen=True)
class ModelView:
    """A model with its drawings and the names of its baselines."""

    health: ModelHealth
    baselines: list[str]
    verdict: str
    charts: list[tuple[str, Markup]]

    @classmethod
    def of(cls, health: ModelHealth, *, prefix: str) -> ModelView:
        """Draw what can be drawn; `prefix` keeps the drawings' ids apart."""
        baselines = list(dict.fromkeys(name for metric in health.metrics for name in metric.baselines))
        charts = []
        if health.calibration is not None and not health.calibration.is_empty():
            caption = (
                "Dots on the dashed line: the predictions come true as often as they say. Larger dots stand for more members."
            )
            charts.append((caption, calibration_chart(health.calibration, chart_id=f"{prefix}-calibration")))
        if health.lift is not None and not health.lift.is_empty():
            is_churn = health.calibration is not None
            caption = (
                "Members sorted by risk: how many times as often the riskiest leave. The dashed line is picking by chance."
                if is_churn
                else "Members sorted by expected spend: how many times the mean they spent. The dashed line is picking by chance."
            )
            words_of_lift = LIFT_OF_CHURN if is_churn else LIFT_OF_SPEND
            charts.append((caption, lift_chart(health.lift, chart_id=f"{prefix}-lift", words=words_of_lift)))
        return cls(health, baselines, _verdict(health), charts)


def _verdict(health: ModelHealth) -> str:
    """Say in a sentence whether the model beats its best baseline on its first measure."""
    if not health.metrics:
        return "It has not been measured yet: no night's outcome is known."
    first = health.metrics[0]
    known = {name: value for name, value in first.baselines.items() if value is not None}
    if first.model is None or not known:
        return ""
    name, value = min(known.items(), key=lambda item: (_distance(first, item[1]), item[0]))
    is_better = _distance(first, first.model) < _distance(first, value)
    compared = f"{first.name} {words.number(first.model, digits=3)} against {words.number(value, digits=3)} for {name}"
    return f"Better than the best simple rule: {compared}." if is_better else f"No better than a simple rule: {compared}."


def _distance(metric: Metric, value: float) -> float:
    """Measure how far a value is from the best; smaller is better."""
    return {"higher": -value, "lower": value, "closer to 1": abs(value - 1)}[metric.better]
