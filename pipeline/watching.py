"""The night watched before the truth is known: estimated performance, early returns of nights since, and drift.

Figures go to MLflow, sentences into the report, and what is beyond chance into the alert. None of them names a member.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from features.eligibility import is_still_here
from features.feature import Feature
from features.history import History, is_activity
from features.returns import MOST_MEMBERS
from models.drift import SCORE, Drift, drift
from models.estimated import EarlyReturns, Estimated, early_returns, estimate, spread
from models.level import EARLY_DAYS, Level
from models.panel import floats
from pipeline.execution.executor import Features
from pipeline.learning.champions import Champions
from pipeline.learning.reference import read_reference
from pipeline.leveling import Levels
from pipeline.night import ScoredNight
from pipeline.stored_nights import NIGHT, SCORES, read_scores
from runtime.run_context import RunContext
from wording.reasons.topics import topic
from wording.texts import fill, listing, sentences

# Drifts that are told, and half of a difference: what last year's season has to explain of it to be named as the cause.
_MOST_TOLD: Final = 3
_HALF: Final = 0.5
# A change of log-odds: a tenth more or fewer return.
_NOTABLE: Final = 0.1


@dataclass(frozen=True)
class Early:
    """Early returns of a night.

    Args:
        night: The night that was scored.
        days: Days since, within which returns count.
        returns: What was expected and what happened.
    """

    night: date
    days: int
    returns: EarlyReturns


@dataclass(frozen=True)
class Watch:
    """What is known of a night's predictions before their outcome.

    Args:
        estimated: The performance expected of all probabilities; None where nobody is scored.
        estimated_here: The same of members who were active within the horizon.
        share: The bounds between which the share of members who leave will lie four times of five; None without a level.
        value: The same of what all members spend together, in currency units.
        early: The early returns of the newest night for each number of days.
        drifts: How far features and score have moved since the training, the farthest first.
        features: Name → feature, for what it is about in words.
        season_explains: Whether the same days of last year account for half of what the past four weeks have changed.
    """

    estimated: Estimated | None = None
    estimated_here: Estimated | None = None
    share: tuple[float, float] | None = None
    value: tuple[float, float] | None = None
    early: tuple[Early, ...] = ()
    drifts: tuple[Drift, ...] = ()
    features: Mapping[str, Feature] = field(default_factory=dict)
    season_explains: bool = False


def watch_night(run: RunContext, history: History, features: Features, scored: ScoredNight, champions: Champions) -> Watch:
    """Watch a night.

    Args:
        run: The run.
        history: The history; nothing after the night is read.
        features: The features of the night.
        scored: The members with their predictions, and the levels behind these.
        champions: The models, which know the members they learnt from.
    """
    eligible = scored.members.filter(pl.col("churn_probability").is_not_null())
    estimated = estimate(floats(eligible["churn_probability"]))
    here = eligible.filter(is_still_here(run.settings.churn.horizon_days))
    churn, value, total = scored.levels.churn, scored.levels.value, scored.members["expected_value"].drop_nulls().sum()
    share = None if churn is None or estimated is None else estimated.churned_share
    return Watch(
        estimated,
        estimate(floats(here["churn_probability"])),
        None if churn is None or share is None else spread(share, churn.standard_error, in_log_odds=True),
        None if value is None else spread(float(total), value.standard_error, in_log_odds=False),
        tuple(_early(run, history, scored.levels)),
        tuple(drift(read_reference(champions.churn.registered.files), _sample(features, eligible))),
        {feature.name: feature for feature in features.catalog},
        churn is not None and _is_seasonal(churn),
    )


def watch_metrics(watch: Watch) -> dict[str, float]:
    """Return the metrics that a night logs."""
    metrics: dict[str, float | None] = {}
    for suffix, one in (("", watch.estimated), ("_here", watch.estimated_here)):
        if one is not None:
            metrics |= {f"auc{suffix}": one.auc, f"brier{suffix}": one.brier, f"churned_share{suffix}": one.churned_share}
    for name, bounds in (("churned_share", watch.share), ("value", watch.value)):
        metrics |= {} if bounds is None else {f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
    for early in watch.early:
        known = early.returns
        figures = {"expected": known.expected, "happened": known.happened, "deviation": known.deviation, "auc": known.auc}
        metrics |= {f"returns_{early.days}d.{name}": figure for name, figure in figures.items()}
    indices = {one.feature: one.index for one in watch.drifts}
    if indices:
        metrics |= {"drift.features_moved": len(_moved(watch)), "drift.largest": max(indices.values())}
        metrics["drift.score"] = indices.get(SCORE)
    return {f"watch.{name}": float(figure) for name, figure in metrics.items() if figure is not None}


def watch_sentences(watch: Watch, *, currency: str | None = None) -> tuple[str, ...]:
    """Return what the report says of a watch, one sentence each."""
    return tuple(_sentences(watch, currency))


def watch_warnings(watch: Watch | None, *, deviation: float, is_intake_unusual: bool = False) -> list[str]:
    """Return a warning where early returns are farther from what was expected than `[alerts] deviation` allows.

    Args:
        watch: The watch of a night; None before it was watched.
        deviation: So many standard errors.
        is_intake_unusual: Whether what arrived tonight is warned of, too.
    """
    off = [] if watch is None else [early for early in watch.early if abs(early.returns.deviation) > deviation]
    if watch is None or not off:
        return []
    # The longest window: it has seen the most.
    early = max(off, key=lambda one: one.days)
    cause = _cause(watch, is_intake_unusual=is_intake_unusual)
    return [sentences(_early_sentence(early), fill("watch.beyond_chance"), cause)]


def _early(run: RunContext, history: History, levels: Levels) -> Iterator[Early]:
    level = levels.churn
    nights = run.workspace.lake.days(SCORES, column=NIGHT)
    for days in EARLY_DAYS if level is not None else ():
        night = max((night for night in nights if night + timedelta(days=days) <= run.as_of), default=None)
        if level is None or night is None or days not in level.early_shares:
            continue
        scores = read_scores(run.workspace.lake, night).filter(pl.col("churn_probability").is_not_null()).sort("member_no")
        window = pl.col("event_date").is_between(night + timedelta(days=1), night + timedelta(days=days))
        active = history.daily.filter(window, is_activity()).select(pl.col("member_no").unique()).collect(engine="streaming")
        if not scores.is_empty():
            returned = scores["member_no"].is_in(active["member_no"].implode()).cast(pl.Float64).to_numpy()
            returns = early_returns(
                floats(scores["churn_probability"]),
                np.asarray(returned),
                early_share=level.early_shares[days],
                level_error=level.standard_error,
            )
            yield Early(night, days, returns)


def _sample(features: Features, eligible: pl.DataFrame) -> pl.DataFrame:
    """Return the features and scores of the eligible members, or of every so-many-th by number where they are many."""
    every = -(-features.members // MOST_MEMBERS)
    chosen = features.rows.filter(pl.col("member_no") % every == 0).collect(engine="streaming")
    return chosen.join(eligible.select("member_no", SCORE), on="member_no", how="inner", validate="1:1", maintain_order="left")


def _is_seasonal(level: Level) -> bool:
    """Return whether last year changed likewise, and the past four weeks enough to ask why."""
    likewise = abs(level.season) > _HALF * abs(level.recent) and level.season * level.recent > 0
    return likewise and abs(level.recent) > _NOTABLE


def _moved(watch: Watch) -> list[Drift]:
    return [one for one in watch.drifts if one.is_much and one.feature != SCORE]


def _sentences(watch: Watch, currency: str | None) -> Iterator[str]:
    here = watch.estimated_here
    if watch.estimated is not None and watch.estimated.auc is not None:
        yield fill("watch.auc", auc=watch.estimated.auc)
    if here is not None and here.auc is not None:
        yield fill("watch.auc_here", auc=here.auc)
    if watch.share is not None:
        yield fill("watch.share", low=watch.share[0], high=watch.share[1])
    if watch.value is not None:
        yield fill("watch.value", low=watch.value[0], high=watch.value[1], currency=currency)
    yield from (_early_sentence(early) for early in watch.early)
    if moved := list(dict.fromkeys(_about(watch, one.feature) for one in _moved(watch))):
        yield fill("watch.moved", what=listing(moved[:_MOST_TOLD]))
    if unseen := _new_value(watch):
        yield unseen


def _early_sentence(early: Early) -> str:
    known = early.returns
    return fill(
        "watch.early",
        n=known.members,
        night=early.night,
        happened=known.happened,
        days=early.days,
        expected=round(known.expected),
    )


def _cause(watch: Watch, *, is_intake_unusual: bool) -> str:
    """Name the likely cause of a change, where it can be known."""
    if unseen := _new_value(watch):
        return unseen
    if is_intake_unusual:
        return fill("watch.cause.intake")
    return fill("watch.cause.season" if watch.season_explains else "watch.cause.unknown")


def _new_value(watch: Watch) -> str | None:
    unseen = next((one.feature for one in _moved(watch) if one.has_new_value), None)
    return None if unseen is None else fill("watch.cause.new_value", what=_about(watch, unseen))


def _about(watch: Watch, name: str) -> str:
    feature = watch.features.get(name)
    return name if feature is None else topic(feature)
