"""Trying a source's mapping on the beginning of an export, as a night would apply it to the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from lake.contracts import Table
from lake.record_keys import with_keys
from lake.sources.discovery import Export
from lake.sources.mapping import ROW_NO, Mapped, map_export
from lake.sources.sample import Sample, read_sample

MISSING: Final = "is_missing"


@dataclass(frozen=True)
class Tried:
    """What the mapping of a source makes of a sample.

    Args:
        export: Where the sample is from.
        sample: Its rows as they are exported.
        mapped: The same as the mapping makes them.
    """

    export: Export
    sample: Sample
    mapped: Mapped

    @property
    def table(self) -> Table:
        """The contract table."""
        return self.export.table

    @cached_property
    def bad(self) -> Mapping[str, Sequence[int]]:
        """Rule → the rows that break it and would go to quarantine: values that do not cast, and required ones that are missing.

        The expectations of the table are not asked; they would find more, such as times in the future.
        """
        found: dict[str, list[int]] = dict(_by_rule(self.mapped.rejects))
        for column in self.table.required:
            missing = self.mapped.written.filter(pl.col(column).is_null())
            missing = missing.join(self.mapped.rejects, on=ROW_NO, how="anti", maintain_order="left")
            # A value that is there and became nothing, such as blanks, is missing too.
            blank = self.mapped.rows.filter(pl.col(column).is_null()).join(self.mapped.rejects, on=ROW_NO, how="anti")
            rows = sorted({*missing[ROW_NO], *blank[ROW_NO]})
            if rows:
                found[f"{column}_{MISSING}"] = rows
        return found

    @cached_property
    def emptied(self) -> Mapping[str, Sequence[int]]:
        """Rule → the rows whose optional value breaks it and is left empty; those rows stay."""
        return dict(_by_rule(self.mapped.blanked))

    @property
    def bad_rows(self) -> int:
        """How many mapped rows of the sample would go to quarantine."""
        return len({row_no for rows in self.bad.values() for row_no in rows})

    @property
    def mapped_rows(self) -> int:
        """How many rows of the sample `where` keeps."""
        return self.mapped.rows.height

    @cached_property
    def left_out(self) -> list[int]:
        """The rows that `where` leaves out."""
        kept = set(self.mapped.rows[ROW_NO])
        return [number for number in range(1, self.sample.rows.height + 1) if number not in kept]

    @cached_property
    def keys(self) -> pl.Series:
        """The key of each mapped row, derived where the source has none; null where it is missing."""
        return with_keys(self.mapped.rows, table=self.table)[self.table.key]

    @property
    def has_own_key(self) -> bool:
        """Whether the source maps the key."""
        return self.table.key in self.mapped.rows.columns


def try_export(export: Export, *, timezone: str) -> Tried:
    """Read a sample of an export and map it.

    Args:
        export: Where to read.
        timezone: The community's.

    Raises:
        ConfigurationError: An expression cannot be evaluated, a column is absent, or the query is wrong.
        DataError: The sample cannot be read.
        OutsideServiceError: The database or the object store did not answer.
    """
    sample = read_sample(export)
    settings = export.settings
    mapped = map_export(
        sample.rows, table=export.table, settings=settings, name=export.name, timezone=settings.timezone or timezone
    )
    return Tried(export, sample, mapped)


def _by_rule(rejects: pl.DataFrame) -> Iterator[tuple[str, list[int]]]:
    by_rule = rejects.explode("rules").group_by("rules").agg(pl.col(ROW_NO).sort()).sort("rules")
    yield from by_rule.iter_rows()
