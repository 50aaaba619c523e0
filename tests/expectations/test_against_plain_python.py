"""The verdicts of the suites against a slow and obvious reading of the same rules, row by row."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from community.rates import FIGURE_NAMES
from expectations.runner import ValidationResult, validate
from lake.contracts import TABLES, Table

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
LATEST = NOW + timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANGES = {"amount": (-1e12, 1e12), "score": (-1e6, 1e6), "birth_year": (1900, 2026), "value": (-1e12, 1e12)}
# Each tries up to a dozen rows against every rule of a table.
EXAMPLES = 6 if settings.default.derandomize else 60
LONGEST = {"title": 10_000, "text": 1_000_000}

IDS = st.sampled_from(["a", "b", "dau", "9" * 25, "9" * 24 + "8", "é", "", " ", "x" * 2000, "x" * 2001])
TIMES = st.sampled_from(
    [EPOCH, EPOCH - timedelta(microseconds=1), NOW, LATEST, LATEST + timedelta(microseconds=1)]
) | st.datetimes(timezones=st.just(UTC))
NUMBERS = st.sampled_from([0.0, -0.0, 1e6, 1e6 + 1, -1e12, 1.1e12, math.inf, -math.inf, math.nan]) | st.floats()
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "String": IDS,
    "Float64": NUMBERS,
    "Int32": st.integers(1890, 2040) | st.sampled_from([-(2**31), 2**31 - 1]),
    "Boolean": st.booleans(),
}


@st.composite
def arrivals(draw: st.DrawFn, table: Table) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    columns = {
        name: st.none() | (TIMES if str(column.dtype).startswith("Datetime") else VALUES[str(column.dtype)])
        for name, column in table.columns.items()
    }
    mapped = draw(st.sets(st.sampled_from(sorted(columns)), min_size=1))
    rows = draw(st.lists(st.fixed_dictionaries({name: columns[name] for name in sorted(mapped)}), min_size=1, max_size=12))
    referenced = draw(st.dictionaries(st.sampled_from(["members", "content"]), st.lists(IDS, max_size=4)))
    return rows, referenced


def rules_broken_by(table: Table, row: dict[str, Any], earlier: list[dict[str, Any]], known: dict[str, list[str]]) -> set[str]:
    broken: set[str] = set()
    for name, value in row.items():
        needed = table.columns[name].required or name == table.key
        if value is None:
            if needed:
                broken.add(f"{name}_present")
            continue
        if isinstance(value, str) and not (1 if needed else 0) <= len(value) <= LONGEST.get(name, 2000):
            broken.add(f"{name}_length")
        if isinstance(value, datetime) and value < EPOCH:
            broken.add(f"{name}_not_before_1970")
        if isinstance(value, datetime) and value > LATEST:
            broken.add(f"{name}_not_in_future")
        if name == "figure" and value in FIGURE_NAMES:
            broken.add("figure_not_counted_here")
        if name in RANGES and not RANGES[name][0] <= value <= RANGES[name][1]:
            broken.add(f"{name}_in_range")
        if name == table.key != "order_id" and value in [other[name] for other in earlier]:
            broken.add(f"{name}_unique")
        if known.get(table.references.get(name, "")) is not None and value not in known[table.references[name]]:
            broken.add(f"{name}_known")
        if name in ("opened_at", "clicked_at") and row.get("sent_at") is not None and value < row["sent_at"]:
            broken.add(f"{name}_not_before_sent_at")
    return broken


@pytest.mark.parametrize("name", list(TABLES))
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],  # shrinking a failure would take minutes, at a tenth of a second a try
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_suite_and_plain_python_find_the_same_rows_and_rules(name, data):
    table = TABLES[name]
    rows, known = data.draw(arrivals(table))
    schema = {column: table.columns[column].dtype for column in rows[0]}
    # Several arrivals are judged at once, and know nothing of each other.
    cut = data.draw(st.integers(0, len(rows)))
    apart = [rows[:cut], rows[cut:]]
    found = validate(
        table,
        [pl.DataFrame(some, schema=schema).with_columns(row_no=pl.int_range(len(some), dtype=pl.Int64)) for some in apart],
        references={referenced: pl.Series(keys, dtype=pl.String) for referenced, keys in known.items()},
        now=NOW,
        future_tolerance=LATEST - NOW,
        rows_per_chunk=data.draw(st.sampled_from([3, 100])),
    )
    for some, validation in zip(apart, found, strict=True):
        agrees_with_plain_python(validation, table, some, known)


def agrees_with_plain_python(
    found: ValidationResult, table: Table, rows: list[dict[str, Any]], known: dict[str, list[str]]
) -> None:
    judged = {row_no: rules_broken_by(table, row, rows[:row_no], known) for row_no, row in enumerate(rows)}
    bad = {row_no: {rule for rule in rules if is_about_needed(rule, table)} for row_no, rules in judged.items()}
    assert dict(found.bad.iter_rows()) == {row_no: sorted(rules) for row_no, rules in bad.items() if rules}
    # A row that is bad breaks the rules that make it so; of the others, values that break a rule are left empty.
    counted = {row_no: bad[row_no] or rules for row_no, rules in judged.items()}
    for row in found.good.iter_rows(named=True):
        for name, value in rows[row["row_no"]].items():
            is_empty = any(column_of(rule, table) == name for rule in counted[row["row_no"]])
            assert row[name] is None if is_empty else row[name] == value or row[name] != row[name]
    assert found.good.get_column("row_no").to_list() == [row_no for row_no, rules in bad.items() if not rules]
    every_rule = [rule for rules in counted.values() for rule in rules]
    assert {outcome.rule: outcome.broken for outcome in found.outcomes if outcome.broken} == {
        rule: every_rule.count(rule) for rule in every_rule
    }
    for outcome in found.outcomes:
        assert outcome.consequence == ("quarantined" if is_about_needed(outcome.rule, table) else "blanked")
        needed = [outcome.column, "sent_at"] if outcome.rule.endswith("_not_before_sent_at") else [outcome.column]
        with_values = [row for row in rows if all(row[column] is not None for column in needed)]
        assert outcome.rows_checked == len(rows if outcome.rule.endswith("_present") else with_values)
        breaking = [row_no for row_no, rules in counted.items() if outcome.rule in rules]
        assert [example.row_no for example in outcome.examples] == breaking[:3]


def column_of(rule: str, table: Table) -> str:
    """The column a rule is about; no column's name begins like another's and an underscore."""
    return next(name for name in table.columns if rule.startswith(f"{name}_"))


def is_about_needed(rule: str, table: Table) -> bool:
    name = column_of(rule, table)
    return name == table.key or table.columns[name].required
