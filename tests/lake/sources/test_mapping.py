"""An export's columns become the contract's, and no row is lost on the way."""

import csv
import io
import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lake.contracts import EVENTS, FEEDBACK, MEMBERS, ORDERS, TABLES, TIMESTAMP, Table
from lake.errors import ConfigurationError, EvenfallError
from lake.sources.mapping import ROW_NO, Mapped, map_export, rows_as_json
from lake.sources.readers import read_export
from lake.sources.source_settings import SourceSettings

NAME = "orders[2] (landing/shop.csv)"
SHOP = pl.DataFrame(
    {
        "Invoice": ["536365", "536366", "C536379", "536380"],
        "Customer ID": ["17850", None, "17850", "13047"],
        "InvoiceDate": ["2011-08-30 09:00", "2011-08-30 10:00", "2011-08-31 11:00", "2011-08-31 12:00"],
        "Quantity": ["6", "1", "-1", "2"],
        "Price": ["2.55", "3", "2.55", "0.125"],
    }
)
SHOP_COLUMNS = {
    "order_id": "Invoice",
    "member_id": 'CAST("Customer ID" AS VARCHAR)',
    "ordered_at": "InvoiceDate",
    "amount": "Quantity * Price",
}


def mapped(
    export: pl.DataFrame, columns: dict[str, str] | None = None, *, table: Table = ORDERS, zone: str = "UTC", **settings: object
) -> Mapped:
    source = SourceSettings.model_validate({"path": "x.csv", "columns": columns or {}, **settings})
    return map_export(export, table=table, settings=source, name=NAME, timezone=zone)


def broken(found: Mapped) -> dict[int, list[str]]:
    return dict(found.rejects.iter_rows())


def shown(found: Mapped) -> list[dict[str, str | None]]:
    return [json.loads(row) for row in rows_as_json(found.written, found.rejects[ROW_NO])["values"]]


def test_an_export_is_mapped_to_the_contract() -> None:
    found = mapped(SHOP, SHOP_COLUMNS, where='"Customer ID" IS NOT NULL')
    assert found.rows.schema == {
        "row_no": pl.Int64,
        "order_id": pl.String,
        "member_id": pl.String,
        "ordered_at": TIMESTAMP,
        "amount": pl.Float64,
    }
    assert found.rows.rows() == [
        (1, "536365", "17850", datetime(2011, 8, 30, 9, tzinfo=UTC), 6 * 2.55),
        (3, "C536379", "17850", datetime(2011, 8, 31, 11, tzinfo=UTC), -1 * 2.55),
        (4, "536380", "13047", datetime(2011, 8, 31, 12, tzinfo=UTC), 2 * 0.125),
    ]
    assert (found.rows_read, found.left_out, found.rejects.height) == (4, 1, 0)


def test_columns_of_the_same_name_are_taken_when_none_are_mapped() -> None:
    export = pl.DataFrame({"member_id": [7, 8], "score": [9, None], "answered_at": ["2011-08-31"] * 2, "mood": ["a", "b"]})
    found = mapped(export, table=FEEDBACK)
    assert found.rows.columns == ["row_no", "member_id", "answered_at", "score"]
    assert found.rows["member_id"].to_list() == ["7", "8"]


def test_the_columns_of_an_export_may_have_any_name() -> None:
    export = pl.DataFrame({"row_no": ["a"], "user": ["u"], "order": ["login"], "select": ["2011-08-31"], "value": ["x"]})
    columns = {"event_id": "row_no", "member_id": "user", "event_type": "order", "occurred_at": "select", "channel": "value"}
    found = mapped(export, columns, table=EVENTS)
    assert found.rows.drop("occurred_at").rows() == [(1, "a", "u", "login", "x")]


def test_one_text_in_a_numeric_column_rejects_its_row_alone_and_shows_the_value() -> None:
    found = mapped(SHOP.with_columns(Quantity=pl.Series(["6", "1", "minus one", "2"])), SHOP_COLUMNS)
    assert broken(found) == {3: ["amount_is_a_number"]}
    assert shown(found)[0]["amount"] == "Quantity=minus one Price=2.55"
    assert found.rows["amount"].to_list() == [6 * 2.55, 3, None, 2 * 0.125]


