"""Packed keys: several small integers in one 64-bit integer, so that rows are grouped by sorting one array.

Where nearly every row is a group of its own, sorting 64-bit integers is many times faster than grouping by several columns, some
of them text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt
import polars as pl

Keys = npt.NDArray[np.uint64]
_BITS: int = 64


@dataclass(frozen=True)
class KeyPacking:
    """The layout of the fields in a key: the first in the highest bits, so that keys sort by the first field, then the next.

    Args:
        widths: Field → its number of bits, highest field first.
    """

    widths: dict[str, int]

    @classmethod
    def for_largest(cls, **largest: int) -> KeyPacking:
        """Return a packing for fields with values from 0 to their largest value, in the order of the arguments.

        Raises:
            AssertionError: The fields do not fit into 64 bits.
        """
        packing = cls({name: max(int(value).bit_length(), 1) for name, value in largest.items()})
        assert sum(packing.widths.values()) <= _BITS, f"{largest} do not fit into {_BITS} bits"
        return packing

    def pack(self, **fields: pl.Expr) -> pl.Expr:
        """Return the key of each row; every field is without nulls and within its width."""
        # Multiplying and adding are shift and OR here, as fields do not overlap; Polars expressions have no shift operator.
        key: pl.Expr = reduce(add, (fields[name].cast(pl.UInt64) * 2 ** self._lowest_bit(name) for name in self.widths))
        return key

    def field(self, keys: Keys, name: str) -> npt.NDArray[np.int64]:
        """Return the values of one field."""
        return ((keys >> np.uint64(self._lowest_bit(name))) & np.uint64(2 ** self.widths[name] - 1)).astype(np.int64)

    def prefix(self, keys: Keys, name: str) -> Keys:
        """Return only the fields from the first to `name`, shifted to the lowest bits: a smaller key of the same order."""
        return keys >> np.uint64(self._lowest_bit(name))

    def end_of_group(self, keys: Keys, position: int, name: str) -> int:
        """Return the position after the last key of a group: those that are equal in the fields down to `name`.

        Args:
            keys: Sorted keys.
            position: The position of any key of the group.
            name: The last field that is compared.
        """
        # The smallest key of the next group. It overflows to 0 where the last group has all bits set: nothing follows that.
        next_group = (self.prefix(keys[position], name) + np.uint64(1)) << np.uint64(self._lowest_bit(name))
        return int(np.searchsorted(keys, next_group)) if next_group else len(keys)

    def _lowest_bit(self, name: str) -> int:
        names = list(self.widths)
        return sum(self.widths[after] for after in names[names.index(name) + 1 :])


def sorted_keys(frame: pl.LazyFrame, key: pl.Expr) -> Keys:
    """Collect keys as an array and sort it in place."""
    keys: Keys = frame.select(key).collect(engine="streaming").to_series().to_numpy(writable=True)
    keys.sort()
    return keys


def run_starts(keys: Keys) -> npt.NDArray[np.int64]:
    """Return the positions at which runs of equal values begin in sorted keys."""
    # The complement of the first key differs from it, so position 0 always begins a run, also where the first key is 0.
    return np.flatnonzero(np.diff(keys, prepend=~keys[:1])).astype(np.int64, copy=False)
