"""How many rows, bytes and members a run works on at once, so that it stays within `[scale] max_memory`.

The limits were found by measuring: with the default of 4 GiB, a night of 500,000 members and the first load of 50 million events
stay below it (docs/benchmarks.md, docs/operations.md). This includes some 3 kB of totals, features and lists that a night keeps
of every member, which `[scale] engine = "dask"` distributes over workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, ByteSize, TypeAdapter, ValidationError

DEFAULT_MAX_MEMORY: Final = "4GiB"
_DEFAULT_BYTES: Final = 4 * 2**30
# A smaller number is most likely one whose unit was forgotten.
_LEAST_BYTES: Final = 64 * 2**10
_SIZE: Final = TypeAdapter(ByteSize)


def read_size(written: str) -> int:
    """Read a size such as `4GiB`, `1536MiB` or `4 GB` as bytes.

    Raises:
        ValueError: It is not a size, or less than 64 KiB.
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


# Kept as written and not as a number: receipts hash the configuration, and hashes of earlier nights must stay the same.
MemorySize = Annotated[str, AfterValidator(_readable)]


@dataclass(frozen=True)
class MemoryBudget:
    """The limits that follow from the memory a run may use.

    Args:
        bytes: The memory of the run, from `[scale] max_memory`.
    """

    bytes: int

    @classmethod
    def of(cls, written: str) -> MemoryBudget:
        """Read a size as `read_size` does."""
        return cls(read_size(written))

    @property
    def landing_bytes(self) -> int:
        """Bytes of tonight's records that are in memory at once; sorting and comparing them takes several times as much."""
        return self.bytes // 16

    @property
    def validated_rows(self) -> int:
        """Rows that Great Expectations validates at once."""
        return self._scaled(1_000_000)

    @property
    def rows_validated_together(self) -> int:
        """Rows of several small exports that are validated together; each row is also kept as it was written."""
        return self._scaled(250_000)

    @property
    def rolled_up_rows(self) -> int:
        """Landed rows rolled up at once."""
        return self._scaled(10_000_000)

    @property
    def rollup_rows_in_memory(self) -> int:
        """Rows of the rollups, some 50 bytes each, up to which steps that use them often read them once into memory."""
        return self._scaled(4_000_000)

    @property
    def members(self) -> int:
        """Members whose features are computed at once, from some 300 intermediate values each."""
        return self._scaled(100_000)

    def _scaled(self, rows_with_default: int) -> int:
        return max(rows_with_default * self.bytes // _DEFAULT_BYTES, 1_000)
