from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from models.measures import MEASURES, Metric

RANDOM = np.random.default_rng(8)
CHURNED = (RANDOM.random(300) < 0.4).astype(float)
PROBABILITY = RANDOM.random(300).round(1)
REFERENCES = {
    "auc": roc_auc_score,
    "brier": brier_score_loss,
    "log_loss": lambda churned, probability: log_loss(churned, np.clip(probability, 1e-6, 1 - 1e-6)),
}


@pytest.mark.parametrize("metric", ["auc", "brier", "log_loss", "ngini"])
def test_weights_count_members_as_often_as_repeating_them(metric: Metric) -> None:
    weights = RANDOM.integers(0, 4, 300)
    again = np.repeat(np.arange(300), weights)
    actual = CHURNED * RANDOM.random(300) if metric == "ngini" else CHURNED
    (weighted,) = MEASURES[metric](actual, PROBABILITY)(weights[None, :].astype(float))
    (repeated,) = MEASURES[metric](actual[again], PROBABILITY[again])(np.ones((1, again.size)))
    assert weighted == pytest.approx(repeated)


@pytest.mark.parametrize("metric", REFERENCES)
def test_measures_mean_what_others_mean_by_them(metric: Metric) -> None:
    draws = np.stack([np.ones(300), RANDOM.integers(0, 4, 300).astype(float)])
    measured = MEASURES[metric](CHURNED, PROBABILITY)(draws)
    for weights, figure in zip(draws.astype(int), measured, strict=True):
        again = np.repeat(np.arange(300), weights)
        assert figure == pytest.approx(REFERENCES[metric](CHURNED[again], PROBABILITY[again]), rel=1e-4)


@pytest.mark.parametrize(("metric", "actual"), [("auc", np.ones(3)), ("ngini", np.zeros(3)), ("ngini", np.ones(3))])
def test_a_draw_in_which_a_measure_is_undefined_gives_none(metric: Metric, actual: np.ndarray) -> None:  # type: ignore[type-arg]
    assert np.isnan(MEASURES[metric](actual, np.arange(3.0))(np.ones((1, 3)))).all()
