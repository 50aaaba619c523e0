from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lake.errors import EvenfallError
from models.bundle import from_files, is_current_format, to_files
from models.churn import ChurnModel, fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.panel import empty_panel
from models.value import ValueModel, fit_value
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_buyers, make_panel

SETTINGS = PredictionSettings(rounds=10)
PANEL = make_panel(cutoff_count=2)
BUYERS = make_buyers(cutoff_count=2)
SPLIT = final_split(cutoffs(2), horizon_days=HORIZON_DAYS)
CURVES = {"calibration": {"mean_probability": [0.1, 0.6], "churn_rate": [0.1, 0.5], "members": [40, 41]}}
FIGURES = {"evenfall": {"auc": 0.8, "calibration_slope": None}}
MODELS: list[ChurnModel | ValueModel] = [
    replace(fit_churn(PANEL, SPLIT, SETTINGS), metrics=FIGURES, curves=CURVES),
    fit_churn(make_panel(members=60, cutoff_count=2), SPLIT, SETTINGS),
    fit_churn(make_panel(members=3, cutoff_count=2), SPLIT, SETTINGS),
    fit_churn(empty_panel(), final_split([], horizon_days=HORIZON_DAYS), SETTINGS),
    fit_value(PANEL, SPLIT, SETTINGS),
    fit_value(empty_panel(), final_split([], horizon_days=HORIZON_DAYS), SETTINGS),
    fit_churn(BUYERS, SPLIT, SETTINGS),
    fit_value(BUYERS, SPLIT, SETTINGS),
    fit_churn(BUYERS, SPLIT, SETTINGS.model_copy(update={"lifetime_model": "bg_nbd"})),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{type(model).__name__}-{model.kind}")
def test_a_model_read_back_is_the_same_and_predicts_the_same_bits(model: ChurnModel | ValueModel) -> None:
    read = from_files(to_files(model))
    assert read == model
    assert read.predict(features_only(BUYERS)).equals(model.predict(features_only(BUYERS)))
    assert to_files(read) == to_files(model)


def test_every_kind_is_among_the_models_tried() -> None:
    kinds = [model.kind for model in MODELS]
    assert kinds == ["lightgbm", "recency", "base_rate", "prior", "lightgbm", "past_rate", "lightgbm", "lightgbm", "lightgbm"]
    lifetimes = [model.silence.lifetime.kind for model in MODELS if isinstance(model, ChurnModel) and model.silence]
    assert lifetimes == ["pareto_nbd", "bg_nbd"]


def test_the_files_are_text_of_their_own_formats() -> None:
    files = to_files(MODELS[0])
    assert sorted(files) == ["model.json", "model.lgb"]
    assert files["model.lgb"].startswith("tree\n")
    about = json.loads(files["model.json"])
    assert about["split"]["calibrate"] == [cutoffs(2)[1].isoformat()]
    assert about["encoding"]["categories"] == {"region": ["north", "south"]}
    assert about["metrics"] == FIGURES


def _with_about(**changes: object) -> dict[str, str]:
    files = to_files(MODELS[0])
    return files | {"model.json": json.dumps(json.loads(files["model.json"]) | changes)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (_with_about(format_version=1), "format 1"),
        ({"model.lgb": "tree"}, "model.json is missing"),
        ({"model.json": "{"}, "not JSON"),
        ({"model.json": "{}"}, "no format_version"),
        ({"model.json": to_files(MODELS[0])["model.json"]}, "model.lgb is missing"),
        (_with_about(calibration={"slope": 1}), "do not make a model"),
        (_with_about(settings={"unheard_of": 1}), "do not make a model"),
    ],
)
def test_files_that_cannot_be_read_are_refused_with_a_remedy(files: dict[str, str], message: str) -> None:
    with pytest.raises(EvenfallError, match=message) as caught:
        from_files(files)
    assert "evenfall train" in caught.value.remedy


@pytest.mark.parametrize(
    ("files", "current"),
    [
        (to_files(MODELS[0]), True),
        (_with_about(format_version=1), False),
        # Damaged files are for the reader to refuse, not to be replaced in silence.
        ({"model.json": "{"}, True),
        ({"model.json": "[]"}, True),
        ({}, True),
    ],
)
def test_only_files_that_say_another_format_are_of_another_format(files: dict[str, str], current: bool) -> None:
    assert is_current_format(files) == current
