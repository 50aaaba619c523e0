"""Two rules that Great Expectations lacks, computed by Polars: known keys and keys that repeat.

Importing this module imports great_expectations and registers both rules, which takes seconds; only
`expectations.engine` does so, and only when there are rows to judge. A suite names them like any other:
`expect_column_values_to_be_keys_of` and `expect_column_values_to_not_repeat`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import ColumnMapMetricProvider, column_condition_partial


@dataclass(frozen=True)
class Surroundings:
    """The data that a row is validated against beyond its own values.

    Args:
        chunk: The rows being validated, in the order in which Great Expectations sees them.
        repeats: Column → one Boolean per row of the chunk, true where an earlier row had the same value.
        references: Referenced table → its known keys.
    """

    chunk: pl.DataFrame
    repeats: Mapping[str, pl.Series]
    references: Mapping[str, pl.Series]


# Arguments of an expectation must be JSON, in which 200,000 keys took 17 s; so the keys are passed by a context variable.
_surroundings: ContextVar[Surroundings] = ContextVar("surroundings")


@contextmanager
def surrounded_by(surroundings: Surroundings) -> Iterator[None]:
    """Make `surroundings` available to the rules of this module while the block runs."""
    token = _surroundings.set(surroundings)
    try:
        yield
    finally:
        _surroundings.reset(token)


def _at(verdicts: pl.Series, column: pd.Series) -> pd.Series:
    """Return the verdicts of the rows that are in `column`, which Great Expectations passes without its nulls."""
    # The index of `column` still counts the rows of the whole chunk.
    verdict_by_position: np.ndarray[Any, np.dtype[np.bool_]] = verdicts.to_numpy()
    return pd.Series(verdict_by_position[column.index.to_numpy()], index=column.index)


class ColumnValuesKeysOf(ColumnMapMetricProvider):  # type: ignore[misc]
    """True where the value is among the known keys of the referenced table."""

    condition_metric_name = "column_values.keys_of"
    condition_value_keys = ("referenced_table",)

    @column_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column: pd.Series, referenced_table: str, **_: object) -> pd.Series:  # noqa: N805
        surroundings = _surroundings.get()
        keys = surroundings.references[referenced_table]
        return _at(surroundings.chunk.get_column(str(column.name)).is_in(keys.implode()).fill_null(value=False), column)


class ColumnValuesNotRepeated(ColumnMapMetricProvider):  # type: ignore[misc]
    """True where no earlier row of the arrival has the same value."""

    condition_metric_name = "column_values.not_repeated"

    @column_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column: pd.Series, **_: object) -> pd.Series:  # noqa: N805
        return _at(~_surroundings.get().repeats[str(column.name)], column)


class ExpectColumnValuesToBeKeysOf(ColumnMapExpectation):  # type: ignore[misc]
    """Expect every value to be a known key of another table; nulls are left alone."""

    referenced_table: str
    map_metric = "column_values.keys_of"
    success_keys = ("mostly", "referenced_table")


class ExpectColumnValuesToNotRepeat(ColumnMapExpectation):  # type: ignore[misc]
    """Expect a value only once; the first row that has it meets the rule, later ones break it; nulls are left alone."""

    map_metric = "column_values.not_repeated"
