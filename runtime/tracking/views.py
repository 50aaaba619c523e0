"""The view in which the MLflow UI lists the runs of an experiment: headline figures as columns, of members still here first.

The UI decides by a switch of the browser, not by a tag, whether an experiment opens on its runs, and shows no metric in the list
unless a view says so. A shared view is a tag of the experiment and a key in the address, and the address sets the switch, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from models.populations import POPULATIONS
from models.training import OURS

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from runtime.tracking.tracking import Tracking

_KEY: Final = "headlines"
_TAG: Final = f"mlflow.sharedViewState.{_KEY}"
_FIRST: Final = "still_here"
# Experiment → measures that a list of runs shows, the headline first: of it every model, of the others ours alone.
_MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    "churn": ("auc", "brier", "ece", "calibration_slope", "lift_10pct"),
    "value": ("ngini", "total_ratio", "rmse", "mae"),
}
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "nights": (
        "members", "eligible", "high_risk", "contacts", "matured/churn/still_here_auc", "matured/churn/auc",
        "matured/churn/predicted", "matured/churn/happened",
        "matured/churn/list/all/lift", "matured/churn/list/held_out/lift", "matured/value/total_ratio",
    ),
    "backtests": (
        "churn/still_here_auc/evenfall", "churn/still_here_auc/recency", "churn/still_here_auc/past_rate",
        "churn/auc/evenfall", "churn/brier/evenfall", "churn/ece/evenfall",
        "value/ngini/evenfall", "value/ngini/past_rate", "value/total_ratio/evenfall",
    ),
}  # fmt: skip


def show_headlines(client: MlflowClient, experiment: str, metrics: Iterable[str]) -> None:
    """Make the headline figures among the metrics of a new run the columns of the experiment's view."""
    logged = client.get_experiment_by_name(experiment)
    columns = [f"metrics.`{name}`" for name in headline_columns(experiment, metrics)]
    # Without their order the UI sorts the columns by name.
    state = json.dumps({"selectedColumns": columns, "columnOrder": columns})
    if logged is not None and logged.tags.get(_TAG) != state:
        client.set_experiment_tag(logged.experiment_id, _TAG, state)


def headline_columns(experiment: str, metrics: Iterable[str]) -> list[str]:
    """Return the metrics that a list of runs shows, in their order.

    Args:
        experiment: `churn`, `value`, `nights` or `backtests`.
        metrics: The names of a run's metrics, such as `auc/evenfall` or `still_here_auc/recency`.
    """
    if experiment in _COLUMNS:
        return [name for name in _COLUMNS[experiment] if name in set(metrics)]
    measures = _MEASURES[experiment]
    places: dict[str, tuple[bool, str, int, bool, str]] = {}
    for name in metrics:
        named, _, model = name.partition("/")
        population = next((prefix for prefix in POPULATIONS if named.startswith(f"{prefix}_")), "")
        measure = named.removeprefix(f"{population}_")
        if measure in measures and (model == OURS or measure == measures[0]):
            places[name] = population != _FIRST, population, measures.index(measure), model != OURS, model
    return sorted(places, key=places.__getitem__)


def runs_page(tracking: Tracking, experiment: str) -> str:
    """Return the address, below that of an MLflow server, of the list of an experiment's runs in its view.

    Raises:
        OutsideServiceError: The tracking server failed.
    """
    with tracking.client() as client:
        logged = client.get_experiment_by_name(experiment)
    number = "" if logged is None else f"/{logged.experiment_id}/runs"
    return f"#/experiments{number}?viewStateShareKey={_KEY}&workflowType=machine_learning"
