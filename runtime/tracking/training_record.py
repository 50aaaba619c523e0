"""The record of a training, and of the model version that it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.errors import ConfigurationError
from models.search import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class TrainingRecord:
    """What is logged of one training.

    Args:
        experiment: `churn` or `value`; also the name of the registered model.
        as_of: The night it was trained for.
        parameters: Settings and cut-offs.
        metrics: Model name → metric → value; `evenfall` and the baselines.
        figures: File name → figure.
        tables: File name → frame, logged as CSV.
        pages: File name → HTML.
        files: The model as text files.
        panel: The training data; only its shape, column names and a digest are recorded.
        features: The columns that are features, for the signature.
        summary: The result in a sentence or two.
        tags: Versions of data and code.
        trials: The settings that were tried before, logged as child runs.
    """

    experiment: str
    as_of: date
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float | None]]
    files: Mapping[str, str]
    panel: pl.DataFrame
    features: tuple[str, ...]
    summary: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class RegisteredModel:
    """One version in the registry.

    Args:
        name: `churn` or `value`.
        version: Its number.
        trained_as_of: The night it was trained for.
        files: The model as text files.
        damage: What is wrong with the files, in words; None where they are those that were registered.
    """

    name: str
    version: int
    trained_as_of: date
    files: Mapping[str, str]
    damage: str | None = None

    @property
    def label(self) -> str:
        """The name of the version in lists and reports."""
        return f"{self.name}/{self.version}"

    def refuse_damage(self) -> None:
        """Refuse files that are not those that were registered.

        Raises:
            ConfigurationError: Files are missing or were changed.
        """
        if self.damage is not None:
            raise ConfigurationError(
                f"the model {self.label} is damaged: {self.damage}",
                remedy="Restore mlartifacts/ from a copy; or train another in its place with `evenfall train`, or take the one "
                "before with `evenfall train --rollback`.",
            )
