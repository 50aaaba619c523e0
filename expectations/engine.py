"""The adapter of Great Expectations: run a suite's rules over one chunk of rows.

Only this module and `reference_rules` import great_expectations, this one inside functions: importing it takes
seconds. The suites are the JSON files of this folder, read through a filesystem store that writes nothing.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from lake.contracts import TIMESTAMP
from lake.errors import EvenfallError

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context import EphemeralDataContext

SUITES_DIR: Final = Path(__file__).parent

# Great Expectations keeps one current project per process; two threads must not swap it under each other.
_ONE_AT_A_TIME: Final = threading.Lock()

# Row positions instead of values: values are capped at 200 and key columns as positions cost 3 to 10 times as much.
_RESULT_FORMAT: Final = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}


class RuleError(EvenfallError):
    """A rule could not be evaluated: the suite or the code is wrong, not the rows."""


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite, as the quarantine and the validation page show it.

    Args:
        name: Stable snake_case name.
        says: What the rule demands, one plain sentence.
        column: The column whose values the rule is about.
        columns: Every column it looks at, `column` first.
        referenced_table: The table whose keys it looks up, None for a rule that looks at the row alone.
        demands_value: Whether a row without a value breaks it; any other rule leaves out a row that lacks one of its columns.
    """

    name: str
    says: str
    column: str
    columns: tuple[str, ...]
    referenced_table: str | None
    demands_value: bool


class Suite(Protocol):
    """The rules of a table, and the validation by them, in this process or in the worker."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order of the file."""

    def validate(
        self,
        rules: tuple[Rule, ...],
        chunk: pl.DataFrame,
        *,
        repeats: Mapping[str, pl.Series],
        references: Mapping[str, pl.Series],
        parameters: Mapping[str, object],
    ) -> dict[str, pl.Series]:
        """Run rules over one chunk.

        Args:
            rules: The rules of the suite to run; every column they look at is in the chunk.
            chunk: The rows, with the contract's types.
            repeats: Column → Boolean per row of the chunk, true where an earlier row of the arrival had the same value.
            references: Referenced table → known keys.
            parameters: Values of the suite's `$PARAMETER`s.

        Returns:
            Rule name → UInt32 positions in the chunk of the rows that break it, ascending.

        Raises:
            RuleError: A rule crashed instead of answering.
        """


class LocalSuite:
    """A suite read and validated by Great Expectations in this process.

    Args:
        table: Name of the table.
        suites_dir: Folder with one `<table>.json` per table.

    Raises:
        RuleError: The suite is missing, is not valid, or a rule has no `rule` or `says` in its `meta`.
    """

    def __init__(self, table: str, *, suites_dir: Path = SUITES_DIR) -> None:
        _import_quietly()
        from great_expectations.exceptions import GreatExpectationsError

        file = suites_dir / f"{table}.json"
        with _ONE_AT_A_TIME:
            try:
                expectations = _context(suites_dir).suites.get(table).expectations
                self.rules = tuple(_rule(expectation) for expectation in expectations)
                _require_all(self.rules, suite_json=json.loads(file.read_text(encoding="utf-8")))
            except (GreatExpectationsError, ValueError, KeyError) as error:
                raise RuleError(
                    f"The suite {file} cannot be used: {error}",
                    remedy="Restore the file from version control, or correct it; every rule needs meta.rule and meta.says.",
                ) from error
        self._expectations = {rule.name: expectation for rule, expectation in zip(self.rules, expectations, strict=True)}

    def validate(
        self,
        rules: tuple[Rule, ...],
        chunk: pl.DataFrame,
        *,
        repeats: Mapping[str, pl.Series],
        references: Mapping[str, pl.Series],
        parameters: Mapping[str, object],
    ) -> dict[str, pl.Series]:
        """Run rules over one chunk; see `Suite`."""
        from expectations.reference_rules import Surroundings, surrounded_by

        surroundings = Surroundings(chunk=chunk, repeats=repeats, references=references)
        columns = chunk.select(columns_of(rules))
        with _ONE_AT_A_TIME, surrounded_by(surroundings):
            return _run([self._expectations[rule.name] for rule in rules], to_pandas(columns), parameters=parameters)


def columns_of(rules: tuple[Rule, ...]) -> list[str]:
    """Return every column that any of the rules looks at, sorted."""
    return sorted({column for rule in rules for column in rule.columns})


