"""Scoring a night: features → probabilities and expected spend → tiers, lifecycle, groups: one row per member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from features.compute import MEMBERS_AT_ONCE, compute_features_from_totals, feature_catalog
from features.eligibility import is_eligible
from features.feature import Feature, undeclared
from features.history import History, cut
from lake.contracts import MINOR_UNITS_PER_UNIT
from lake.storage.delta import Lake
from models.churn import ChurnModel
from models.reasons import reasons
from models.value import ValueModel
from outputs.lists import CONTACT_SCHEMA, MEMBERS_SCHEMA, conform, list_reasons
from pipeline.history.consent import numbers_not_profiled
from pipeline.history.daily_rollups import CommunitySnapshot, members_known
from pipeline.learning.champions import Champions
from runtime.os_errors import cores
from runtime.run_context import RunContext
from segments.contact_list import OPTIONAL as READ_BY_CONTACTS
from segments.contact_list import ContactPolicy, contact_list
from segments.groups import GroupState, assign_groups, fit_groups
from segments.habits import AMOUNTS, TYPICAL_SHARES, kind_of
from segments.lifecycle import OPTIONAL as READ_BY_LIFECYCLE
from segments.lifecycle import add_lifecycle
from segments.risk import churn_risk, mean_probability
from segments.scores import add_scores
from segments.tiers import STATE_SCHEMA, assign_tiers
from wording.columns import SentenceContext
from wording.contacts import why_contact
from wording.group_names import GroupNames
from wording.reasons.tell import add_text

SCORES: Final = "scores"
TIERS_TABLE: Final = "tiers"
GROUPS: Final = "groups"
NIGHT: Final = "as_of"
_GROUP_NAMES: Final = GroupNames()
_GROUPS_SCHEMA: Final = {NIGHT: pl.Date(), "state": pl.String()}


@dataclass(frozen=True)
class Predictors:
    """The models of a night, and how the lists call them.

    Args:
        churn: The churn model.
        churn_label: Its name in the lists.
        value: The value model; None in a community without orders.
        value_label: Its name in the lists.
    """

    churn: ChurnModel
    churn_label: str
    value: ValueModel | None
    value_label: str | None

    @classmethod
    def of(cls, champions: Champions) -> Predictors:
        """Those of tonight's champions."""
        value = champions.value
        return cls(
            champions.churn.model,
            champions.churn.label,
            None if value is None else value.model,
            None if value is None else value.label,
        )


def compute_features(snapshot: CommunitySnapshot, *, members_at_once: int = MEMBERS_AT_ONCE, threads: int = 1) -> pl.DataFrame:
    """One row per member seen by tonight who may be profiled, sorted by member_id: the features as of tonight."""
    seen = cut(snapshot.history, snapshot.totals.as_of)
    return compute_features_from_totals(seen, snapshot.totals, members_at_once=members_at_once, threads=threads)


def score_members(night: RunContext, features: pl.DataFrame, champions: Champions) -> pl.DataFrame:
    """Add predictions to the features, as `add_predictions`."""
    return add_predictions(
        features, Predictors.of(champions), as_of=night.as_of, eligible_days=night.settings.churn.eligible_days
    )


def add_predictions(features: pl.DataFrame, models: Predictors, *, as_of: date, eligible_days: int) -> pl.DataFrame:
    """Add predictions to the features of any members; nobody's depend on the others.

    One row per row of `features`, in its order: `is_eligible`, `churn_probability` (null when not eligible) and
    `expected_value` in currency units over the value horizon (null in a community without orders).
    """
    scored = features.with_columns(
        as_of=pl.lit(as_of),
        is_eligible=is_eligible(eligible_days),
        churn_model=pl.lit(models.churn_label),
    )
    probability = models.churn.predict(features)
    scored = scored.with_columns(pl.when("is_eligible").then(probability).alias("churn_probability"))
    if models.value is None:
        return scored.with_columns(expected_value=pl.lit(None, dtype=pl.Float64), value_model=pl.lit(None, dtype=pl.String))
    minor = models.value.predict(features)
    return scored.with_columns(
        (minor * (1 / MINOR_UNITS_PER_UNIT)).alias("expected_value"), value_model=pl.lit(models.value_label)
    )


