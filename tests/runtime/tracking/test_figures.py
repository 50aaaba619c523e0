"""Figures of a training for the MLflow UI."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.curves import churn_curves, value_points
from runtime.tracking.figures import training_figures

NO_IMPORTANCE = pl.DataFrame(schema={"feature": pl.String, "gain_share": pl.Float64})
CURVES = ("roc", "precision_recall", "calibration", "lift", "gain")
CHURNED, PROBABILITY = np.array([1.0, 0.0, 1.0, 0.0, 1.0]), np.array([0.9, 0.2, 0.6, 0.7, 0.8])


def test_each_population_has_figures_of_its_own_those_still_here_first() -> None:
    curves = churn_curves(CHURNED, PROBABILITY, is_still_here=np.array([True, True, False, True, False]))
    figures = training_figures(curves, NO_IMPORTANCE, title="churn")
    # Of those gone all left: without both outcomes there is no ROC.
    gone = [f"gone_{name}.png" for name in ("calibration", "lift", "gain")]
    assert list(figures) == [f"still_here_{name}.png" for name in CURVES] + gone + [f"{name}.png" for name in CURVES]
    assert figures["still_here_roc.png"].axes[0].get_title(loc="left") == "ROC · still here, churn"
    assert figures["roc.png"].axes[0].get_title(loc="left") == "ROC · churn"
    drawn = figures["gone_calibration.png"].axes[0].lines[1].get_xdata()
    assert np.asarray(drawn).tolist() == curves["gone_calibration"]["mean_probability"].to_list()


def test_spend_has_the_figures_of_everybody() -> None:
    figures = training_figures({"gain": value_points(CHURNED, PROBABILITY)}, NO_IMPORTANCE, title="value")
    assert list(figures) == ["lift.png", "gain.png"]
