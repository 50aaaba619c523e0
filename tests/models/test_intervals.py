"""A range holds eight of ten members, begins at zero where many spend nothing, and always holds the expectation."""

from __future__ import annotations

import numpy as np
import pytest

from models.intervals import SpendInterval, coverage, fit_spend_interval


def community(seed: int, *, spenders: float) -> tuple[np.ndarray, np.ndarray]:
    """What members spent and what is truly to be expected of them, in minor units."""
    random = np.random.default_rng(seed)
    expected = random.gamma(1.0, 5_000, 4_000) + 1
    spends = random.random(4_000) < spenders
    return np.where(spends, expected / spenders * random.gamma(2.0, 0.5, 4_000), 0.0), expected


@pytest.mark.parametrize("spenders", [1.0, 0.95, 0.6, 0.4])
def test_it_covers_eight_of_ten_members_of_another_night(spenders: float) -> None:
    interval = fit_spend_interval(*community(1, spenders=spenders))
    assert interval is not None
    covered = coverage(interval, *community(2, spenders=spenders))
    assert covered is not None
    assert 0.77 <= covered <= 0.83
    lows = interval.bounds(community(2, spenders=spenders)[1])[0]
    assert (lows == 0).all() == (spenders < 0.9)


def test_the_expectation_lies_within_whatever_was_seen() -> None:
    # Nineteen of twenty spend nothing: the range that holds eight of ten is nothing at all.
    actual, expected = community(3, spenders=0.05)
    interval = fit_spend_interval(actual, expected)
    assert interval is not None
    low, high = interval.bounds(expected)
    assert (low == 0).all()
    assert (high == expected).all()
    assert coverage(interval, actual, expected) is None


def test_the_order_of_members_decides_nothing() -> None:
    actual, expected = community(4, spenders=0.6)
    order = np.random.default_rng(1).permutation(actual.size)
    assert fit_spend_interval(actual[order], expected[order]) == fit_spend_interval(actual, expected)


def test_it_is_continuous_between_groups() -> None:
    interval = SpendInterval((100.0, 10_000.0), (0.5, 0.5), (3.0, 2.0))
    high = interval.bounds(np.array([100.0, 999.0, 1_000.0, 1_001.0, 10_000.0, 1e6]))[1]
    assert high[0] == 300
    assert high[-2:].tolist() == [20_000, 2e6]
    assert np.diff(high[1:4]).max() < 5


def test_few_members_have_no_range() -> None:
    assert fit_spend_interval(np.zeros(39), np.ones(39)) is None
    assert fit_spend_interval(np.zeros(0), np.zeros(0)) is None
    assert fit_spend_interval(np.ones(40), np.ones(40)) is not None
