"""Whom a member reaches and who reaches back, from the ties.

Different people are counted by sorting: a day's tie becomes one number, whose bits are the pair, the direction and the age in
days. Sorted, the newest tie of each direction comes first and both directions of a pair lie side by side, so that one pass
counts everything; several times faster than grouping by pairs, of which a community has more than members.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.history import SeenHistory
from features.windows import LONGEST_WINDOW_DAYS, age_days, band_sums, window_sums

PEOPLE_WINDOWS_DAYS: Final = (28, 90, 365)
_GIVEN: Final = tuple(f"given.people_{days}d" for days in PEOPLE_WINDOWS_DAYS)
_RECEIVED: Final = tuple(f"received.people_{days}d" for days in PEOPLE_WINDOWS_DAYS)
_MUTUAL: Final = f"mutual.people_{LONGEST_WINDOW_DAYS}d"
# A tie as a number, from its highest bits: the smaller member_no, the larger, whether the larger gave, the age in days.
_AGE_BITS: Final = 9
_MEMBER_BITS: Final = 27
_DIRECTION: Final = _AGE_BITS
_LARGER: Final = _DIRECTION + 1
_SMALLER: Final = _LARGER + _MEMBER_BITS
# Measured: fewer cost more passes over the counts, more leave the processor's cache.
_TIES_AT_ONCE: Final = 2_000_000

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int32]


def member_people(seen: SeenHistory) -> pl.DataFrame:
    """Count interactions given and the different people behind those given and received.

    One row per member_no with any tie in the last 365 days, given or received, sorted. Int32: `given.n_<w>d` interactions
    given, `given.people_<w>d` and `received.people_<w>d` different people, `mutual.people_365d` people with ties both ways.

    Raises:
        AssertionError: A member_no of 2²⁷ (134 million) or more.
    """
    ties = seen.ties.with_columns(age_days=age_days(seen.as_of)).filter(pl.col("age_days") < LONGEST_WINDOW_DAYS)
    largest = (
        ties.select(pl.max_horizontal(pl.col("member_no").max(), pl.col("other_no").max())).collect(engine="streaming").item()
    )
    assert (largest or 0) < 2**_MEMBER_BITS, f"people are counted for fewer than 134 million members, not {largest:,}"
    keys = ties.select(_key()).collect(engine="streaming").to_series().to_numpy(writable=True)
    keys.sort()
    people = _people(keys)
    given = ties.group_by("member_no").agg(*band_sums("n")).select("member_no", *window_sums("n"))
    interactions = given.rename(lambda name: name.replace("n_", "given.n_", 1)).drop("given.n_lifetime")
    return people.join(interactions.collect(engine="streaming"), on="member_no", how="left", maintain_order="left").fill_null(0)


def _key() -> pl.Expr:
    giver, taker = pl.col("member_no").cast(pl.UInt64), pl.col("other_no").cast(pl.UInt64)
    smaller, larger = pl.min_horizontal(giver, taker), pl.max_horizontal(giver, taker)
    by_larger = (giver > taker).cast(pl.UInt64)
    return smaller * 2**_SMALLER + larger * 2**_LARGER + by_larger * 2**_DIRECTION + pl.col("age_days").cast(pl.UInt64)


def _people(keys: Keys) -> pl.DataFrame:
    """One row per member_no in the sorted `keys`, sorted: different people given to, received from, and both."""
    height = int(_bits(keys, _LARGER, _MEMBER_BITS).max()) + 1 if len(keys) else 0
    counts = {name: np.zeros(height, dtype=np.int32) for name in (*_GIVEN, *_RECEIVED, _MUTUAL)}
    for some in _slices(keys):
        _count(some, counts)
    any_tie = (counts[_GIVEN[-1]] > 0) | (counts[_RECEIVED[-1]] > 0)
    member_no = np.flatnonzero(any_tie).astype(np.int32)
    return pl.DataFrame({"member_no": member_no} | {name: column[any_tie] for name, column in counts.items()})


def _slices(keys: Keys) -> Iterator[Keys]:
    """Cut the sorted keys between pairs."""
    begin = 0
    while begin < len(keys):
        end = min(begin + _TIES_AT_ONCE, len(keys))
        next_pair = ((keys[end - 1] >> np.uint64(_LARGER)) + np.uint64(1)) << np.uint64(_LARGER)
        end = int(np.searchsorted(keys, next_pair))
        yield keys[begin:end]
        begin = end


def _count(keys: Keys, counts: dict[str, Counts]) -> None:
    directed = keys >> np.uint64(_DIRECTION)
    newest = keys[np.flatnonzero(np.diff(directed, prepend=~directed[:1]))]
    smaller, larger = _bits(newest, _SMALLER, _MEMBER_BITS), _bits(newest, _LARGER, _MEMBER_BITS)
    by_larger, age = _bits(newest, _DIRECTION, 1) == 1, _bits(newest, 0, _AGE_BITS)
    giver, taker = np.where(by_larger, larger, smaller), np.where(by_larger, smaller, larger)
    for days, given, received in zip(PEOPLE_WINDOWS_DAYS, _GIVEN, _RECEIVED, strict=True):
        within = age < days
        _add(counts[given], giver[within])
        _add(counts[received], taker[within])
    both_ways = np.flatnonzero(np.diff(newest >> np.uint64(_LARGER)) == 0)
    _add(counts[_MUTUAL], smaller[both_ways])
    _add(counts[_MUTUAL], larger[both_ways])


def _add(counts: Counts, members: npt.NDArray[np.int64]) -> None:
    counts += np.bincount(members, minlength=len(counts)).astype(np.int32)


def _bits(keys: Keys, lowest: int, width: int) -> npt.NDArray[np.int64]:
    return ((keys >> np.uint64(lowest)) & np.uint64(2**width - 1)).astype(np.int64)
