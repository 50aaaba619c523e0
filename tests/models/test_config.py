from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.config import PredictionSettings


def test_every_setting_is_described() -> None:
    assert all(setting.description for setting in PredictionSettings.model_fields.values())


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="num_leafs"):
        PredictionSettings(num_leafs=3)  # type: ignore[call-arg]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PredictionSettings().seed = 3  # type: ignore[misc]


def test_the_least_and_the_most_that_can_be_asked_for_is_taken() -> None:
    ones = dict.fromkeys(("step_days", "max_cutoffs", "rounds", "min_rows_per_leaf", "half_life_days", "learning_members"), 1)
    ones |= dict.fromkeys(("max_categories", "min_outcomes_to_learn", "min_outcomes_for_recency", "anchor_weight"), 1)
    nothings = {"min_history_days": 0, "seed": 0, "leaf_penalty": 0.0, "lifetime_share": 0.0, "num_threads": 0}
    wholes = {"learning_rate": 1.0, "feature_share": 1.0, "row_share": 1.0, "spend_cap_quantile": 1.0, "leak_limit": 1.0}
    pairs = {"num_leaves": 2, "min_members_to_learn": 2, "calibration_folds": 2}
    asked = ones | nothings | wholes | pairs
    assert PredictionSettings.model_validate(asked).model_dump(include=set(asked)) == asked


@pytest.mark.parametrize("name", ["learning_rate", "feature_share", "row_share", "min_outcomes_to_learn", "lifetime_share"])
@pytest.mark.parametrize("value", [-1, 1.01])
def test_what_can_not_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        PredictionSettings.model_validate({name: value})
