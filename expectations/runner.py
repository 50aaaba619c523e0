"""Split arriving rows into good and bad by the rules of their table's suite.

A rule about an optional column blanks the value that breaks it, and leaves the row good; a rule about the key or a required
column makes the row bad.

Great Expectations applies the rules (`expectations.engine`); Polars does the rest. It concatenates arrivals, because each call
has a fixed cost however few the rows; slices them into chunks, so that memory is bounded; finds keys that repeat within an
arrival; and collects the rules that each row broke.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Final, Literal

import polars as pl

from expectations.client import open_suite
from expectations.engine import SUITES_DIR, Rule, RuleError, Suite, columns_of, within_calendar
from lake.contracts import Table

ROW_NO: Final = "row_no"
ROWS_PER_CHUNK: Final = 1_000_000
EXAMPLES: Final = 3
EXAMPLE_CHARACTERS: Final = 80
_BAD_SCHEMA: Final[Mapping[str, pl.DataType]] = {ROW_NO: pl.Int64(), "rules": pl.List(pl.String)}

__all__ = ["Example", "RuleError", "RuleOutcome", "ValidationResult", "validate"]


@dataclass(frozen=True)
class Example:
    """One row that broke a rule.

    Args:
        row_no: The caller's number of the row.
        value: Its value in the rule's column as text, at most 80 characters; None for a null.
        file: The file it came from, without folders, where the caller said it.
    """

    row_no: int
    value: str | None
    file: str | None = None


@dataclass(frozen=True)
class RuleOutcome:
    """The result of one rule for one arrival.

    Args:
        rule: Stable snake_case name.
        says: What the rule demands, one plain sentence.
        column: The column whose values it checked.
        rows_checked: Rows that had a value to check; every row for a rule that demands a value.
        broken: Rows that break it; where it blanks values, only rows that are not bad for another reason.
        examples: The first three of them by row_no.
        consequence: What breaking it leads to: the row is quarantined, or its value in the column is left empty (blanked).
    """

    rule: str
    says: str
    column: str
    rows_checked: int
    broken: int
    examples: tuple[Example, ...]
    consequence: Literal["quarantined", "blanked"] = "quarantined"

    @property
    def explanation(self) -> str:
        """What the rule demands and, where it quarantines no rows, what became of the values that break it."""
        return self.says if self.consequence == "quarantined" else f"{self.says} Other values were left empty."


@dataclass(frozen=True)
class ValidationResult:
    """An arrival split in two; good and bad rows add up to the rows given.

    Args:
        good: Rows that break no rule about the key or a required column, with all the columns given, by row_no; optional
            values that break a rule are null.
        bad: One row per bad row, by row_no: row_no Int64, rules list of the names of those rules it broke, sorted.
        outcomes: One per rule that was run, in the order of the suite.
    """

    good: pl.DataFrame
    bad: pl.DataFrame
    outcomes: tuple[RuleOutcome, ...]


def validate(
    table: Table,
    arrivals: Sequence[pl.DataFrame],
    *,
    references: Mapping[str, pl.Series],
    now: datetime,
    future_tolerance: timedelta,
    suites_dir: Path = SUITES_DIR,
    rows_per_chunk: int = ROWS_PER_CHUNK,
) -> list[ValidationResult]:
    """Validate every row of several arrivals by the suite of their table, each arrival as if it were alone.

    Rules of a column that is not there are not run. Of an arrival's rows with the same key, the one of lowest row_no is good.
    A call of Great Expectations takes a fifth of a second, however few the rows, so many small arrivals share a few calls.

    Args:
        table: The contract the rows were mapped to.
        arrivals: At least one; all with the same columns. One row per mapped row, cast to the contract's types, plus row_no
            (Int64, unique within the arrival); others are carried along.
        references: Referenced table → its known keys; foreign keys to a table that is not in it are not checked.
        now: The clock at ingestion, with a zone.
        future_tolerance: How much later than `now` a time may be.
        suites_dir: Folder with one `<table>.json` per table.
        rows_per_chunk: Rows validated at once; bounds memory, does not change the result.

    Returns:
        One per arrival, in their order.

    Raises:
        RuleError: A rule crashed, the suite cannot be used, or the rows do not have the contract's types.
    """
    for rows in arrivals:
        _require_contract(table, rows, now=now)
    ordered = [rows if rows.get_column(ROW_NO).is_sorted() else rows.sort(ROW_NO) for rows in arrivals]
    suite = open_suite(table.name, suites_dir=suites_dir)
    rules = _applicable(table, suite.rules, ordered[0].columns, references)
    parameters = {"latest_time": now + future_tolerance, "this_year": now.year}
    broken = _run_in_chunks(suite, rules, ordered, table.key, references=references, parameters=parameters, size=rows_per_chunk)
    ends = list(accumulate(rows.height for rows in ordered))
    return [
        _validation(
            table,
            rows,
            rules,
            {name: _positions_between(positions, end - rows.height, end) for name, positions in broken.items()},
        )
        for rows, end in zip(ordered, ends, strict=True)
    ]


def _run_in_chunks(
    suite: Suite,
    rules: tuple[Rule, ...],
    arrivals: Sequence[pl.DataFrame],
    key: str,
    *,
    references: Mapping[str, pl.Series],
    parameters: Mapping[str, object],
    size: int,
) -> dict[str, pl.Series]:
    """Return for each rule the positions of the rows that break it, ascending, counted over all arrivals."""
    broken: dict[str, list[pl.Series]] = {rule.name: [] for rule in rules}
    begin = 0
    for chunk, repeats in _chunks(arrivals, columns_of(rules), key, rows_per_chunk=size):
        positions_in_chunk = suite.validate(rules, chunk, repeats=repeats, references=references, parameters=parameters)
        for name, positions in positions_in_chunk.items():
            broken[name].append(positions.cast(pl.Int64) + begin)
        begin += chunk.height
    return {name: pl.concat(positions) for name, positions in broken.items()}


def _positions_between(positions: pl.Series, begin: int, end: int) -> pl.Series:
    """Return those of the sorted positions that lie from `begin` to before `end`, counted from `begin`."""
    first, beyond = (int(positions.search_sorted(bound)) for bound in (begin, end))
    return positions.slice(first, beyond - first) - begin


def _validation(table: Table, rows: pl.DataFrame, rules: tuple[Rule, ...], broken: Mapping[str, pl.Series]) -> ValidationResult:
    """Split one arrival by the positions of the rows that break each rule."""
    row_nos_by_rule = {name: rows.get_column(ROW_NO).gather(positions) for name, positions in broken.items() if len(positions)}
    required_rules = {rule.name for rule in rules if table.needs(rule.column)}
    bad = _bad_rows({name: row_nos for name, row_nos in row_nos_by_rule.items() if name in required_rules})
    bad_row_nos = bad.get_column(ROW_NO).implode()
    blanked = {
        name: row_nos.filter(~row_nos.is_in(bad_row_nos))
        for name, row_nos in row_nos_by_rule.items()
        if name not in required_rules
    }
    checked = rows.select(_rows_checked(rule).alias(rule.name) for rule in rules).row(0) if rules else ()
    outcomes = [
        _outcome(rule, rows, count, row_nos=(row_nos_by_rule | blanked).get(rule.name), needed=rule.name in required_rules)
        for rule, count in zip(rules, checked, strict=True)
    ]
    # Without a bad row nothing is copied.
    good = rows.filter(~pl.col(ROW_NO).is_in(bad_row_nos)) if bad.height else rows
    return ValidationResult(good=_with_blanked_values(good, rules, blanked), bad=bad, outcomes=tuple(outcomes))


def _with_blanked_values(good: pl.DataFrame, rules: tuple[Rule, ...], blanked: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return the good rows, with null where an optional value breaks a rule."""
    for rule in rules:
        row_nos = blanked.get(rule.name)
        if row_nos is not None and len(row_nos):
            is_valid = ~pl.col(ROW_NO).is_in(row_nos.implode())
            good = good.with_columns(pl.when(is_valid).then(pl.col(rule.column)).alias(rule.column))
    return good


