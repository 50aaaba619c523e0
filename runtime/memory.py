"""How much is worked on at once, so that a run stays within the memory it was given.

The shares are measured: with the default of 4 GiB a night of 500,000 members and the first load of 50 million events at once stay
below it (docs/benchmarks.md, docs/operations.md). What a night keeps of every member, some 3 kB of totals, features and lists, is
in that and is what `[scale] engine = "dask"` spreads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, ByteSize, TypeAdapter, ValidationError

DEFAULT_MAX_MEMORY: Final = "4GiB"
_DEFAULT_BYTES: Final = 4 * 2**30
# Less was written without its unit.
_LEAST_BYTES: Final = 64 * 2**10
_SIZE: Final = TypeAdapter(ByteSize)


def read_size(written: str) -> int:
    """Read a size such as `4GiB`, `1536MiB` or `4 GB` as bytes.

    Raises:
        ValueError: It is no size, or too small to be meant.
    """
    try:
        size = int(_SIZE.validate_python(written))
    except ValidationError:
        size = 0
    if size < _LEAST_BYTES:
        raise ValueError(f"{written!r} is not a size of memory, such as 4GiB or 1536MiB")
    return size


def _readable(written: str) -> str:
    read_size(written)
    return written


# Kept as written: receipts hash the configuration, and those of earlier nights must stay true.
MemorySize = Annotated[str, AfterValidator(_readable)]


@dataclass(frozen=True)
class MemoryBudget:
    """What a run may use.

    Args:
        bytes: As `[scale] max_memory` says.
    """

    bytes: int

    @classmethod
    def of(cls, written: str) -> MemoryBudget:
        """Read a size as `read_size` does."""
        return cls(read_size(written))

    @property
    def landing_bytes(self) -> int:
        """Records of tonight's arrivals held at once; sorting and comparing them takes several times as much."""
        return self.bytes // 16

    @property
    def validated_rows(self) -> int:
        """Rows that Great Expectations gets at once."""
        return self._scaled(1_000_000)

    @property
    def rows_validated_together(self) -> int:
        """Rows of several small exports that wait to be judged at once, each also as it was written."""
        return self._scaled(250_000)

    @property
    def rolled_up_rows(self) -> int:
        """Landed rows rolled up at once."""
        return self._scaled(10_000_000)

    @property
    def rollup_rows_in_memory(self) -> int:
        """Rows of the rollups that are read once and held by who looks at them often; some 50 bytes each."""
        return self._scaled(4_000_000)

    @property
    def members(self) -> int:
        """Members whose features are computed at once; they have some 300 ingredients each."""
        return self._scaled(100_000)

    def _scaled(self, rows_with_default: int) -> int:
        return max(rows_with_default * self.bytes // _DEFAULT_BYTES, 1_000)
