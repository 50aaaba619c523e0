"""Incremental totals: what a night's features need from all days up to it, updated from night to night.

Every window is a sum over days, so tonight's totals differ from last night's by the days that entered or left a window and by
the days that changed since: `update_totals` reads these days and no others. Subtraction cannot restore the first or last day of
an activity when that day is gone; the totals of such members are recomputed. `compute_totals` computes everything from all rows;
both give the same totals, bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
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

# Beyond this an update reads about as many days as computing the totals again.
MOST_NIGHTS_AHEAD: Final = 60


@dataclass(frozen=True)
class IncrementalTotals:
    """What features need from the rows of a history up to `as_of`: one row per member_no in each frame (`sums`: and activity).

    Args:
        as_of: The last day of every window.
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
        """Return the frames by field name, each with a column `member_no` and sorted by it."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "as_of"}

    def with_frames(self, frames: dict[str, pl.DataFrame]) -> IncrementalTotals:
        """Return totals of the same night with these frames, one per field name."""
        return IncrementalTotals(self.as_of, **frames)

    def between(self, first_no: int, last_no: int) -> IncrementalTotals:
        """Return the totals of the members whose `member_no` lies between the two, both included."""
        inside = pl.col("member_no").is_between(first_no, last_no)
        return self.with_frames({name: frame.filter(inside) for name, frame in self.frames().items()})


def compute_totals(cut_history: SeenHistory, *, threads: int = 1) -> IncrementalTotals:
    """Compute the totals from all rows of the history.

    Args:
        cut_history: The history, cut.
        threads: Number of threads; does not change the result.
    """
    with ThreadPoolExecutor(threads) as pool:
        # Counting people mostly runs on one core in NumPy, so the other frames are computed at the same time.
        people = pool.submit(compute_people, cut_history.ties, as_of=cut_history.as_of)
        daily = pool.submit(_compute_from_daily, cut_history)
        return IncrementalTotals(as_of=cut_history.as_of, people=people.result(), **daily.result())


def _compute_from_daily(cut_history: SeenHistory) -> dict[str, pl.DataFrame]:
    return {
        "sums": compute_sums(cut_history.daily, as_of=cut_history.as_of),
        "active": compute_active_days(cut_history.daily, as_of=cut_history.as_of),
        "purchases": compute_purchases(cut_history.daily),
        "last_scores": compute_last_scores(cut_history.daily),
    }


def can_update(previous_as_of: date, as_of: date) -> bool:
    """Return whether totals of one night can be updated to another: the same one or at most `MOST_NIGHTS_AHEAD` later."""
    return timedelta(0) <= as_of - previous_as_of <= timedelta(days=MOST_NIGHTS_AHEAD)


def update_totals(
    previous: IncrementalTotals,
    cut_history: SeenHistory,
    *,
    before: pl.LazyFrame,
    ties_before: pl.LazyFrame,
    changed: Collection[date],
    recompute: pl.Series | None = None,
    threads: int = 1,
) -> IncrementalTotals:
    """Update the totals of an earlier night to a later one, or to the same one after days have changed.

    Args:
        previous: The totals of the earlier night.
        cut_history: The history as it is now, cut at the later night.
        before: Rows of `daily` as they were when `previous` was computed; only the days `changed` are read.
        ties_before: Rows of `ties` likewise; those of the members `recompute` are read as well.
        changed: Days whose rows may differ since then.
        recompute: Numbers of members whose rows may differ on any day, so that their totals are computed again from all rows.
        threads: Number of threads; does not change the result.

    Raises:
        AssertionError: `can_update` is false for the two nights.
    """
    assert can_update(previous.as_of, cut_history.as_of), f"{previous.as_of} cannot be carried to {cut_history.as_of}"
    moved = _moved_days(previous.as_of, cut_history.as_of)
    rows_before, rows_now = _rows_of_days(cut_history, before, moved=moved, changed=changed, previous_as_of=previous.as_of)
    recompute = pl.Series([], dtype=pl.Int32) if recompute is None else recompute
    with ThreadPoolExecutor(threads) as pool:
        # The longest task is submitted first, so that the threads finish at about the same time.
        people = pool.submit(
            update_people,
            previous.people,
            cut_history.ties,
            before=ties_before,
            previous_as_of=previous.as_of,
            as_of=cut_history.as_of,
            moved=moved,
            changed=changed,
            recompute=recompute,
        )
        daily = _submit_updates(pool, previous, rows_before, rows_now, changed=changed, as_of=cut_history.as_of)
        lost = pool.submit(_members_with_lost_days, previous, rows_before, rows_now)
        updated = IncrementalTotals(
            as_of=cut_history.as_of, people=people.result(), **{name: frame.result() for name, frame in daily.items()}
        )
    return _recompute(updated, cut_history, pl.concat([lost.result(), recompute]).unique().sort())


def _submit_updates(
    pool: ThreadPoolExecutor,
    previous: IncrementalTotals,
    rows_before: pl.DataFrame,
    rows_now: pl.DataFrame,
    *,
    changed: Collection[date],
    as_of: date,
) -> dict[str, Future[pl.DataFrame]]:
    nights = {"previous_as_of": previous.as_of, "as_of": as_of}
    return {
        "sums": pool.submit(update_sums, previous.sums, rows_before, rows_now, **nights),
        "active": pool.submit(update_active_days, previous.active, rows_before, rows_now, changed=changed, **nights),
        "purchases": pool.submit(update_purchases, previous.purchases, rows_before, rows_now),
        "last_scores": pool.submit(update_last_scores, previous.last_scores, rows_now),
    }


def _rows_of_days(
    cut_history: SeenHistory, before: pl.LazyFrame, *, moved: set[date], changed: Collection[date], previous_as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of the moved and the changed days as the earlier night saw them, and as they are now."""
    day = pl.col("event_date")
    unchanged = cut_history.daily.filter(day.is_in(sorted(moved - set(changed))))
    rows_before = pl.concat([before.filter(day.is_in(sorted(changed))), unchanged]).filter(day <= previous_as_of)
    rows_now = cut_history.daily.filter(day.is_in(sorted(moved | set(changed))))
    return rows_before.collect(engine="streaming"), rows_now.collect(engine="streaming")


