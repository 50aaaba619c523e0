from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.curves import (
    calibration_points,
    churn_curves,
    curve_by_population,
    lift_points,
    precision_recall_points,
    roc_points,
    value_points,
)

CHURNED = np.array([1.0, 0.0, 1.0, 0.0])
PROBABILITY = np.array([0.9, 0.2, 0.6, 0.7])


def test_the_roc_runs_from_corner_to_corner() -> None:
    points = roc_points(CHURNED, PROBABILITY)
    assert points.row(0) == (0, 0)
    assert points.row(-1) == (1, 1)
    assert points.filter(pl.col("false_positive_rate") == 0)["true_positive_rate"].max() == 1 / 2


def test_precision_is_given_by_ascending_recall() -> None:
    points = precision_recall_points(CHURNED, PROBABILITY)
    assert points["recall"].is_sorted()
    assert points.filter(pl.col("recall") == 1)["precision"].max() == 2 / 3


def test_calibration_points_pair_prediction_and_outcome() -> None:
    points = calibration_points(np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.6, 0.6, 0.1, 0.1]), bins=2)
    assert points.rows() == [(pytest.approx(0.1), 0.0, 2), (pytest.approx(0.6), 1 / 2, 2)]


def test_lift_and_gain_by_halves() -> None:
    points = lift_points(CHURNED, PROBABILITY, bins=2)
    assert points["members"].to_list() == [2, 2]
    assert points["lift"].to_list() == [(1 / 2) / (2 / 4), (1 / 2) / (2 / 4)]
    assert points["gain"].to_list() == [1 / 2, 1]
    assert points["mean_predicted"].to_list() == pytest.approx([(0.9 + 0.7) / 2, (0.6 + 0.2) / 2])


def test_fewer_members_than_bins_give_a_bin_each() -> None:
    assert lift_points(CHURNED, PROBABILITY)["members"].to_list() == [1, 1, 1, 1]


def test_value_points_are_in_currency_units() -> None:
    points = value_points(np.array([500.0, 100.0]), np.array([400.0, 200.0]), bins=2)
    assert points["mean_actual"].to_list() == [5, 1]
    assert points["mean_predicted"].to_list() == [4, 2]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    random = np.random.default_rng(2)
    points = roc_points((random.random(5000) < 0.5).astype(float), random.random(5000))
    assert points.height <= 400
    assert (points.row(0), points.row(-1)) == ((0, 0), (1, 1))


@pytest.mark.parametrize("churned", [np.array([]), np.ones(3), np.zeros(3)])
def test_curves_without_both_outcomes_are_drawable(churned: np.ndarray) -> None:  # type: ignore[type-arg]
    probability = np.full(churned.size, 0.5)
    assert roc_points(churned, probability).is_empty()
    assert precision_recall_points(churned, probability).is_empty()
    assert calibration_points(churned, probability)["members"].sum() == churned.size
    assert lift_points(churned, probability)["members"].sum() == churned.size


HERE = np.array([True, True, False, True])
NAMES = ("roc", "precision_recall", "calibration", "lift")


def test_each_population_has_the_curves_of_its_own_members_those_still_here_first() -> None:
    curves = churn_curves(CHURNED, PROBABILITY, is_still_here=HERE)
    assert list(curves) == [f"{population}{name}" for population in ("still_here_", "gone_", "") for name in NAMES]
    for name, points in churn_curves(CHURNED[HERE], PROBABILITY[HERE]).items():
        assert curves[f"still_here_{name}"].equals(points)
    assert curves["gone_calibration"].rows() == [(0.6, 1.0, 1)]
    assert curves["lift"].equals(lift_points(CHURNED, PROBABILITY))


def test_a_population_without_members_has_no_curve() -> None:
    assert list(churn_curves(CHURNED, PROBABILITY, is_still_here=np.ones(4, dtype=np.bool_)))[0:8:4] == ["still_here_roc", "roc"]
    assert list(churn_curves(CHURNED, PROBABILITY)) == list(NAMES)


def test_a_curve_by_population_is_that_of_both_and_in_an_earlier_model_that_of_everybody() -> None:
    curves = churn_curves(CHURNED, PROBABILITY, is_still_here=HERE)
    stored = {name: points.to_dict(as_series=False) for name, points in curves.items()}
    for given in (curves, stored):
        points = curve_by_population(given, "calibration")
        assert points is not None
        assert points["population"].to_list() == ["still_here"] * 3 + ["gone"]
    earlier = curve_by_population({"calibration": stored["calibration"]}, "calibration")
    assert earlier is not None
    assert earlier.equals(curves["calibration"])
    assert curve_by_population({}, "calibration") is None


def test_a_population_of_whom_nobody_left_has_no_lift_to_draw() -> None:
    curves = churn_curves(np.array([1.0, 0.0, 0.0, 0.0]), PROBABILITY, is_still_here=HERE)
    points = curve_by_population(curves, "lift")
    assert points is not None
    assert set(points["population"]) == {"still_here"}
    assert curve_by_population(churn_curves(np.zeros(4), PROBABILITY, is_still_here=HERE), "lift") is None
