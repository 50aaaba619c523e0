"""Several small whole numbers in one, so that rows are grouped by sorting plain numbers.

Sorting 64-bit numbers is what processors do best; grouping by several columns, some of them text, costs many times as much
where nearly every row is a group of its own.
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
    """How fields lie in a key: the first in its highest bits, so that keys sort by the first field, then the next.

    Args:
        widths: Field → its bits, highest first.
    """

    widths: dict[str, int]

    @classmethod
    def up_to(cls, **largest: int) -> KeyPacking:
        """A packing for fields from 0 to their largest value.

        Raises:
            AssertionError: They do not fit into 64 bits.
        """
        packing = cls({name: max(int(value).bit_length(), 1) for name, value in largest.items()})
        assert sum(packing.widths.values()) <= _BITS, f"{largest} do not fit into {_BITS} bits"
        return packing

    def pack(self, **fields: pl.Expr) -> pl.Expr:
        """Make keys of fields without nulls, each within its width."""
        key: pl.Expr = reduce(add, (fields[name].cast(pl.UInt64) * 2 ** self._lowest(name) for name in self.widths))
        return key

    def field(self, keys: Keys, name: str) -> npt.NDArray[np.int64]:
        """Take a field out of keys."""
        return ((keys >> np.uint64(self._lowest(name))) & np.uint64(2 ** self.widths[name] - 1)).astype(np.int64)

    def down_to(self, keys: Keys, name: str) -> Keys:
        """Keep the fields from the first to `name`: a smaller key of the same order."""
        return keys >> np.uint64(self._lowest(name))

    def first_not_below(self, keys: Keys, position: int, name: str) -> int:
        """The first position in sorted keys whose fields down to `name` are beyond those at `position`."""
        beyond = (self.down_to(keys[position], name) + np.uint64(1)) << np.uint64(self._lowest(name))
        return int(np.searchsorted(keys, beyond)) if beyond else len(keys)

    def _lowest(self, name: str) -> int:
        names = list(self.widths)
        return sum(self.widths[after] for after in names[names.index(name) + 1 :])


def sorted_keys(frame: pl.LazyFrame, key: pl.Expr) -> Keys:
    """Collect keys and sort them."""
    keys: Keys = frame.select(key).collect(engine="streaming").to_series().to_numpy(writable=True)
    keys.sort()
    return keys


def run_starts(keys: Keys) -> npt.NDArray[np.int64]:
    """Where each run of equal numbers begins in sorted keys."""
    return np.flatnonzero(np.diff(keys, prepend=~keys[:1])).astype(np.int64, copy=False)
