"""Running totals: what the features of a night need of all the days before it, carried from night to night.

Every window is a sum over days, so tonight's differs from last night's by the days that entered or left a window and by the
days that changed since: `update_totals` reads these days and no others. What subtraction cannot take back (the first or last
day of something, when that day is gone) is recomputed for the members concerned. `compute_totals` computes everything from the
beginning; both give the same totals, to the bit.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.feedback import compute_last_scores, lost_last_scores, update_last_scores
from features.history import SeenHistory
from features.incremental.active_days import compute_active_days, update_active_days
from features.incremental.people import compute_people, update_people
from features.incremental.window_sums import compute_sums, lost_first_or_last_days, update_sums
from features.purchases import compute_purchases, lost_purchase_days, update_purchases
from features.windows import WINDOWS_DAYS

# More nights in one stride read about as many days as counting anew.
MOST_NIGHTS_AHEAD: Final = 60


@dataclass(frozen=True)
class IncrementalTotals:
    """What features need of the rows of `History.daily` up to a night.

    Args:
        as_of: The night.
        sums: As `features.incremental.window_sums.compute_sums` returns them.
        active: As `features.incremental.active_days.compute_active_days`.
        purchases: As `features.purchases.compute_purchases`.
        last_scores: As `features.feedback.compute_last_scores`.
        people: As `features.incremental.people.compute_people`.
    """

    as_of: date
    sums: pl.DataFrame
    active: pl.DataFrame
    purchases: pl.DataFrame
    last_scores: pl.DataFrame
    people: pl.DataFrame

    def frames(self) -> dict[str, pl.DataFrame]:
        """Name → frame, each with a column `member_no` and sorted by it."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "as_of"}

    def with_frames(self, frames: dict[str, pl.DataFrame]) -> IncrementalTotals:
        """Exchange the frames."""
        return IncrementalTotals(self.as_of, **frames)

    def between(self, first_no: int, last_no: int) -> IncrementalTotals:
        """Keep the members whose `member_no` lies between the two, both included."""
        inside = pl.col("member_no").is_between(first_no, last_no)
        return self.with_frames({name: frame.filter(inside) for name, frame in self.frames().items()})


def compute_totals(seen: SeenHistory, *, threads: int = 1) -> IncrementalTotals:
    """Count from the beginning.

    Args:
        seen: The history, cut.
        threads: How many share the work; changes nothing else.
    """
    with ThreadPoolExecutor(threads) as pool:
        # People are counted by one core, so that another is free for the rows meanwhile.
        people = pool.submit(compute_people, seen.ties, as_of=seen.as_of)
        daily = pool.submit(_of_daily, seen)
        return IncrementalTotals(as_of=seen.as_of, people=people.result(), **daily.result())


def _of_daily(seen: SeenHistory) -> dict[str, pl.DataFrame]:
    return {
        "sums": compute_sums(seen.daily, as_of=seen.as_of),
        "active": compute_active_days(seen.daily, as_of=seen.as_of),
        "purchases": compute_purchases(seen.daily),
        "last_scores": compute_last_scores(seen.daily),
    }


def can_update(held_as_of: date, as_of: date) -> bool:
    """Whether the totals of one night can be carried to another."""
    return timedelta(0) <= as_of - held_as_of <= timedelta(days=MOST_NIGHTS_AHEAD)


def update_totals(
    held: IncrementalTotals,
    seen: SeenHistory,
    *,
    before: pl.LazyFrame,
    ties_before: pl.LazyFrame,
    changed: Collection[date],
    anew: pl.Series | None = None,
    threads: int = 1,
) -> IncrementalTotals:
    """Carry the totals of an earlier night to a later one, or to the same one after days have changed.

    Args:
        held: The totals of the earlier night.
        seen: The history as it is now, cut at the later night.
        before: Rows of `daily` as they were when `held` was counted; only the days `changed` are read.
        ties_before: Rows of `ties` likewise; those of members counted `anew` are read as well.
        changed: Days whose rows may differ since then.
        anew: Numbers of members whose rows may differ on any day, and who are therefore counted from the beginning.
        threads: How many share the work; changes nothing else.
    """
    assert can_update(held.as_of, seen.as_of), f"{held.as_of} cannot be carried to {seen.as_of}"
    moved = _days_that_move(held.as_of, seen.as_of)
    day = pl.col("event_date")
    untouched = seen.daily.filter(day.is_in(sorted(moved - set(changed))))
    was = pl.concat([before.filter(day.is_in(sorted(changed))), untouched]).filter(day <= held.as_of).collect(engine="streaming")
    now = seen.daily.filter(day.is_in(sorted(moved | set(changed)))).collect(engine="streaming")
    anew = pl.Series([], dtype=pl.Int32) if anew is None else anew
    nights = {"held_as_of": held.as_of, "as_of": seen.as_of}
    with ThreadPoolExecutor(threads) as pool:
        # What takes longest is begun first.
        people = pool.submit(
            update_people, held.people, seen.ties, before=ties_before, moved=moved, changed=changed, anew=anew, **nights
        )
        sums = pool.submit(update_sums, held.sums, was, now, **nights)
        active = pool.submit(update_active_days, held.active, was, now, changed=changed, **nights)
        purchases = pool.submit(update_purchases, held.purchases, was, now)
        last_scores = pool.submit(update_last_scores, held.last_scores, now)
        lost = pool.submit(_members_that_lost, held, was, now)
        carried = IncrementalTotals(
            seen.as_of, sums.result(), active.result(), purchases.result(), last_scores.result(), people.result()
        )
    return _recompute(carried, seen, pl.concat([lost.result(), anew]).unique().sort())


def _days_that_move(held_as_of: date, as_of: date) -> set[date]:
    """The days that enter or leave any window, or the lifetime."""
    nights = range(1, (as_of - held_as_of).days + 1)
    return {held_as_of + timedelta(days=night - days) for night in nights for days in (0, *WINDOWS_DAYS)}


def _members_that_lost(held: IncrementalTotals, was: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Members who lost a day that only the whole history can replace, sorted."""
    lost = [
        lost_first_or_last_days(held.sums, was, now),
        lost_purchase_days(held.purchases, was, now),
        lost_last_scores(held.last_scores, was, now),
    ]
    return pl.concat(lost).unique().sort()


def _recompute(carried: IncrementalTotals, seen: SeenHistory, members: pl.Series) -> IncrementalTotals:
    if members.is_empty():
        return carried
    anew = _of_daily(replace(seen, daily=seen.daily.filter(pl.col("member_no").is_in(members.implode()))))
    others = ~pl.col("member_no").is_in(members.implode())
    frames = carried.frames()
    return carried.with_frames(
        frames | {name: _ordered(pl.concat([frames[name].filter(others), theirs])) for name, theirs in anew.items()}
    )


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort([name for name in ("member_no", "activity") if name in frame.columns])
