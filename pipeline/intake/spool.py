"""Records between judgement and landing: in memory while they are few, on disk beyond that.

Nothing lands before everything is judged, so a first load of years would otherwise lie in memory as a whole.
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

# Where a text lies and how long it is.
_BYTES_PER_TEXT: Final = 16
# A key and its day, and its place in a table of keys.
_BYTES_PER_KEY: Final = 64


@dataclass(frozen=True)
class Spooled:
    """The records of one arrival.

    Args:
        frame: One row per record.
        height: How many.
        days: Their days; empty for a table without a day.
        bytes: What they take in memory.
    """

    frame: pl.LazyFrame
    height: int
    days: frozenset[date]
    bytes: int


class Spool:
    """Keeps the records of one intake.

    Args:
        folder: Where those go that memory has no room for.
        kept_bytes: What may be held in memory, and what is taken out at once.
    """

    def __init__(self, folder: Path, *, kept_bytes: int) -> None:
        self._folder = folder
        self._kept_bytes = kept_bytes
        self._room = kept_bytes
        self._written = 0

    @classmethod
    def emptied(cls, folder: Path, *, kept_bytes: int) -> Spool:
        """A spool without what a run that died may have left behind."""
        spool = cls(folder, kept_bytes=kept_bytes)
        spool.empty()
        return spool

    def keep(self, records: pl.DataFrame) -> Spooled:
        """Hold records until they land."""
        size = _bytes_of(records)
        days = frozenset(records[DAY].unique()) if DAY in records.columns else frozenset()
        return Spooled(self._place(records, size), records.height, days, size)

    def batches(self, arrivals: Sequence[Spooled]) -> Iterator[pl.DataFrame]:
        """Take records out, in their order, whole arrivals at a time and no more at once than may be held."""
        batch: list[Spooled] = []
        for records in arrivals:
            if batch and sum(held.bytes for held in batch) + records.bytes > self._kept_bytes:
                yield _together(batch)
                batch = []
            batch.append(records)
        if batch:
            yield _together(batch)

    def shares(self, arrivals: Sequence[Spooled], column: str) -> Iterator[pl.Expr]:
        """Conditions that cut the records into shares whose keys may be held; equal values stay together.

        Each share reads the column of all records, so there should be few: it is keys that are held, not whole records.
        """
        keys_bytes = sum(records.height for records in arrivals) * _BYTES_PER_KEY
        number = max(-(-keys_bytes // self._kept_bytes), 1)
        for share in range(number):
            yield pl.lit(value=True) if number == 1 else pl.col(column).hash(seed=0) % number == share

    def empty(self) -> None:
        """Let go of everything on disk."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self, records: pl.DataFrame, size: int) -> pl.LazyFrame:
        if size <= self._room:
            self._room -= size
            return records.lazy()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._written}.parquet"
        self._written += 1
        records.write_parquet(path, compression="lz4")
        return pl.scan_parquet(path, glob=False)


def _bytes_of(records: pl.DataFrame) -> int:
    """What records take once they are written out: Polars counts a column of one value once, and of text the letters only."""
    texts = sum(dtype == pl.String for dtype in records.dtypes)
    return sum(int(column.estimated_size()) for column in records.iter_columns()) + texts * records.height * _BYTES_PER_TEXT


def _together(batch: Sequence[Spooled]) -> pl.DataFrame:
    return pl.concat([records.frame for records in batch]).collect()
