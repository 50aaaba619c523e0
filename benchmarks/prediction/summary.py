"""What a data set's cut-offs come to together: means, mean leads with their intervals, and how often a lead is certain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.prediction.differences import Predicted, mean_differences
from models.bootstrap import Difference
from models.measures import HEADLINE, Purpose
from models.training import OURS

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class ModelRow:
    """One model on one population of a data set.

    Args:
        model: Its name.
        means: Metric → mean over the cut-offs where it is defined.
        lead: Our headline metric minus this model's, the mean over the cut-offs; None for our own row.
        above: Cut-offs whose interval lies wholly above 0.
        below: Cut-offs whose interval lies wholly below 0.
        compared: Cut-offs with an interval.
    """

    model: str
    means: Mapping[str, float]
    lead: Difference | None
    above: int
    below: int
    compared: int


@dataclass(frozen=True)
class Part:
    """One purpose and population of a data set.

    Args:
        purpose: What was predicted.
        population: Of whom.
        cutoffs: Cut-offs with predictions.
        members: Members at a cut-off, on average.
        happened: Share that churned, or minor units spent, on average over the cut-offs.
        rows: One row per model, ours first.
        misses: Our mean probability minus the share that churned, or our total over the actual one, at each cut-off.
        covered: Share of members whose spend was within our interval, at each cut-off where there were intervals.
    """

    purpose: Purpose
    population: str
    cutoffs: int
    members: float
    happened: float
    rows: tuple[ModelRow, ...]
    misses: tuple[float, ...]
    covered: tuple[float, ...]

    @property
    def ours(self) -> ModelRow:
        """Our own row."""
        return self.rows[0]


def summarise_part(
    figures: Sequence[Figures], predicted: Sequence[Predicted], purpose: Purpose, population: str, *, draws: int, seed: int
) -> Part | None:
    """Summarise one purpose and population over the cut-offs of a data set.

    Args:
        figures: What `figures_of` gave at each cut-off.
        predicted: The predictions behind them, in the same order.
        purpose: What was predicted.
        population: Of whom.
        draws: Draws of the interval of the mean lead.
        seed: Seed of the draws.

    Returns:
        The summary; None where no cut-off has members.
    """
    pairs = [(figure, one) for figure, one in zip(figures, predicted, strict=True) if figure["members"]]
    if not pairs:
        return None
    told = [figure for figure, _ in pairs]
    leads = mean_differences([one for _, one in pairs], OURS, metric=HEADLINE[purpose], draws=draws, seed=seed)
    models = dict.fromkeys([OURS, *(model for figure in told for model in figure["models"])])
    return Part(
        purpose=purpose,
        population=population,
        cutoffs=len(told),
        members=float(np.mean([figure["members"] for figure in told])),
        happened=float(np.mean([figure["happened"] for figure in told])),
        rows=tuple(_row(told, model, leads.get(model)) for model in models),
        misses=tuple(_defined(_miss(figure, purpose) for figure in told)),
        covered=tuple(_defined(figure["covered"] for figure in told)),
    )


def _row(figures: Sequence[Figures], model: str, lead: Difference | None) -> ModelRow:
    of_model = [figure["models"][model] for figure in figures if model in figure["models"]]
    metrics = dict.fromkeys(metric for one in of_model for metric in one)
    values = {metric: _defined(one.get(metric) for one in of_model) for metric in metrics}
    bounds = [figure["leads"][model] for figure in figures if figure["leads"].get(model) is not None]
    return ModelRow(
        model=model,
        means={metric: float(np.mean(found)) for metric, found in values.items() if found},
        lead=lead,
        above=sum(lower > 0 for _, lower, _ in bounds),
        below=sum(upper < 0 for _, _, upper in bounds),
        compared=len(bounds),
    )


def _miss(figure: Figures, purpose: Purpose) -> float | None:
    ours = figure["models"][OURS]
    if purpose == "value":
        return ours["total_ratio"]  # type: ignore[no-any-return]
    return float(ours["mean"] - figure["happened"])


def _defined(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
