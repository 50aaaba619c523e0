"""Whom a member reaches and who reaches back, from the ties.

Different people are counted by sorting: a day's tie becomes one number, whose bits are the pair, the direction and the age in
days. Sorted, the newest tie of each direction comes first and both directions of a pair lie side by side, so that one pass
counts everything; several times faster than grouping by pairs, of which a community has more than members.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.incremental.merging import merged
from features.incremental.packed_keys import KeyPacking, Keys, run_starts, sorted_keys
from features.windows import LONGEST_WINDOW_DAYS, age_days, band_sums, window_sums

PEOPLE_WINDOWS_DAYS: Final = (28, 90, 365)
_GIVEN: Final = tuple(f"given.people_{days}d" for days in PEOPLE_WINDOWS_DAYS)
_RECEIVED: Final = tuple(f"received.people_{days}d" for days in PEOPLE_WINDOWS_DAYS)
_MUTUAL: Final = f"mutual.people_{LONGEST_WINDOW_DAYS}d"
# Measured: fewer cost more passes over the counts, more leave the processor's cache.
_TIES_AT_ONCE: Final = 2_000_000

Counts = npt.NDArray[np.int32]


def compute_people(ties: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Count interactions given and the different people behind those given and received.

    One row per member_no with any tie in the last 365 days, given or received, sorted. Int32: `given.n_<w>d` interactions
    given, `given.people_<w>d` and `received.people_<w>d` different people, `mutual.people_365d` people with ties both ways.

    Args:
        ties: Rows of `History.ties`, none later than `as_of`.
        as_of: The last day of every window.

    Raises:
        AssertionError: A member_no of 2²⁷ (134 million) or more.
    """
    recent = ties.with_columns(age_days=age_days(as_of)).filter(pl.col("age_days") < LONGEST_WINDOW_DAYS)
    given = recent.group_by("member_no").agg(*band_sums("n")).select("member_no", *window_sums("n"))
    interactions = given.rename(lambda name: name.replace("n_", "given.n_", 1)).drop("given.n_lifetime")
    people = _people(recent)
    return people.join(interactions.collect(engine="streaming"), on="member_no", how="left", maintain_order="left").fill_null(0)


def update_people(
    held: pl.DataFrame,
    ties: pl.LazyFrame,
    *,
    before: pl.LazyFrame,
    held_as_of: date,
    as_of: date,
    moved: Collection[date],
    changed: Collection[date],
    anew: pl.Series,
) -> pl.DataFrame:
    """Carry `compute_people` to a later night: pairs that met on no day that moved or changed stay what they were.

    Args:
        held: The counts of the earlier night.
        ties: Rows of `History.ties` as they are now, none later than `as_of`.
        before: The same as they were; only the days `changed`, and the ties of `anew`, are read.
        held_as_of: The earlier night.
        as_of: The later night.
        moved: The days that entered or left a window.
        changed: Days whose ties may differ since then.
        anew: Numbers of members whose ties may differ on any day.
    """
    apart = pl.col("event_date").is_in(sorted(changed))
    if not anew.is_empty():
        apart |= pl.col("member_no").is_in(anew.implode()) | pl.col("other_no").is_in(anew.implode())
    was, now = (rows.filter(apart).with_columns(_pair()).collect(engine="streaming") for rows in (before, ties))
    day = pl.col("event_date")
    alike = ties.filter(~apart, day > held_as_of - timedelta(days=LONGEST_WINDOW_DAYS))
    moving = alike.filter(day.is_in(sorted(moved))).select(_pair()).collect(engine="streaming")
    met = pl.concat([rows.select("pair") for rows in (was, now, moving)]).unique()
    theirs = alike.with_columns(_pair()).join(met.lazy(), on="pair", how="semi").collect(engine="streaming")
    then = pl.concat([theirs, was]).lazy().filter(day <= held_as_of)
    counts = pl.exclude("member_no")
    changes = pl.concat(
        [
            compute_people(then, as_of=held_as_of).with_columns(-counts),
            compute_people(pl.concat([theirs, now]).lazy(), as_of=as_of),
        ]
    )
    changes = changes.group_by("member_no").agg(counts.sum()).sort("member_no")
    folds = {name: np.add for name in held.columns if name != "member_no"}
    carried = merged(held, changes.select(held.columns), key=pl.col("member_no"), folds=folds)
    return carried.filter((pl.col(_GIVEN[-1]) > 0) | (pl.col(_RECEIVED[-1]) > 0))


def _pair() -> pl.Expr:
    """A number for the two members of a tie, whoever gives."""
    giver, taker = pl.col("member_no"), pl.col("other_no")
    smaller = pl.min_horizontal(giver, taker).cast(pl.Int64)
    return (smaller * 2**32 + pl.max_horizontal(giver, taker)).alias("pair")


def _people(ties: pl.LazyFrame) -> pl.DataFrame:
    """One row per member_no with a tie, sorted: different people given to, received from, and both."""
    largest = pl.max_horizontal(pl.col("member_no").max(), pl.col("other_no").max())
    height = (ties.select(largest).collect(engine="streaming").item() or 0) + 1
    packing = KeyPacking.up_to(smaller=height - 1, larger=height - 1, by_larger=1, age_days=LONGEST_WINDOW_DAYS)
    giver, taker = pl.col("member_no"), pl.col("other_no")
    key = packing.pack(
        smaller=pl.min_horizontal(giver, taker),
        larger=pl.max_horizontal(giver, taker),
        by_larger=giver > taker,
        age_days=pl.col("age_days"),
    )
    counts = {name: np.zeros(height, dtype=np.int32) for name in (*_GIVEN, *_RECEIVED, _MUTUAL)}
    for some in _slices(sorted_keys(ties, key), packing):
        _count(some, packing, counts)
    any_tie = (counts[_GIVEN[-1]] > 0) | (counts[_RECEIVED[-1]] > 0)
    member_no = np.flatnonzero(any_tie).astype(np.int32)
    return pl.DataFrame({"member_no": member_no} | {name: column[any_tie] for name, column in counts.items()})


def _slices(keys: Keys, packing: KeyPacking) -> Iterator[Keys]:
    """Cut the sorted keys between pairs."""
    begin = 0
    while begin < len(keys):
        end = packing.first_not_below(keys, min(begin + _TIES_AT_ONCE, len(keys)) - 1, "larger")
        yield keys[begin:end]
        begin = end


def _count(keys: Keys, packing: KeyPacking, counts: dict[str, Counts]) -> None:
    newest = keys[run_starts(packing.down_to(keys, "by_larger"))]
    smaller, larger = packing.field(newest, "smaller"), packing.field(newest, "larger")
    by_larger, age = packing.field(newest, "by_larger") == 1, packing.field(newest, "age_days")
    giver, taker = np.where(by_larger, larger, smaller), np.where(by_larger, smaller, larger)
    for days, given, received in zip(PEOPLE_WINDOWS_DAYS, _GIVEN, _RECEIVED, strict=True):
        within = age < days
        _add(counts[given], giver[within])
        _add(counts[received], taker[within])
    both_ways = np.flatnonzero(np.diff(packing.down_to(newest, "larger")) == 0)
    _add(counts[_MUTUAL], smaller[both_ways])
    _add(counts[_MUTUAL], larger[both_ways])


def _add(counts: Counts, members: npt.NDArray[np.int64]) -> None:
    counts += np.bincount(members, minlength=len(counts)).astype(np.int32)
