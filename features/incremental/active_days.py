"""The active days of each member in the last 365 days, one bit per day, and their activity by part of the day.

`features.incremental.activity_bitmap` defines the bit layout; `features.incremental.active_day_rhythm` computes features from it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from features.history import is_activity
from features.incremental.activity_bitmap import WORD_BITS, WORDS, Words, day_mask, shift_older
from features.incremental.merging import merge_changes
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, age_days

DAY_PARTS: Final = ("night", "morning", "afternoon", "evening")
# A stretch of ages ends where a word or a window ends: at 64, 90, 128, 192, 256, 320 and 365 days.
_STRETCHES: Final = WORDS + len(LONG_WINDOWS_DAYS) - 1
_WORDS: Final = tuple(f"days_{number}" for number in range(WORDS))
_PARTS: Final = tuple(f"active.{part}_n_{days}d" for part in DAY_PARTS for days in LONG_WINDOWS_DAYS)


def compute_active_days(daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Compute the activity bitmaps of the last 365 days.

    One row per member_no active on one of them, sorted: `days_0` … `days_5` (Int64, as Delta Lake has no unsigned integers),
    the words of the bitmap, and `active.<part>_n_<w>d` (Int32), the number of activities in each part of the day. Nothing is
    null.

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
    previous: pl.DataFrame,
    rows_before: pl.DataFrame,
    rows_now: pl.DataFrame,
    *,
    previous_as_of: date,
    as_of: date,
    changed: Collection[date],
) -> pl.DataFrame:
    """Update the result of `compute_active_days` from an earlier night to a later one.

    Args:
        previous: The active days of the earlier night.
        rows_before: Every row of the moved days as the earlier night saw them.
        rows_now: Every row of the moved days as the later night sees them.
        previous_as_of: The earlier night.
        as_of: The later night.
        changed: Days whose bits are cleared first and then set from `rows_now` alone.
    """
    nights = (as_of - previous_as_of).days
    ages = [age for day in changed if 0 <= (age := (as_of - day).days) < LONGEST_WINDOW_DAYS]
    shifted = previous.with_columns(
        _word_columns(shift_older(activity_bitmaps(previous), nights) & ~day_mask(ages) & day_mask(range(LONGEST_WINDOW_DAYS)))
    )
    parts = pl.col(_PARTS)
    # The counts of the rows before are subtracted. Their bits are not needed: a day that only moves between windows is in
    # `rows_now` too, which sets its bit again, and bits of changed days were cleared above.
    subtracted = compute_active_days(rows_before.lazy(), as_of=previous_as_of).select(
        "member_no", *(pl.lit(0, dtype=pl.Int64).alias(word) for word in _WORDS), -parts
    )
    changes = (
        pl.concat([subtracted, compute_active_days(rows_now.lazy(), as_of=as_of)])
        .group_by("member_no")
        .agg(pl.col(_WORDS).bitwise_or(), parts.sum())
        .sort("member_no")
    )
    folds = dict.fromkeys(_WORDS, np.bitwise_or) | dict.fromkeys(_PARTS, np.add)
    updated = merge_changes(shifted, changes, key=pl.col("member_no"), folds=folds)
    return updated.filter(pl.any_horizontal(pl.col(word) != 0 for word in _WORDS))


def activity_bitmaps(active: pl.DataFrame) -> Words:
    """Return the words of `compute_active_days` as an array of one row per member and six columns."""
    # A view of the same 64 bits: a cast in Polars would fail for words whose highest bit is set, which are negative as Int64.
    return np.ascontiguousarray(active.select(_WORDS).to_numpy()).view(np.uint64)


def _by_stretch(recent: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row per member_no and stretch of ages: member_no, age_days, bit, and the counts of each part of the day.

    A stretch lies within one word and within the same windows, so that any of its ages, here the smallest, represents all.
    """
    # Choosing word and window per stretch, after this grouping, costs half as much as choosing them for every row.
    age, parts = pl.col("age_days"), [f"n_{part}" for part in DAY_PARTS]
    stretch = sum((age >= days for days in LONG_WINDOWS_DAYS[:-1]), age // WORD_BITS)
    key = pl.col("member_no").cast(pl.Int64) * _STRETCHES + stretch
    # Polars expressions have no shift operator.
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


def _word_columns(words: Words) -> list[pl.Series]:
    return [pl.Series(name, words[:, number].view(np.int64), dtype=pl.Int64) for number, name in enumerate(_WORDS)]
