"""The contact list names those most worth talking to, and nobody who refused."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from segments.contact_list import OPTIONAL, ContactPolicy, contact_list


def listed(frame: pl.DataFrame, capacity: int = 200) -> pl.DataFrame:
    return contact_list(frame, policy=ContactPolicy(capacity=capacity))


def members(**columns: object) -> pl.DataFrame:
    base = {"member_id": ["a", "b", "c", "d"], "is_eligible": [True] * 4, "churn_probability": [0.5, 0.9, 0.2, 0.5]}
    return pl.DataFrame({**base, **columns}, strict=False)


def test_the_most_at_stake_come_first() -> None:
    result = listed(members(expected_value=[100.0, 10.0, 200.0, None]))
    assert result["member_id"].to_list() == ["a", "c", "b", "d"]
    assert result["rank"].to_list() == [1, 2, 3, 4]


def test_without_orders_the_member_value_counts() -> None:
    assert listed(members(member_value_score=[10.0, 1.0, 90.0, None]))["member_id"].to_list() == ["c", "a", "b", "d"]


def test_members_who_are_level_are_in_the_order_of_their_ids() -> None:
    frame = members(expected_value=[1.0] * 4, churn_probability=[0.5] * 4)
    assert listed(frame.reverse())["member_id"].to_list() == ["a", "b", "c", "d"]


def test_members_who_refused_or_are_not_eligible_are_left_out() -> None:
    frame = members(
        expected_value=[1.0] * 4,
        can_contact=[False, None, True, True],
        can_profile=[True, None, False, True],
        is_eligible=[True, True, True, False],
    )
    assert listed(frame)["member_id"].to_list() == ["b"]


def test_the_list_ends_at_its_capacity() -> None:
    assert listed(members(expected_value=[1.0] * 4), capacity=2).height == 2
    assert listed(members(expected_value=[1.0] * 4), capacity=0).is_empty()


def test_what_is_not_known_is_there_and_null() -> None:
    result = listed(members(expected_value=[1.0] * 4))
    assert {name: result.schema[name] for name in OPTIONAL} == OPTIONAL
    assert result.select("tier", "tenure_days", "spend_365d").null_count().row(0) == (4, 4, 4)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), min_size=1, max_size=30), st.integers(0, 40), st.integers(0, 99))
def test_the_list_does_not_depend_on_the_order_of_rows(rows: list[tuple[float, float]], capacity: int, seed: int) -> None:
    frame = pl.DataFrame(rows, schema=["churn_probability", "expected_value"], orient="row").with_columns(
        member_id=pl.int_range(pl.len()).cast(pl.String), is_eligible=pl.lit(value=True)
    )
    result = listed(frame, capacity)
    assert result.equals(listed(frame.sample(fraction=1, shuffle=True, seed=seed), capacity))
    stakes = (result["churn_probability"] * result["expected_value"]).to_list()
    assert stakes == sorted(stakes, reverse=True)
    assert result.height == min(capacity, len(rows))
