from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engagement.differences import Difference, difference

RANDOM = np.random.default_rng(2)
IS_FIRST = RANDOM.random(300) < 0.8
OUTCOME = RANDOM.exponential(size=300) * np.where(IS_FIRST, 1.3, 0.7)


def test_without_clusters_it_is_welchs_t_test() -> None:
    ours, theirs = difference(OUTCOME, IS_FIRST), stats.ttest_ind(OUTCOME[IS_FIRST], OUTCOME[~IS_FIRST], equal_var=False)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert ours.freedom == pytest.approx(theirs.df)
    assert ours.interval() == pytest.approx(tuple(theirs.confidence_interval()), abs=1e-12)
    wider = ours.interval(alpha=0.01)
    assert wider == pytest.approx(tuple(theirs.confidence_interval(0.99)), abs=1e-12)


def test_equal_weights_are_no_weights() -> None:
    weighted = difference(OUTCOME, IS_FIRST, weights=np.full(300, 2.5))
    assert weighted.standard_error == pytest.approx(difference(OUTCOME, IS_FIRST).standard_error)


def test_a_row_of_weight_zero_is_not_there() -> None:
    outcome, is_first = np.array([1.0, 2, 3, 4, 90]), np.array([True, True, False, False, True])
    weighted = difference(outcome, is_first, weights=np.array([1.0, 1, 1, 1, 0]))
    assert weighted.estimate == 1.5 - 3.5
    assert weighted.standard_error == pytest.approx(np.sqrt(0.5 / 2 + 0.5 / 2))


@pytest.mark.parametrize("is_whole", [True, False], ids=["clusters of one arm", "clusters of both arms"])
def test_with_clusters_it_is_the_sandwich_of_bell_and_mccaffrey(is_whole: bool) -> None:
    clusters = np.sort(RANDOM.integers(0, 25, 300))
    is_first = (clusters % 2 == 0) if is_whole else IS_FIRST
    outcome = OUTCOME + RANDOM.normal(size=25)[clusters]
    assert difference(outcome, is_first, clusters=clusters).standard_error == pytest.approx(slow(outcome, is_first, clusters))


def slow(outcome: np.ndarray, is_first: np.ndarray, clusters: np.ndarray) -> float:  # type: ignore[type-arg]
    """CR2 by matrices: residuals of each cluster times the inverse root of what the regression leaves of it."""
    design = np.column_stack([np.ones_like(outcome), is_first])
    bread = np.linalg.inv(design.T @ design)
    residual = outcome - design @ (bread @ design.T @ outcome)
    meat = np.zeros((2, 2))
    for one in np.unique(clusters):
        rows = design[clusters == one]
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - rows @ bread @ rows.T)
        score = rows.T @ (vectors / np.sqrt(values)) @ vectors.T @ residual[clusters == one]
        meat += np.outer(score, score)
    return float(np.sqrt((bread @ meat @ bread)[1, 1]))


@pytest.mark.parametrize(
    ("outcome", "is_first"),
    [([1.0, 2, 3], [True, False, False]), ([0.1, 0.1, 0.1, 0.1], [True, True, False, False])],
    ids=["an arm of one", "nothing varies"],
)
def test_what_cannot_be_known_is_none(outcome: list[float], is_first: list[bool]) -> None:
    unknown = difference(np.array(outcome), np.array(is_first))
    assert unknown.standard_error is None
    assert unknown.p is None
    assert unknown.interval() == unknown.sequence() == (None, None)


def test_an_arm_of_one_cluster_has_no_interval() -> None:
    clusters = np.where(IS_FIRST, 0, np.arange(300) % 5 + 1)
    assert difference(OUTCOME, IS_FIRST, clusters=clusters).standard_error is None


def test_bounds_for_all_looks_are_narrowest_at_the_size_they_are_tuned_for() -> None:
    def errors(units: int) -> float:
        """Half the width in standard errors."""
        _, high = Difference(0.0, 1.0, 1e9, units).sequence(tuned_for=1_000)
        assert high is not None
        return high

    # The width itself shrinks with 1 / sqrt(units); of all tunings, this one is the narrowest there.
    here = Difference(0.0, 1.0, 1e9, 1_000)
    widths = {tuned: here.sequence(tuned_for=tuned)[1] for tuned in (500, 900, 1_000, 1_100, 2_000)}
    assert min(widths, key=lambda tuned: widths[tuned]) == 1_000  # type: ignore[arg-type, return-value]
    small = Difference(0.0, 1.0, 6.0, 1_000).sequence(tuned_for=1_000)[1]
    assert small is not None
    assert stats.t.sf(small, 6) == pytest.approx(stats.norm.sf(errors(1_000)), rel=1e-3)
    assert errors(1_000) == pytest.approx(3.03, abs=0.01)
    assert errors(100) > errors(10_000) > errors(1_000) > 1.96
