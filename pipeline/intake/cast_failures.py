"""Values that do not cast: reported as rule outcomes, and as warnings where the value was left empty."""

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
    """Report values that did not cast like outcomes of a suite: first those that reject their row, then those left empty.

    Args:
        written: One row per mapped row: `row_no`, and every column as it was written in the export.
        rejects: One row per rejected row: `row_no`, `rules`.
        blanked: One row per row with a value left empty, without rows that do not land: `row_no`, `rules`.
    """
    outcomes = list(_outcomes(written, rejects))
    return (*outcomes, *(replace(outcome, consequence="blanked") for outcome in _outcomes(written, blanked)))


def with_file_names(outcomes: Iterable[RuleOutcome], path: str) -> tuple[RuleOutcome, ...]:
    """Add the file's name to the examples of one export's outcomes: a row number alone is ambiguous between files."""
    file = PurePosixPath(path).name
    return tuple(
        replace(outcome, examples=tuple(replace(example, file=file) for example in outcome.examples)) for outcome in outcomes
    )


def merge_outcomes(outcomes: Iterable[RuleOutcome]) -> list[RuleOutcome]:
    """Merge outcomes into one per broken rule, over all arrivals of a table.

    Rules that quarantine rows come first, then the rules with the most broken rows.
    """
    merged: dict[tuple[str, str], RuleOutcome] = {}
    for outcome in outcomes:
        key = (outcome.rule, outcome.consequence)
        merged[key] = _merged(merged[key], outcome) if key in merged else outcome
    broken = [outcome for outcome in merged.values() if outcome.broken]
    return sorted(broken, key=lambda outcome: (outcome.consequence == "blanked", -outcome.broken, outcome.rule))


def check_cells(table: Table, outcomes: Iterable[RuleOutcome]) -> tuple[Finding, ...]:
    """Warn of values that were left empty and of consent that could not be read; the warnings contain no member's id.

    Args:
        table: The table.
        outcomes: The rule outcomes of tonight's arrivals of it.
    """
    return tuple(
        Finding(table.name, "cells_are_valid", "warning", _says(table, outcome), value=outcome.broken, limit=0)
        for outcome in merge_outcomes(outcomes)
        if outcome.consequence == "blanked"
    )


def _merged(one: RuleOutcome, other: RuleOutcome) -> RuleOutcome:
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
    """Return one example that names nobody: letters may be a name in the wrong column, so that only their shape is shown."""
    if is_identifying(outcome.column):
        return ""
    value = next((example.value for example in outcome.examples if example.value not in (None, _AN_ID)), None)
    if value is None:
        return ""
    return f", like {shape(value)}" if any(sign.isalpha() for sign in value) else f", such as '{value}'"


def _outcomes(written: pl.DataFrame, failures: pl.DataFrame) -> Iterator[RuleOutcome]:
    ids = [written[name].cast(pl.String, strict=False) for name in written.columns if name != ROW_NO and is_identifying(name)]
    for rule, row_nos in failures.explode("rules").group_by("rules").agg(ROW_NO).sort("rules").iter_rows():
        # Longest name first: of two columns such as `birth` and `birth_year`, the rule of the second starts with both names.
        column = next(name for name in sorted(written.columns, key=len, reverse=True) if rule.startswith(f"{name}_is_"))
        shown = written.filter(pl.col(ROW_NO).is_in(sorted(row_nos)[:_EXAMPLES])).select(ROW_NO, column)
        examples = tuple(Example(row_no, None if value is None else str(value)) for row_no, value in shown.iter_rows())
        yield RuleOutcome(
            rule=rule,
            says=f"{column} {rule.removeprefix(column + '_').replace('_', ' ')}.",
            column=column,
            # Empty cells are not counted as checked, so that the share is one of the values that are there.
            rows_checked=len(written) - written[column].null_count(),
            broken=len(row_nos),
            examples=tuple(_without_id(example, ids) for example in examples),
        )


def _without_id(example: Example, ids: list[pl.Series]) -> Example:
    """Hide the value of an example if it is an id of the same export: with swapped columns, a bad time may be a member's id."""
    is_id = example.value is not None and any((column == example.value).any() for column in ids)
    return replace(example, value=_AN_ID) if is_id else example
