"""The training flow: training outside a night, weekly or on request."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.scale.open_executor import open_executor
from pipeline.execution.executor import Executor, sample_to_train_on
from pipeline.history.daily_rollups import load_snapshot, update_rollups
from pipeline.intake.intake import last_full_day
from pipeline.learning.champions import choose_champions
from pipeline.learning.rollback import roll_back
from pipeline.preflight import refuse_empty
from runtime.alerting import alerted
from runtime.logged_run import logged
from runtime.run_context import RunContext, open_run

Action = Literal["train", "promote", "rollback"]


@flow(name="train", flow_run_name="train {as_of}", persist_result=False, validate_parameters=False)
def train(workspace: str = ".", as_of: str | None = None, force: Action = "train") -> list[str]:
    """Train challengers on what the lake holds and let the gate decide; returns a line for each model.

    Args:
        workspace: The folder with `evenfall.toml`.
        as_of: The night as YYYY-MM-DD; by default what `[run] as_of` says.
        force: `train`; `promote` the challengers whatever the gate says; or `rollback` to the champions before.

    Raises:
        DataError: The lake is empty.
        ConfigurationError: There is nothing to roll back to.
    """
    run = open_run(workspace, as_of)
    with alerted(run, "train"), run.workspace.locked("train"), logged(run, "train"), open_executor(run) as executor:
        return train_and_decide(resolved(run), executor, force)


@task(cache_policy=NO_CACHE, persist_result=False)
def train_and_decide(run: RunContext, executor: Executor, force: Action) -> list[str]:
    """Update the rollups, train and let the gate decide; or roll back to the champions before.

    Args:
        run: The run, with its night resolved.
        executor: The executor, which also trains.
        force: As `train` takes it.

    Returns:
        One line per model.
    """
    if force == "rollback":
        with run.step("rolling back"):
            return roll_back(run)
    with run.step("training"):
        update_rollups(run)
        snapshot = load_snapshot(run)
        training_input = sample_to_train_on(run, snapshot.history, executor.compute_features(run, snapshot), executor.train_trees)
        champions = choose_champions(run, training_input, force=force)
        return [f"champion {champion.registered.label}; {champion.decided}" for champion in champions.all]


def resolved(run: RunContext) -> RunContext:
    """Return the run with its night resolved: the night asked for, or else the last full day in the lake before today.

    Raises:
        DataError: The lake is empty.
    """
    lake = run.workspace.lake
    refuse_empty(lake)
    if run.asked is not None:
        return run
    day = last_full_day(lake, [], timezone=run.timezone)
    # Not today: the current day is not over.
    return run.on(min(day, run.now.date() - timedelta(days=1)))
