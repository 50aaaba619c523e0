"""Collect the facts of the morning report from tonight's lists, the lake and the models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final, Literal

import polars as pl

from features.calendar import WEEK_DAYS
from features.eligibility import STILL_HERE
from features.feature import Feature
from features.history import DAILY_SCHEMA, EVENT_PREFIX, ORDER_ACTIVITIES
from lake.checks import read_checks
from lake.contracts import DAILY, MINOR_UNITS_PER_UNIT, TABLES
from lake.retired import retired_on
from lake.storage.delta import DAY
from models.curves import curve_by_population
from outputs.report.calibration_rows import CALIBRATION_NAMES, calibration_rows
from outputs.report.facts import (
    Activity,
    Group,
    Matured,
    Metric,
    ModelHealth,
    NewlyAtRisk,
    ReportFacts,
    RuleBreach,
    TableFlow,
)
from pipeline.community.assessments import assess_community
from pipeline.community.carriers import carrier_facts
from pipeline.community.content_facts import unanswered_facts
from pipeline.community.night import CommunityNight
from pipeline.community.works_facts import works_facts
from pipeline.engagement.facts import LoopMeasures, contact_list_facts, loop_warnings, talked_facts
from pipeline.engagement.matured_list import chosen_rows
from pipeline.history.consent import numbers_not_profiled
from pipeline.history.daily_rollups import members_known
from pipeline.intake.intake import Intake
from pipeline.learning.card_files import card_file
from pipeline.learning.champions import Champion, Champions
from pipeline.maturity import Maturity
from pipeline.night import NightLists
from pipeline.risk_facts import is_high_and, risk_facts, tier_rule
from pipeline.stored_nights import previous_night, read_scores
from pipeline.watching import watch_sentences, watch_warnings
from runtime.run_context import RunContext
from segments.lifecycle import STAGES
from segments.tiers import TIERS
from wording.group_names import GroupNames
from wording.reasons.topics import topic
from wording.retelling import retold
from wording.texts import fill, name

VALUABLE_TIERS: Final = ("diamond", "gold")
_DRAWN_DAYS: Final = 90
_SHOWN_COUNTS: Final = ("left_out", "merged", "replaced", "quarantined", "landed")

# The measures shown, each with which way is better; the catalogue has their names and meanings.
CHURN_MEASURES: Final = {
    "still_here_auc": "higher",
    "still_here_brier": "lower",
    "still_here_calibration_slope": "closer to 1",
    "gone_auc": "higher",
    "gone_brier": "lower",
    "auc": "higher",
}
VALUE_MEASURES: Final = {"ngini": "higher", "rmse": "lower", "total_ratio": "closer to 1"}


def report_facts(
    run: RunContext,
    *,
    lists: NightLists,
    champions: Champions,
    maturity: Maturity,
    loop: LoopMeasures,
    intake: Intake,
    tonight: pl.DataFrame,
    catalog: Iterable[Feature],
    community: CommunityNight,
) -> ReportFacts:
    """Collect the facts of the report; none of them names a member.

    Args:
        run: The run.
        lists: Tonight's lists.
        champions: The models that scored.
        maturity: How past predictions came true.
        loop: What past contacts have changed.
        intake: What arrived.
        tonight: The ledger's rows of tonight's arrivals.
        catalog: What the features of the models mean.
        community: The community as a whole.
    """
    members = lists.members
    before = previous_night(run.workspace.lake, run.as_of)
    earlier = None if before is None else read_scores(run.workspace.lake, before)
    has_value = bool(members["expected_value"].is_not_null().any())
    return ReportFacts(
        community=run.settings.community.name,
        as_of=run.as_of,
        currency=run.settings.community.currency,
        members=members.height,
        activity=activity_facts(run, has_orders=champions.value is not None),
        tiers=groups(members, earlier, "tier", order=tuple(reversed(TIERS))),
        tier_rule=tier_rule(run, members),
        risk=risk_facts(run, members, earlier),
        newly_at_risk=_newly_at_risk(members, earlier, catalog),
        lifecycle=groups(members, earlier, "lifecycle", order=STAGES),
        stages=run.settings.lifecycle_policy,
        not_profiled=int(members["lifecycle"].is_null().sum()),
        segments=groups(members, earlier, "segment"),
        contact_list=contact_list_facts(run, lists),
        models=_models(run, champions),
        matured=_matured(run, maturity),
        flows=table_flows(run, tonight),
        breaches=_breaches(run),
        warnings=tuple(night_warnings(run, intake, maturity, loop)),
        validation_path=f"{run.as_of.isoformat()}-validation.html",
        value_horizon_days=run.settings.value.horizon_days if has_value else None,
        expected_value=float(members["expected_value"].sum()) if has_value else None,
        talked=talked_facts(loop),
        carriers=carrier_facts(run, members, community.network),
        watch=() if maturity.watch is None else watch_sentences(maturity.watch, currency=run.settings.community.currency),
        unanswered=unanswered_facts(run, lists.content),
        what_works=works_facts(run, lists.content),
        people=lists.people.facts,
        assessments=assess_community(run, members, maturity.watch, community.rollups),
        morning=community.morning,
        smallest_group=run.settings.community.smallest_group,
    )


def night_warnings(run: RunContext, intake: Intake, maturity: Maturity, loop: LoopMeasures) -> list[str]:
    """Return the sentences that a person should read before trusting the night, for the report and the alert.

    Args:
        run: The run.
        intake: What arrived.
        maturity: How past predictions came true, and tonight's watch.
        loop: What past contacts have changed.
    """
    deviation, is_unusual = run.settings.alerts.deviation, bool(intake.warnings)
    off = watch_warnings(maturity.watch, deviation=deviation, is_intake_unusual=is_unusual)
    return [*loop_warnings(loop), *off, *map(retold, intake.warnings)]


def table_flows(run: RunContext, tonight: pl.DataFrame) -> tuple[TableFlow, ...]:
    """Return the row counts of tonight's arrivals, for every table that has a source."""
    flows = []
    retired = retired_on(run.workspace.lake, run.as_of)
    for slug, table in TABLES.items():
        if not run.settings.table_sources(slug):
            continue
        sums = pl.col("rows_read", "added", *_SHOWN_COUNTS).sum()
        counts = tonight.filter(pl.col("table") == slug).select(sums).row(0, named=True)
        counts["merged"] += counts.pop("added")
        days = run.workspace.lake.days(slug) if table.time is not None else set()
        newest = max((day for day in days if day <= run.as_of), default=None)
        flows.append(
            TableFlow(
                table=slug,
                read=counts["rows_read"],
                newest=newest,
                age_days=None if newest is None else (run.as_of - newest).days,
                retired=retired.get(slug, 0),
                **{count: counts[count] for count in _SHOWN_COUNTS},
            )
        )
    return tuple(flows)