def to_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """Convert for Great Expectations, on types where it compares whole columns at once and loses nothing.

    Same rows. NaN becomes infinity, because pandas takes it for a null and a range rule would pass it; Int32, which would lose
    its nulls, becomes Float64, which holds it exactly; times beyond year 9999, which Python cannot express, become year 9999.
    """
    # pandas' masked Int64 would keep the nulls of whole numbers too, but is 6 to 7 times slower.
    return frame.with_columns(
        pl.col(pl.Float64).fill_nan(float("inf")),
        pl.col(pl.Int32).cast(pl.Float64),
        within_calendar(pl.col(TIMESTAMP)),
    ).to_pandas()


def within_calendar(time: pl.Expr) -> pl.Expr:
    """Clip a time to the years that Python can express; such times stay as wrong as they were."""
    return time.clip(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))


def _import_quietly() -> None:
    """Import Great Expectations and register the rules it lacks, without its deprecation warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import expectations.reference_rules  # noqa: F401


def _run(expectations: list[Any], rows: pd.DataFrame, *, parameters: Mapping[str, object]) -> dict[str, pl.Series]:
    from great_expectations import ExpectationSuite
    from great_expectations.exceptions import GreatExpectationsError

    # A new context for every chunk: a context keeps each batch it has seen in memory.
    source = _context(SUITES_DIR).data_sources.add_pandas("arrivals")
    batches = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("chunk")
    suite = ExpectationSuite("chunk", expectations=expectations)
    with warnings.catch_warnings():
        # pandas warns, as Great Expectations still reads a time column's NumPy values.
        warnings.filterwarnings("ignore", message="Series.values returning an ndarray")
        try:
            result_of_suite = batches.get_batch({"dataframe": rows}).validate(
                suite, result_format=_RESULT_FORMAT, expectation_parameters=dict(parameters)
            )
        except GreatExpectationsError as error:
            names = ", ".join(str(expectation.meta["rule"]) for expectation in expectations)
            raise RuleError(f"None of these rules could be run: {names}. {error}", remedy=_REMEDY) from error
    return dict(_positions_of_breaks(result) for result in result_of_suite.results)


_REMEDY: Final = "The rows are not to blame. Check the rule's arguments in its suite; if they are right, report a bug."


def _positions_of_breaks(result: Any) -> tuple[str, pl.Series]:
    name = str(result.expectation_config.meta["rule"])
    # A rule that crashed is not a rule that the rows break.
    crash = _exception_message(result.exception_info)
    if crash is not None:
        raise RuleError(f"The rule {name} crashed instead of judging the rows: {crash}", remedy=_REMEDY)
    return name, pl.Series("position", sorted(result.result["unexpected_index_list"]), dtype=pl.UInt32)


def _exception_message(exception_info: Mapping[str, Any]) -> str | None:
    """Return the message of an exception, which is either at the top level or nested under the metric that raised; else None."""
    nested = [value for value in exception_info.values() if isinstance(value, Mapping)]
    for info in [exception_info, *nested]:
        if info.get("raised_exception"):
            return str(info.get("exception_message"))
    return None


def _require_all(rules: tuple[Rule, ...], *, suite_json: Mapping[str, Any]) -> None:
    """Raise if a rule of the file is missing: Great Expectations only logs an expectation it cannot build, and leaves it out."""
    built = {rule.name for rule in rules}
    missing = [rule["meta"]["rule"] for rule in suite_json["expectations"] if rule["meta"]["rule"] not in built]
    if missing:
        raise ValueError(f"Great Expectations does not accept {', '.join(missing)}.")


def _rule(expectation: Any) -> Rule:
    kwargs = expectation.configuration.kwargs
    columns = tuple(str(kwargs[key]) for key in ("column", "column_A", "column_B") if key in kwargs)
    return Rule(
        name=str(expectation.meta["rule"]),
        says=str(expectation.meta["says"]),
        column=columns[0],
        columns=columns,
        referenced_table=kwargs.get("referenced_table"),
        demands_value=expectation.expectation_type == "expect_column_values_to_not_be_null",
    )


def _context(suites_dir: Path) -> EphemeralDataContext:
    """Make a context that is in memory only, except that it reads suites from a folder."""
    import great_expectations
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    in_memory = InMemoryStoreBackendDefaults()
    files = {
        "class_name": "TupleFilesystemStoreBackend",
        "base_directory": str(suites_dir),
        "suppress_store_backend_id": True,  # otherwise it writes an id file beside the suites
    }
    stores = in_memory.stores | {"suites": {"class_name": "ExpectationsStore", "store_backend": files}}
    # No usage statistics are sent, and no progress bars written into the log.
    config = DataContextConfig(
        expectations_store_name="suites",
        stores=stores,
        store_backend_defaults=in_memory,
        analytics_enabled=False,
        progress_bars={"globally": False},
    )
    return great_expectations.get_context(mode="ephemeral", project_config=config)