def test_a_bare_column_shows_the_value_as_it_is_written() -> None:
    found = mapped(SHOP.with_columns(Price=pl.Series(["2.55", "12,50", "1", "1"])), {**SHOP_COLUMNS, "amount": "Price"})
    assert broken(found) == {2: ["amount_is_a_number"]}
    assert shown(found) == [
        {"order_id": "536366", "member_id": None, "ordered_at": "2011-08-30 10:00", "amount": "12,50"},
    ]


def test_nothing_but_text_rejects_every_row() -> None:
    found = mapped(SHOP.with_columns(Price=pl.lit("n/a")), SHOP_COLUMNS)
    assert list(broken(found)) == [1, 2, 3, 4]
    assert found.rows.height == 4


def test_a_row_may_break_several_rules() -> None:
    found = mapped(SHOP.with_columns(Price=pl.lit("n/a"), InvoiceDate=pl.lit("soon")).head(1), SHOP_COLUMNS)
    assert broken(found) == {1: ["amount_is_a_number", "ordered_at_is_a_time"]}


@pytest.mark.parametrize(
    ("column", "text", "rule", "becomes"),
    [
        ("joined_at", "0000-00-00", "joined_at_is_a_time", None),
        ("birth_year", "19x5", "birth_year_is_a_whole_number", None),
        ("can_contact", "perhaps", "can_contact_is_yes_or_no", False),
        ("can_profile", "??", "can_profile_is_yes_or_no", False),
    ],
)
def test_an_optional_value_that_does_not_cast_is_left_empty_and_unreadable_consent_is_a_no(
    column: str, text: str, rule: str, becomes: bool | None
) -> None:
    found = mapped(pl.DataFrame({"member_id": ["a", "b"], column: [text, None]}), table=MEMBERS)
    assert broken(found) == {}
    assert dict(found.blanked.iter_rows()) == {1: [rule]}
    assert found.rows[column].to_list() == [becomes, None]
    assert found.written[column].to_list() == [text, None]


def test_an_optional_expression_over_a_misread_value_is_left_empty() -> None:
    export = SHOP.with_columns(Price=pl.Series(["1", "x", None, "3"]))
    found = mapped(export, {**SHOP_COLUMNS, "amount": "1", "kind": "Price * 2"})
    assert dict(found.blanked.iter_rows()) == {2: ["kind_is_a_number"]}
    assert found.rows["kind"].to_list() == ["2", None, None, "6"]


def test_what_is_left_empty_in_a_rejected_row_is_not_counted() -> None:
    export = pl.DataFrame({"member_id": ["a", "b"], "answered_at": ["soon", "2011-08-31"], "score": ["ten", "ten"]})
    found = mapped(export, table=FEEDBACK)
    assert broken(found) == {1: ["answered_at_is_a_time"]}
    assert dict(found.blanked.iter_rows()) == {2: ["score_is_a_number"]}


def test_ids_that_travelled_as_floats_stay_whole_everywhere() -> None:
    export = pl.DataFrame({"id": [1.0, None, 3.0], "who": [12345.0, 2.0, float("nan")], "at": ["2011-08-31"] * 3})
    columns = {"event_id": "CAST(id AS VARCHAR)", "member_id": "who", "event_type": "'x'", "occurred_at": "at"}
    found = mapped(export, columns, table=EVENTS)
    assert found.rows["event_id"].to_list() == ["1", None, "3"]
    assert found.rows["member_id"].to_list() == ["12345", "2", None]
    assert rows_as_json(found.written, pl.Series([1]))["values"].item().startswith('{"event_id":"1","member_id":"12345"')


def test_text_stored_as_categories_or_bytes_is_text() -> None:
    export = pl.DataFrame({"who": [b"ann", b"bob"], "kind": ["like", "post"], "at": ["2011-08-31"] * 2}).cast(
        {"kind": pl.Categorical, "at": pl.Enum(["2011-08-31"])}
    )
    columns = {"member_id": "who", "event_type": "CASE WHEN kind LIKE 'li%' THEN 'love' ELSE kind END", "occurred_at": "at"}
    found = mapped(export, columns, table=EVENTS)
    assert found.rows.select("member_id", "event_type").rows() == [("ann", "love"), ("bob", "post")]
    assert not found.rejects.height


