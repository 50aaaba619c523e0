"""A trial of a source's mapping on the first rows of an export, by the code that a night applies to all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from lake.contracts import Table
from lake.record_keys import with_keys
from lake.sources.discovery import Export
from lake.sources.mapping import ROW_NO, Mapped
from lake.sources.sample import Sample, read_sample
from pipeline.export_mapping import map_rows

MISSING: Final = "is_missing"


@dataclass(frozen=True)
class MappingTrial:
    """The result of mapping a sample of an export.

    Args:
        export: The export.
        sample: The first rows of the export, as they are written there.
        mapped: These rows after mapping.
    """

    export: Export
    sample: Sample
    mapped: Mapped

    @property
    def table(self) -> Table:
        """Return the contract of the table."""
        return self.export.table

    @cached_property
    def bad(self) -> Mapping[str, Sequence[int]]:
        """Return rule → rows that break it and would be quarantined: values that do not cast, and missing required values.

        The expectations of the table are not run; they would find more, such as times in the future.
        """
        rows_by_rule: dict[str, list[int]] = dict(_by_rule(self.mapped.rejects))
        for column in self.table.required:
            missing = self.mapped.written.filter(pl.col(column).is_null())
            missing = missing.join(self.mapped.rejects, on=ROW_NO, how="anti", maintain_order="left")
            # A value of blanks alone is not null in the export, but becomes null in mapping.
            blank = self.mapped.rows.filter(pl.col(column).is_null()).join(self.mapped.rejects, on=ROW_NO, how="anti")
            rows = sorted({*missing[ROW_NO], *blank[ROW_NO]})
            if rows:
                rows_by_rule[f"{column}_{MISSING}"] = rows
        return rows_by_rule

    @cached_property
    def emptied(self) -> Mapping[str, Sequence[int]]:
        """Return rule → rows whose optional value breaks it and is left empty; these rows would land."""
        return dict(_by_rule(self.mapped.blanked))

    @property
    def bad_rows(self) -> int:
        """Return the number of mapped rows that would be quarantined."""
        return len({row_no for rows in self.bad.values() for row_no in rows})

    @property
    def mapped_rows(self) -> int:
        """Return the number of rows of the sample that `where` keeps."""
        return self.mapped.rows.height

    @cached_property
    def left_out(self) -> list[int]:
        """Return the numbers of the rows that `where` leaves out."""
        mapped_rows = set(self.mapped.rows[ROW_NO])
        return [number for number in range(1, self.sample.rows.height + 1) if number not in mapped_rows]

    @cached_property
    def keys(self) -> pl.Series:
        """Return the key of each mapped row, derived where the source maps none; null where it is missing."""
        return with_keys(self.mapped.rows, table=self.table)[self.table.key]

    @property
    def has_own_key(self) -> bool:
        """Return whether the source maps the key."""
        return self.table.key in self.mapped.rows.columns


def try_export(export: Export, *, timezone: str) -> MappingTrial:
    """Read a sample of an export and map it.

    Args:
        export: The export.
        timezone: The community's.

    Raises:
        ConfigurationError: An expression cannot be evaluated, a column is absent, or the query is wrong.
        DataError: The sample cannot be read.
        OutsideServiceError: A database or the object store did not answer.
    """
    sample = read_sample(export)
    return MappingTrial(export, sample, map_rows(sample.rows, export, timezone=timezone))


def _by_rule(rejects: pl.DataFrame) -> Iterator[tuple[str, list[int]]]:
    by_rule = rejects.explode("rules").group_by("rules").agg(pl.col(ROW_NO).sort()).sort("rules")
    yield from by_rule.iter_rows()
