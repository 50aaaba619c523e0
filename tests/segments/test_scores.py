"""Scores are mid-rank percentiles of what a community has."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segments.scores import SCORES, ScorePolicy, add_scores, percentile

POLICY = ScorePolicy()


def scores(frame: pl.DataFrame, policy: ScorePolicy = POLICY) -> pl.DataFrame:
    return add_scores(frame.lazy(), policy=policy).collect()


def test_a_percentile_counts_those_below_and_half_of_those_level() -> None:
    result = pl.select(percentile(pl.lit(pl.Series([3, 1, None, 3, 9])))).to_series().to_list()
    # Of 3, 1, 3 and 9: 1 is below the threes, which are level with one another.
    assert result == [(1 + 1) / 4 * 100, 0.5 / 4 * 100, None, (1 + 1) / 4 * 100, 3.5 / 4 * 100]


def test_more_active_days_score_higher() -> None:
    frame = pl.DataFrame({"member_no": [1, 2, 3], "active_days_28d": [0, 9, 4], "event_count_90d": [0, 50, 10]})
    assert scores(frame)["activity_score"].to_list() == pytest.approx([0.5 / 3 * 100, 2.5 / 3 * 100, 1.5 / 3 * 100], abs=1e-5)


def test_a_community_without_orders_has_no_commercial_score() -> None:
    frame = pl.DataFrame({"active_days_28d": [1, 2], "expected_value": pl.Series([None, None], dtype=pl.Float64)})
    result = scores(frame)
    assert result["commercial_score"].to_list() == [None, None]
    assert result["member_value_score"].to_list() == result["activity_score"].to_list()


@pytest.mark.parametrize("weights", [POLICY.activity_weights, POLICY.commercial_weights, POLICY.value_weights])
def test_the_weights_of_a_score_add_up_to_one_and_no_column_outweighs_all_others(weights: dict[str, float]) -> None:
    assert sum(weights.values()) == pytest.approx(1)
    assert all(0.1 <= weight <= 0.6 for weight in weights.values())


def test_a_column_counts_by_its_weight_among_those_a_member_has() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3, 4], "b": [4, 3, 2, None], "member_no": [1, 2, 3, 4]})
    policy = ScorePolicy(activity_weights={"a": 1.0, "b": 3.0, "absent": 9.0})
    # Percentiles of a: 12.5, 37.5, 62.5, 87.5; of b, among three: 83.3, 50, 16.7. Means: 65.6, 46.9, 28.1, and 87.5 of a alone.
    assert scores(frame, policy)["activity_score"].to_list() == [62.5, 37.5, 12.5, 87.5]


def test_a_member_without_a_forecast_is_scored_on_past_spend() -> None:
    frame = pl.DataFrame({"active_days_28d": [1, 1, 1], "expected_value": [None, 5.0, 9.0], "spend_365d": [99.0, 1.0, 2.0]})
    assert scores(frame)["commercial_score"].to_list() == pytest.approx([2.5 / 3 * 100, 0.5 / 3 * 100, 1.5 / 3 * 100], abs=1e-5)


def test_influence_is_null_and_typed_until_there_is_a_network() -> None:
    result = scores(pl.DataFrame({"active_days_28d": [1, None]}))
    assert result.schema["influence_score"] == pl.Float64()
    assert result["influence_score"].null_count() == 2


def test_influence_that_is_there_counts_towards_value() -> None:
    frame = pl.DataFrame({"active_days_28d": [1, 1], "influence_score": [10.0, 90.0]})
    assert scores(frame)["member_value_score"].to_list() == pytest.approx([0.5 / 2 * 100, 1.5 / 2 * 100], abs=1e-5)


def test_a_frame_without_any_known_column_has_null_scores() -> None:
    result = scores(pl.DataFrame({"member_no": [1, 2]}))
    assert result.select(SCORES).null_count().row(0) == (2, 2, 2, 2)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        ScorePolicy.model_validate({"activity_weight": {}})


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.floats(0, 9))), min_size=1, max_size=30), st.randoms())
def test_scores_do_not_depend_on_the_order_of_rows(rows: list[tuple[int, float | None]], random: object) -> None:
    schema = {"active_days_28d": pl.Int32, "spend_365d": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_row_index("member_no")
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))  # type: ignore[attr-defined]
    assert scores(frame).equals(scores(shuffled).sort("member_no"))
    values = scores(frame)["member_value_score"].drop_nulls()
    assert values.is_between(0, 100).all()
    assert values.mean() == pytest.approx(50)
