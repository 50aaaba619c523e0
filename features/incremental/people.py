"""Distinct people that a member interacts with, and who interact with the member, counted from the ties.

Distinct people are counted by sorting: a tie becomes one packed key of pair, direction and age in days. Sorted, the newest tie
of each direction comes first and both directions of a pair are adjacent, so that one pass counts everything. This is several
times faster than grouping by pair, as a community has many more pairs than members.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.incremental.merging import merge_changes
from features.incremental.packed_keys import KeyPacking, Keys, run_starts, sorted_keys
from features.windows import LONGEST_WINDOW_DAYS, age_days, band_sums, window_sums

PEOPLE_WINDOWS_DAYS: Final = (28, 90, 365)
_GIVEN: Final = tuple(f"given.people_{days}d" for days in PEOPLE_WINDOWS_DAYS)
_RECEIVED: Final = tuple(f"received.people_{days}d" for days in PEOPLE_WINDOWS_DAYS)
_MUTUAL: Final = f"mutual.people_{LONGEST_WINDOW_DAYS}d"
# Measured: smaller slices cost more passes over the counts, larger ones do not fit into the processor's cache.
_TIES_AT_ONCE: Final = 2_000_000

Counts = npt.NDArray[np.int32]


def compute_people(ties: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Count interactions given, and the distinct people behind interactions given and received.

    One row per member_no with any tie in the last 365 days, given or received, sorted. Int32: `given.n_<w>d` interactions
    given, `given.people_<w>d` and `received.people_<w>d` distinct people, `mutual.people_365d` people with ties in both
    directions. Nothing is null.

    Args:
        ties: Rows of `History.ties`, none later than `as_of`.
        as_of: The last day of every window.

    Raises:
        AssertionError: A member_no is 2²⁷ (134 million) or more, so that the fields do not fit into 64 bits.
    """
    recent = ties.with_columns(age_days=age_days(as_of)).filter(pl.col("age_days") < LONGEST_WINDOW_DAYS)
    given_sums = recent.group_by("member_no").agg(*band_sums("n")).select("member_no", *window_sums("n"))
    interactions = given_sums.rename(lambda name: name.replace("n_", "given.n_", 1)).drop("given.n_lifetime")
    people = _people(recent)
    return people.join(interactions.collect(engine="streaming"), on="member_no", how="left", maintain_order="left").fill_null(0)


def update_people(
    previous: pl.DataFrame,
    ties: pl.LazyFrame,
    *,
    before: pl.LazyFrame,
    previous_as_of: date,
    as_of: date,
    moved: Collection[date],
    changed: Collection[date],
    recompute: pl.Series,
) -> pl.DataFrame:
    """Update the result of `compute_people` from an earlier night to a later one.

    Pairs without a tie on a moved or changed day count the same as before and are not read.

    Args:
        previous: The counts of the earlier night.
        ties: Rows of `History.ties` as they are now, none later than `as_of`.
        before: Rows of `History.ties` at the earlier night; only those of the days `changed` and of the members `recompute` are
            read.
        previous_as_of: The earlier night.
        as_of: The later night.
        moved: The days that entered or left a window.
        changed: Days whose ties may differ since then.
        recompute: Numbers of members whose ties may differ on any day.
    """
    ties_before, ties_now = _ties_of_affected_pairs(
        ties, before, previous_as_of=previous_as_of, moved=moved, changed=changed, recompute=recompute
    )
    counts = pl.exclude("member_no")
    changes = pl.concat(
        [
            compute_people(ties_before.filter(pl.col("event_date") <= previous_as_of), as_of=previous_as_of).with_columns(
                -counts
            ),
            compute_people(ties_now, as_of=as_of),
        ]
    )
    changes = changes.group_by("member_no").agg(counts.sum()).sort("member_no")
    folds = {name: np.add for name in previous.columns if name != "member_no"}
    updated = merge_changes(previous, changes.select(previous.columns), key=pl.col("member_no"), folds=folds)
    return updated.filter((pl.col(_GIVEN[-1]) > 0) | (pl.col(_RECEIVED[-1]) > 0))


