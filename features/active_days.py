"""Which of the last 365 days a member was active on, a bit a day, and at what hours.

How days lie in bits is in `features.day_words`; what the features say of them in `features.rhythm`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.carrying import folded_in
from features.day_words import WORD_BITS, WORDS, Words, mask_of, older
from features.history import is_activity
from features.packed import LARGEST_MEMBER_NO, Packing, run_starts
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, age_days, step_of_age

DAY_PARTS: Final = ("night", "morning", "afternoon", "evening")
# Ages at which another word, or another window, begins.
_STEPS: Final = sorted({*range(0, LONGEST_WINDOW_DAYS, WORD_BITS), *LONG_WINDOWS_DAYS[:-1]})
_WORDS: Final = tuple(f"days_{number}" for number in range(WORDS))
_PARTS: Final = tuple(f"active.{part}_n_{days}d" for part in DAY_PARTS for days in LONG_WINDOWS_DAYS)

Whole = npt.NDArray[np.integer]


def count_active_days(daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Mark the active days of the last 365 days.

    One row per member_no active on one of them, sorted: `days_0` … `days_5` (Int64, as Delta Lake has no unsigned numbers), of
    which bit b of word w stands for the day of age 64 w + b, and `active.<part>_n_<w>d` (Int32), what was done in each part of
    the day. Nothing is null.

    Args:
        daily: Rows of `History.daily`, none later than `as_of`.
        as_of: The day of age 0.
    """
    age = pl.col("age_days")
    packing = Packing.up_to(member_no=LARGEST_MEMBER_NO, step=len(_STEPS) - 1)
    by_step = (
        daily.with_columns(age_days=age_days(as_of))
        .filter(is_activity(), age < LONGEST_WINDOW_DAYS)
        .with_columns(bit=pl.lit(2, dtype=pl.UInt64).pow(age % WORD_BITS))
        .group_by(key=packing.pack(member_no=pl.col("member_no"), step=step_of_age(_STEPS)))
        .agg(pl.col("bit").bitwise_or(), pl.col([f"n_{part}" for part in DAY_PARTS]).sum())
        .sort("key")
        .collect(engine="streaming")
    )
    keys = by_step["key"].to_numpy()
    members = packing.down_to(keys, "member_no")
    begins = run_starts(members)
    marked = _laid_out(by_step, packing.field(keys, "step"), np.searchsorted(members[begins], members), height=len(begins))
    return pl.DataFrame([pl.Series("member_no", members[begins]).cast(pl.Int32), *marked])


def advance_active_days(
    held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame, *, held_as_of: date, as_of: date, changed: Collection[date]
) -> pl.DataFrame:
    """Carry `count_active_days` to a later night; arguments as in `features.totals.advance_sums`.

    Args:
        held: The active days of the earlier night.
        was: Every row of the moved days as the earlier night saw them.
        now: Every row of the moved days as the later night sees them.
        held_as_of: The earlier night.
        as_of: The later night.
        changed: Days that are judged by `now` alone.
    """
    nights = (as_of - held_as_of).days
    ages = [age for day in changed if 0 <= (age := (as_of - day).days) < LONGEST_WINDOW_DAYS]
    kept = held.with_columns(_columns_of(older(words_of(held), nights) & ~mask_of(ages) & mask_of(range(LONGEST_WINDOW_DAYS))))
    parts = pl.col(_PARTS)
    # A day that left or entered a window without leaving the year is in both, and its bit is set again to what it was.
    taken_off = count_active_days(was.lazy(), as_of=held_as_of).select(
        "member_no", *(pl.lit(0, dtype=pl.Int64).alias(word) for word in _WORDS), -parts
    )
    changes = (
        pl.concat([taken_off, count_active_days(now.lazy(), as_of=as_of)])
        .group_by("member_no")
        .agg(pl.col(_WORDS).bitwise_or(), parts.sum())
        .sort("member_no")
    )
    folds = dict.fromkeys(_WORDS, np.bitwise_or) | dict.fromkeys(_PARTS, np.add)
    carried = folded_in(kept, changes, key=pl.col("member_no"), folds=folds)
    return carried.filter(pl.any_horizontal(pl.col(word) != 0 for word in _WORDS))


def words_of(active: pl.DataFrame) -> Words:
    """Take the words out of `count_active_days`: one row per member, six columns."""
    return np.ascontiguousarray(active.select(_WORDS).to_numpy()).view(np.uint64)


def _laid_out(by_step: pl.DataFrame, step: Whole, place: Whole, *, height: int) -> list[pl.Series]:
    """Put each step's bits into its word and its counts into the windows it lies in; `place` says which member is a row's."""
    words = np.zeros((height, WORDS), dtype=np.uint64)
    parts = {name: np.zeros(height, dtype=np.int32) for name in _PARTS}
    for number, start in enumerate(_STEPS):
        rows = by_step.filter(pl.Series(step == number))
        whose = place[step == number]
        words[whose, start // WORD_BITS] |= rows["bit"].to_numpy()
        for part in DAY_PARTS:
            for days in (days for days in LONG_WINDOWS_DAYS if start < days):
                parts[f"active.{part}_n_{days}d"][whose] += rows[f"n_{part}"].to_numpy()
    return [*_columns_of(words), *(pl.Series(name, counts) for name, counts in parts.items())]


def _columns_of(words: Words) -> list[pl.Series]:
    return [pl.Series(name, words[:, number].view(np.int64), dtype=pl.Int64) for number, name in enumerate(_WORDS)]