def test_nested_values_are_kept_as_json() -> None:
    export = pl.DataFrame({"member_id": ["a"], "answered_at": ["never"], "text": [["x", "y"]]})
    assert shown(mapped(export, table=FEEDBACK)) == [{"member_id": "a", "answered_at": "never", "text": '["x", "y"]'}]


def test_times_are_read_in_the_zone_and_format_of_the_source() -> None:
    export = SHOP.with_columns(InvoiceDate=pl.lit("31/08/2011 12:00")).head(1)
    found = mapped(export, SHOP_COLUMNS, zone="Europe/London", date_format="%d/%m/%Y %H:%M")
    assert found.rows["ordered_at"].to_list() == [datetime(2011, 8, 31, 11, tzinfo=UTC)]


def test_where_leaves_out_what_is_not_true_and_counts_it() -> None:
    for where, left in (("Quantity > 1", 2), ("Quantity > 1 OR Price > 2.9", 1), ("FALSE", 4), ("TRUE", 0), ("Price > 'x'", 4)):
        found = mapped(SHOP, SHOP_COLUMNS, where=where)
        assert (found.left_out, found.rows.height) == (left, 4 - left), where


def test_a_row_of_which_where_cannot_tell_is_left_out() -> None:
    export = SHOP.with_columns(Quantity=pl.Series(["6", None, "abc", "2"]))
    assert mapped(export, SHOP_COLUMNS, where="Quantity > 0").rows[ROW_NO].to_list() == [1, 4]


def test_where_may_leave_nothing_whatever_the_expressions() -> None:
    columns = {**SHOP_COLUMNS, "ordered_at": "Quantity / 1000", "kind": "CASE WHEN Price > 1 THEN 'a' ELSE Invoice END"}
    found = mapped(SHOP, columns, where="FALSE", date_format="epoch_s")
    assert (found.rows.height, found.left_out) == (0, 4)
    assert found.rows.schema["amount"] == pl.Float64


