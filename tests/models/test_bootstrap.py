from __future__ import annotations

import numpy as np
import pytest

from lake.errors import ConfigurationError
from models.bootstrap import paired_difference
from models.evaluation import evaluate_churn
from models.measures import Metric

RANDOM = np.random.default_rng(8)
CHURNED = (RANDOM.random(300) < 0.4).astype(float)
GOOD = np.clip(CHURNED * 0.3 + RANDOM.random(300) * 0.6, 0.01, 0.99)
POOR = RANDOM.random(300).round(1)


@pytest.mark.parametrize("metric", ["auc", "brier", "log_loss"])
def test_the_estimate_is_the_difference_of_the_metrics(metric: Metric) -> None:
    figures = evaluate_churn(CHURNED, {"good": GOOD, "poor": POOR})
    difference = paired_difference(CHURNED, GOOD, POOR, metric=metric, seed=1, draws=10)
    assert difference.estimate == pytest.approx(figures["good"][metric] - figures["poor"][metric])  # type: ignore[operator]


def test_a_clearly_better_model_has_an_interval_above_zero() -> None:
    difference = paired_difference(CHURNED, GOOD, POOR, metric="auc", seed=1, draws=200)
    assert 0 < difference.lower < difference.estimate < difference.upper


def test_a_model_does_not_differ_from_itself() -> None:
    difference = paired_difference(CHURNED, GOOD, GOOD, metric="auc", seed=1, draws=20)
    assert (difference.estimate, difference.lower, difference.upper) == (0, 0, 0)


def test_the_same_seed_gives_the_same_interval_however_many_draws_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = paired_difference(CHURNED, GOOD, POOR, metric="ngini", seed=4, draws=50)
    monkeypatch.setattr("models.bootstrap._CELLS_AT_ONCE", 900)
    assert paired_difference(CHURNED, GOOD, POOR, metric="ngini", seed=4, draws=50) == whole
    assert paired_difference(CHURNED, GOOD, POOR, metric="ngini", seed=5, draws=50) != whole


@pytest.mark.parametrize("actual", [np.array([]), np.ones(3)])
def test_an_undefined_metric_has_no_interval(actual: np.ndarray) -> None:  # type: ignore[type-arg]
    difference = paired_difference(actual, actual * 0.5, actual * 0.4, metric="auc", seed=1, draws=5)
    assert difference.draws == 0
    assert np.isnan(difference.lower)


def test_an_impossible_bootstrap_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="0 draws"):
        paired_difference(CHURNED, GOOD, POOR, metric="auc", seed=1, draws=0)
