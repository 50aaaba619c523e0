"""A member's last 365 days as bits of six 64-bit words: bit 0 is `as_of`, bit 1 the day before, and so on.

Counting days is then counting bits under a mask, and another night is a shift.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt

from features.windows import LONGEST_WINDOW_DAYS

WORD_BITS: Final = 64
WORDS: Final = -(-LONGEST_WINDOW_DAYS // WORD_BITS)

Words = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.bool_]


def mask_of(ages_days: Collection[int]) -> Words:
    """Set the bits of these ages, 0 to 364: one row of words."""
    mask = np.zeros(WORDS, dtype=np.uint64)
    for age in ages_days:
        mask[age // WORD_BITS] |= np.uint64(1) << np.uint64(age % WORD_BITS)
    return mask


def older(words: Words, days: int) -> Words:
    """Make every day older by so many days; beyond the last word they are forgotten."""
    whole, rest = divmod(days, WORD_BITS)
    moved = np.zeros_like(words)
    moved[:, whole:] = words[:, : WORDS - whole] << np.uint64(rest)
    if rest:
        moved[:, whole + 1 :] |= words[:, : WORDS - whole - 1] >> np.uint64(WORD_BITS - rest)
    return moved


def younger(words: Words, days: int) -> Words:
    """Make every day younger by so many days, fewer than a word has; those that would lie after `as_of` are forgotten."""
    assert 0 < days < WORD_BITS, f"days {days}: not within a word"
    moved = words >> np.uint64(days)
    moved[:, :-1] |= words[:, 1:] << np.uint64(WORD_BITS - days)
    return moved


def days_in(words: Words, ages_days: Collection[int]) -> npt.NDArray[np.int32]:
    """Count each member's days among these ages."""
    mask = mask_of(ages_days)
    # Words without any of these days need not be looked at.
    some = np.flatnonzero(mask)
    counted: npt.NDArray[np.int32] = np.bitwise_count(words[:, some] & mask[some]).sum(axis=1, dtype=np.int32)
    return counted


def bits_of(words: Words) -> Bits:
    """Unpack words: one row per member, one column per age in days, 0 to 364."""
    little_endian = np.ascontiguousarray(words.astype("<u8", copy=False))
    bits = np.unpackbits(little_endian.view(np.uint8), axis=1, bitorder="little", count=LONGEST_WINDOW_DAYS)
    return bits.view(np.bool_)
