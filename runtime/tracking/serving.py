"""Load one of our models for MLflow: from plain text files, never from a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.errors import ConfigurationError
from models.bundle import from_files

if TYPE_CHECKING:
    import pandas as pd


class ServedModel:
    """One of our models behind MLflow's `predict`.

    Args:
        model: The churn or value model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, features: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 - MLflow's signature
        """Predict for a pandas frame of features; one number per row, in the order of the rows."""
        return self.model.predict(pl.from_pandas(features)).to_numpy()


def read_bundle(folder: Path) -> dict[str, str]:
    """Return file name → text of a logged model.

    Raises:
        ConfigurationError: A file is not text, so that it is not one of our models.
    """
    try:
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    except UnicodeDecodeError:
        raise ConfigurationError(
            "The stored model cannot be read: a file in it is not text.",
            remedy="Somebody has put it there. Find out who, then train anew with `evenfall train --promote`.",
        ) from None


def load_pyfunc(path: str) -> ServedModel:
    """Load a logged model, as MLflow asks its loader module to."""
    return ServedModel(from_files(read_bundle(Path(path))))
