from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.baselines import fit_one_signal, past_rate_minor, recency_weighted_minor, silence_prior
from tests.models.panels import make_panel


def test_past_spend_goes_on_at_its_rate() -> None:
    members = pl.DataFrame({"spend_365d": [365.0, 60.0, -5.0, None, 12.0], "tenure_days": [900, 59, 100, 100, None]})
    expected = [36500 / 365 * 28, 6000 / 60 * 28, 0, 0, 1200 / 365 * 28]
    assert past_rate_minor(members, horizon_days=28).tolist() == pytest.approx(expected)


def test_a_newcomer_is_expected_to_spend_once_more_what_was_spent() -> None:
    assert past_rate_minor(pl.DataFrame({"spend_365d": [50.0], "tenure_days": [0]}), horizon_days=28).tolist() == [5000]


def test_without_spend_the_rate_is_zero() -> None:
    nothing = pl.DataFrame({"tenure_days": [10]})
    assert past_rate_minor(nothing, horizon_days=28).tolist() == recency_weighted_minor(nothing, horizon_days=28).tolist() == [0]


def test_recent_spend_weighs_more_and_a_steady_rate_stays_what_it_is() -> None:
    members = pl.DataFrame(
        {
            "spend_28d": [28.0, 100.0, 0.0],
            "spend_90d": [90.0, 100.0, 0.0],
            "spend_365d": [365.0, 100.0, 100.0],
            "tenure_days": [900] * 3,
        }
    )
    steady, recent, old = recency_weighted_minor(members, horizon_days=28)
    assert steady == pytest.approx(100 * 28)
    assert recent > 10000 / 365 * 28 > old


def test_the_prior_follows_silence_and_gap() -> None:
    members = pl.DataFrame({"days_since_last_activity": [0, 56, None], "gap_mean_days_365d": [7.0, 7.0, None]})
    expected = [7 / (7 + 28), (56 + 7) / (56 + 7 + 28), (28 + 28) / (28 + 28 + 28)]
    assert silence_prior(members, horizon_days=28).tolist() == pytest.approx(expected)


def test_longer_silence_means_likelier_churn_and_never_active_is_the_longest() -> None:
    recency = fit_one_signal(make_panel(), "recency")
    short, long, never = recency.probability(pl.DataFrame({"days_since_last_activity": [1.0, 50.0, None]}))
    assert short < long < never


def test_a_signal_that_is_nowhere_known_gives_the_overall_rate() -> None:
    panel = make_panel().drop("active_days_365d")
    past_rate = fit_one_signal(panel, "past_rate")
    assert past_rate.probability(panel.head(1))[0] == pytest.approx(panel["is_churned"].mean(), abs=1e-6)
    assert np.isfinite(past_rate.line.slope)
