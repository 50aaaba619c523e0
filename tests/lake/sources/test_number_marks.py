"""Decimal commas and marks between thousands are read in numbers, and left alone elsewhere."""

import pytest

from tests.lake.sources.reading import read


def test_decimal_commas_are_read_where_a_number_is_computed_and_nowhere_else() -> None:
    columns = {"amount": "price * n", "order_id": "id", "kind": "CASE WHEN size > 1 THEN 'big' ELSE note END"}
    content = "id;price;n;size;note\n1.234;1.234,50;1.000;2,5;1,5\n1.235;-,5;2;0,5;x\n1.236;1.5;;;\n"
    rows = read(content, separator=";", decimal=",", thousands=".", columns=columns)
    assert rows.rows() == [
        ("1.234", "1234.50", "1000", "2.5", "1,5"),
        ("1.235", "-.5", "2", "0.5", "x"),
        ("1.236", "1.5 (decimal mark is ,)", None, None, None),
    ]


@pytest.mark.parametrize(
    ("written", "thousands"),
    [("1 234,5", " "), ("1\u00a0234,5", " "), ("1\u202f234,5", " "), ("1'234,5", "'"), ("1\u2019234,5", "'")],
)
def test_thousands_may_be_set_apart_by_any_blank_or_apostrophe(written: str, thousands: str) -> None:
    assert read(f"amount;n\n{written};1\n", separator=";", decimal=",", thousands=thousands)["amount"].item() == "1234.5"
