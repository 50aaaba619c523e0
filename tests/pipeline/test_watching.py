from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.drift import SCORE, Drift
from models.estimated import EarlyReturns, Estimated
from pipeline.watching import Early, Watch, watch_metrics, watch_sentences, watch_warnings
from tests.wording.reasons.test_sentences import CATALOG

NIGHT = date(2026, 2, 4)
WATCH = Watch(
    estimated=Estimated(1_000, 0.4, 0.8, 0.15),
    estimated_here=Estimated(600, 0.2, 0.7, 0.12),
    share=(0.35, 0.45),
    value=(9_000.0, 12_000.0),
    early=(
        Early(NIGHT, 7, EarlyReturns(1_000, 300.0, 310, 0.4, 0.75)),
        Early(NIGHT, 14, EarlyReturns(1_000, 400.0, 280, -3.1, None)),
    ),
    drifts=(
        Drift("platform", 0.6, is_much=True, has_new_value=True),
        Drift(SCORE, 0.3, is_much=True),
        Drift("visits", 0.2, False),
    ),
    features={feature.name: feature for feature in CATALOG if feature.name == "platform"},
)


def test_returns_beyond_chance_are_warned_of_and_others_are_not() -> None:
    (warning,) = watch_warnings(WATCH, deviation=2.5)
    assert warning.startswith("Of 1,000 members scored on 4 Feb 2026, 280 were active again within 14 days; 400 were expected.")
    assert "Profile" in warning
    assert watch_warnings(WATCH, deviation=3.2) == []
    rising = replace(WATCH, early=(Early(NIGHT, 7, EarlyReturns(1_000, 300.0, 500, 2.6, 0.7)),))
    assert len(watch_warnings(rising, deviation=2.5)) == 1
    assert watch_warnings(None, deviation=2.5) == []


@pytest.mark.parametrize(
    ("watch", "cause"),
    [
        (WATCH, "Members have a value of Profile"),
        (replace(WATCH, drifts=(), season_explains=True), "The same days of last year were alike"),
        (replace(WATCH, drifts=()), "Nothing known explains it"),
    ],
)
def test_the_likely_cause_is_named_where_it_can_be_known(watch: Watch, cause: str) -> None:
    assert cause in watch_warnings(watch, deviation=2.5)[0]


def test_an_unusual_intake_is_named_before_the_season() -> None:
    watch = replace(WATCH, drifts=(), season_explains=True)
    assert "What arrived is unusual, too" in watch_warnings(watch, deviation=2.5, is_intake_unusual=True)[0]


def test_the_report_says_what_is_known_and_nothing_of_what_is_not() -> None:
    said = " ".join(watch_sentences(WATCH, currency="EUR")).replace("\N{NO-BREAK SPACE}", "")
    for part in ("80% of the time", "it is 70%", "between 35% and 45%", "310 were active again", "differ most in: Profile."):
        assert part in said
    assert watch_sentences(Watch()) == ()


def test_a_night_logs_every_figure_that_is_known() -> None:
    metrics = watch_metrics(WATCH)
    assert metrics["watch.auc_here"] == 0.7
    assert metrics["watch.value_high"] == 12_000
    assert metrics["watch.returns_14d.deviation"] == -3.1
    assert "watch.returns_14d.auc" not in metrics
    assert metrics["watch.drift.score"] == 0.3
    # The score is no feature of its own.
    assert metrics["watch.drift.features_moved"] == 1
    assert watch_metrics(Watch()) == {}
