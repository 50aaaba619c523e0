"""Split arriving rows into good and bad by the rules of their table's suite.

A cell decides over itself alone: a rule about an optional column empties the value that breaks it, and the row stays; a rule
about the key or a required column makes the row bad.

Great Expectations judges (`expectations.engine`); Polars does the rest: it lays arrivals one behind the other, because a
judgement has its price however few the rows, cuts them into chunks, so that memory stays bounded, finds keys that repeat within
an arrival, and gathers the rules that each row broke.
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
from expectations.engine import SUITES_DIR, Rule, RuleError, columns_of, within_calendar
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
    """What one rule found in one arrival.

    Args:
        rule: Stable snake_case name.
        says: What the rule demands, one plain sentence.
        column: The column whose values it judged.
        rows_checked: Rows that had a value to judge; every row for a rule that demands a value.
        broken: Rows that break it; where it empties values, only rows that are not bad for another reason.
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
    def told(self) -> str:
        """What the rule demands and, where rows are not set aside for it, what became of the values that break it."""
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
    """Judge every row of several arrivals by the suite of their table, each arrival as if it were alone.

    A column that is not there has no rules run. Of an arrival's rows that share a key, the one with the lowest row_no is kept.
    A judgement takes Great Expectations a fifth of a second, however few the rows: a year of daily files is judged in a few.

    Args:
        table: The contract the rows were mapped to.
        arrivals: At least one; all with the same columns. One row per mapped row, cast to the contract's types, plus row_no
            (Int64, unique within the arrival); others are carried along.
        references: Referenced table → its known keys; the foreign keys of a table that is not here are not checked.
        now: The clock at ingestion, with a zone.
        future_tolerance: How much later than `now` a time may be.
        suites_dir: Folder with one `<table>.json` per table.
        rows_per_chunk: Rows judged at once; bounds memory, changes no verdict.

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
    broken: dict[str, list[pl.Series]] = {rule.name: [] for rule in rules}
    begins = 0
    for chunk, repeats in _chunks(ordered, columns_of(rules), table.key, rows_per_chunk=rows_per_chunk):
        verdicts = suite.validate(rules, chunk, repeats=repeats, references=references, parameters=parameters)
        for name, positions in verdicts.items():
            broken[name].append(positions.cast(pl.Int64) + begins)
        begins += chunk.height
    found = {name: pl.concat(positions) for name, positions in broken.items()}
    ends = list(accumulate(rows.height for rows in ordered))
    return [
        _validation(table, rows, rules, {name: _between(positions, end - rows.height, end) for name, positions in found.items()})
        for rows, end in zip(ordered, ends, strict=True)
    ]


def _between(positions: pl.Series, begin: int, end: int) -> pl.Series:
    """Of sorted positions those from `begin` to before `end`, counted from `begin`."""
    first, beyond = (int(positions.search_sorted(bound)) for bound in (begin, end))
    return positions.slice(first, beyond - first) - begin


def _validation(table: Table, rows: pl.DataFrame, rules: tuple[Rule, ...], broken: Mapping[str, pl.Series]) -> ValidationResult:
    """One arrival split by the positions of the rows that break each rule."""
    found = {name: rows.get_column(ROW_NO).gather(positions) for name, positions in broken.items() if len(positions)}
    needed = {rule.name for rule in rules if table.needs(rule.column)}
    bad = _bad_rows({name: row_nos for name, row_nos in found.items() if name in needed})
    bad_row_nos = bad.get_column(ROW_NO).implode()
    blanked = {name: row_nos.filter(~row_nos.is_in(bad_row_nos)) for name, row_nos in found.items() if name not in needed}
    checked = rows.select(_checked(rule).alias(rule.name) for rule in rules).row(0) if rules else ()
    outcomes = [
        _outcome(rule, rows, count, row_nos=(found | blanked).get(rule.name), needed=rule.name in needed)
        for rule, count in zip(rules, checked, strict=True)
    ]
    good = rows.filter(~pl.col(ROW_NO).is_in(bad_row_nos)) if bad.height else rows
    return ValidationResult(good=_without(good, rules, blanked), bad=bad, outcomes=tuple(outcomes))


def _without(good: pl.DataFrame, rules: tuple[Rule, ...], blanked: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The good rows, with null where an optional value breaks a rule."""
    for rule in rules:
        row_nos = blanked.get(rule.name)
        if row_nos is not None and len(row_nos):
            kept = ~pl.col(ROW_NO).is_in(row_nos.implode())
            good = good.with_columns(pl.when(kept).then(pl.col(rule.column)).alias(rule.column))
    return good


