"""Training outside the night: weekly, or when people ask for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.scale.open_executor import workforce
from pipeline.execution.executor import Workforce, learn_from
from pipeline.history.daily_rollups import catch_up, look_back
from pipeline.intake.intake import last_full_day
from pipeline.learning.champions import choose_champions
from pipeline.learning.rollback import roll_back
from pipeline.preflight import refuse_empty
from runtime.alerting import alerted
from runtime.logged_run import logged
from runtime.run_context import Night, open_night

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
    night = open_night(workspace, as_of)
    with alerted(night, "train"), night.workspace.held("train"), logged(night, "train"), workforce(night) as crew:
        return train_and_decide(resolved(night), crew, force)


@task(cache_policy=NO_CACHE, persist_result=False)
def train_and_decide(night: Night, crew: Workforce, force: Action) -> list[str]:
    """Bring the rollups up to date, train, decide; or take back what was decided."""
    if force == "rollback":
        with night.step("rolling back"):
            return roll_back(night)
    with night.step("training"):
        catch_up(night)
        gathered = look_back(night)
        learnt = learn_from(night, gathered.history, crew.describe(night, gathered), crew.grow)
        champions = choose_champions(night, learnt, force=force)
        return [f"champion {champion.registered.label}; {champion.decided}" for champion in champions.all]


def resolved(night: Night) -> Night:
    """The run with its night settled from what the lake holds.

    Raises:
        DataError: The lake is empty.
    """
    lake = night.workspace.lake
    refuse_empty(lake)
    if night.asked is not None:
        return night
    day = last_full_day(lake, [], timezone=night.timezone)
    return night.on(min(day, night.now.date() - timedelta(days=1)))