def _ties_of_affected_pairs(
    ties: pl.LazyFrame,
    before: pl.LazyFrame,
    *,
    previous_as_of: date,
    moved: Collection[date],
    changed: Collection[date],
    recompute: pl.Series,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the ties of the pairs whose counts may differ, as they were and as they are now; arguments as in `update_people`."""
    may_differ = pl.col("event_date").is_in(sorted(changed))
    if not recompute.is_empty():
        may_differ |= pl.col("member_no").is_in(recompute.implode()) | pl.col("other_no").is_in(recompute.implode())
    ties_before, ties_now = (rows.filter(may_differ).with_columns(_pair()).collect(engine="streaming") for rows in (before, ties))
    day = pl.col("event_date")
    unchanged = ties.filter(~may_differ, day > previous_as_of - timedelta(days=LONGEST_WINDOW_DAYS))
    unchanged_on_moved_days = unchanged.filter(day.is_in(sorted(moved))).select(_pair()).collect(engine="streaming")
    pairs = pl.concat([rows.select("pair") for rows in (ties_before, ties_now, unchanged_on_moved_days)]).unique()
    # A distinct count cannot be updated by the moved days alone: all of the year's ties of the affected pairs are needed.
    unchanged_of_pairs = unchanged.with_columns(_pair()).join(pairs.lazy(), on="pair", how="semi").collect(engine="streaming")
    return pl.concat([unchanged_of_pairs, ties_before]).lazy(), pl.concat([unchanged_of_pairs, ties_now]).lazy()


def _pair() -> pl.Expr:
    """Return an integer that identifies the two members of a tie, the same for both directions."""
    giver, taker = pl.col("member_no"), pl.col("other_no")
    smaller = pl.min_horizontal(giver, taker).cast(pl.Int64)
    return (smaller * 2**32 + pl.max_horizontal(giver, taker)).alias("pair")


def _people(ties: pl.LazyFrame) -> pl.DataFrame:
    """Count distinct people: one row per member_no with a tie, sorted; people given to, received from, and both."""
    largest = pl.max_horizontal(pl.col("member_no").max(), pl.col("other_no").max())
    height = (ties.select(largest).collect(engine="streaming").item() or 0) + 1
    packing = KeyPacking.for_largest(smaller=height - 1, larger=height - 1, by_larger=1, age_days=LONGEST_WINDOW_DAYS)
    giver, taker = pl.col("member_no"), pl.col("other_no")
    key = packing.pack(
        smaller=pl.min_horizontal(giver, taker),
        larger=pl.max_horizontal(giver, taker),
        by_larger=giver > taker,
        age_days=pl.col("age_days"),
    )
    counts = {name: np.zeros(height, dtype=np.int32) for name in (*_GIVEN, *_RECEIVED, _MUTUAL)}
    for slice_of_keys in _slices(sorted_keys(ties, key), packing):
        _count(slice_of_keys, packing, counts)
    any_tie = (counts[_GIVEN[-1]] > 0) | (counts[_RECEIVED[-1]] > 0)
    member_no = np.flatnonzero(any_tie).astype(np.int32)
    return pl.DataFrame({"member_no": member_no} | {name: column[any_tie] for name, column in counts.items()})


def _slices(keys: Keys, packing: KeyPacking) -> Iterator[Keys]:
    """Yield the sorted keys in slices of about `_TIES_AT_ONCE`, never dividing the keys of one pair."""
    begin = 0
    while begin < len(keys):
        end = packing.end_of_group(keys, min(begin + _TIES_AT_ONCE, len(keys)) - 1, "larger")
        yield keys[begin:end]
        begin = end


def _count(keys: Keys, packing: KeyPacking, counts: dict[str, Counts]) -> None:
    # Within a pair and direction keys are sorted by age, so the first key of a run is the newest tie: whether it lies within a
    # window decides whether the person counts in it.
    newest = keys[run_starts(packing.prefix(keys, "by_larger"))]
    smaller, larger = packing.field(newest, "smaller"), packing.field(newest, "larger")
    by_larger, age = packing.field(newest, "by_larger") == 1, packing.field(newest, "age_days")
    giver, taker = np.where(by_larger, larger, smaller), np.where(by_larger, smaller, larger)
    for days, given_name, received_name in zip(PEOPLE_WINDOWS_DAYS, _GIVEN, _RECEIVED, strict=True):
        within = age < days
        _add(counts[given_name], giver[within])
        _add(counts[received_name], taker[within])
    # A pair occurs at most twice in `newest`, once per direction: an equal neighbour means both directions exist.
    both_ways = np.flatnonzero(np.diff(packing.prefix(newest, "larger")) == 0)
    _add(counts[_MUTUAL], smaller[both_ways])
    _add(counts[_MUTUAL], larger[both_ways])


def _add(counts: Counts, members: npt.NDArray[np.int64]) -> None:
    counts += np.bincount(members, minlength=len(counts)).astype(np.int32)