def _checked(rule: Rule) -> pl.Expr:
    """How many rows a rule has anything to say about."""
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
    wrong = [
        f"{name} is {rows.schema[name]}, not {column.dtype}"
        for name, column in table.columns.items()
        if name in rows.schema and rows.schema[name] != column.dtype
    ]
    if rows.schema.get(ROW_NO) != pl.Int64 or rows.get_column(ROW_NO).null_count():
        wrong.append("row_no is not an Int64 in every row")
    elif rows.get_column(ROW_NO).n_unique() != rows.height:
        wrong.append("row_no is not unique")
    if now.tzinfo is None:
        wrong.append(f"now is {now}, without a zone")
    if wrong:
        raise RuleError(
            f"The {table.name} rows cannot be validated: {'; '.join(wrong)}.",
            remedy="This is a bug: rows are cast to the contract's types before validation. Report it.",
        )


def _applicable(
    table: Table, rules: tuple[Rule, ...], columns: list[str], references: Mapping[str, pl.Series]
) -> tuple[Rule, ...]:
    """The rules whose columns were mapped and whose referenced table has a source."""
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
    """Slices of all rows, at least one, each with the rows in it whose key an earlier row of the same arrival has."""
    rows = pl.concat([arrival.select(ROW_NO, *columns) for arrival in arrivals], rechunk=False)
    is_repeat = (~pl.col(key).is_first_distinct()).alias(key)
    repeats = [arrival.select(is_repeat).to_series() for arrival in arrivals if key in arrival.columns]
    repeated = {key: pl.concat(repeats)} if repeats else {}
    for offset in range(0, max(rows.height, 1), rows_per_chunk):
        flags = {name: column.slice(offset, rows_per_chunk) for name, column in repeated.items()}
        yield rows.slice(offset, rows_per_chunk), flags
        if offset + rows_per_chunk < rows.height:
            # Great Expectations ties each chunk into reference cycles, whose few large frames never wake the collector.
            gc.collect()


def _examples(rows: pl.DataFrame, column: str, row_nos: pl.Series) -> tuple[Example, ...]:
    shown = rows.select(ROW_NO, column).filter(pl.col(ROW_NO).is_in(row_nos.implode()))
    text = _time_text(column) if shown.schema[column].is_temporal() else pl.col(column).cast(pl.String)
    shown = shown.with_columns(text.str.head(EXAMPLE_CHARACTERS).alias(column))
    return tuple(Example(row_no, value) for row_no, value in shown.iter_rows())


def _time_text(column: str) -> pl.Expr:
    """A time as text; Polars panics on years it cannot print, which is what a wrong epoch unit makes."""
    printable = within_calendar(pl.col(column))
    written = printable.dt.to_string("%Y-%m-%d %H:%M:%S UTC")
    return pl.when(pl.col(column) != printable).then(pl.lit("(outside years 1 to 9999)")).otherwise(written)


def _bad_rows(broken: Mapping[str, pl.Series]) -> pl.DataFrame:
    """One row per bad row with the rules it broke."""
    if not broken:
        return pl.DataFrame(schema=_BAD_SCHEMA)
    pairs = [row_nos.to_frame(ROW_NO).with_columns(rules=pl.lit(name)) for name, row_nos in sorted(broken.items())]
    # Rules were stacked in sorted order, and a group keeps the order of its rows.
    return pl.concat(pairs).group_by(ROW_NO, maintain_order=True).agg("rules").sort(ROW_NO)
