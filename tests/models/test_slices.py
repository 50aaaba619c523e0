"""Figures within slices of members are those of its members alone, and none is about a few people."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import evaluate_churn, evaluate_value
from models.slices import (
    FEWEST_MEMBERS,
    MOST_SLICES,
    OTHER,
    UNKNOWN,
    cohort,
    measure_churn_slices,
    measure_value_slices,
    merge_small,
)

NAMES = st.lists(st.sampled_from([*"abcdefghijklmnop", None]), min_size=1, max_size=30)


@given(NAMES, st.integers(1, 60))
def test_every_slice_has_enough_members_and_large_ones_keep_their_name(names: list[str | None], times: int) -> None:
    given_names = pl.Series("region", names * times, dtype=pl.String)
    merged = merge_small(given_names)
    sizes = dict(merged.drop_nulls().value_counts(name="n").iter_rows())
    assert len(merged) == len(given_names)
    assert all(size >= FEWEST_MEMBERS for size in sizes.values())
    assert len(sizes) <= MOST_SLICES
    kept = (merged != OTHER).fill_null(value=False)
    assert merged.filter(kept).equals(given_names.fill_null(UNKNOWN).filter(kept))
    # Left out are fewer than a slice needs, and whoever was merged was in a slice no larger than any that kept its name.
    assert merged.null_count() < FEWEST_MEMBERS
    assert not (merged.null_count() and OTHER in sizes)
    sizes_before = dict(given_names.fill_null(UNKNOWN).value_counts(name="n").iter_rows())
    gone = [size for name, size in sizes_before.items() if name not in sizes]
    assert max(gone, default=0) <= min((sizes_before[name] for name in sizes if name != OTHER), default=len(given_names))


def members(n: int) -> tuple[np.ndarray, np.ndarray, pl.DataFrame]:
    random = np.random.default_rng(3)
    probability = random.uniform(0.05, 0.95, n)
    churned = (random.uniform(size=n) < probability).astype(float)
    regions = pl.Series(random.choice(["GB", "DE", "FR", "IE"], n, p=[0.6, 0.24, 0.08, 0.08]).tolist())
    return churned, probability, pl.DataFrame({"region": regions, "tier": ["gold"] * n})


def test_the_figures_of_a_slice_are_those_of_its_members_alone() -> None:
    churned, probability, slices = members(400)
    measured = measure_churn_slices(churned, probability, slices)
    # France and Ireland have too few members to be told apart; a single tier divides nobody.
    assert measured["kind"].unique().to_list() == ["region"]
    assert measured["slice"].to_list() == ["DE", "GB", "other"]
    is_british = (slices["region"] == "GB").to_numpy()
    expected = evaluate_churn(churned[is_british], {"ours": probability[is_british]})["ours"]
    british = measured.row(by_predicate=pl.col("slice") == "GB", named=True)
    for measure in ("auc", "ece", "calibration_slope", "calibration_intercept", "lift_10pct"):
        assert british[measure] == pytest.approx(expected[measure]), measure
    assert british["n"] == is_british.sum()
    assert british["happened"] == pytest.approx(churned[is_british].mean())
    assert british["predicted"] == pytest.approx(probability[is_british].mean())
    spent, expected_spend = churned * 1000, probability * 900
    value = measure_value_slices(spent, expected_spend, slices).row(by_predicate=pl.col("slice") == "GB", named=True)
    figures = evaluate_value(spent[is_british], {"ours": expected_spend[is_british]})["ours"]
    assert value["ngini"] == pytest.approx(figures["ngini"])
    assert value["total_ratio"] == pytest.approx(figures["total_ratio"])


def test_the_order_of_members_changes_no_figure() -> None:
    churned, probability, slices = members(300)
    order = np.random.default_rng(5).permutation(300)
    assert measure_churn_slices(churned, probability, slices).equals(
        measure_churn_slices(churned[order], probability[order], slices[order])
    )


def test_cohorts_are_quarters_and_over_many_years_years() -> None:
    joined = pl.Series([date(2025, 3, 31), date(2025, 4, 1), None])
    assert cohort(joined).to_list() == ["2025 Q1", "2025 Q2", None]
    long = pl.Series([date(2000 + year, 1, 1) for year in range(14)])
    assert cohort(long).to_list() == [str(2000 + year) for year in range(14)]


def test_of_many_large_slices_the_largest_keep_their_names() -> None:
    names = pl.Series([name for position, name in enumerate("abcdefghijklmn") for _ in range(60 + position)])
    assert set(merge_small(names)) == {*"defghijklmn", OTHER}
    twelve = names.filter(names >= "c")
    assert set(merge_small(twelve)) == {*"cdefghijklmn"}
