"""How often ranges hold on the past of a community: of activity scores, and of what all members spend together.

    evenfall nightly --workspace WORKSPACE
    python -m benchmarks.ranges WORKSPACE --as-of 2020-04-30 --nights 5 --every 182
    python -m benchmarks.ranges WORKSPACE --as-of 2011-12-08 --nights 20 --every 14 --totals 28 90

*Activity scores.* The alternate weeks of a year are two repeats of the same habits: each half has its score and its range. Were
the ranges right, the two scores would differ by no more than both ranges together (root of squares) eight times of ten.
The score of all weeks 28 days later is set against the range, too: habits change, and the range is not meant to hold them.

*Totals.* The level of each night, without a model, against what the members known then spent; the interval is the watch's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from features.first_day import first_day_of_history
from features.history import EVENT_PREFIX, cut, is_activity
from features.returns import ActiveDays, active_days, count_returns
from lake.contracts import DAILY
from models.estimated import spread
from models.level import first_day_needed, level_windows, value_level
from pipeline.history.daily_rollups import load_history
from runtime.run_context import RunContext, open_run
from segments.score_ranges import ACTIVITY_RANGE, add_score_ranges
from segments.scores import ScorePolicy, add_scores, is_compared

WINDOWS = (28, 90, 365)
# Of every other week a window has half of its days.
HALVES = (14, 45, 182)
LATER_DAYS = 28
_WARM_UP_DAYS = 120


def main() -> None:
    """Measure the ranges of some past nights, and print a line for each and their mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="the newest night")
    parser.add_argument("--nights", type=int, default=5)
    parser.add_argument("--every", type=int, default=28, help="days between two nights")
    parser.add_argument("--totals", type=int, nargs="*", help="horizons in days: measure totals of spend instead of scores")
    given = parser.parse_args()
    run = open_run(given.workspace, given.as_of).on(given.as_of)
    nights = [given.as_of - timedelta(days=given.every * back) for back in range(given.nights)]
    lines = _totals(run, nights, given.totals) if given.totals else _scores(run, nights)
    for line in lines:
        print(line, flush=True)


def _scores(run: RunContext, nights: list[date]) -> Iterator[str]:
    of_events = pl.col("n").filter(pl.col("activity").str.starts_with(EVENT_PREFIX)).sum().cast(pl.Int64)
    daily = run.workspace.lake.scan(DAILY).filter(is_activity())
    days = daily.group_by("member_no", "event_date").agg(events=of_events).collect()
    held, later = [], []
    for night in nights:
        known = _aged(days, night)
        members = known.group_by("member_no").agg(is_eligible=pl.col("age").min() < run.settings.churn.eligible_days)
        members = members.join(_counts(known, WINDOWS[-1:]).select("member_no", "active_days_365d"), on="member_no", how="left")
        halves = [_ranged(members, _counts(_half(known, half), HALVES), HALVES) for half in (0, 1)]
        held.append(_both_hold(*halves))
        tonight = _ranged(members.drop("active_days_365d"), _counts(known, WINDOWS), WINDOWS)
        then = _aged(days, night + timedelta(days=LATER_DAYS))
        eligible = then.group_by("member_no").agg(is_eligible=pl.col("age").min() < run.settings.churn.eligible_days)
        scores = _compared(_ranged(eligible, _counts(then, WINDOWS), WINDOWS)).select("member_no", later="activity_score")
        moved = _compared(tonight).join(scores, on="member_no")
        later.append(float(moved.select(pl.col("later").is_between(*ACTIVITY_RANGE).mean()).item()))
        width = moved.select((pl.col(ACTIVITY_RANGE[1]) - pl.col(ACTIVITY_RANGE[0])).median()).item()
        yield f"{night}: {moved.height:,} members, median width {width:.0f}, held {held[-1]:.3f}, later {later[-1]:.3f}"
    yield f"mean: alternate weeks {np.mean(held):.3f}, {LATER_DAYS} days later {np.mean(later):.3f}"


def _aged(days: pl.DataFrame, night: date) -> pl.DataFrame:
    return days.with_columns(age=(pl.lit(night) - pl.col("event_date")).dt.total_days()).filter(pl.col("age") >= 0)


