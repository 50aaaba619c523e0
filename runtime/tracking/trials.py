"""The settings that were tried before a training, each as a child of its run: what lost, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from models.search import Trial
from runtime.tracking.run_presentation import run_tags


def log_trials(experiment_id: str, trials: Sequence[Trial], *, as_of: date) -> None:
    """Log trials as children of the run that is open: what each changed, its lead, how sure that is, and whether it was chosen.

    Args:
        experiment_id: The experiment of the open run.
        trials: The trials, in order.
        as_of: The night of the training.
    """
    import mlflow

    for trial in trials:
        tags = {**run_tags(as_of, {}), "chosen": "yes" if trial.is_chosen else "no"}
        with mlflow.start_run(experiment_id=experiment_id, run_name=f"trial: {trial.name}", nested=True, tags=tags):
            mlflow.log_params({**trial.changes, "rounds": trial.rounds})
            mlflow.log_metrics({"lead": trial.lead, "standard_error": trial.standard_error})
