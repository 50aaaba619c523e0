"""How the actions are ranked: by what is at stake, or by an uplift model that has earned its place.

Trained models and the gate's decisions on them are rows of a table of the lake: a past night that is verified finds those it
used, like every other table, by the version in its receipt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from engagement.actions import Action
from lake.storage.delta import Lake
from models.bundle import is_current_format, uplift_from_files, uplift_to_files
from models.qini import UpliftDecision
from models.uplift import UpliftModel
from pipeline.stored_nights import NIGHT, store_night
from runtime.run_context import RunContext

UPLIFT_MODELS: Final = "uplift_models"
_DECIDED: Final = {
    "action": pl.String(),
    "accepted": pl.Boolean(),
    "reason": pl.String(),
    "qini": pl.Float64(),
    "champion_qini": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "treated": pl.Int64(),
    "held_out": pl.Int64(),
    "learnt_from": pl.Int64(),
}
# `model` holds the files of the bundle as JSON: LightGBM's text and what is around it.
_SCHEMA: Final = pl.Schema({NIGHT: pl.Date(), **_DECIDED, "model": pl.String()})


@dataclass(frozen=True)
class RankingFacts:
    """How uplift did for one action when it was last judged.

    Args:
        action: The name of the action.
        as_of: The night it was trained and judged.
        accepted: Whether it ranks the action since then.
        reason: Why, as `models.qini.UpliftReason`.
        qini: Qini of the uplift ranking, in what the action gains per member decided upon.
        champion_qini: Qini of the ranking by what is at stake.
        low: Lower bound of their difference.
        high: Upper bound.
        treated: Listed members it was judged on.
        held_out: Held-out members it was judged on.
        learnt_from: Decisions the model has learnt from.
    """

    action: str
    as_of: date
    accepted: bool
    reason: str
    qini: float | None
    champion_qini: float | None
    low: float | None
    high: float | None
    treated: int
    held_out: int
    learnt_from: int


@dataclass(frozen=True)
class TrainedUplift:
    """A challenger of an action's ranking.

    Args:
        action: The name of the action.
        model: The model, which has learnt from all decisions.
        decision: The gate's decision, on a model that has learnt from the earlier ones only.
        learnt_from: Decisions the model has learnt from.
    """

    action: str
    model: UpliftModel
    decision: UpliftDecision
    learnt_from: int


def ranking_facts(run: RunContext) -> tuple[RankingFacts, ...]:
    """Return the newest facts of each action that was ever judged by this night, sorted by action."""
    newest = _newest(run.workspace.lake, run.as_of)
    return tuple(RankingFacts(**row) for row in newest.select(NIGHT, *_DECIDED).iter_rows(named=True))


def store_trained(run: RunContext, trained: Sequence[TrainedUplift]) -> None:
    """Store what was trained tonight; storing it again changes nothing."""
    if not trained:
        return
    rows = pl.DataFrame([_row(run.as_of, one) for one in trained], schema=_SCHEMA)
    # An action that was trained tonight already, in an earlier run of the night, keeps its row.
    stored = run.workspace.lake.scan_or_empty(UPLIFT_MODELS, _SCHEMA).filter(pl.col(NIGHT) == run.as_of).collect()
    others = stored.join(rows, on="action", how="anti")
    store_night(run.workspace.lake, UPLIFT_MODELS, pl.concat([others.select(rows.columns), rows]).sort("action"), run.as_of)


def last_trained(run: RunContext) -> dict[str, date]:
    """Return action → the newest night up to this one for which its uplift was trained."""
    return dict(_newest(run.workspace.lake, run.as_of).select("action", NIGHT).iter_rows())


def predicted_uplifts(run: RunContext, actions: Sequence[Action], features: pl.LazyFrame) -> pl.DataFrame | None:
    """Predict the uplift of every member for the actions that uplift ranks; None where it ranks none.

    One row per member and action: member_no, action, uplift.

    Args:
        run: The run.
        actions: The actions of the night.
        features: The features of the night: one row per member.
    """
    names = {action.name for action in actions}
    accepted = _newest(run.workspace.lake, run.as_of).filter(pl.col("accepted"), pl.col("action").is_in(sorted(names)))
    models = {action: json.loads(files) for action, files in accepted.select("action", "model").iter_rows()}
    # After an upgrade the ranking is by what is at stake, until the next training.
    readable = {action: uplift_from_files(files) for action, files in models.items() if is_current_format(files)}
    if not readable:
        return None
    wanted = {name for model in readable.values() for name in model.encoding.features}
    rows = features.select("member_no", pl.selectors.by_name(*sorted(wanted), require_all=False)).collect(engine="streaming")
    return pl.concat(
        rows.select("member_no", pl.lit(action).alias("action"), model.predict(rows)) for action, model in readable.items()
    )


def _newest(lake: Lake, as_of: date) -> pl.DataFrame:
    stored = lake.scan_or_empty(UPLIFT_MODELS, _SCHEMA).filter(pl.col(NIGHT) <= as_of).collect()
    return stored.sort("action", NIGHT).unique("action", keep="last", maintain_order=True).select(list(_SCHEMA))


def _row(as_of: date, trained: TrainedUplift) -> dict[str, object]:
    decision = trained.decision
    return {
        NIGHT: as_of,
        "action": trained.action,
        "accepted": decision.accepted,
        "reason": decision.reason,
        "qini": decision.qini,
        "champion_qini": decision.champion_qini,
        "low": decision.low,
        "high": decision.high,
        "treated": decision.treated,
        "held_out": decision.held_out,
        "learnt_from": trained.learnt_from,
        "model": json.dumps(uplift_to_files(trained.model), sort_keys=True, ensure_ascii=False),
    }