def _half(known: pl.DataFrame, half: int) -> pl.DataFrame:
    """Return every other week, the weeks moved together."""
    return known.filter((pl.col("age") // 7) % 2 == half).with_columns(age=pl.col("age") // 14 * 7 + pl.col("age") % 7)


def _counts(known: pl.DataFrame, windows: tuple[int, ...]) -> pl.DataFrame:
    within = [(window, pl.col("age") < window) for window in windows]
    return known.group_by("member_no").agg(
        *(inside.sum().cast(pl.Int64).alias(f"active_days_{window}d") for window, inside in within),
        *(pl.col("events").filter(inside).sum().alias(f"event_count_{window}d") for window, inside in within),
    )


def _ranged(members: pl.DataFrame, counts: pl.DataFrame, windows: tuple[int, ...]) -> pl.DataFrame:
    """Return members with activity score and range, in the order of their numbers, by the weights of the default policy."""
    short, middle, long = windows
    weights = {f"active_days_{short}d": 0.4, f"active_days_{middle}d": 0.3, f"active_days_{long}d": 0.1}
    # In a shop nobody has events, and the score is of days alone.
    if counts[f"event_count_{middle}d"].sum() > 0:
        weights[f"event_count_{middle}d"] = 0.2
    with_counts = members.join(counts, on="member_no", how="left").with_columns(pl.col(pl.Int64).fill_null(0)).sort("member_no")
    policy = ScorePolicy(activity_weights=weights)
    return add_score_ranges(add_scores(with_counts, policy=policy), policy=policy)


def _compared(scored: pl.DataFrame) -> pl.DataFrame:
    return scored.filter(scored.select(is_compared()).to_series())


def _both_hold(one: pl.DataFrame, other: pl.DataFrame) -> float:
    """Return the share of members whose two scores differ by no more than their two ranges together allow."""
    low, high = ACTIVITY_RANGE
    pairs = _compared(one).join(_compared(other), on="member_no", suffix="_b")
    difference = pl.col("activity_score_b") - pl.col("activity_score")
    up = (pl.col(high) - pl.col("activity_score")).pow(2) + (pl.col("activity_score_b") - pl.col(f"{low}_b")).pow(2)
    down = (pl.col("activity_score") - pl.col(low)).pow(2) + (pl.col(f"{high}_b") - pl.col("activity_score_b")).pow(2)
    return float(pairs.select(difference.is_between(-down.sqrt() - 1e-9, up.sqrt() + 1e-9).mean()).item())


def _totals(run: RunContext, nights: list[date], horizons: list[int]) -> Iterator[str]:
    history = load_history(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    known = active_days(cut(history, run.as_of), since=date.min)
    first = first_day_of_history(dict(known.days.group_by("event_date").len().iter_rows())) or run.as_of
    for horizon in horizons:
        cutoffs = [night - timedelta(days=horizon) for night in nights]
        measured = [_total(run, known, cutoff, horizon, first) for cutoff in cutoffs if (cutoff - first).days >= _WARM_UP_DAYS]
        told = [one for one in measured if one is not None]
        yield from (
            f"{horizon} days from {cutoff}: expected over actual {ratio:.2f}, held {held}" for cutoff, ratio, held in told
        )
        yield f"{horizon} days: held {sum(held for *_, held in told)} of {len(told)}"


def _total(run: RunContext, known: ActiveDays, cutoff: date, horizon: int, first: date) -> tuple[date, float, bool] | None:
    """Return the cut-off, expected over actual spend, and whether the interval held; None where nothing is known."""
    eligible_days = run.settings.churn.eligible_days
    since = first_day_needed(cutoff, horizon_days=horizon, eligible_days=eligible_days)
    seen = replace(known, as_of=cutoff, days=known.days.filter(pl.col("event_date").is_between(since, cutoff)))
    windows = level_windows(cutoff, horizon_days=horizon, first_day=first)
    level = value_level(count_returns(seen, windows, eligible_days=eligible_days), cutoff, horizon_days=horizon)
    if level is None:
        return None
    members = known.members.filter(pl.col("seen_from").is_null() | (pl.col("seen_from") <= cutoff))
    ahead = known.days.filter(pl.col("event_date").is_between(cutoff + timedelta(days=1), cutoff + timedelta(days=horizon)))
    actual = float(ahead.join(members, on="member_no", how="semi")["spend_minor"].sum())
    expected = level.mean * members.height
    low, high = spread(expected, level.standard_error, in_log_odds=False)
    return cutoff, expected / actual, low <= actual <= high


if __name__ == "__main__":
    main()
