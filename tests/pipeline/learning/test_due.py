"""A training before its day: only when asked for, and only when members or scores say so."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from models.bundle import to_files
from models.churn import fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from pipeline.learning.due import why_due
from pipeline.learning.reference import reference_files
from runtime.tracking.tracking import RegisteredModel
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_panel

DAYS = cutoffs(3)
PANEL = make_panel(members=400, cutoff_count=3)
SAME = features_only(make_panel(members=400, cutoff_count=1, seed=9)).drop("as_of")


@pytest.fixture(scope="module")
def champion() -> RegisteredModel:
    split = final_split(DAYS, horizon_days=HORIZON_DAYS)
    model = fit_churn(PANEL, split, PredictionSettings(min_members_to_learn=100, rounds=20))
    return RegisteredModel("churn", 1, date(2024, 4, 1), to_files(model) | reference_files(model, PANEL))


def reason(champion: RegisteredModel, tonight: pl.DataFrame, *, when: str = "due", days: int = 5) -> str | None:
    run: Any = SimpleNamespace(
        settings=SimpleNamespace(training=SimpleNamespace(when=when), churn=SimpleNamespace(eligible_days=90))
    )
    return why_due(run, champion, tonight.lazy(), days_since_training=days)


def test_members_of_the_same_kind_are_no_reason(champion: RegisteredModel) -> None:
    assert reason(champion, SAME) is None


def test_members_who_are_scored_otherwise_than_at_the_training_are_a_reason(champion: RegisteredModel) -> None:
    silent = SAME.with_columns(pl.col("days_since_last_activity") / 10 + 50)
    said = reason(champion, silent)
    assert said is not None
    assert said.startswith("the scores have drifted by")
    assert reason(champion, silent, when="schedule") is None
    # A challenger that was turned down must not be followed by another the night after.
    assert reason(champion, silent, days=2) is None


def test_scores_that_hardly_rank_are_a_reason_even_without_a_reference(champion: RegisteredModel) -> None:
    alike = SAME.with_columns(days_since_last_activity=pl.lit(30.0), region=pl.lit("north"))
    measured = RegisteredModel("churn", 1, champion.trained_as_of, {**champion.files, "reference.json": "{}"})
    assert reason(measured, alike) is None
    files = dict(measured.files)
    files["model.json"] = files["model.json"].replace('"metrics": {}', '"metrics": {"evenfall": {"auc": 0.95}}')
    said = reason(RegisteredModel("churn", 1, champion.trained_as_of, files), alike)
    assert said is not None
    assert "at the training it was 0.950" in said
