"""Which rows are one record: lines of an order are summed exactly, and derived keys know their rows again."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import EVENTS, MEMBERS, ORDERS, PROVENANCE, Table
from lake.record_keys import as_records, with_keys
from lake.sources.mapping import ROW_NO

TEN = datetime(2011, 8, 31, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rows(table: Table, cells: list[dict[str, Any]]) -> pl.DataFrame:
    """Mapped rows with the columns that any of the cells name."""
    names = [name for name in table.columns if any(name in cell for cell in cells)]
    schema = {ROW_NO: pl.Int64(), **{name: table.columns[name].dtype for name in names}}
    return pl.DataFrame([{ROW_NO: number, **cell} for number, cell in enumerate(cells, start=1)], schema=schema)


def orders(*lines: tuple[str, datetime, float], **others: Any) -> pl.DataFrame:
    cells = [{"order_id": key, "member_id": "ann", "ordered_at": at, "amount": amount} | others for key, at, amount in lines]
    return rows(ORDERS, cells)


def event(who: str, what: str, at: datetime = TEN, **others: Any) -> dict[str, Any]:
    return {"member_id": who, "event_type": what, "occurred_at": at, **others}


def keys(*cells: dict[str, Any]) -> list[str]:
    return with_keys(rows(EVENTS, list(cells)), table=EVENTS)["event_id"].to_list()


def minor(records: pl.DataFrame) -> dict[str, int]:
    return dict(records.select("order_id", "amount_minor").iter_rows())


def test_the_lines_of_an_order_are_summed() -> None:
    records = as_records(orders(("A", TEN, 1.10), ("B", TEN, 7.0), ("A", TEN, 2.20)), table=ORDERS, timezone="UTC")
    assert minor(records) == {"A": 110 + 220, "B": 700}


def test_fractions_of_a_hundredth_are_rounded_once_per_order() -> None:
    eighths = orders(*[("A", TEN, 0.125)] * 3, ("B", TEN, 0.125), ("C", TEN, -0.125), *[("D", TEN, 0.001)] * 5)
    records = as_records(eighths, table=ORDERS, timezone="UTC")
    assert minor(records) == {"A": 38, "B": 13, "C": -13, "D": 1}


def test_prices_that_floats_cannot_hold_are_exact() -> None:
    lines = orders(("A", TEN, 3 * 0.335), ("B", TEN, 1.005), ("C", TEN, 1.015), ("D", TEN, 0.1 + 0.2), ("E", TEN, 168_469.60))
    assert minor(as_records(lines, table=ORDERS, timezone="UTC")) == {"A": 101, "B": 101, "C": 102, "D": 30, "E": 16_846_960}


def test_refunds_and_orders_of_nothing_stay() -> None:
    records = as_records(
        orders(("A", TEN, -5.0), ("B", TEN, 0.0), ("C", TEN, 9.0), ("C", TEN, -9.0)), table=ORDERS, timezone="UTC"
    )
    assert minor(records) == {"A": -500, "B": 0, "C": 0}


def test_many_large_orders_do_not_overflow() -> None:
    records = as_records(orders(*[("A", TEN, 1e12)] * 1000), table=ORDERS, timezone="UTC")
    assert minor(records) == {"A": 10**12 * 1000 * 100}


def test_an_order_has_the_time_and_values_of_its_earliest_line() -> None:
    late, early = TEN + HOUR, TEN
    lines = rows(
        ORDERS,
        [
            {"order_id": "A", "member_id": "bob", "ordered_at": late, "amount": 1.0, "currency": "EUR", "kind": None},
            {"order_id": "A", "member_id": "ann", "ordered_at": early, "amount": 1.0, "currency": None, "kind": None},
            {"order_id": "A", "member_id": "eve", "ordered_at": early, "amount": 1.0, "currency": "GBP", "kind": None},
        ],
    )
    (record,) = as_records(lines, table=ORDERS, timezone="UTC").to_dicts()
    assert record == {
        "order_id": "A", "member_id": "ann", "ordered_at": early, "amount_minor": 300, "currency": "GBP", "kind": None,
        "event_date": early.date(),
    }  # fmt: skip


def test_records_have_the_landed_schema_without_the_provenance() -> None:
    for table, cells in ((MEMBERS, [{"member_id": "ann"}]), (EVENTS, [event("ann", "post", event_id="e")])):
        records = as_records(rows(table, cells), table=table, timezone="UTC")
        assert records.schema == {name: dtype for name, dtype in table.landed_schema.items() if name not in PROVENANCE}
        assert records.height == 1
    assert records["channel"].to_list() == [None]


def test_the_day_of_a_record_is_the_communitys() -> None:
    late = datetime(2011, 8, 31, 23, 30, tzinfo=UTC)
    assert as_records(orders(("A", late, 1.0)), table=ORDERS, timezone="Europe/London")["event_date"].to_list() == [
        date(2011, 9, 1)
    ]
    assert as_records(orders(("A", late, 1.0)), table=ORDERS, timezone="UTC")["event_date"].to_list() == [date(2011, 8, 31)]


def test_no_rows_give_no_records() -> None:
    for table in (ORDERS, EVENTS):
        empty = rows(table, [dict.fromkeys(table.columns)]).clear()
        assert as_records(with_keys(empty.drop(table.key), table=table), table=table, timezone="UTC").height == 0


def test_a_mapped_key_is_kept() -> None:
    assert keys(event("ann", "post", event_id="e1"), event("bob", "post", event_id=None)) == ["e1", None]


def test_identical_rows_are_all_kept_and_numbered() -> None:
    derived = keys(event("ann", "post"), event("ann", "post"), event("bob", "post"), event("ann", "post"))
    assert len(set(derived)) == 4


def test_a_file_sent_again_derives_the_same_keys() -> None:
    sent = [event("ann", "post"), event("ann", "post"), event("bob", "like", channel="x"), event("bob", "like", channel=None)]
    assert keys(*sent) == keys(*sent)
    assert keys(*sent)[2] != keys(*sent)[3]


def test_rows_added_to_a_file_leave_the_keys_of_the_others() -> None:
    sent = [event("ann", "post"), event("bob", "like")]
    added = [event("eve", "post"), event("ann", "post")]
    assert keys(*sent, *added)[:2] == keys(*sent)
    assert set(keys(*added, *sent)) == set(keys(*sent, *added))


def test_every_mapped_value_counts_for_a_key() -> None:
    plain = event("ann", "post", channel=None, platform="web")
    others = [
        event("bob", "post", channel=None, platform="web"),
        event("ann", "like", channel=None, platform="web"),
        event("ann", "post", TEN + timedelta(microseconds=1), channel=None, platform="web"),
        event("ann", "post", channel="web", platform=None),
        event("ann", "post", channel="", platform="web"),
        event("ann", "post", channel="null", platform="web"),
    ]
    assert len({keys(row)[0] for row in (plain, *others)}) == 7


def test_keys_do_not_depend_on_how_a_time_was_written() -> None:
    frame = rows(EVENTS, [event("ann", "post")])
    other = frame.with_columns(pl.col("occurred_at").dt.convert_time_zone("Asia/Tokyo"))
    assert with_keys(frame, table=EVENTS)["event_id"].item() == with_keys(other, table=EVENTS)["event_id"].item()


def test_a_derived_key_is_the_same_on_every_machine() -> None:
    written = {"channel": "\x00", "event_type": "post", "member_id": "ann", "occurred_at": str(int(TEN.timestamp()) * 1_000_000)}
    row = "".join(f"{column}\x1f{value}\x1e" for column, value in written.items())
    expected = [hashlib.blake2b(f"{row}\x1d{copy}".encode(), digest_size=16).hexdigest() for copy in (0, 1)]
    assert keys(event("ann", "post", channel=None), event("ann", "post", channel=None)) == expected


def test_orders_without_a_key_are_not_summed() -> None:
    lines = orders(("x", TEN, 1.0), ("x", TEN, 1.0)).drop("order_id")
    records = as_records(with_keys(lines, table=ORDERS), table=ORDERS, timezone="UTC")
    assert records["amount_minor"].to_list() == [100, 100]


AMOUNT = st.one_of(
    st.decimals(min_value=-10_000, max_value=10_000, places=2),
    st.decimals(min_value=-100, max_value=100, places=6),
    st.sampled_from([Decimal("0.005"), Decimal("-0.005"), Decimal("0.015"), Decimal("2.675"), Decimal("1.005")]),
)
LINES = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 3), AMOUNT, st.sampled_from(["x", "y", None])), min_size=1, max_size=10
)


@given(LINES, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_orders_are_what_decimal_arithmetic_says(lines: list[tuple[str, int, Decimal, str | None]], shuffle: Any) -> None:
    cells = [
        {"order_id": key, "member_id": "ann", "ordered_at": TEN + hours * HOUR, "amount": float(amount), "kind": kind}
        for key, hours, amount, kind in lines
    ]
    records = as_records(rows(ORDERS, cells), table=ORDERS, timezone="UTC").sort("order_id")
    expected = []
    for key in sorted({line[0] for line in lines}):
        mine = sorted((line for line in lines if line[0] == key), key=lambda line: line[1])
        total = sum((line[2] for line in mine), Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        kind = next((line[3] for line in mine if line[3] is not None), None)
        expected.append((key, TEN + mine[0][1] * HOUR, int(total * 100), kind))
    assert records.select("order_id", "ordered_at", "amount_minor", "kind").rows() == expected
    shuffle.shuffle(cells)
    again = as_records(rows(ORDERS, cells), table=ORDERS, timezone="UTC").sort("order_id")
    assert again.drop("kind").equals(records.drop("kind"))


TEXT = st.sampled_from(["a", "b", "", "a\x1e", "\x1f", "\x00", "é"]) | st.none()
EVENT = st.builds(
    lambda who, what, hours: event(who or "z", what or "z", TEN + hours * HOUR, channel=what), TEXT, TEXT, st.integers(0, 1)
)


@given(st.lists(EVENT, min_size=1, max_size=10), st.lists(EVENT, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_derived_keys_are_unique_and_do_not_depend_on_the_order_of_rows(
    cells: list[dict[str, Any]], added: list[dict[str, Any]], shuffle: Any
) -> None:
    derived = keys(*cells)
    assert len(set(derived)) == len(cells)
    assert keys(*cells, *added)[: len(cells)] == derived
    shuffled = list(cells)
    shuffle.shuffle(shuffled)
    assert Counter(keys(*shuffled)) == Counter(derived)
    # A row keeps its keys wherever it stands: its copies have the same keys in every order.
    by_row: dict[str, set[str]] = {}
    for cell, key in zip(cells, derived, strict=True):
        by_row.setdefault(repr(sorted(cell.items())), set()).add(key)
    for cell, key in zip(shuffled, keys(*shuffled), strict=True):
        assert key in by_row[repr(sorted(cell.items()))]
