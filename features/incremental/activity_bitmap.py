"""Activity bitmaps: a member's last 365 days as the bits of six 64-bit words.

Bit b of word w stands for the day of age 64 w + b: bit 0 of word 0 is `as_of`, bit 1 the day before. Counting days is counting
bits under a mask, and moving to a later night is a shift.
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


def day_mask(ages_days: Collection[int]) -> Words:
    """Return one row of words in which the bits of these ages, 0 to 364 days, are set."""
    mask = np.zeros(WORDS, dtype=np.uint64)
    for age in ages_days:
        mask[age // WORD_BITS] |= np.uint64(1) << np.uint64(age % WORD_BITS)
    return mask


def shift_older(words: Words, days: int) -> Words:
    """Make every day older by `days`: shift towards higher bits. Days beyond the last word are dropped.

    Days of age 365 to 383 still fit into the last word; callers that do not want them apply a mask.
    """
    whole_words, rest = divmod(days, WORD_BITS)
    shifted = np.zeros_like(words)
    shifted[:, whole_words:] = words[:, : WORDS - whole_words] << np.uint64(rest)
    # NumPy does not define a shift by the full width of 64 bits, which `rest` 0 would ask for here.
    if rest:
        shifted[:, whole_words + 1 :] |= words[:, : WORDS - whole_words - 1] >> np.uint64(WORD_BITS - rest)
    return shifted


def shift_younger(words: Words, days: int) -> Words:
    """Make every day younger by `days`: shift towards lower bits. Days that would lie after `as_of` are dropped.

    Raises:
        AssertionError: `days` is not within 1 to 63; no caller needs a longer shift.
    """
    assert 0 < days < WORD_BITS, f"days {days}: not within a word"
    shifted = words >> np.uint64(days)
    shifted[:, :-1] |= words[:, 1:] << np.uint64(WORD_BITS - days)
    return shifted


def count_days(words: Words, ages_days: Collection[int]) -> npt.NDArray[np.int32]:
    """Count each member's active days among these ages: one Int32 per row of `words`."""
    mask = day_mask(ages_days)
    # A short window lies in one or two of the six words; reading only those is several times faster.
    used_words = np.flatnonzero(mask)
    counted: npt.NDArray[np.int32] = np.bitwise_count(words[:, used_words] & mask[used_words]).sum(axis=1, dtype=np.int32)
    return counted


def unpack_bits(words: Words) -> Bits:
    """Unpack words into booleans: one row per member, one column per age in days, 0 to 364."""
    # The bytes of a word must lie lowest first on every machine for `bitorder="little"` to give ages in order.
    little_endian = np.ascontiguousarray(words.astype("<u8", copy=False))
    bits = np.unpackbits(little_endian.view(np.uint8), axis=1, bitorder="little", count=LONGEST_WINDOW_DAYS)
    return bits.view(np.bool_)
