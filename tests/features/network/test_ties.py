from __future__ import annotations

from datetime import date, timedelta
from math import log2
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.history import TIES_SCHEMA
from features.network.policy import NetworkPolicy
from features.network.ties import TIE_SCHEMA, weigh_ties
from features.rollups.daily import days_to_roll_up, roll_up_landed
from tests.features.builders import AS_OF, landed, utc

POLICY = NetworkPolicy(half_life_days=10, window_days=28)
FIRST = AS_OF - timedelta(days=27)
INDEX = pl.LazyFrame({"member_no": [1, 2, 3, 4], "member_id": list("abcd")}, schema_overrides={"member_no": pl.Int32})
Row = tuple[date, int, int, int]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(TIES_SCHEMA), orient="row")


def weighed(rows: list[Row]) -> pl.DataFrame:
    return weigh_ties(frame(rows).lazy(), as_of=AS_OF, policy=POLICY)


def test_recent_interactions_count_more_and_many_on_one_day_hardly_more_than_one() -> None:
    ties = weighed([(AS_OF, 1, 2, 1), (AS_OF - timedelta(days=10), 1, 2, 3), (AS_OF, 2, 1, 100)])
    assert dict(ties.schema) == dict(TIE_SCHEMA)
    assert ties["weight"].to_list() == pytest.approx([1 + log2(4) / 2, log2(101)], abs=1e-6)
    assert ties.select("member_no", "other_no", "n", "last_date").rows() == [(1, 2, 1 + 3, AS_OF), (2, 1, 100, AS_OF)]


def test_what_is_before_the_window_or_after_the_night_does_not_count() -> None:
    inside: list[Row] = [(FIRST, 1, 2, 1)]
    day_after = AS_OF + timedelta(days=1)
    outside: list[Row] = [(FIRST - timedelta(days=1), 1, 2, 9), (day_after, 1, 2, 9), (day_after, 3, 2, 1)]
    assert_frame_equal(weighed(inside + outside), weighed(inside))


def test_nobody_who_responds_gives_no_ties() -> None:
    assert dict(weighed([]).schema) == dict(TIE_SCHEMA)


rows = st.lists(
    st.tuples(st.dates(FIRST, AS_OF), st.integers(1, 5), st.integers(6, 9), st.integers(1, 500)),
    max_size=60,
    unique_by=lambda row: row[:3],
)


@given(rows, st.randoms())
def test_weights_do_not_depend_on_the_order_of_the_rows_to_the_last_bit(rows: list[Row], random) -> None:
    shuffled = random.sample(rows, len(rows))
    assert weighed(rows).equals(weighed(shuffled))
    halves = pl.concat([frame(shuffled[::2]), frame(shuffled[1::2])], rechunk=False).lazy()
    assert weighed(rows).equals(weigh_ties(halves, as_of=AS_OF, policy=POLICY))


event = st.fixed_dictionaries(
    {
        "member_id": st.sampled_from("abcd"),
        "target_member_id": st.sampled_from(["a", "b", "c", None]),
        "content_id": st.sampled_from(["p", "q", None]),
        "day": st.integers(0, 9),
        "arrives": st.integers(0, 2),
    }
)


@given(st.lists(event, max_size=25), st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_ties_built_over_nights_equal_ties_built_at_once(events: list[dict[str, Any]], content_arrives: tuple[int, int]) -> None:
    pieces = [
        {"content_id": name, "author_id": author, "day": day, "arrives": arrives}
        for name, author, day, arrives in (("p", "a", 0, content_arrives[0]), ("q", "d", 4, content_arrives[1]))
    ]
    arrived = {"events": [{"event_id": str(place), **one} for place, one in enumerate(events)], "content": pieces}
    ties = rolled(arrived, until=0)
    for night in (1, 2):
        changed = {name: {day(row) for row in rows if row["arrives"] == night} for name, rows in arrived.items()}
        days = days_to_roll_up(changed, last_day=AS_OF)
        ties = pl.concat([ties.filter(~pl.col("event_date").is_in(days)), rolled(arrived, until=night, days=days)])
    built, rebuilt = (weigh_ties(one.lazy(), as_of=AS_OF, policy=POLICY) for one in (ties, rolled(arrived, until=2)))
    assert built.equals(rebuilt)


def day(row: dict[str, Any]) -> date:
    return FIRST + timedelta(days=row["day"])


def rolled(arrived: dict[str, list[dict[str, Any]]], *, until: int, days: list[date] | None = None) -> pl.DataFrame:
    """The ties of what has arrived until a night, of some days or of all."""
    times = {"events": "occurred_at", "content": "published_at"}
    tables = {
        name: landed(
            name,
            [
                {key: value for key, value in row.items() if key not in {"day", "arrives"}}
                | {"event_date": day(row), times[name]: utc(day(row).year, day(row).month, day(row).day)}
                | ({"event_type": "reply"} if name == "events" else {})
                for row in rows
                if row["arrives"] <= until
            ],
        )
        for name, rows in arrived.items()
    }
    nothing = dict.fromkeys(("orders", "contacts", "feedback"))
    return roll_up_landed(**tables, **nothing, member_index=INDEX, timezone="UTC", days=days).ties
