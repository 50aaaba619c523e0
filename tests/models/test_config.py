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