def _rows_checked(rule: Rule) -> pl.Expr:
    """Count the rows that a rule applies to."""
    return pl.len() if rule.demands_value else pl.all_horizontal(pl.col(rule.columns).is_not_null()).sum()


def _outcome(rule: Rule, rows: pl.DataFrame, rows_checked: int, *, row_nos: pl.Series | None, needed: bool) -> RuleOutcome:
    count = 0 if row_nos is None else len(row_nos)
    return RuleOutcome(
        rule=rule.name,
        says=rule.says,
        column=rule.column,
        rows_checked=rows_checked,
        broken=count,
        examples=_examples(rows, rule.column, row_nos.head(EXAMPLES)) if row_nos is not None and count else (),
        consequence="quarantined" if needed else "blanked",
    )


def _require_contract(table: Table, rows: pl.DataFrame, *, now: datetime) -> None:
    problems = [
        f"{name} is {rows.schema[name]}, not {column.dtype}"
        for name, column in table.columns.items()
        if name in rows.schema and rows.schema[name] != column.dtype
    ]
    if rows.schema.get(ROW_NO) != pl.Int64 or rows.get_column(ROW_NO).null_count():
        problems.append("row_no is not an Int64 in every row")
    elif rows.get_column(ROW_NO).n_unique() != rows.height:
        problems.append("row_no is not unique")
    if now.tzinfo is None:
        problems.append(f"now is {now}, without a zone")
    if problems:
        raise RuleError(
            f"The {table.name} rows cannot be validated: {'; '.join(problems)}.",
            remedy="This is a bug: rows are cast to the contract's types before validation. Report it.",
        )


