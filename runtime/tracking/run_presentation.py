"""Names of metrics, tags and experiments in the MLflow UI, chosen so that runs are easy to compare.

A metric's name ends with the model it judges: `auc/evenfall`, `auc/recency`, `auc/past_rate`. The UI sorts columns by name
and makes a section of charts of each part before the last slash, so that all models of one metric are beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl

from models.evaluation import Metrics
from models.measures import HEADLINE, HEADLINE_FIGURES, headline

ABOUT: Final[Mapping[str, str]] = {
    "churn": """\
One run per training of the churn model, beside the simple rules it has to beat. Every figure is measured on outcomes that no
model had seen: `still_here_…` among members active within the horizon, who may leave (they decide which model is better),
`gone_…` among those silent for longer, who may come back, the others among everybody scored. `auc`: how often a member who
left was ranked above one who stayed (0.5 is chance). `average_precision`: area under precision and recall. `brier`,
`log_loss`, `ece` (calibration error): smaller is better. `calibration_slope`: 1 is perfect. `calibration_intercept`: 0 is
perfect. `lift_10pct`: how many times as many leave among the riskiest tenth. Child runs are the settings that were tried on
older cut-offs: `lead` is the mean log loss saved, chosen where it is twice its `standard_error`.
`rows/…`: rows of the panel in each part of the training.""",
    "value": """\
One run per training of the expected spend, beside the simple rules it has to beat. `ngini`: how well members were ordered by
what they went on to spend (1 is perfect, 0 is chance). `mae` and `rmse`: error of a member's spend, in the community's
currency. `total_ratio`: predicted total over the real one (1 is perfect). `top_10pct_share`: share of the real total spent by
the tenth with the highest predictions. Child runs are the settings that were tried on older cut-offs: `lead` is the nGini
gained, chosen where it is twice its `standard_error`. `rows/…`: rows of the panel in each part of the training.""",
    "nights": """\
One run per night; a night run again replaces its run. `members`, `eligible`, `high_risk`, `contacts`: members on the lists;
`still_here.*`, `gone.*`: the members scored who were active within the churn horizon, and the others.
`rows_…`: rows taken in. `seconds/…` and `counts/…`: time each step took, and what it counted. `peak_memory_mib`: the most memory
the process held until then. `matured/…`: how the newest night whose horizon is over came true. `effects/…`: what each action
changed, with its interval and the members listed and held out (`all`: all actions together).
`community/…`: the community as a whole. Within 28 days: `active_members`,
`contributions_per_active`, `connected_share` (of those active, who responded to others or others to them),
`responses_per_active`, `absence_factor` (how few made half of the contributions), `spend`. `expected_spend`: of all members
over the value horizon. `communities`, `leaders`, and `leaders_reach_share`: of the members of the network, who responded to
one of the leaders. Of the posts of 28 days `answered_within_day_share` and `answer_median_hours`; of all posts that wanted
an answer `unanswered_share`.""",
    "backtests": """\
One run per backtest, a child run per past cut-off: `churn/auc/evenfall` is our churn model's AUC, and the parent has the means
over the cut-offs. Its `by_cutoff/…` curves show the headline figure of every model at each cut-off, oldest first;
`churn/by_tenure/…` is the calibration of our model over the predictions of all cut-offs taken together, among everybody and
by how long members had been there. `churn/share_in_range` and `value/total_in_range`: the share of cut-offs at which the share
that left, and what all spent together, lay within the 80 % interval of then. The page is among the artifacts.""",
}
_NOT_PARAMETERS: Final = ("why",)
_PANEL_ROWS: Final = "rows"


def metric_names(metrics: Metrics, *, purpose: str | None = None) -> dict[str, float]:
    """Name metrics for the UI: `auc/evenfall`, with a purpose `churn/auc/evenfall`; what could not be computed is left out.

    Args:
        metrics: Model → metric → value; under `rows`, part of the panel → rows.
        purpose: `churn` or `value` where a run holds both.
    """
    prefix = "" if purpose is None else f"{purpose}/"
    return {
        f"{prefix}{model}/{metric}" if model == _PANEL_ROWS else f"{prefix}{metric}/{model}": float(value)
        for model, values in metrics.items()
        for metric, value in values.items()
        if value is not None
    }


def night_metric_names(metrics: Mapping[str, float]) -> dict[str, float]:
    """Name a night's metrics for the UI: timings under `seconds/`, matured figures under `matured/churn/`."""
    return {name.replace(".", "/").replace("seconds_", "seconds/", 1): value for name, value in metrics.items()}


def backtest_metric_names(summary: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Name a backtest's metrics for the UI: means `churn/auc/evenfall`, calibration `churn/by_tenure/ece/first_year`.

    Args:
        summary: Purpose → `mean`, as for `metric_names`, and for churn `calibration`, tenure band → measure → value.
    """
    named: dict[str, float] = {}
    for purpose, figures in summary.items():
        named |= metric_names(figures["mean"], purpose=purpose)
        named |= metric_names(figures.get("calibration", {}), purpose=f"{purpose}/by_tenure")
    return named


def cutoff_metric_names(cutoff: Mapping[str, Any]) -> dict[str, float]:
    """Name the metrics of one cut-off of a backtest: `n`, `churn_rate`, `churn/auc/evenfall`."""
    named = {name: float(cutoff[name]) for name in ("n", "churn_rate") if cutoff[name] is not None}
    for purpose in HEADLINE:
        named |= metric_names(cutoff[purpose], purpose=purpose)
    return named


def by_cutoff(cutoffs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float, int, int]]:
    """Yield the headline figure of every model per cut-off: metric name, value, cut-off in milliseconds, its number from 0."""
    for step, cutoff in enumerate(cutoffs):
        midnight = datetime.combine(date.fromisoformat(cutoff["as_of"]), datetime.min.time(), UTC)
        for purpose in HEADLINE:
            for model, values in cutoff[purpose].items():
                figure = headline(purpose, values)
                if figure is not None:
                    name = f"by_cutoff/{purpose}/{HEADLINE_FIGURES[purpose][0]}/{model}"
                    yield name, figure, int(midnight.timestamp() * 1000), step


def run_tags(as_of: date, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a run: its night, the kind of model, and `evenfall` as its source, however it was started.

    Versions of data and code go into the dataset and the provenance file instead, because people compare runs by their tags.
    """
    shown_tags = {name: value for name, value in tags.items() if name not in provenance(tags)}
    return {**shown_tags, "as_of": as_of.isoformat(), "mlflow.source.name": "evenfall"}


def provenance(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that identify the data and code of a run."""
    return {name: value for name, value in tags.items() if name in ("fingerprint", "code") or name.startswith("lake.")}


def parameters(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as text; sentences are left out, the description of the run has them."""
    return {name: str(value) for name, value in settings.items() if name not in _NOT_PARAMETERS}


def panel_dataset(panel: pl.DataFrame, *, experiment: str, tags: Mapping[str, str]) -> Any:
    """Describe the rows a model was trained on by shape and columns; the same data have the same digest.

    Args:
        panel: The training data; no value of it is stored.
        experiment: `churn` or `value`.
        tags: The tags of the training, `fingerprint` and versions of data and code among them.
    """
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.polars_dataset import PolarsDataset

    source = CodeDatasetSource(tags=provenance(tags))
    # MLflow's schemas have no dates, and it would warn of every column of dates: so it gets midnights.
    moments = panel.with_columns(pl.selectors.date().cast(pl.Datetime("us")))
    return PolarsDataset(moments, source=source, name=f"{experiment} panel", digest=tags.get("fingerprint", "unknown")[:8])
