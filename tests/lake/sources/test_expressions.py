"""SQL expressions over an export are evaluated row by row, text read as numbers where numbers are meant."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from lake.errors import ConfigurationError
from lake.sources.expressions import Wanted, _subsets, evaluate, listed
from lake.sources.sql_names import ALLOWED_FUNCTIONS

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
    return evaluate(rows, sql, wanted=wanted, label="orders (x.csv)").values.to_list()


def misread(sql: str, wanted: Wanted = "number", rows: pl.DataFrame = CSV) -> list[object]:
    return evaluate(rows, sql, wanted=wanted, label="orders (x.csv)").misread.to_list()


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


def test_a_quotient_that_differs_in_its_last_bit_among_others_is_one_row_s_own() -> None:
    cents = pl.DataFrame({"cents": ["1999", "1998", "57"], "price": [1999.0, 50.5, None]})
    assert values("cents / 100", rows=cents) == pytest.approx([19.99, 19.98, 0.57])
    assert values("price / 100", rows=cents)[:2] == pytest.approx([19.99, 0.505])


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.UInt64])
def test_narrow_numbers_of_parquet_do_not_wrap_around(dtype: type[pl.DataType]) -> None:
    rows = pl.DataFrame({"x": pl.Series([100, 7], dtype=dtype)})
    assert values("x * 100000000", rows=rows) == [10_000_000_000, 700_000_000]
    assert values("0 - x", rows=rows) == [-100, -7]
    largest = pl.DataFrame({"x": pl.Series([2**64 - 1], dtype=pl.UInt64)})
    assert values("0 - x", rows=largest) == [1 - 2**64]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CAST(seconds AS INT) * 1000", 1_577_934_240_000),
        ("seconds::INTEGER * 1000", 1_577_934_240_000),
        ("TRY_CAST(seconds AS INT UNSIGNED) - 1577934241", -1),
        ("CAST(cents AS FLOAT)", 1234567.89),
        ("CAST(cents AS REAL)", 1234567.89),
        ("LENGTH(word) - 5", -2),
        ("STRPOS(word, 'z') - 1", -1),
        ("EXTRACT(HOUR FROM t) * 60 + EXTRACT(MINUTE FROM t)", 23 * 60 + 4),
        ("DATE_PART('hour', t) * 60", 23 * 60),
        ("MONTH(t) * 100 + DAY(t)", 1231),
        ("EXTRACT(EPOCH FROM t)", 1_577_833_445.5),
        ("places[1] * 100", 10_000),
    ],
)
def test_functions_and_casts_give_numbers_that_do_not_wrap_around(sql: str, expected: float) -> None:
    moment = datetime(2019, 12, 31, 23, 4, 5, 500_000)  # noqa: DTZ001 - as an export has it
    rows = pl.DataFrame({"seconds": ["1577934240"], "cents": ["1234567.89"], "word": ["abc"], "t": [moment]})
    rows = rows.with_columns(places=pl.Series([[100]], dtype=pl.List(pl.Int8)))
    assert values(sql, rows=rows) == [expected]


def test_the_zone_behind_a_time_counts_in_strptime() -> None:
    rows = pl.DataFrame({"t": ["2024-03-10T02:30:00Z", "2024-03-10T02:30:00Z"]})
    for function in ("STRPTIME", "DATETIME", "TIMESTAMP"):
        for pattern in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"):
            assert values(f"{function}(t, '{pattern}')", "text", rows) == [datetime(2024, 3, 10, 2, 30, tzinfo=UTC)] * 2
    for pattern, complaint in (("%Y-%m-%d %H:%M %Z", "several zones share"), ("%Y-%m-%d %H:%M UTC", "timezone = 'UTC'")):
        with pytest.raises(ConfigurationError, match=complaint):
            values(f"STRPTIME(t, '{pattern}')", "text", rows)


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
    found = evaluate(rows, "quantity * price", wanted="number", label="orders")
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
        ("qty * price", r"no column `qty`; the export has invoice, customer, quantity"),
        ("quantity *", "is not an SQL expression"),
        ("", "is not an SQL expression"),
        ("*", "is not an SQL expression"),
        ("quantity, price", "is not an SQL expression"),
        ("quantity; DROP TABLE x", "is not an SQL expression"),
        ("frobnicate(quantity)", "there is no function `frobnicate`"),
        ("(SELECT 1)", "a query .* is not read"),
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


@pytest.mark.parametrize(
    ("absent", "nearest"),
    [("Total net", "Total"), ("2024_net", None), ("user", "users"), ("order", None), ("group", None), ("from", None)],
)
def test_a_name_that_is_no_column_is_told_with_the_nearest_one(absent: str, nearest: str | None) -> None:
    rows = pl.DataFrame({"id": ["1"], "users": ["a"], "t": ["2024-01-01"], "Total": ["120"]})
    for sql in (absent, f'"{absent}"', f'UPPER("{absent}")'):
        with pytest.raises(ConfigurationError, match=f"no column `{absent}`; the export has id, users, t, Total\n") as error:
            values(sql, rows=rows)
        assert (f"Did you mean `{nearest}`?" in str(error.value)) == (nearest is not None)


def test_a_second_name_is_no_second_meaning() -> None:
    for sql in ("price AS total", "price total + 1", '"price" "total"', "'a' 'b'", "price, quantity", "price.*", "SELECT price"):
        with pytest.raises(ConfigurationError, match=r"is not an SQL expression|no column"):
            values(sql)


def test_names_that_polars_reads_as_patterns_are_columns() -> None:
    odd = pl.DataFrame({"^.*$": ["1"], "*": ["20"], "_column_0_": ["300"], "end": ["4000"], "2024_net": ["50000"]})
    assert values('"_column_0_" + "*" + "^.*$" + end + 2024_net', rows=odd) == [54321]


def test_a_time_that_does_not_read_fails_for_its_row_alone() -> None:
    rows = pl.DataFrame({"d": ["05.01.2024", "soon", None]})
    assert [str(value) for value in values("STRPTIME(d, '%d.%m.%Y')", "text", rows)] == ["2024-01-05 00:00:00", "None", "None"]
    assert misread("STRPTIME(d, '%d.%m.%Y')", "text", rows) == [False, True, False]


def test_no_value_of_the_export_is_in_a_message() -> None:
    rows = pl.DataFrame({"name": ["secret-member"], "n": [1]})
    for sql in (
        "name + DATE '2024-01-01'",
        "REGEXP_LIKE(name, '(')",
        "name > DATE '2024-01-01'",
        "ARRAY_LENGTH(name)",
    ):
        with pytest.raises(ConfigurationError, match="cannot be evaluated") as error:
            values(sql, "text", rows)
        assert "secret" not in str(error.value)
        assert error.value.__cause__ is None
        assert error.value.__context__ is None


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("NOW()", "another value every time"),
        ("CURRENT_DATE", "no column `CURRENT_DATE`"),
        ("GREATEST()", "is missing"),
        ("price -- 2", "comments are not read"),
        ("price /* 2 */", "comments are not read"),
        ("CAST(price AS regclass)", "no type"),
        ("'it", "quote ' at character 1 is not closed"),
        ("(" * 50 + "price" + ")" * 50, "nested more than 40 times"),
        (" + ".join(["price"] * 3000), "more than 5000"),
        ("ROUND(price, 1, 2, 3)", "that Polars reads"),
    ],
)
def test_what_is_not_on_the_list_is_refused_with_the_reason(sql: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        values(sql)


def test_every_allowed_function_is_one_that_polars_has() -> None:
    for name in ALLOWED_FUNCTIONS - {"CAST", "TRY_CAST", "SAFE_CAST", "EXTRACT", "POSITION"}:
        assert "unsupported function" not in _complaint_of_polars(name), name


def _complaint_of_polars(name: str) -> str:
    try:
        pl.sql_expr("PI()" if name == "PI" else f"{name}(a)")
    except pl.exceptions.PolarsError as error:
        return str(error)
    return ""


def test_the_whole_grammar_reaches_polars_with_its_meaning() -> None:
    rows = pl.DataFrame(
        {"a": ["1", "22"], "n": [1.5, -2.0], "t": [datetime.fromisoformat("2020-01-02 03:04")] * 2, "l": [[1, 5], [2, 6]]}
    )
    expected: dict[str, object] = {
        "CASE n WHEN 1.5 THEN 'x' ELSE 'y' END": ["x", "y"],
        "CASE WHEN n > 0 THEN 1 WHEN n < -1 THEN 2 END": [1, 2],
        "n NOT BETWEEN 0 AND 2 AND NOT a IS NULL": [False, True],
        "n IS NOT DISTINCT FROM 1.5": [True, False],
        "a NOT IN ('1', '3') OR n IN (1.5, -3)": [True, True],
        "a NOT ILIKE '1%'": [False, True],
        "a !~* '^1'": [False, True],
        "POSITION('2' IN a)": [0, 1],
        "SUBSTRING(a FROM 2 FOR 1)": ["", "2"],
        "TRIM(LEADING '1' FROM a)": ["", "22"],
        "TRIM(a)": ["1", "22"],
        "EXTRACT(YEAR FROM t) * 100 + DATE_PART('month', t)": [202001, 202001],
        "t::date + INTERVAL '2' DAY": [date(2020, 1, 4)] * 2,
        "t - INTERVAL '1 hour' < TIMESTAMP '2020-01-02 03:00:00'": [True, True],
        "TRY_CAST(a AS DECIMAL(10, 2))": [Decimal("1.00"), Decimal("22.00")],
        "CAST(a AS BIGINT UNSIGNED) // 2": [0, 11],
        "n::double precision % 1": [0.5, -0.0],
        "l[2] + ARRAY_LENGTH(l)": [7, 8],
        "- -n + .5 - 1e1": [-8.0, -11.5],
        "NORMALIZE(a, NFKC) || `a`": ["11", "2222"],
        "IF(n <=> 1.5, LEFT(a, 1), RIGHT(a, 1))": ["1", "2"],
        "CAST(t AS TIMESTAMP) AT TIME ZONE 'UTC' IS NULL": [False, False],
    }
    assert {sql: values(sql, "text", rows) for sql in expected} == expected


def test_every_subset_of_six_columns_is_tried_and_of_more_only_those_near_none_or_all() -> None:
    assert len(_subsets(list("abcdef"))) == 2**6
    assert len(_subsets(list("abcdefg"))) == 2 * (1 + 7 + 21)