def activity_facts(run: RunContext, *, has_orders: bool) -> Activity:
    """Return what members did lately; who may not be profiled is in none of it, as in what the lists say.

    Args:
        run: The run.
        has_orders: Whether the community has orders, and so spend.
    """
    own = pl.col("activity").str.starts_with(EVENT_PREFIX) | pl.col("activity").is_in(ORDER_ACTIVITIES)
    is_counted = ~pl.col("member_no").is_in(numbers_not_profiled(run.workspace.lake).implode())
    # The mean of the first day that is drawn needs the days before it; there are none before the first day of all.
    first_day = min(run.workspace.lake.days(DAILY), default=run.as_of)
    first = max(first_day, run.as_of - timedelta(days=_DRAWN_DAYS + WEEK_DAYS - 2))
    in_days = pl.col(DAY).is_between(first, run.as_of)
    daily = run.workspace.lake.scan_or_empty(DAILY, DAILY_SCHEMA)
    recent = (
        daily.filter(own, in_days, is_counted).select(DAY, "member_no", "activity", "amount_minor").collect(engine="streaming")
    )
    this_week, last_week = _week(run.as_of), _week(run.as_of - timedelta(days=WEEK_DAYS))
    calendar = pl.DataFrame({DAY: pl.date_range(first, run.as_of, eager=True)})
    counted = recent.group_by(DAY).agg(active_members=pl.col("member_no").n_unique().cast(pl.Int64))
    new = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of).filter(
        pl.col("seen_from").is_between(*this_week), pl.col("can_profile").fill_null(value=True)
    )
    return Activity(
        by_day=calendar.join(counted, on=DAY, how="left").with_columns(pl.col("active_members").fill_null(0)).sort(DAY),
        active_7d=recent.filter(pl.col(DAY).is_between(*this_week))["member_no"].n_unique(),
        active_previous_7d=recent.filter(pl.col(DAY).is_between(*last_week))["member_no"].n_unique(),
        new_7d=int(new.select(pl.len()).collect(engine="streaming").item()),
        spend_7d=_spend(recent, this_week) if has_orders else None,
        spend_previous_7d=_spend(recent, last_week) if has_orders else None,
    )


