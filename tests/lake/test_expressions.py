"""SQL expressions over an export are evaluated row by row, text read as numbers where numbers are meant."""

import polars as pl
import pytest

from lake.errors import ConfigurationError
from lake.expressions import Wanted, evaluate, listed

CSV = pl.DataFrame(
    {
        "invoice": ["536365", "536366", "C536379", None],
        "customer": ["007", "8", "9", " "],
        "quantity": ["10", "2", "-1", "3"],
        "price": ["0.5", "20", "2.50", " "],
        "country": ["France", "Italy", "France", None],
        "junk": ["a", "b", "c", "d"],
        "paid at": ["2011-08-31", "2011-09-01", None, ""],
    }
)


def values(sql: str, wanted: Wanted = "number", rows: pl.DataFrame = CSV) -> list[object]:
    return evaluate(rows, sql, wanted=wanted, told="orders (x.csv)").values.to_list()


def misread(sql: str, wanted: Wanted = "number", rows: pl.DataFrame = CSV) -> list[object]:
    return evaluate(rows, sql, wanted=wanted, told="orders (x.csv)").misread.to_list()


@pytest.mark.parametrize("sql", ["paid at", '"paid at"'])
def test_a_column_is_named_with_or_without_quotes(sql: str) -> None:
    assert values(sql, "text") == ["2011-08-31", "2011-09-01", None, None]


@pytest.mark.parametrize("name", ["user", "order", "group", "select", "from", "date", "row_no", "value", "2011 total"])
def test_a_name_that_sql_keeps_for_itself_may_be_a_column(name: str) -> None:
    assert values(name, "text", pl.DataFrame({name: ["a", None]})) == ["a", None]


def test_text_is_multiplied_as_numbers() -> None:
    assert values("quantity * price") == [10 * 0.5, 2 * 20, -1 * 2.5, None]
    assert values("-quantity") == [-10, -2, 1, -3]
    assert values("quantity + price") == [10.5, 22, 1.5, None]
    assert misread("quantity * price") == [False] * 4


def test_typed_columns_need_no_reading() -> None:
    typed = pl.DataFrame({"quantity": [2, None], "price": [0.125, 1.0]})
    assert values("quantity * price", rows=typed) == [0.25, None]


def test_division_does_not_drop_the_fraction() -> None:
    assert values("quantity / 4") == [2.5, 0.5, -0.25, 0.75]


def test_codes_that_are_mostly_numbers_stay_text_where_they_are_compared_with_text() -> None:
    refund = "CASE WHEN {} THEN -1 ELSE 1 END"
    mostly = pl.DataFrame({"invoice": [*map(str, range(9)), "C9"]})
    expected = [1] * 9 + [-1]
    for condition in (
        "invoice LIKE 'C%'",
        "STARTS_WITH(invoice, 'C')",
        "LEFT(invoice, 1) = 'C'",
        "invoice ~ '^C'",
        "invoice IN ('C9')",
        "invoice = 'C9'",
        "CAST(invoice AS VARCHAR) LIKE 'C%'",
        "invoice::varchar LIKE 'C%'",
    ):
        assert values(refund.format(condition), rows=mostly) == expected, condition
        assert misread(refund.format(condition), rows=mostly) == [False] * 10, condition
        assert values(condition, "condition", mostly) == [False] * 9 + [True], condition


def test_numbers_and_codes_may_meet_in_one_expression() -> None:
    sql = "CASE WHEN invoice LIKE 'C%' THEN -ABS(quantity * price) ELSE quantity * price END"
    assert values(sql) == [5.0, 40.0, -2.5, None]


def test_ids_with_leading_zeros_stay_text() -> None:
    assert values("CONCAT('m-', customer)", "text") == ["m-007", "m-8", "m-9", "m-"]
    assert values("customer || '/' || quantity", "text") == ["007/10", "8/2", "9/-1", None]
    assert values("CASE WHEN customer = '007' THEN 1 ELSE 0 END") == [1, 0, 0, 0]


def test_two_columns_of_numbers_are_compared_as_numbers() -> None:
    both = pl.DataFrame({"paid": ["9", "100", None], "due": ["10", "20", "1"]})
    assert values("paid > due", "condition", both) == [False, True, None]
    one_bad = pl.DataFrame({"paid": ["9", "100", "100", "x"], "due": ["10", "20", "20", "1"]})
    assert values("paid > due", "condition", one_bad) == [False, True, True, None]


def test_conditions_compare_text_with_numbers() -> None:
    assert values("quantity > 2", "condition") == [True, False, False, True]
    assert values("country = 'France' AND quantity > 0", "condition") == [True, False, False, None]
    assert values("customer IS NOT NULL", "condition") == [True, True, True, False]