@pytest.mark.parametrize(
    ("columns", "settings", "complaint"),
    [
        ({**SHOP_COLUMNS, "colour": "Price"}, {}, "`colour` is not a column of orders.*\n.*Use one of: order_id, member_id"),
        ({"member_id": "Invoice"}, {}, "orders needs the column `ordered_at`.*\n.*Add ordered_at = .*Invoice, Customer ID"),
        ({}, {}, "orders needs the column `member_id`"),
        ({**SHOP_COLUMNS, "amount": "Qty * Price"}, {}, "column amount: no column `Qty`; the export has .*Quantity, Price"),
        ({**SHOP_COLUMNS, "amount": "SUM(Price)"}, {}, "column amount: .*more than one row"),
        ({**SHOP_COLUMNS, "amount": "Price +"}, {}, "column amount: .*not an SQL expression"),
        ({**SHOP_COLUMNS, "kind": "ABS(Invoice || 'x')"}, {}, "column kind: .*cannot be evaluated"),
        (SHOP_COLUMNS, {"where": "Quantity"}, "`where`: `Quantity` gives String, not true or false.*\n.*condition"),
        (SHOP_COLUMNS, {"where": "Quantity + 1"}, "`where`: .* not true or false"),
        (SHOP_COLUMNS, {"where": "Qty > 1"}, "`where`: no column `Qty`"),
        (SHOP_COLUMNS, {"where": "COUNT(*) > 1"}, "`where`: .*more than one row"),
    ],
)
def test_a_wrong_mapping_names_the_source_the_column_and_the_remedy(
    columns: dict[str, str], settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as error:
        mapped(SHOP, columns, **settings)
    assert str(error.value).startswith(NAME)
    assert error.value.exit_code == 2


def test_a_rejected_row_that_is_mapped_again_as_it_was_written_is_rejected_for_the_same() -> None:
    found = mapped(SHOP.with_columns(Price=pl.Series(["2.55", "x", None, "1"]), InvoiceDate=pl.lit("soon")), SHOP_COLUMNS)
    again = mapped(pl.DataFrame(shown(found), infer_schema_length=None), {column: column for column in SHOP_COLUMNS})
    assert list(broken(again).values()) == list(broken(found).values())
    assert again.rows.drop(ROW_NO).equals(found.rows.join(found.rejects, on=ROW_NO, how="semi").drop(ROW_NO))


CELL = st.one_of(
    st.sampled_from(["", " ", "1", "2.5", "-3", "007", "C12", "2011-08-31", "2011-08-31T10:00:00Z", "nan", "1e999", "true"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
    st.integers().map(str),
    st.floats().map(str),
)
ROWS = st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=12)
EXPRESSION = st.sampled_from(
    ["a", "b", "c", "a * b", "a + b", "-d", "CAST(b AS DOUBLE)", "CASE WHEN a LIKE '1%' THEN b ELSE c END", "COALESCE(a, d)",
     "UPPER(c)", "'x'", "0", "a || b", "b::int / 2", "CASE WHEN d = 'C12' THEN -b ELSE b END"]
)  # fmt: skip
WHERE = st.sampled_from([None, "a IS NOT NULL", "b > 1", "a = '007'", "a > b", "c LIKE '2%' AND d > 0", "CAST(a AS INT) > 0"])


@given(rows=ROWS, where=WHERE, table=st.sampled_from(sorted(TABLES)), data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_a_csv_holds_no_row_is_lost_and_nothing_crashes(
    rows: list[tuple[str, ...]], where: str | None, table: str, data: st.DataObject
) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("a", "b", "c", "d"), *rows])
    contract = TABLES[table]
    columns = {column: data.draw(EXPRESSION) for column in contract.columns}
    source = SourceSettings(path="x.csv", columns=columns, where=where)
    try:
        export = read_export(file.getvalue().encode(), name=NAME, file_format="csv", settings=source)
        found = map_export(export, table=contract, settings=source, name=NAME, timezone="Europe/London")
    except EvenfallError as error:
        event(f"refused: {type(error).__name__}")
        return
    assert export.height == sum(any(cell != "" for cell in row) for row in rows)
    assert found.rows_read == export.height == found.left_out + found.rows.height
    assert found.rows[ROW_NO].is_in(range(1, export.height + 1)).all()
    assert found.rows[ROW_NO].is_sorted()
    assert found.rows[ROW_NO].is_unique().all()
    assert found.rows.schema == {ROW_NO: pl.Int64, **{name: column.dtype for name, column in contract.columns.items()}}
    assert set(found.rejects[ROW_NO]) <= set(found.rows[ROW_NO])
    assert set(found.blanked[ROW_NO]) <= set(found.rows[ROW_NO]) - set(found.rejects[ROW_NO])
    assert rows_as_json(found.written, found.rejects[ROW_NO]).height == found.rejects.height


@pytest.mark.parametrize("amount", ["Price", '"Price" * 2'])
def test_a_column_that_is_there_twice_with_other_values_stops(amount: str) -> None:
    same = SHOP.with_columns(Price_duplicated_0="Price")
    assert mapped(same, SHOP_COLUMNS | {"amount": amount}).rows.height == 4
    other = SHOP.with_columns(Price_duplicated_0=pl.Series(["2.55", "3", None, "9"]))
    with pytest.raises(ConfigurationError, match="the column `Price` more than once, and 2 of 4 rows differ"):
        mapped(other, SHOP_COLUMNS | {"amount": amount})
    assert mapped(other, SHOP_COLUMNS | {"amount": "1"}).rows.height == 4
    assert mapped(other, SHOP_COLUMNS | {"amount": "Price_duplicated_0"}).rows["amount"].to_list() == [2.55, 3, None, 9]


def test_a_column_that_exports_may_lack_is_empty_where_it_is_absent_and_any_other_stops() -> None:
    found = mapped(SHOP, SHOP_COLUMNS | {"kind": "COALESCE(kind, 'shop')"}, may_lack=["kind", "Price"])
    assert found.rows["kind"].to_list() == ["shop"] * 4
    assert found.rows["amount"].to_list() == pytest.approx([15.3, 3, -2.55, 0.25])
    with pytest.raises(ConfigurationError, match=r"no column `Kind`.*\n.*`may_lack`"):
        mapped(SHOP, SHOP_COLUMNS | {"kind": "Kind"}, may_lack=["currency"])
