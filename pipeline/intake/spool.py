"""A spool for validated records that wait for landing: in memory up to a limit, on disk beyond it.

Nothing lands before every table is validated, so that a first load of years would otherwise be in memory as a whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from lake.storage.delta import DAY

# Polars stores a 16-byte view (length, prefix, position) for each text besides its letters.
_BYTES_PER_TEXT: Final = 16
# A key, its day, and its entry in the hash table of a join or a group-by.
_BYTES_PER_KEY: Final = 64


@dataclass(frozen=True)
class Spooled:
    """The spooled records of one arrival.

    Args:
        frame: One row per record; a scan of a file where the spool has written them to disk.
        height: The number of records.
        days: The days of the records; empty for a table without a day.
        bytes: The memory that the records take when collected.
    """

    frame: pl.LazyFrame
    height: int
    days: frozenset[date]
    bytes: int


class Spool:
    """Stores the validated records of one intake until they land.

    Args:
        folder: The folder for records that do not fit in memory.
        kept_bytes: Limit on the records held in memory, and on the records of one batch that is taken out.
    """

    def __init__(self, folder: Path, *, kept_bytes: int) -> None:
        self._folder = folder
        self._kept_bytes = kept_bytes
        self._room = kept_bytes
        self._written = 0

    @classmethod
    def emptied(cls, folder: Path, *, kept_bytes: int) -> Spool:
        """Create a spool in a folder that is cleared first: a run that died may have left files there."""
        spool = cls(folder, kept_bytes=kept_bytes)
        spool.empty()
        return spool

    def keep(self, records: pl.DataFrame) -> Spooled:
        """Store the records of one arrival until they land; one row per record."""
        size = _bytes_of(records)
        days = frozenset(records[DAY].unique()) if DAY in records.columns else frozenset()
        return Spooled(self._store(records, size), records.height, days, size)

    def batches(self, arrivals: Sequence[Spooled]) -> Iterator[pl.DataFrame]:
        """Yield the records in order, in batches of whole arrivals of at most `kept_bytes`; a larger arrival is its own batch."""
        batch: list[Spooled] = []
        for records in arrivals:
            if batch and sum(earlier.bytes for earlier in batch) + records.bytes > self._kept_bytes:
                yield _collect(batch)
                batch = []
            batch.append(records)
        if batch:
            yield _collect(batch)

    def shares(self, arrivals: Sequence[Spooled], column: str) -> Iterator[pl.Expr]:
        """Yield filters that split the records by a hash of a column, so that the keys of one share fit in memory.

        Equal values are in the same share. Each share scans the column of all records again, so that there should be few
        shares; the number follows the size of the keys, not of the records.

        Args:
            arrivals: The records to split.
            column: The key column.
        """
        keys_bytes = sum(records.height for records in arrivals) * _BYTES_PER_KEY
        number = max(-(-keys_bytes // self._kept_bytes), 1)
        # A fixed seed: every scan must put the same key into the same share.
        for share in range(number):
            yield pl.lit(value=True) if number == 1 else pl.col(column).hash(seed=0) % number == share

    def empty(self) -> None:
        """Delete the spool's files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _store(self, records: pl.DataFrame, size: int) -> pl.LazyFrame:
        # First come, first served: what is in memory stays there, so that small files after a large one may use the rest.
        if size <= self._room:
            self._room -= size
            return records.lazy()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._written}.parquet"
        self._written += 1
        # lz4: the file is deleted after the landing, so that speed matters and size does not.
        records.write_parquet(path, compression="lz4")
        # Without glob: the path of a workspace may contain brackets.
        return pl.scan_parquet(path, glob=False)


def _bytes_of(records: pl.DataFrame) -> int:
    """Estimate the memory of records after a collect.

    `estimated_size` alone is too low: it counts a column of one repeated value once, and of text only the letters.
    """
    texts = sum(dtype == pl.String for dtype in records.dtypes)
    return sum(int(column.estimated_size()) for column in records.iter_columns()) + texts * records.height * _BYTES_PER_TEXT


def _collect(batch: Sequence[Spooled]) -> pl.DataFrame:
    return pl.concat([records.frame for records in batch]).collect()
