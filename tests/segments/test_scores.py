"""Scores are mid-rank percentiles, in the group of members that a community lives from, of what the community has."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segments.scores import SCORES, ScorePolicy, add_scores, is_compared, percentile

POLICY = ScorePolicy()


def members(rows: int, **columns: object) -> pl.DataFrame:
    """Return eligible members who are active on two days of the year, unless the columns say otherwise."""
    known = {"member_no": range(1, rows + 1), "is_eligible": [True] * rows, "active_days_365d": [2] * rows, **columns}
    return pl.DataFrame(known, schema_overrides={"member_no": pl.Int32}, strict=False)


def scores(frame: pl.DataFrame, policy: ScorePolicy = POLICY) -> pl.DataFrame:
    return add_scores(frame, policy=policy)


def in_halves(*ranks: float, of: int) -> list[object]:
    return [pytest.approx(rank / of * 100, abs=1e-4) for rank in ranks]


def test_a_percentile_counts_those_below_and_half_of_those_level() -> None:
    value = pl.Series([3, 1, None, 3, 9])
    result = percentile(value, pl.Series([True] * 5)).to_list()
    # Of 3, 1, 3 and 9: 1 is below the threes, which are level with one another.
    assert result == [(1 + 1) / 4 * 100, 0.5 / 4 * 100, None, (1 + 1) / 4 * 100, 3.5 / 4 * 100]


def test_members_outside_the_group_are_placed_in_it_and_shift_nobody() -> None:
    compared = pl.Series([True, True, False, False, False])
    assert percentile(pl.Series([1, 5, 0, 3, 5]), compared).to_list() == [25, 75, 0, 50, 75]


@given(st.lists(st.tuples(st.none() | st.integers(0, 4), st.booleans()), min_size=1, max_size=30))
def test_a_percentile_is_what_counting_gives(rows: list[tuple[int | None, bool]]) -> None:
    group = [value for value, compared in rows if compared and value is not None]
    slowly = [
        None if value is None or not group else sum((other < value) + (other == value) / 2 for other in group) / len(group) * 100
        for value, _ in rows
    ]
    value = pl.Series([value for value, _ in rows], dtype=pl.Int64)
    assert percentile(value, pl.Series([compared for _, compared in rows])).to_list() == pytest.approx(slowly, abs=1e-5)


def test_members_are_compared_with_the_eligible_who_came_on_two_days() -> None:
    frame = members(4, is_eligible=[True, True, False, True], active_days_365d=[2, 1, 9, None])
    assert frame.select(is_compared()).to_series().to_list() == [True, False, False, False]
    # Where nobody came twice, with all eligible members.
    frame = members(3, is_eligible=[True, True, False], active_days_365d=[1, 1, 9])
    assert frame.select(is_compared()).to_series().to_list() == [True, True, False]


def test_more_active_days_score_higher() -> None:
    frame = members(3, active_days_28d=[0, 9, 4], event_count_90d=[0, 50, 10])
    assert scores(frame)["activity_score"].to_list() == in_halves(0.5, 2.5, 1.5, of=3)


def test_with_orders_value_is_the_money_of_the_last_year_and_of_the_next_months() -> None:
    frame = members(4, spend_365d=[100.0, 90.0, -5.0, 50.0], expected_value=[0.0, 20.0, 5.0, None], posts_365d=[0, 0, 9, 0])
    result = scores(frame)
    # 100, 110, 0 and 50; contributing most does not matter.
    assert result["commercial_score"].to_list() == in_halves(2.5, 3.5, 0.5, 1.5, of=4)
    assert result["member_value_score"].to_list() == result["commercial_score"].to_list()


def test_members_of_equal_money_rank_by_contribution_then_by_time_here() -> None:
    # Who never bought is expected to spend something by a guess alone, which does not count.
    frame = members(
        4,
        spend_365d=[0.0] * 4,
        spend_lifetime=[0.0] * 4,
        expected_value=[9.0, 1.0, 2.0, 3.0],
        posts_365d=[0, 3, 3, 3],
        tenure_days=[999, 10, 20, 10],
    )
    assert scores(frame)["commercial_score"].to_list() == [50] * 4
    assert scores(frame)["member_value_score"].to_list() == in_halves(0.5, 2.5, 3.5, 1.5, of=4)


def test_without_orders_value_is_contribution() -> None:
    frame = members(
        3, posts_365d=[5, 0, 0], received_count_365d=[2, 0, 1], expected_value=pl.Series([None] * 3, dtype=pl.Float64)
    )
    result = scores(frame)
    assert result["commercial_score"].to_list() == [None] * 3
    assert result["member_value_score"].to_list() == in_halves(2.5, 0.5, 1.5, of=3)


def test_weights_of_a_file_keep_their_effect() -> None:
    frame = members(3, spend_365d=[99.0, 1.0, 2.0], expected_value=[None, 5.0, 9.0], active_days_28d=[0, 1, 2])
    commercial = ScorePolicy(commercial_weights={"expected_value": 0.6, "spend_365d": 0.4})
    # Percentiles: of expected value 25 and 75, of spend 83.3, 16.7 and 50; means 83.3, 21.7 and 65.
    assert scores(frame, commercial)["commercial_score"].to_list() == in_halves(2.5, 0.5, 1.5, of=3)
    value = ScorePolicy(value_weights={"activity_score": 0.9, "commercial_score": 0.1})
    assert scores(frame, value)["member_value_score"].to_list() == in_halves(0.5, 1.5, 2.5, of=3)


@pytest.mark.parametrize("weights", [POLICY.activity_weights, POLICY.contribution_weights])
def test_the_weights_of_a_score_add_up_to_one_and_no_column_outweighs_all_others(weights: dict[str, float]) -> None:
    assert sum(weights.values()) == pytest.approx(1)
    assert all(0.1 <= weight <= 0.6 for weight in weights.values())


def test_a_column_counts_by_its_weight_among_those_a_member_has() -> None:
    frame = members(4, a=[1, 2, 3, 4], b=[4, 3, 2, None])
    policy = ScorePolicy(activity_weights={"a": 1.0, "b": 3.0, "absent": 9.0})
    # Percentiles of a: 12.5, 37.5, 62.5, 87.5; of b, among three: 83.3, 50, 16.7. Means: 65.6, 46.9, 28.1, and 87.5 of a alone.
    assert scores(frame, policy)["activity_score"].to_list() == [62.5, 37.5, 12.5, 87.5]


def test_influence_is_null_and_typed_until_there_is_a_network() -> None:
    result = scores(members(2))
    assert result.schema["influence_score"] == pl.Float64()
    assert result["influence_score"].null_count() == 2


def test_influence_counts_where_a_weight_says_so() -> None:
    frame = members(2, influence_score=[10.0, 90.0], active_days_28d=[1, 1])
    policy = ScorePolicy(value_weights={"activity_score": 0.5, "influence_score": 0.5})
    assert scores(frame, policy)["member_value_score"].to_list() == in_halves(0.5, 1.5, of=2)


def test_who_is_in_no_network_counts_with_the_least_influence_and_gains_nothing_by_it() -> None:
    frame = members(3, influence_score=[2.0, None, 90.0], active_days_28d=[5, 3, 1])
    policy = ScorePolicy(value_weights={"activity_score": 0.5, "influence_score": 0.5})
    # Activity and influence: 83.3 and 2, 50 and 0, 16.7 and 90.
    assert scores(frame, policy)["member_value_score"].to_list() == in_halves(1.5, 0.5, 2.5, of=3)


def test_a_score_that_nobody_has_is_left_out_of_the_value() -> None:
    frame = members(3, active_days_28d=[5, 3, 1])
    policy = ScorePolicy(value_weights={"activity_score": 0.1, "influence_score": 0.5, "commercial_score": 0.4})
    assert scores(frame, policy)["member_value_score"].to_list() == in_halves(2.5, 1.5, 0.5, of=3)


def test_where_nobody_is_eligible_there_are_no_scores() -> None:
    result = scores(members(2, is_eligible=[False, False], spend_365d=[1.0, 2.0]))
    assert result.select(SCORES).null_count().row(0) == (2, 2, 2, 2)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        ScorePolicy.model_validate({"activity_weight": {}})


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.one_of(st.none(), st.floats(0, 9)), st.integers(0, 3), st.booleans()), min_size=1, max_size=30
)


@given(ROWS, st.integers(0, 999))
def test_scores_do_not_depend_on_the_order_of_rows(rows: list[tuple[int, float | None, int, bool]], seed: int) -> None:
    days, spend, posts, eligible = zip(*rows, strict=True)
    frame = members(len(rows), active_days_365d=days, spend_365d=spend, posts_365d=posts, is_eligible=eligible)
    assert scores(frame).equals(scores(frame.sample(fraction=1, shuffle=True, seed=seed)).sort("member_no"))
    compared = scores(frame).filter(is_compared())["member_value_score"].drop_nulls()
    # Without ties, and so the places from the lowest to the highest.
    assert sorted(compared) == [pytest.approx((place + 0.5) / len(compared) * 100, abs=1e-4) for place in range(len(compared))]
