"""Everyone stands in exactly one place of their life."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segments.lifecycle import STAGES, LifecyclePolicy, add_lifecycle

POLICY = LifecyclePolicy()
SCHEMA = {
    "tenure_days": pl.Int32(),
    "days_since_last_activity": pl.Int32(),
    "days_since_first_activity": pl.Int32(),
    "active_days_28d": pl.Int32(),
    "active_days_90d": pl.Int32(),
    "churn_risk": pl.String(),
}
Row = tuple[int | None, int | None, int | None, int | None, int | None, str | None]


def stages(*rows: Row) -> list[str]:
    frame = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    return add_lifecycle(frame, policy=POLICY).collect()["lifecycle"].to_list()


@pytest.mark.parametrize(
    ("row", "stage"),
    [
        ((27, 0, 27, 3, 3, "high"), "new"),
        ((28, 0, 28, 3, 3, "low"), "active"),
        ((400, 112, 400, 0, 0, None), "lost"),
        ((400, 111, 400, 0, 0, None), "dormant"),
        ((400, 55, 400, 0, 4, None), "at_risk"),
        ((400, 3, 400, 2, 2, "low"), "returning"),
        ((80, 3, 80, 2, 2, "low"), "active"),
        ((400, 3, 400, 2, 9, "low"), "active"),
        ((400, 3, 400, 2, 9, "high"), "at_risk"),
        ((20, None, None, 0, 0, None), "new"),
        ((60, None, None, 0, 0, None), "dormant"),
        ((None, None, None, None, None, None), "lost"),
    ],
)
def test_the_first_rule_that_holds_decides(row: Row, stage: str) -> None:
    assert stages(row) == [stage]


def test_columns_that_are_not_there_count_as_unknown() -> None:
    frame = pl.LazyFrame({"days_since_last_activity": [5, 60, None]})
    assert add_lifecycle(frame, policy=POLICY).collect()["lifecycle"].to_list() == ["active", "dormant", "lost"]


def test_silences_scale_with_the_horizon() -> None:
    policy = LifecyclePolicy.for_horizon(90)
    assert (policy.at_risk_after_days, policy.dormant_after_days, policy.lost_after_days) == (90, 2 * 90, 4 * 90)
    assert LifecyclePolicy.for_horizon(28) == LifecyclePolicy()


def test_silences_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="must not decrease"):
        LifecyclePolicy(dormant_after_days=10)


_DAYS = st.one_of(st.none(), st.integers(0, 1000))
_RISKS = st.sampled_from([None, "low", "medium", "high"])


@given(st.lists(st.tuples(_DAYS, _DAYS, _DAYS, _DAYS, _DAYS, _RISKS), min_size=1, max_size=20))
def test_every_member_stands_in_exactly_one_place(rows: list[Row]) -> None:
    result = stages(*rows)
    assert len(result) == len(rows)
    assert set(result) <= set(STAGES)
