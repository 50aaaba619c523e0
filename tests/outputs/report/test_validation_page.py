from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markupsafe import escape

from outputs.report.validation_page import ValidationFacts, is_identifying, render_validation, shown_value
from tests.outputs.examples import AS_OF, HOSTILE, night_with_checks
from tests.outputs.report.test_report import Page


def test_the_page_loads_nothing_and_escapes_what_it_shows() -> None:
    html = render_validation(night_with_checks())
    page = Page(html)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert str(escape(HOSTILE)) in html
    assert "http:" not in html
    assert "https:" not in html
    assert html == render_validation(night_with_checks())


def test_a_broken_rule_shows_its_count_and_at_most_three_examples() -> None:
    html = render_validation(night_with_checks())
    assert "ordered_at is not later than now" in html
    assert "30 rows · stopped" in html
    assert "1 row · set aside" in html
    assert "18,205" in html
    assert "a fourth" not in html


def test_ids_are_hidden() -> None:
    html = render_validation(night_with_checks())
    assert "M-0042" not in html
    assert "like A-9999" in html


def test_a_stopped_run_says_where_and_what_to_do() -> None:
    html = render_validation(night_with_checks())
    assert "The run stopped at orders. Nothing of the files at fault landed." in html
    assert "Repair the export" in html
    assert "the limit is 0.05 %" in html


def test_a_clean_night_says_so() -> None:
    night = night_with_checks()
    assert "All clear: none of 4,313 rows broke a rule." in render_validation(
        replace(night, tables=night.tables[:1], remedy=None)
    )
    assert "No new rows arrived" in render_validation(ValidationFacts("Beer", AS_OF, tables=()))


@pytest.mark.parametrize(
    "column", ["member_id", "Customer ID", "customerId", "id", "OwnerUserId", "e-mail", "text", "Full Name", "ids"]
)
def test_columns_that_point_to_a_person_are_recognised(column: str) -> None:
    assert is_identifying(column)


@pytest.mark.parametrize("column", ["amount", "occurred_at", "paid", "valid", "Quantity", "context"])
def test_other_columns_are_shown(column: str) -> None:
    assert not is_identifying(column)


def test_a_value_is_shown_short_and_with_its_control_characters() -> None:
    assert shown_value("12\t5\x00", column="amount") == r"12\t5\x00"
    assert shown_value(None, column="amount") == shown_value(None, column="member_id") == "empty"
    assert shown_value("x" * 100, column="amount") == "x" * 79 + "…"
    assert shown_value("anything", column=None) == "hidden, 8 characters"


def test_of_an_id_the_shape_is_shown_and_of_a_name_only_the_length() -> None:
    assert shown_value("M12-é-0042", column="member_id") == "like A99-a-9999, 10 characters"
    assert shown_value("NULL", column="author_id") == "like AAAA, 4 characters"
    assert shown_value("8.76543E+17", column="customerId") == "like 9.99999A+99, 11 characters"
    assert shown_value("x" * 2001, column="member_id") == f"like {'a' * 24}…, 2,001 characters"
    assert shown_value("a\x00b", column="id") == r"like a\x00a, 3 characters"
    for column in ("email", "Full Name", "text"):
        assert shown_value("anna", column=column) == "hidden, 4 characters"


def test_a_value_that_was_left_empty_is_counted_as_a_value() -> None:
    night = night_with_checks()
    (table,) = [table for table in night.tables if table.broken][:1]
    left = replace(table, broken=(replace(table.broken[0], consequence="left empty"),), stopped_because=None)
    html = render_validation(replace(night, tables=(left,), remedy=None))
    assert re.search(r"[\d,]+ values? · left empty", html)
