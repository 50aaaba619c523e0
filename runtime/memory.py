"""How much is worked on at once, so that a run stays within the memory it was given.

The shares are measured: with the default of 4 GiB a night of 500,000 members and the first load of 50 million events at once stay
below it (docs/benchmarks.md, docs/operations.md). What a night keeps of every member, some 3 kB of totals, features and lists, is
in that and is what `[scale] engine = "dask"` spreads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_MAX_MEMORY: Final = "4GiB"
MEMORY_PATTERN: Final = r"^\d+(\.\d+)?[MG]iB$"
_UNITS: Final = {"MiB": 2**20, "GiB": 2**30}
_DEFAULT_BYTES: Final = 4 * 2**30


@dataclass(frozen=True)
class MemoryBudget:
    """What a run may use.

    Args:
        bytes: As `[scale] max_memory` says.
    """

    bytes: int

    @classmethod
    def of(cls, written: str) -> MemoryBudget:
        """Read a size such as `4GiB` or `1536MiB`."""
        number, unit = re.fullmatch(r"([\d.]+)(MiB|GiB)", written).groups()  # type: ignore[union-attr]
        return cls(int(float(number) * _UNITS[unit]))

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
