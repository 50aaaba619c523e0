"""Judge inline rows with the project's own suites."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from expectations.runner import ValidationResult, validate
from lake.contracts import TABLES

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(hours=1)

ValidateRows = Callable[..., ValidationResult]


@pytest.fixture(scope="session")
def validate_rows() -> ValidateRows:
    def _validate_rows(
        table: str,
        columns: Mapping[str, list[object]],
        *,
        references: Mapping[str, list[str]] | None = None,
        rows_per_chunk: int = 1_000_000,
    ) -> ValidationResult:
        contract = TABLES[table]
        height = len(next(iter(columns.values())))
        schema = {name: contract.columns[name].dtype for name in columns}
        rows = pl.DataFrame(dict(columns), schema=schema).with_columns(row_no=pl.int_range(height, dtype=pl.Int64))
        keys = {name: pl.Series(values, dtype=pl.String) for name, values in (references or {}).items()}
        [found] = validate(
            contract, [rows], references=keys, now=NOW, future_tolerance=FUTURE_TOLERANCE, rows_per_chunk=rows_per_chunk
        )
        return found

    return _validate_rows
