"""Hot topics: topics that more people write about since a week than before, beyond chance and beyond the community's own growth.

A topic's people per week are compared before and after each week by the likelihood ratio of a Poisson scan, with the community's
people per week as what is expected. Given their sum, the people after a change are binomial; the chance of so many or more, times
the weeks and topics that are tried in both directions, is the chance of a false alarm on a quiet night.

Source: Kulldorff (1997), in time alone and with one change to the newest week; the bound is Bonferroni's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from community.shrinkage import Floats, dispersion
from features.calendar import WEEK_DAYS

TREND_WEEKS: Final = 26
# A change shows in two weeks at the earliest, and needs four weeks before it.
LEAST_WEEKS_AFTER: Final = 2
LEAST_WEEKS_BEFORE: Final = 4
# With fewer people in all weeks no change could be told from chance.
LEAST_PEOPLE: Final = 10
# A smaller change is not worth telling, even beyond chance.
LEAST_CHANGE: Final = 1.5
FALSE_ALARMS: Final = 0.05


@dataclass(frozen=True)
class Trend:
    """A topic whose people per week changed.

    Args:
        topic: The topic.
        since: The first day of the first week after the change.
        before: People per week before.
        after: People per week from then on.
        chance: The chance that any topic of a quiet community shows such a change, at most.
    """

    topic: str
    since: date
    before: float
    after: float
    chance: float

    @property
    def is_rise(self) -> bool:
        """Return whether more people write about it than before."""
        return self.after > self.before


def find_trends(topics: pl.DataFrame, *, as_of: date, weeks: int = TREND_WEEKS) -> tuple[Trend, ...]:
    """Find the topics that changed: rises first, each the least likely by chance first.

    Args:
        topics: One row per piece and topic of the weeks up to `as_of`: author_no, published_on, topic.
        as_of: The night; the newest week ends with it.
        weeks: How many weeks are looked at.
    """
    weekly = people_per_week(topics, as_of=as_of, weeks=weeks)
    if weekly.is_empty():
        return ()
    counts = weekly.drop("topic").to_numpy().astype(np.float64)
    community = counts.sum(axis=0)
    known = counts.sum(axis=1) >= LEAST_PEOPLE
    tried = int(known.sum())
    surplus = _surplus(counts[known], community)
    found = []
    for topic, row in zip(weekly.filter(pl.Series(known))["topic"].to_list(), counts[known], strict=True):
        split, chance = _change(row, community, tried=tried, surplus=surplus)
        if split is not None and chance <= FALSE_ALARMS:
            since = as_of - timedelta(days=WEEK_DAYS * (weeks - split) - 1)
            found.append(Trend(topic, since, float(row[:split].mean()), float(row[split:].mean()), chance))
    return tuple(sorted(found, key=lambda trend: (not trend.is_rise, trend.chance, trend.topic)))


def people_per_week(topics: pl.DataFrame, *, as_of: date, weeks: int) -> pl.DataFrame:
    """Count the people who wrote about each topic in each week: one row per topic, sorted; a column per week, the oldest first.

    Args:
        topics: One row per piece and topic: author_no, published_on, topic.
        as_of: The night; the newest week ends with it.
        weeks: How many weeks.
    """
    week = weeks - 1 - (pl.lit(as_of) - pl.col("published_on")).dt.total_days() // WEEK_DAYS
    counted = (
        topics.drop_nulls("topic")
        .with_columns(week=week)
        .filter(pl.col("week").is_between(0, weeks - 1))
        .group_by("topic", "week")
        # People, not pieces: one busy author makes no trend.
        .agg(people=pl.col("author_no").n_unique())
    )
    columns = [
        pl.col("people").filter(pl.col("week") == number).sum().cast(pl.Int64).alias(f"week_{number}") for number in range(weeks)
    ]
    return counted.group_by("topic").agg(columns).sort("topic")


def _change(row: Floats, community: Floats, *, tried: int, surplus: float) -> tuple[int | None, float]:
    """Return the week in which a topic's share changed, and the chance of that on a quiet night; None without a candidate."""
    splits = np.arange(LEAST_WEEKS_BEFORE, len(row) - LEAST_WEEKS_AFTER + 1)
    share = np.cumsum(community[::-1])[::-1][splits] / community.sum()
    after, total = np.cumsum(row[::-1])[::-1][splits], row.sum()
    usable = (share > 0) & (share < 1)
    if not usable.any():
        return None, 1.0
    splits, share, after = splits[usable], share[usable], after[usable]
    best = int(np.argmax(_likelihood_ratio(after, total, share)))
    split = int(splits[best])
    before_mean, after_mean = row[:split].mean(), row[split:].mean()
    # A topic that keeps its number while the others grow has not fallen, whatever its share does.
    lower, higher = (before_mean, after_mean) if after[best] > total * share[best] else (after_mean, before_mean)
    if higher < LEAST_CHANGE * lower:
        return None, 1.0
    # Counts that vary more than Poisson ones carry less information than their number.
    spread = max(_spread(row, community, split), 1 + surplus * float(higher))
    chance = _tail(float(after[best]) / spread, float(total) / spread, float(share[best]))
    return split, min(1.0, chance * 2 * len(splits) * tried)


def _likelihood_ratio(after: Floats, total: float, share: Floats) -> Floats:
    """Return the log-likelihood of two rates less that of one, given their sum."""
    before = total - after
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = np.where(after > 0, after * np.log(after / (total * share)), 0.0)
        lost = np.where(before > 0, before * np.log(before / (total * (1 - share))), 0.0)
    return np.asarray(gained + lost, dtype=np.float64)


def _surplus(counts: Floats, community: Floats) -> float:
    """Return by how much the weeks of a typical topic vary beyond Poisson counts: 1 / size of a negative binomial.

    The median of the topics, so that the few that changed do not count.
    """
    expected = counts.sum(axis=1, keepdims=True) * community / community.sum()
    spreads = np.array([dispersion(row, ours) for row, ours in zip(counts, expected, strict=True)])
    return float(np.median((spreads - 1) / counts.mean(axis=1))) if len(counts) else 0.0


def _spread(row: Floats, community: Floats, split: int) -> float:
    parts = [(row[:split], community[:split]), (row[split:], community[split:])]
    fitted = [part * (ours.sum() / part.sum()) if part.sum() else part for ours, part in parts]
    # Two rates are fitted to the weeks.
    return max(1.0, dispersion(row, np.concatenate(fitted)) * len(row) / (len(row) - 2))


def _tail(after: float, total: float, share: float) -> float:
    """Return the chance that a binomial count is as far or farther from its mean, on the same side."""
    from scipy.special import betainc

    if after > total * share:
        return float(betainc(after, total - after + 1, share))
    return float(1 - betainc(after + 1, total - after, share)) if after < total else 1.0