def _applicable(
    table: Table, rules: tuple[Rule, ...], columns: list[str], references: Mapping[str, pl.Series]
) -> tuple[Rule, ...]:
    """Return the rules whose columns were mapped and whose referenced table has a source."""
    for rule in rules:
        # A misspelt name would otherwise look like a column that was not mapped, and the rule would never run.
        if not set(rule.columns) <= set(table.columns) or rule.referenced_table not in (None, table.references.get(rule.column)):
            raise RuleError(
                f"The rule {rule.name} looks at {', '.join(rule.columns)}, which is not in the contract of {table.name}"
                + (f" or does not refer to {rule.referenced_table}." if rule.referenced_table else "."),
                remedy=f"Correct the rule in {table.name}.json.",
            )
    return tuple(
        rule
        for rule in rules
        if set(rule.columns) <= set(columns) and (rule.referenced_table is None or rule.referenced_table in references)
    )


def _chunks(
    arrivals: Sequence[pl.DataFrame], columns: list[str], key: str, *, rows_per_chunk: int
) -> Iterator[tuple[pl.DataFrame, dict[str, pl.Series]]]:
    """Yield slices of all rows, at least one, each with a flag per row whose key an earlier row of the same arrival has."""
    # Not rechunked: that would copy every column once more.
    rows = pl.concat([arrival.select(ROW_NO, *columns) for arrival in arrivals], rechunk=False)
    # Per arrival: a key that another file holds too is an update of its record, not a repeat.
    is_repeat = (~pl.col(key).is_first_distinct()).alias(key)
    repeats = [arrival.select(is_repeat).to_series() for arrival in arrivals if key in arrival.columns]
    repeated = {key: pl.concat(repeats)} if repeats else {}
    # At least one chunk, so that every rule has a result for empty arrivals too.
    for offset in range(0, max(rows.height, 1), rows_per_chunk):
        flags = {name: column.slice(offset, rows_per_chunk) for name, column in repeated.items()}
        yield rows.slice(offset, rows_per_chunk), flags
        if offset + rows_per_chunk < rows.height:
            # Great Expectations leaves each chunk in a reference cycle. These are few objects, however large, and the collector
            # starts by the number of objects, so memory would grow chunk by chunk.
            gc.collect()


def _examples(rows: pl.DataFrame, column: str, row_nos: pl.Series) -> tuple[Example, ...]:
    examples = rows.select(ROW_NO, column).filter(pl.col(ROW_NO).is_in(row_nos.implode()))
    text = _time_text(column) if examples.schema[column].is_temporal() else pl.col(column).cast(pl.String)
    examples = examples.with_columns(text.str.head(EXAMPLE_CHARACTERS).alias(column))
    return tuple(Example(row_no, value) for row_no, value in examples.iter_rows())


def _time_text(column: str) -> pl.Expr:
    """Write a time as text; Polars panics on years it cannot print, which a wrong epoch unit produces."""
    printable = within_calendar(pl.col(column))
    text = printable.dt.to_string("%Y-%m-%d %H:%M:%S UTC")
    return pl.when(pl.col(column) != printable).then(pl.lit("(outside years 1 to 9999)")).otherwise(text)


def _bad_rows(broken: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return one row per bad row with the rules it broke."""
    if not broken:
        return pl.DataFrame(schema=_BAD_SCHEMA)
    pairs = [row_nos.to_frame(ROW_NO).with_columns(rules=pl.lit(name)) for name, row_nos in sorted(broken.items())]
    # Rules were stacked in sorted order, and a group keeps the order of its rows.
    return pl.concat(pairs).group_by(ROW_NO, maintain_order=True).agg("rules").sort(ROW_NO)