def test_one_text_among_numbers_is_misread_and_shown_as_it_is_written() -> None:
    rows = CSV.with_columns(quantity=pl.Series(["10", "two", "-1", "3"]))
    found = evaluate(rows, "quantity * price", wanted="number", told="orders")
    assert found.values.to_list() == [5.0, None, -2.5, None]
    assert found.misread.to_list() == [False, True, False, False]
    assert found.written.to_list() == ["5", "quantity=two price=20", "-2.5", None]


def test_a_misread_input_is_told_even_where_the_expression_covers_it_up() -> None:
    rows = pl.DataFrame({"price": ["1", "abc", None, "2", "3"]})
    assert values("COALESCE(price, 0)", rows=rows) == [1, 0, 0, 2, 3]
    assert misread("COALESCE(price, 0)", rows=rows) == [False, True, False, False, False]


def test_nothing_but_text_is_all_misread() -> None:
    assert misread("junk * price") == [True] * 4
    assert misread("CASE WHEN country = 'France' THEN -junk ELSE junk END") == [True] * 4


@pytest.mark.parametrize(
    "sql",
    ["CAST(quantity AS INT) * 2", "quantity::int * 2", "cast(quantity as double) * 2", "CAST(CAST(quantity AS INT) AS INT) * 2"],
)
def test_a_cast_that_fails_for_one_row_fails_for_that_row(sql: str) -> None:
    rows = pl.DataFrame({"quantity": ["10", "two", "x", None]})
    assert values(sql, rows=rows) == [20, None, None, None]
    assert misread(sql, rows=rows) == [False, True, True, False]


def test_a_cast_in_text_stays_text() -> None:
    rows = pl.DataFrame({"note": ["CAST(x)", '"options":"Strict"', "7"]})
    lenient = values(
        """CASE WHEN note = '"options":"Strict"' THEN '1' ELSE CAST(CAST(note AS INT) AS VARCHAR) END""", "text", rows
    )
    assert lenient == [None, "1", "7"]


def test_floats_that_are_whole_are_written_as_whole_ids() -> None:
    rows = pl.DataFrame({"id": [12345.0, None, float("nan")], "half": [0.5, 1.0, None]})
    assert values("CAST(id AS VARCHAR)", "text", rows) == ["12345", None, None]
    assert values("'m' || CAST(half AS VARCHAR)", "text", rows) == ["m0.5", "m1.0", None]


def test_a_constant_is_repeated_for_every_row() -> None:
    assert values("'login'", "text") == ["login"] * 4
    assert values("2 + 3") == [5] * 4
    assert values("NULL") == [None] * 4
    assert values("'login'", "text", CSV.clear()) == []


@pytest.mark.parametrize("wanted", ["number", "condition", "text"])
def test_no_rows_give_no_values(wanted: Wanted) -> None:
    for sql in ("price", "quantity * price", "CAST(quantity AS INT)", "quantity > 2"):
        assert values(sql, wanted, CSV.clear()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SUM(quantity)",
        "quantity / SUM(quantity)",
        "MAX(price) - price",
        "COUNT(*)",
        "ROW_NUMBER() OVER (ORDER BY quantity)",
        "FIRST(quantity)",
        "SUM(quantity) OVER (PARTITION BY country)",
    ],
)
def test_an_expression_that_looks_at_other_rows_is_refused(sql: str) -> None:
    with pytest.raises(ConfigurationError, match=r"orders \(x.csv\): .* looks at more than one row"):
        values(sql)


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("qty * price", r"has no column 'qty'.*\n.*the export has: invoice, customer, quantity"),
        ("quantity *", "is not an SQL expression"),
        ("", "is not an SQL expression"),
        ("*", "is not an SQL expression"),
        ("quantity, price", "is not an SQL expression"),
        ("quantity; DROP TABLE x", "is not an SQL expression"),
        ("frobnicate(quantity)", "unsupported function"),
        ("(SELECT 1)", "cannot be evaluated"),
        ("UPPER(quantity) * 2", "cannot be evaluated"),
    ],
)
def test_an_expression_that_cannot_be_evaluated_names_its_place(sql: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as error:
        values(sql)
    assert "orders (x.csv)" in str(error.value)


def test_many_columns_are_listed_up_to_a_glance() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(31))) == ", ".join(map(str, range(30))) + ", …"


def test_many_text_columns_do_not_multiply_the_work() -> None:
    # Trying every combination of twelve columns would take minutes.
    wide = pl.DataFrame({f"x{n}": ["1", "2"] for n in range(12)})
    assert values(" + ".join(wide.columns), rows=wide) == [12, 24]
    assert values("CASE WHEN x0 LIKE '1%' THEN 1 ELSE 0 END + " + " + ".join(wide.columns[1:]), rows=wide) == [12, 22]
