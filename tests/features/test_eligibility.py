"""Eligible members are still here or gone, by the churn horizon."""

import polars as pl

from features.eligibility import is_eligible, presence


def test_presence_begins_and_ends_with_the_horizon_and_is_null_for_who_is_not_eligible() -> None:
    silence = pl.DataFrame({"days_since_last_activity": [0, 27, 28, 89, 90, None]})
    members = silence.with_columns(is_eligible=is_eligible(90)).select(presence(28))
    assert members["presence"].to_list() == ["still_here", "still_here", "gone", "gone", None, None]
