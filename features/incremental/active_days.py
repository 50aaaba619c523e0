"""Which of the last 365 days a member was active on, a bit a day, and at what hours.

How days lie in bits is in `features.incremental.activity_bitmap`; what the features say of them is in
`features.incremental.active_day_rhythm`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from features.history import is_activity
from features.incremental.activity_bitmap import WORD_BITS, WORDS, Words, mask_of, older
from features.incremental.merging import merged
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, age_days

DAY_PARTS: Final = ("night", "morning", "afternoon", "evening")
# A stretch ends where a word or a window does.
_STRETCHES: Final = WORDS + len(LONG_WINDOWS_DAYS) - 1
_WORDS: Final = tuple(f"days_{number}" for number in range(WORDS))
_PARTS: Final = tuple(f"active.{part}_n_{days}d" for part in DAY_PARTS for days in LONG_WINDOWS_DAYS)


def compute_active_days(daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Mark the active days of the last 365 days.

    One row per member_no active on one of them, sorted: `days_0` … `days_5` (Int64, as Delta Lake has no unsigned numbers), of
    which bit b of word w stands for the day of age 64 w + b, and `active.<part>_n_<w>d` (Int32), what was done in each part of
    the day. Nothing is null.

    Args:
        daily: Rows of `History.daily`, none later than `as_of`.
        as_of: The day of age 0.
    """
    recent = daily.with_columns(age_days=age_days(as_of)).filter(is_activity(), pl.col("age_days") < LONGEST_WINDOW_DAYS)
    return (
        _by_stretch(recent)
        .group_by("member_no")
        .agg(*(_word(number) for number in range(len(_WORDS))), *_part_sums())
        .sort("member_no")
        .collect(engine="streaming")
    )


def update_active_days(
    held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame, *, held_as_of: date, as_of: date, changed: Collection[date]
) -> pl.DataFrame:
    """Carry `compute_active_days` to a later night; arguments as in `features.incremental.window_sums.update_sums`.

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
    kept = held.with_columns(_columns_of(older(bitmaps_of(held), nights) & ~mask_of(ages) & mask_of(range(LONGEST_WINDOW_DAYS))))
    parts = pl.col(_PARTS)
    # A day that left or entered a window without leaving the year is in both, and its bit is set again to what it was.
    taken_off = compute_active_days(was.lazy(), as_of=held_as_of).select(
        "member_no", *(pl.lit(0, dtype=pl.Int64).alias(word) for word in _WORDS), -parts
    )
    changes = (
        pl.concat([taken_off, compute_active_days(now.lazy(), as_of=as_of)])
        .group_by("member_no")
        .agg(pl.col(_WORDS).bitwise_or(), parts.sum())
        .sort("member_no")
    )
    folds = dict.fromkeys(_WORDS, np.bitwise_or) | dict.fromkeys(_PARTS, np.add)
    carried = merged(kept, changes, key=pl.col("member_no"), folds=folds)
    return carried.filter(pl.any_horizontal(pl.col(word) != 0 for word in _WORDS))


def bitmaps_of(active: pl.DataFrame) -> Words:
    """Take the words out of `compute_active_days`: one row per member, six columns."""
    return np.ascontiguousarray(active.select(_WORDS).to_numpy()).view(np.uint64)


def _by_stretch(recent: pl.LazyFrame) -> pl.LazyFrame:
    """One row per member_no and stretch of days: member_no, age_days, bit, and what was done in each part of the day.

    A stretch lies within one word and within the same windows, so that any of its ages, here the smallest, stands for all.
    """
    # A row is looked at once here; choosing a word and a window of every row costs twice as much as of every stretch.
    age, parts = pl.col("age_days"), [f"n_{part}" for part in DAY_PARTS]
    stretch = sum((age >= days for days in LONG_WINDOWS_DAYS[:-1]), age // WORD_BITS)
    key = pl.col("member_no").cast(pl.Int64) * _STRETCHES + stretch
    bit = pl.lit(2, dtype=pl.UInt64).pow(age % WORD_BITS)
    return (
        recent.select(age, *parts, key=key, bit=bit)
        .group_by("key")
        .agg(age.min(), pl.col("bit").bitwise_or(), pl.col(parts).sum())
        .with_columns(member_no=(pl.col("key") // _STRETCHES).cast(pl.Int32))
    )


def _word(number: int) -> pl.Expr:
    in_word = pl.col("age_days") // WORD_BITS == number
    return (
        pl.when(in_word)
        .then(pl.col("bit"))
        .otherwise(pl.lit(0, dtype=pl.UInt64))
        .bitwise_or()
        .reinterpret(signed=True)
        .alias(_WORDS[number])
    )


def _part_sums() -> list[pl.Expr]:
    return [
        pl.when(pl.col("age_days") < days).then(pl.col(f"n_{part}")).otherwise(0).sum().alias(f"active.{part}_n_{days}d")
        for part in DAY_PARTS
        for days in LONG_WINDOWS_DAYS
    ]


def _columns_of(words: Words) -> list[pl.Series]:
    return [pl.Series(name, words[:, number].view(np.int64), dtype=pl.Int64) for number, name in enumerate(_WORDS)]
