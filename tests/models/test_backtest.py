"""Past cut-offs put together: which baseline is the best, how often it was beaten, and where we were worst."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest

from models.backtest import IN_RANGE, CutoffResult, backtest_cutoff, summarise
from models.bootstrap import Difference
from models.config import PredictionSettings
from models.cutoffs import split_cutoffs
from models.level import Level
from models.measures import Purpose
from tests.models.panels import HORIZON_DAYS, cutoffs, make_panel

DAYS = cutoffs(5)
SPLIT = split_cutoffs(DAYS, horizon_days=HORIZON_DAYS)
TOLD = pl.DataFrame(
    {"tenure_band": ["new", "longer"], "actual": [1.0, 0.0], "is_still_here": [True, False], "predicted": [0.75, 0.25]}
)


def result(as_of: date, metrics: Mapping[str, Mapping[str, float | None]], **lower: float) -> CutoffResult:
    against = {name: Difference(bound + 0.1, bound, bound + 0.2, 500) for name, bound in lower.items()}
    return CutoffResult(as_of, "churn", 2, 0.5, metrics, against, SPLIT, TOLD)


FIRST = result(DAYS[0], {"evenfall": {"auc": 0.9, "brier": None}, "a": {"auc": 0.6}, "b": {"auc": 0.7}}, a=0.1, b=0.0)
SECOND = result(DAYS[1], {"evenfall": {"auc": 0.7, "brier": 0.2}, "a": {"auc": 0.7}, "b": {"auc": 0.8}}, a=0.01, b=-0.2)
UNKNOWN = result(DAYS[2], {"evenfall": {"auc": None}, "a": {"auc": None}})
VALUE = CutoffResult(DAYS[3], "value", 9, 5.0, {"evenfall": {"ngini": 0.1}}, {}, SPLIT, TOLD)


def test_every_cutoff_of_one_purpose_weighs_the_same_and_what_is_unknown_nothing() -> None:
    summary = summarise([FIRST, SECOND, UNKNOWN, VALUE], "churn")
    assert summary.cutoffs == 3
    assert summary.mean["evenfall"] == pytest.approx({"auc": (0.9 + 0.7) / 2, "brier": 0.2})
    assert summary.mean["a"] == pytest.approx({"auc": (0.6 + 0.7) / 2})
    assert summary.best_baseline == "b"
    assert summary.wins == {"a": 2, "b": 0}
    assert summary.worst == DAYS[1]
    assert summary.calibration is not None
    assert summary.calibration.select("band", "n").rows() == [("everybody", 6), ("longer", 3), ("new", 3)]


def test_of_the_purpose_that_is_asked_for_alone() -> None:
    summary = summarise([FIRST, VALUE], "value")
    assert (summary.cutoffs, summary.worst, summary.best_baseline, summary.calibration) == (1, DAYS[3], None, None)
    nothing = summarise([], "churn")
    assert (nothing.cutoffs, nothing.worst, nothing.best_baseline, nothing.wins) == (0, None, None, {})


def test_the_curves_are_those_of_all_cutoffs_together_by_population() -> None:
    summary = summarise([FIRST, SECOND, VALUE], "churn")
    assert summary.curves["still_here_calibration"].rows() == [(0.75, 1.0, 2)]
    assert summary.curves["gone_calibration"].rows() == [(0.25, 0.0, 2)]
    assert summary.curves["lift"]["members"].sum() == 4
    assert summarise([VALUE], "value").curves == {}


def test_of_cutoffs_that_are_level_the_earlier_is_the_worst() -> None:
    level = [result(day, {"evenfall": {"auc": 0.7}}) for day in (DAYS[2], DAYS[1])]
    assert summarise(level, "churn").worst == DAYS[1]


@pytest.mark.parametrize("purpose", ["churn", "value"])
def test_the_newest_of_some_cutoffs_is_predicted_from_those_before_it(purpose: str) -> None:
    panel, settings = make_panel(), PredictionSettings(rounds=5, search_budget=0)
    found = backtest_cutoff(panel, DAYS, purpose, horizon_days=HORIZON_DAYS, settings=settings)  # type: ignore[arg-type]
    assert found is not None
    happened = panel.filter(pl.col("as_of") == DAYS[-1])["is_churned" if purpose == "churn" else "future_spend_minor"]
    assert (found.as_of, found.members, found.split) == (DAYS[-1], 400, SPLIT)
    assert found.outcome_mean == pytest.approx(happened.cast(pl.Float64).mean())
    assert set(found.against) == set(found.metrics) - {"evenfall"}
    among, everybody = ("still_here_auc", "auc") if purpose == "churn" else ("ngini", "ngini")
    for differences, headline in ((found.against, among), (found.against_all, everybody)):
        for name, difference in differences.items():
            ours, theirs = (found.metrics[model][headline] for model in ("evenfall", name))
            assert difference.estimate == pytest.approx(ours - theirs)
            assert difference.lower <= difference.estimate <= difference.upper
    assert (found.calibration is None) == (purpose == "value")
    assert found.predictions["predicted"].is_finite().all()
    assert backtest_cutoff(panel, DAYS[:1], purpose, horizon_days=HORIZON_DAYS, settings=settings) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("purpose", ["churn", "value"])
def test_a_cutoff_says_whether_what_all_did_together_lay_within_its_range(purpose: Purpose) -> None:
    panel, settings = make_panel(), PredictionSettings(rounds=5, search_budget=0)
    newest = panel.filter(pl.col("as_of") == DAYS[-1])
    happened = float(newest["is_churned" if purpose == "churn" else "future_spend_minor"].cast(pl.Float64).mean())  # type: ignore[arg-type]
    far = happened / 2
    for mean, error, is_in_range in ((happened, 0.1, 1), (far, 0.1, 0), (far, 2.0, 1)):
        level = Level(mean, error, 0.0, 0.0, trust=1.0)
        found = backtest_cutoff(panel, DAYS, purpose, horizon_days=HORIZON_DAYS, settings=settings, level=level)
        assert found is not None
        assert found.metrics["evenfall"][IN_RANGE[purpose]] == is_in_range
        assert not any(IN_RANGE[purpose] in figures for model, figures in found.metrics.items() if model != "evenfall")
