"""Values that could not be used: told as outcomes of rules, and as warnings of the night where they were left empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

import polars as pl

from expectations.runner import Example, RuleOutcome
from expectations.table_checks import Finding
from lake.contracts import CONSENT, Table
from lake.sources.mapping import ROW_NO
from outputs.report.validation_page import is_identifying, shape

_EXAMPLES: Final = 3
_AN_ID: Final = "(an id)"


def cast_outcomes(written: pl.DataFrame, rejects: pl.DataFrame, blanked: pl.DataFrame) -> tuple[RuleOutcome, ...]:
    """Tell the values that did not cast like the rules of a suite: first those that reject their row, then those left empty.

    Args:
        written: One row per mapped row: `row_no`, and every column as it was written.
        rejects: One row per rejected row: `row_no`, `rules`.
        blanked: One row per row with a value left empty, rows that do not land aside: `row_no`, `rules`.
    """
    outcomes = list(_outcomes(written, rejects))
    return (*outcomes, *(replace(outcome, consequence="blanked") for outcome in _outcomes(written, blanked)))


def from_file(outcomes: Iterable[RuleOutcome], path: str) -> tuple[RuleOutcome, ...]:
    """The outcomes of one export, whose examples say which file they came from: a row's number alone may be in many files."""
    file = PurePosixPath(path).name
    return tuple(replace(one, examples=tuple(replace(row, file=file) for row in one.examples)) for one in outcomes)


def together(outcomes: Iterable[RuleOutcome]) -> list[RuleOutcome]:
    """One outcome per broken rule over all arrivals of a table, those that quarantine rows first, then the worst first."""
    merged: dict[tuple[str, str], RuleOutcome] = {}
    for outcome in outcomes:
        key = (outcome.rule, outcome.consequence)
        merged[key] = _added(merged[key], outcome) if key in merged else outcome
    broken = [outcome for outcome in merged.values() if outcome.broken]
    return sorted(broken, key=lambda outcome: (outcome.consequence == "blanked", -outcome.broken, outcome.rule))


def check_cells(table: Table, outcomes: Iterable[RuleOutcome]) -> tuple[Finding, ...]:
    """Warn of values that were left empty, or of consent that could not be read, with counts and no member's id.

    Args:
        table: Their table.
        outcomes: What the rules found in tonight's arrivals of it.
    """
    return tuple(
        Finding(table.name, "cells_are_valid", "warning", _says(table, outcome), value=outcome.broken, limit=0)
        for outcome in together(outcomes)
        if outcome.consequence == "blanked"
    )


def _added(one: RuleOutcome, other: RuleOutcome) -> RuleOutcome:
    return replace(
        one,
        rows_checked=one.rows_checked + other.rows_checked,
        broken=one.broken + other.broken,
        examples=(*one.examples, *other.examples)[:_EXAMPLES],
    )


def _says(table: Table, outcome: RuleOutcome) -> str:
    column = outcome.column
    count = f"{table.name}.{column}: {outcome.broken:,} of {outcome.rows_checked:,} values"
    if outcome.rule.startswith(f"{column}_is_"):
        kind = outcome.rule.removeprefix(f"{column}_is_").replace("_", " ")
        became = "count as no" if column in CONSENT else "were left empty"
        return f"{count} could not be read as {kind} and {became}{_such_as(outcome)}."
    if outcome.rule == f"{column}_known":
        return f"{count} name no row of {table.references[column]} that is known and were left empty."
    return f"{count} were left empty{_such_as(outcome)}, because of the rule: {outcome.says}"


def _such_as(outcome: RuleOutcome) -> str:
    """One example that names nobody: letters, which may be a name in the wrong column, are shown as a shape."""
    if is_identifying(outcome.column):
        return ""
    value = next((example.value for example in outcome.examples if example.value not in (None, _AN_ID)), None)
    if value is None:
        return ""
    return f", like {shape(value)}" if any(sign.isalpha() for sign in value) else f", such as '{value}'"


def _outcomes(written: pl.DataFrame, failures: pl.DataFrame) -> Iterator[RuleOutcome]:
    ids = [written[name].cast(pl.String, strict=False) for name in written.columns if name != ROW_NO and is_identifying(name)]
    for rule, row_nos in failures.explode("rules").group_by("rules").agg(ROW_NO).sort("rules").iter_rows():
        column = next(name for name in sorted(written.columns, key=len, reverse=True) if rule.startswith(f"{name}_is_"))
        shown = written.filter(pl.col(ROW_NO).is_in(sorted(row_nos)[:_EXAMPLES])).select(ROW_NO, column)
        examples = tuple(Example(row_no, None if value is None else str(value)) for row_no, value in shown.iter_rows())
        yield RuleOutcome(
            rule=rule,
            says=f"{column} {rule.removeprefix(column + '_').replace('_', ' ')}.",
            column=column,
            rows_checked=len(written) - written[column].null_count(),
            broken=len(row_nos),
            examples=tuple(_without_id(example, ids) for example in examples),
        )


def _without_id(example: Example, ids: list[pl.Series]) -> Example:
    """Where columns were mixed up, a value that is no time may be a member's id."""
    is_id = example.value is not None and any((column == example.value).any() for column in ids)
    return replace(example, value=_AN_ID) if is_id else example