def _moved_days(previous_as_of: date, as_of: date) -> set[date]:
    """Return the days that enter or leave any window, or enter the lifetime, between the two nights."""
    # On each night `days` days ago left the window of that length, and the night itself (0) entered all of them.
    nights = range(1, (as_of - previous_as_of).days + 1)
    return {previous_as_of + timedelta(days=night - days) for night in nights for days in (0, *WINDOWS_DAYS)}


def _members_with_lost_days(previous: IncrementalTotals, rows_before: pl.DataFrame, rows_now: pl.DataFrame) -> pl.Series:
    """Return the members, sorted, who lost a first or last day that only their whole history can replace."""
    lost = [
        lost_first_or_last_days(previous.sums, rows_before, rows_now),
        lost_purchase_days(previous.purchases, rows_before, rows_now),
        lost_last_scores(previous.last_scores, rows_before, rows_now),
    ]
    return pl.concat(lost).unique().sort()


def _recompute(updated: IncrementalTotals, cut_history: SeenHistory, members: pl.Series) -> IncrementalTotals:
    if members.is_empty():
        return updated
    recomputed = _compute_from_daily(
        replace(cut_history, daily=cut_history.daily.filter(pl.col("member_no").is_in(members.implode())))
    )
    others = ~pl.col("member_no").is_in(members.implode())
    frames = updated.frames()
    return updated.with_frames(
        frames | {name: _sorted(pl.concat([frames[name].filter(others), rows])) for name, rows in recomputed.items()}
    )


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort([name for name in ("member_no", "activity") if name in frame.columns])
