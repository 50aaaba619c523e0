"""Split arriving rows into good and bad by the rules of their table's suite.

Great Expectations judges (`expectations.engine`); Polars does the rest: it cuts the arrival into chunks, so that memory stays
bounded, finds keys that repeat across all of them, and gathers the rules that each row broke.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from expectations.beside import open_suite
from expectations.engine import SUITES_DIR, ChunkVerdict, Rule, RuleError, within_calendar
from lake.contracts import Table

ROW_NO: Final = "row_no"
ROWS_PER_CHUNK: Final = 1_000_000
EXAMPLES: Final = 3
EXAMPLE_CHARACTERS: Final = 80
_BAD_SCHEMA: Final[Mapping[str, pl.DataType]] = {ROW_NO: pl.Int64(), "rules": pl.List(pl.String)}

__all__ = ["Example", "RuleError", "RuleOutcome", "Validation", "validate"]


@dataclass(frozen=True)
class Example:
    """One row that broke a rule.

    Args:
        row_no: The caller's number of the row.
        value: Its value in the rule's column as text, at most 80 characters; "(empty)" for a null.
    """

    row_no: int
    value: str


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule found in one arrival.

    Args:
        rule: Stable snake_case name.
        says: What the rule demands, one plain sentence.
        column: The column whose values it judged.
        rows_checked: Rows that had a value to judge; every row for a rule that demands a value.
        broken: Rows that break it.
        examples: The first three of them by row_no.
    """

    rule: str
    says: str
    column: str
    rows_checked: int
    broken: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Validation:
    """An arrival split in two; good and bad rows add up to the rows given.

    Args:
        good: Rows that break no rule, with all the columns given, by row_no.
        bad: One row per bad row, by row_no: row_no Int64, rules list of the names of the rules it broke, sorted.
        outcomes: One per rule that was run, in the order of the suite.
    """

    good: pl.DataFrame
    bad: pl.DataFrame
    outcomes: tuple[RuleOutcome, ...]


def validate(
    table: Table,
    rows: pl.DataFrame,
    *,
    references: Mapping[str, pl.Series],
    now: datetime,
    future_tolerance: timedelta,
    suites_dir: Path = SUITES_DIR,
    rows_per_chunk: int = ROWS_PER_CHUNK,
) -> Validation:
    """Judge every row of an arrival by the suite of its table.

    A column that is not there has no rules run. Of the rows that share a key, the one with the lowest row_no is kept.

    Args:
        table: The contract the rows were mapped to.
        rows: One row per mapped row, cast to the contract's types, plus row_no (Int64, unique); others are carried along.
        references: Referenced table → its known keys; the foreign keys of a table that is not here are not checked.
        now: The clock at ingestion, with a zone.
        future_tolerance: How much later than `now` a time may be.
        suites_dir: Folder with one `<table>.json` per table.
        rows_per_chunk: Rows judged at once; bounds memory, changes no verdict.

    Raises:
        RuleError: A rule crashed, the suite cannot be used, or the rows do not have the contract's types.
    """
    _require_contract(table, rows, now=now)
    ordered = rows if rows.get_column(ROW_NO).is_sorted() else rows.sort(ROW_NO)
    suite = open_suite(table.name, suites_dir=suites_dir)
    rules = _applicable(table, suite.rules, rows.columns, references)
    tallies = {rule.name: _Tally.empty(ordered) for rule in rules}
    for chunk, repeats in _chunks(ordered, table.key, rows_per_chunk=rows_per_chunk):
        parameters = {"latest_time": now + future_tolerance, "this_year": now.year}
        verdicts = suite.judge(rules, chunk, repeats=repeats, references=references, parameters=parameters)
        tallies = {rule.name: tallies[rule.name].plus(verdicts[rule.name], rule.column, chunk) for rule in rules}
    bad = _bad_rows({name: tally.broken for name, tally in tallies.items()})
    good = ordered.filter(~pl.col(ROW_NO).is_in(bad.get_column(ROW_NO).implode())) if bad.height else ordered
    return Validation(good=good, bad=bad, outcomes=tuple(tallies[rule.name].outcome(rule) for rule in rules))


@dataclass(frozen=True)
class _Tally:
    """What one rule has found in the chunks so far."""

    rows_checked: int
    broken: pl.Series
    examples: tuple[Example, ...]

    @classmethod
    def empty(cls, rows: pl.DataFrame) -> _Tally:
        return cls(rows_checked=0, broken=rows.get_column(ROW_NO).clear(), examples=())

    def plus(self, verdict: ChunkVerdict, column: str, chunk: pl.DataFrame) -> _Tally:
        wanted = EXAMPLES - len(self.examples)
        return _Tally(
            rows_checked=self.rows_checked + verdict.rows_checked,
            broken=self.broken.append(chunk.get_column(ROW_NO).gather(verdict.broken)),
            examples=self.examples + _examples(chunk, column, positions=verdict.broken.head(wanted)),
        )

    def outcome(self, rule: Rule) -> RuleOutcome:
        return RuleOutcome(
            rule=rule.name,
            says=rule.says,
            column=rule.column,
            rows_checked=self.rows_checked,
            broken=len(self.broken),
            examples=self.examples,
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


def _chunks(rows: pl.DataFrame, key: str, *, rows_per_chunk: int) -> Iterator[tuple[pl.DataFrame, dict[str, pl.Series]]]:
    """Slices of the rows, at least one, each with the rows in it whose key an earlier row of the whole arrival has."""
    repeats = rows.select((~pl.col(key).is_first_distinct()).alias(key) if key in rows.columns else pl.lit(value=False))
    for offset in range(0, max(rows.height, 1), rows_per_chunk):
        yield rows.slice(offset, rows_per_chunk), {key: repeats.to_series().slice(offset, rows_per_chunk)}
        if offset + rows_per_chunk < rows.height:
            # Great Expectations ties each chunk into reference cycles, whose few large frames never wake the collector.
            gc.collect()


def _examples(chunk: pl.DataFrame, column: str, *, positions: pl.Series) -> tuple[Example, ...]:
    shown = chunk.select(ROW_NO, column)[positions]
    text = _time_text(column) if shown.schema[column].is_temporal() else pl.col(column).cast(pl.String)
    shown = shown.with_columns(text.fill_null("(empty)").str.head(EXAMPLE_CHARACTERS).alias(column))
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
