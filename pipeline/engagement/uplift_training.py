"""Train challengers of the ranking: uplift of each action, learnt from earlier decisions and judged on later ones.

A member counts once for an action, by the first decision, listed or held out (intention to treat). Features are computed as of
the night of the decision. The later half of the matured decisions judges; the model that it judges has learnt from those whose
short outcome was over before. What is stored has learnt from all.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from engagement.actions import SPENT, Action
from engagement.contact_history import LISTED
from engagement.effects import cluster_numbers
from engagement.gains import levelled, stake, worth
from engagement.holdouts import EVERY_ACTION
from features.compute import compute_features
from features.history import History, restrict_members
from models.panel import feature_names, floats
from models.qini import FEWEST_HELD_OUT, FEWEST_TREATED, Randomised, UpliftDecision, uplift_decision
from models.uplift import fit_uplift, surrogate_days
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.effects import decisions_until
from pipeline.engagement.ranking import TrainedUplift, last_trained, store_trained
from pipeline.engagement.responses import responses
from pipeline.history.materialise import materialise_if_small
from pipeline.outcomes import end_of_day, outcomes
from pipeline.stored_nights import NIGHT, SCORES
from runtime.os_errors import cores
from runtime.run_context import RunContext

# Features are computed anew for each night of decisions.
_MOST_NIGHTS: Final = 60
_SHORT: Final = "short_outcome"
_KNOWN: Final = (
    "as_of", "member_no", "is_treated", "holdout_share", "cluster", "score", "worth", "stake", "outcome", _SHORT, "gained",
)  # fmt: skip


def train_uplift(run: RunContext, history: History) -> int:
    """Train uplift for each action that is due and has enough matured decisions, and let the gate decide; store both.

    Args:
        run: The run.
        history: The history of the community.

    Returns:
        The number of actions it was trained for.
    """
    actions = configured_actions(run.settings)
    trained_on = last_trained(run)
    due = [one for one in actions if one.name not in trained_on or _is_old(run, trained_on[one.name])]
    if not due:
        return 0
    # Only what earlier nights have recorded: a night that is run again must learn from the same.
    known = decisions_until(run.workspace.lake, run.as_of)
    # Whom every action leaves alone was not drawn by the action: its share says nothing of them.
    drawn = pl.col("holdout_share").is_between(0, 1, closed="none") & (pl.col("arm") != EVERY_ACTION)
    decisions = known.filter(drawn)
    trained = [_train(run, history, action, decisions.filter(pl.col("action") == action.name)) for action in due]
    stored = [one for one in trained if one is not None]
    store_trained(run, stored)
    return len(stored)


def _is_old(run: RunContext, trained_on: date) -> bool:
    return trained_on <= run.as_of - timedelta(days=run.settings.training.every_days)


def _train(run: RunContext, history: History, action: Action, decisions: pl.DataFrame) -> TrainedUplift | None:
    """Train and judge the uplift of one action; None while there are too few decisions."""
    first = decisions.unique("member_no", keep="first", maintain_order=True).with_columns(is_treated=pl.col("arm") == LISTED)
    if not _may_be_enough(first):
        return None
    days = surrogate_days(action.horizon(run.settings.churn.horizon_days))
    over = _on_fullest_nights(first.filter(pl.col("as_of") + pl.duration(days=days) <= run.as_of))
    measured = _with_cluster(run, history, _with_short_outcome(run, action, over, days))
    weighed = _with_gains(run, action, measured).sort("as_of", "member_no")
    # Asked before the features, which take long, and after them, because members may have left since.
    if _halves(weighed, days) is None:
        return None
    with run.step(f"learning uplift of {action.name}") as counted:
        counted["decisions"] = weighed.height
        known, names = _with_features(run, history, weighed)
        halves = _halves(known, days)
        return None if halves is None else _fit_and_judge(run, action, known, names, halves)


def _fit_and_judge(
    run: RunContext, action: Action, known: pl.DataFrame, names: tuple[str, ...], halves: tuple[pl.DataFrame, pl.DataFrame]
) -> TrainedUplift:
    """Fit on the earlier half, judge on the later one, and fit on all.

    Args:
        run: The run.
        action: The action.
        known: Every decision whose short outcome is over, with features.
        names: The names of the features.
        halves: The decisions to learn from first, and those to judge by.
    """
    learnt, judged = halves
    settings = run.settings.prediction
    earlier = fit_uplift(learnt.select(names), _units(learnt, _SHORT), settings)
    decision = _judge(run, action, judged.with_columns(earlier.predict(judged)))
    return TrainedUplift(action.name, fit_uplift(known.select(names), _units(known, _SHORT), settings), decision, known.height)


def _halves(decisions: pl.DataFrame, days: int) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Divide into what to learn from first and what to judge by; None where either is too little.

    Args:
        decisions: One row per decision, by night.
        days: Days of the short outcome, which is over before the first decision to judge by.
    """
    matured = decisions.drop_nulls(["outcome", "gained"])
    if matured.is_empty():
        return None
    judged_since = matured["as_of"][matured.height // 2]
    learnt = decisions.filter(pl.col("as_of") + pl.duration(days=days) <= judged_since)
    judged = matured.filter(pl.col("as_of") >= judged_since)
    is_enough = _units(learnt, _SHORT).is_enough and _units(judged, "gained").is_enough
    return (learnt, judged) if is_enough else None


def _on_fullest_nights(decisions: pl.DataFrame) -> pl.DataFrame:
    """Keep the decisions of the nights with the most of them."""
    nights = decisions.group_by("as_of").len().sort("len", "as_of", descending=True).head(_MOST_NIGHTS)
    return decisions.join(nights, on="as_of", how="semi")


def _may_be_enough(first: pl.DataFrame) -> bool:
    """Return whether there are enough matured decisions for both halves, by their numbers alone."""
    treated = first.filter(pl.col("matured_on").is_not_null())["is_treated"]
    return int(treated.sum()) >= 2 * FEWEST_TREATED and int((~treated).sum()) >= 2 * FEWEST_HELD_OUT


def _with_short_outcome(run: RunContext, action: Action, decisions: pl.DataFrame, days: int) -> pl.DataFrame:
    """Add whether the outcome of the action occurred at all within some days, 1 or 0."""
    nights = {night: end_of_day(night, timezone=run.timezone) for night in decisions["as_of"].unique()}
    starting = decisions.select(
        "as_of", "member_no", start=pl.col("as_of").replace_strict(nights, return_dtype=pl.Datetime("us", "UTC"))
    )
    measured = outcomes(
        run.workspace.lake,
        starting,
        outcome=action.outcome,
        horizon_days=days,
        timezone=run.timezone,
        posting_events=run.settings.community.posting_events,
    )
    return decisions.with_columns((measured["outcome"] > 0).cast(pl.Float64).alias(_SHORT))


def _with_gains(run: RunContext, action: Action, decisions: pl.DataFrame) -> pl.DataFrame:
    """Add what each member was worth and what was at stake on the night, and what was gained within the horizon.

    Spend is gained as it is; any other outcome counts as much as the member is worth. Members without scores are left out.
    """
    scored = [_worth_on(run, night).with_columns(as_of=pl.lit(night)) for night in decisions["as_of"].unique().sort()]
    weighed = decisions.join(pl.concat(scored), on=["as_of", "member_no"]) if scored else decisions.clear()
    gained = pl.col("outcome") if action.outcome == SPENT else pl.col("outcome") * pl.col("worth")
    return weighed.with_columns(gained=gained)


def _worth_on(run: RunContext, night: date) -> pl.DataFrame:
    """Return one row per member scored on a night: member_no, worth, stake."""
    scored = run.workspace.lake.scan(SCORES).filter(pl.col(NIGHT) == night)
    needed = scored.select("member_no", "member_id", "churn_probability", "expected_value", "member_value_score")
    scores = needed.collect(engine="streaming").sort("member_id")
    return scores.select("member_no", worth(scores), stake(scores))


def _with_cluster(run: RunContext, history: History, decisions: pl.DataFrame) -> pl.DataFrame:
    """Add what each member was drawn together with; null where members are drawn alone."""
    unit = run.settings.contact_policy.unit
    if unit == "member":
        return decisions.with_columns(cluster=pl.lit(None, pl.String))
    drawn = history.members.select("member_no", cluster=pl.col(unit)).collect(engine="streaming")
    return decisions.join(drawn, on="member_no", how="left", maintain_order="left")


def _with_features(run: RunContext, history: History, decisions: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Add the features as of the night of each decision, and return their names, too; sorted by night and member."""
    numbers = decisions["member_no"].unique()
    part = restrict_members(history, lambda number: number.is_in(numbers.implode()))
    part = materialise_if_small(part, run.workspace.lake, max_rows=run.settings.scale.budget.rollup_rows_in_memory)
    slices = []
    for (night,), own in decisions.group_by("as_of", maintain_order=True):
        features = compute_features(part, as_of=night, threads=cores())
        slices.append(features.join(own.select("member_no"), on="member_no", how="semi").with_columns(as_of=pl.lit(night)))
    features = pl.concat(slices)
    names = feature_names(features)
    return features.join(decisions.select(_KNOWN), on=["as_of", "member_no"], validate="1:1").sort("as_of", "member_id"), names


def _units(rows: pl.DataFrame, outcome: str) -> Randomised:
    return Randomised(
        outcome=floats(rows[outcome]),
        is_treated=np.asarray(rows["is_treated"].to_numpy(), dtype=np.bool_),
        propensity=1 - floats(rows["holdout_share"]),
        cluster=cluster_numbers(rows),
    )


def _judge(run: RunContext, action: Action, judged: pl.DataFrame) -> UpliftDecision:
    """Let the gate compare the gain expected by uplift with that by the response, on the same decisions."""
    response = responses(run, [action])[action.name]
    by_uplift = levelled(pl.col("uplift"), churn_probability=pl.col("score"), response=response) * pl.col("worth")
    return uplift_decision(
        _units(judged, "gained"),
        uplift=floats(judged.select(by_uplift.alias("gain"))["gain"]),
        champion=floats(judged["stake"] * response),
        policy=run.settings.gate,
        seed=run.settings.prediction.seed,
    )