def _week(last: date) -> tuple[date, date]:
    return last - timedelta(days=WEEK_DAYS - 1), last


def _spend(daily: pl.DataFrame, week: tuple[date, date]) -> float:
    orders = daily.filter(pl.col(DAY).is_between(*week) & pl.col("activity").is_in(ORDER_ACTIVITIES))
    return int(orders["amount_minor"].sum()) / MINOR_UNITS_PER_UNIT


def _newly_at_risk(members: pl.DataFrame, earlier: pl.DataFrame | None, catalog: Iterable[Feature]) -> NewlyAtRisk | None:
    valuable = members.filter(pl.col("tier").is_in(VALUABLE_TIERS))
    if not valuable["is_eligible"].any():
        return None
    if earlier is None:
        return NewlyAtRisk(valuable.height, VALUABLE_TIERS, None)
    was_high = earlier.filter(pl.col("churn_risk") == "high").select("member_id")
    newly = valuable.filter(is_high_and(STILL_HERE)).join(was_high, on="member_id", how="anti")
    return NewlyAtRisk(
        valuable=valuable.height,
        tiers=VALUABLE_TIERS,
        members=newly.height,
        by_tier=groups(newly, None, "tier", order=VALUABLE_TIERS),
        by_segment=groups(newly, None, "segment"),
        reasons=groups(newly.with_columns(main_reason=_main_reason(newly, catalog)), None, "main_reason"),
    )


def _main_reason(members: pl.DataFrame, catalog: Iterable[Feature]) -> pl.Series:
    """Return the topic of each member's strongest reason that raises the risk; null where there is none."""
    raising = pl.element().struct.field("contribution") > 0
    strongest = members.select(pl.col("reasons").list.eval(pl.element().filter(raising)).list.first().struct.field("feature"))
    topics = {feature.name: topic(feature) for feature in catalog}
    return strongest.to_series().replace_strict(topics, default=None, return_dtype=pl.String)


def groups(
    members: pl.DataFrame, earlier: pl.DataFrame | None, column: str, *, order: tuple[str, ...] | None = None
) -> tuple[Group, ...]:
    """Return members by name: in the order given, else the largest group first.

    Args:
        members: Tonight's member list.
        earlier: The scores of an earlier night to compare with, or None.
        column: The column with the names; members without one are in no group.
        order: The names to return, also those without members; None for those there are.
    """
    if column == "segment":
        members, earlier = _in_spoken_words(members), None if earlier is None else _in_spoken_words(earlier)
    named = members.filter(pl.col(column).is_not_null())
    counted = {
        row[column]: row
        for row in named.group_by(column)
        .agg(
            members=pl.len(),
            high_risk=is_high_and(STILL_HERE).sum(),
            expected_value=pl.when(pl.col("expected_value").is_not_null().any()).then(pl.col("expected_value").sum()),
        )
        .sort(["members", column], descending=[True, False])
        .iter_rows(named=True)
    }
    past = {} if earlier is None else dict(earlier.filter(pl.col(column).is_not_null()).group_by(column).len().iter_rows())
    names = order if order is not None else tuple(counted)
    nobody: Mapping[str, Any] = {"members": 0, "high_risk": 0, "expected_value": None}
    return tuple(
        Group(
            name=group,
            members=counted.get(group, nobody)["members"],
            previous_members=None if earlier is None else past.get(group, 0),
            high_risk=counted.get(group, nobody)["high_risk"],
            expected_value=counted.get(group, nobody)["expected_value"],
        )
        for group in names
    )


