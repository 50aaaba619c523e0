import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl

from expectations.engine import to_pandas


def test_conversion_keeps_nulls_digits_and_what_is_not_a_number():
    frame = pl.DataFrame(
        {
            "member_id": [str(2**63), None],
            "amount": [math.nan, None],
            "birth_year": pl.Series([2**31 - 1, None], dtype=pl.Int32),
            "sent_at": pl.Series([2**63 - 1, None]).cast(pl.Datetime("us", "UTC")),
        }
    )
    converted = to_pandas(frame)
    assert converted.isna().to_dict("list") == {name: [False, True] for name in frame.columns}
    assert converted.iloc[0].to_dict() == {
        "member_id": str(2**63),
        "amount": math.inf,
        "birth_year": 2**31 - 1,
        "sent_at": datetime(9999, 12, 31, tzinfo=UTC),
    }


def test_two_threads_do_not_see_each_others_rows_or_references(validate_rows):
    with ThreadPoolExecutor(2) as pool:
        events = pool.submit(
            validate_rows, "events", {"member_id": ["a", None] * 20}, references={"members": ["a"]}, rows_per_chunk=10
        )
        orders = pool.submit(
            validate_rows, "orders", {"member_id": ["b", None] * 20}, references={"members": ["b"]}, rows_per_chunk=10
        )
        assert [events.result().good.height, orders.result().good.height] == [20, 20]
