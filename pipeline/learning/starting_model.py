"""The starting model that is shipped: LightGBM's text beside this file, made by `make starting-model`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from models.config import PredictionSettings

PATH: Final = Path(str(files("pipeline.learning"))) / "starting_model.lgb"


def starting_model_for(settings: PredictionSettings) -> str | None:
    """Return LightGBM's text of the starting model; None where the settings do without."""
    return PATH.read_text(encoding="utf-8") if settings.starting_model else None