def _in_spoken_words(members: pl.DataFrame) -> pl.DataFrame:
    """Say the names of behaviour groups in the language of the report."""
    names = members["segment"].drop_nulls().unique()
    return members.with_columns(pl.col("segment").replace({name: GroupNames().said(name) for name in names}))


def _models(run: RunContext, champions: Champions) -> tuple[ModelHealth, ...]:
    churn = _health(run, "churn", champions.churn, CHURN_MEASURES)
    if champions.value is None:
        return (churn,)
    return churn, _health(run, "spend", champions.value, VALUE_MEASURES)


def _health(
    run: RunContext, predicts: Literal["churn", "spend"], champion: Champion[Any], shown: Mapping[str, str]
) -> ModelHealth:
    measured: Mapping[str, Mapping[str, float | None]] = champion.model.metrics
    ours = measured.get("evenfall", {})
    baselines = [other for other in measured if other != "evenfall"]
    return ModelHealth(
        purpose=fill("models.churn" if predicts == "churn" else "models.value"),
        predicts=predicts,
        version=champion.registered.label,
        trained_as_of=champion.registered.trained_as_of,
        age_days=(run.as_of - champion.registered.trained_as_of).days,
        measured_on=fill("models.measured_on" if ours else "models.measured_on.nothing"),
        metrics=tuple(
            Metric(
                fill(f"measure.{metric}"),
                fill(f"measure.{metric}.meaning"),
                ours.get(metric),
                {name(other): measured[other].get(metric) for other in baselines},
                better,
            )
            for metric, better in shown.items()
            if ours
        ),
        calibration=_calibration(champion),
        lift=_lift(champion),
        card_path=_card_path(run, champion),
    )


def _calibration(champion: Champion[Any]) -> pl.DataFrame | None:
    """Return the calibration of those still here and of those gone; of everybody where a model was stored without them."""
    points = curve_by_population(champion.model.curves, "calibration")
    return None if points is None else points.rename(CALIBRATION_NAMES)


def _lift(champion: Champion[Any]) -> pl.DataFrame | None:
    """Return the lift by tenth of members, of churn in each population or of spend; None where nobody left or spent."""
    curves = champion.model.curves
    return curve_by_population(curves, "gain" if "gain" in curves else "lift")


def _card_path(run: RunContext, champion: Champion[Any]) -> str | None:
    """Return the card's file, which lies beside the report; models of earlier releases have none."""
    path = card_file(run, champion.registered.name)
    return path.name if path.exists() else None


def _matured(run: RunContext, maturity: Maturity) -> Matured | None:
    if maturity.newest is None or maturity.calibration is None:
        return None
    churn = maturity.trend.filter((pl.col("purpose") == "churn") & pl.col("metric").is_in(["predicted", "happened", "n"]))
    nights = churn.pivot("metric", index="as_of", values="value").drop_nulls().sort("as_of")
    if nights.is_empty():
        return None
    return Matured(
        nights=nights,
        metrics=maturity.metrics("churn"),
        horizon_days=run.settings.churn.horizon_days,
        calibration=maturity.calibration.rename(CALIBRATION_NAMES),
        lift=maturity.lift,
        value_ratio=maturity.metrics("value").get("total_ratio"),
        by_band=(*calibration_rows(maturity.calibration_of("tier")), *calibration_rows(maturity.calibration_of("tenure"))),
        chosen=chosen_rows(maturity.metrics("churn")),
    )


def _breaches(run: RunContext) -> tuple[RuleBreach, ...]:
    broken = read_checks(run.workspace.lake, run.as_of).filter(pl.col("broken") > 0)
    counted = (
        broken.group_by("table", "says")
        .agg(pl.col("broken").sum())
        .sort(["broken", "table", "says"], descending=[True, False, False])
    )
    return tuple(RuleBreach(table, retold(says), rows) for table, says, rows in counted.iter_rows())