def explain_members(night: RunContext, history: History, scored: pl.DataFrame, champions: Champions) -> pl.DataFrame:
    """Add `reasons`, as `add_reasons`, to everybody."""
    catalog = feature_catalog(history.available, history.event_types)
    currency = night.settings.community.currency
    return add_reasons(scored, champions.churn.model, catalog, as_of=night.as_of, currency=currency, threads=cores())


def add_reasons(
    scored: pl.DataFrame,
    model: ChurnModel,
    catalog: Sequence[Feature],
    *,
    as_of: date,
    currency: str | None,
    population: pl.DataFrame | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Add `reasons`, the strongest first, for every member who is scored, empty where none holds up; null for the others.

    One row per row of `scored`, in its order. `population` says who is typical when `scored` are only some of the members.
    """
    eligible = scored.filter("is_eligible")
    found = reasons(model, eligible, catalog, population=population, threads=threads)
    declared = {feature.name: feature for feature in catalog}
    told = add_text(
        found,
        eligible,
        {name: declared.get(name) or undeclared(name, eligible.schema.get(name)) for name in found["feature"].unique()},
        SentenceContext(frozenset(eligible.columns), currency, as_of),
    )
    explained = eligible.select("member_no").with_columns(list_reasons(told, rows=eligible.height))
    return scored.join(explained, on="member_no", how="left", maintain_order="left", validate="1:1")


def columns_for_segments(names: Iterable[str], night: RunContext) -> list[str]:
    """Choose, of the columns of scored members, those that risk, scores, tiers, lifecycle, groups and lists read."""
    scores = night.settings.scores
    read = {"member_no", *MEMBERS_SCHEMA, *READ_BY_LIFECYCLE, *READ_BY_CONTACTS, *AMOUNTS, *TYPICAL_SHARES}
    read |= {*scores.activity_weights, *scores.commercial_weights, *scores.value_weights}
    return [name for name in names if name in read or kind_of(name) is not None]


def segment_members(night: RunContext, scored: pl.DataFrame) -> pl.DataFrame:
    """Add risk, scores, tier, lifecycle and behaviour group; remember tiers and groups for the nights to come.

    One row per row of `scored`, in its order. Scoring the same night again changes nothing: only states of earlier nights are
    looked at.
    """
    settings = night.settings
    base_rate = mean_probability(scored["churn_probability"])
    lazy = scored.lazy().with_columns(churn_risk(base_rate=base_rate if base_rate is not None else 0.0, policy=settings.risk))
    valued = add_scores(lazy, policy=settings.scores)
    members = add_lifecycle(valued, policy=settings.lifecycle_policy).collect()
    tiers = assign_tiers(members, _previous_tiers(night), as_of=night.as_of, policy=settings.tiers)
    _remember(night.workspace.lake, TIERS_TABLE, tiers.select(pl.lit(night.as_of).alias(NIGHT), *STATE_SCHEMA), night.as_of)
    members = members.join(tiers, on="member_no", how="left", maintain_order="left", validate="1:1")
    state = _group_state(night, members)
    return members.with_columns(assign_groups(members, state, names=_GROUP_NAMES).alias("segment"))


def member_list(night: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Make the list everyone receives: every member ever seen by tonight, sorted by member_id.

    Members who may not be profiled are there with nothing but their id. Columns follow the contract of `members.parquet`.
    """
    unprofiled = _not_profiled(night).with_columns(as_of=pl.lit(night.as_of), is_eligible=pl.lit(False))
    columns = [column for column in MEMBERS_SCHEMA if column in members.columns]
    listed = pl.concat([members.select("member_no", *columns), unprofiled], how="diagonal_relaxed").sort("member_id")
    stored = conform(listed.drop("member_no"), schema=MEMBERS_SCHEMA)
    _remember(night.workspace.lake, SCORES, listed.select("member_no").hstack(stored.drop("reasons")), night.as_of)
    return stored


def count_not_profiled(night: RunContext) -> int:
    """How many of the members seen by tonight may not be profiled: they are listed, and nothing else."""
    return _not_profiled(night).height


def contacts_for(night: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """One row per member to talk to tomorrow, best first, as `contact_list.csv` has it."""
    consent = members_known(night.workspace.lake, timezone=night.timezone, as_of=night.as_of).select(
        "member_no", "can_contact", "can_profile"
    )
    scored = members.join(consent.collect(engine="streaming"), on="member_no", how="left", maintain_order="left", validate="1:1")
    chosen = contact_list(scored, policy=ContactPolicy(capacity=night.settings.lists.contact_capacity))
    context = SentenceContext(frozenset(chosen.columns), night.settings.community.currency, night.as_of)
    listed = chosen.with_columns(as_of=pl.lit(night.as_of), reason=why_contact(context))
    return conform(listed.select(name for name in CONTACT_SCHEMA if name in listed.columns), schema=CONTACT_SCHEMA)


def previous_night(lake: Lake, as_of: date) -> date | None:
    """The newest night before this one that was scored."""
    return max((day for day in lake.days(SCORES, column=NIGHT) if day < as_of), default=None)


def read_scores(lake: Lake, as_of: date) -> pl.DataFrame:
    """One row per member: what a night's lists said, reasons left out."""
    return lake.scan(SCORES).filter(pl.col(NIGHT) == as_of).collect()


def _not_profiled(night: RunContext) -> pl.DataFrame:
    """One row per member seen by tonight who said no to being profiled: member_no, member_id."""
    if numbers_not_profiled(night.workspace.lake).is_empty():
        return pl.DataFrame(schema={"member_no": pl.Int32(), "member_id": pl.String()})
    known = members_known(night.workspace.lake, timezone=night.timezone, as_of=night.as_of)
    seen = pl.col("seen_from").is_null() | (pl.col("seen_from") <= night.as_of)
    refused = known.filter(seen & pl.col("can_profile").eq(other=False))
    return refused.select("member_no", "member_id").collect(engine="streaming")


def _previous_tiers(night: RunContext) -> pl.DataFrame:
    lake = night.workspace.lake
    before = max((day for day in lake.days(TIERS_TABLE, column=NIGHT) if day < night.as_of), default=None)
    if before is None:
        return pl.DataFrame(schema=STATE_SCHEMA)
    return lake.scan(TIERS_TABLE).filter(pl.col(NIGHT) == before).select(list(STATE_SCHEMA)).collect()


def _group_state(night: RunContext, members: pl.DataFrame) -> GroupState:
    """The newest state of groups up to tonight, fitted anew as often as the models, names kept."""
    lake = night.workspace.lake
    states = lake.scan_or_empty(GROUPS, _GROUPS_SCHEMA).filter(pl.col(NIGHT) <= night.as_of).collect().sort(NIGHT)
    held = GroupState.model_validate_json(states["state"][-1]) if states.height else None
    if held is not None and (night.as_of - states[NIGHT][-1]).days < night.settings.training.every_days:
        return held
    written = fit_groups(members, held, policy=night.settings.groups, names=_GROUP_NAMES).model_dump_json()
    _remember(lake, GROUPS, pl.DataFrame({NIGHT: [night.as_of], "state": [written]}, schema=_GROUPS_SCHEMA), night.as_of)
    return GroupState.model_validate_json(written)


def _remember(lake: Lake, table: str, rows: pl.DataFrame, as_of: date) -> None:
    """Write a night's rows unless they are there already, so that running a night again leaves the lake as it is."""
    if as_of in lake.days(table, column=NIGHT):
        held = lake.scan(table).filter(pl.col(NIGHT) == as_of).collect()
        if held.select(rows.columns).equals(rows):
            return
    lake.replace_days(table, rows, days={as_of}, column=NIGHT)
