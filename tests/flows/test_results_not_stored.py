"""Results of tasks and flows hold rows of members, so Prefect must not write them to its result storage."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from prefect import Flow, Task, task

import flows


def tasks_and_flows() -> dict[str, Any]:
    """Module and name → task or flow, of every module below `flows`."""
    return {
        f"{module.__name__}.{name}": value
        for module in map(importlib.import_module, module_names())
        for name, value in vars(module).items()
        if isinstance(value, Task | Flow)
    }


def module_names() -> Iterator[str]:
    """Every module below `flows`, but for `__main__`, whose import runs the command line."""
    for module in pkgutil.walk_packages(flows.__path__, prefix="flows."):
        if not module.name.endswith(".__main__"):
            yield module.name


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    """Every task and flow there is."""
    return tasks_and_flows()


def test_no_task_and_no_flow_stores_its_result(declared: dict[str, Any]) -> None:
    assert [name for name, value in declared.items() if value.persist_result is not False] == []


def test_the_tasks_and_flows_of_every_entrypoint_are_looked_at(declared: dict[str, Any]) -> None:
    assert {"flows.nightly.nightly", "flows.train.train", "flows.backfill.backfill", "flows.backtest.backtest"} <= declared.keys()
    assert {"flows.nightly.take_in", "flows.train.train_and_decide", "flows.scale.dask_executor._SCORE"} <= declared.keys()


@pytest.mark.parametrize("persists", [True, None])
def test_a_task_that_stores_its_result_or_leaves_it_to_prefect_is_noticed(persists: bool | None) -> None:
    assert task(persist_result=persists)(tasks_and_flows).persist_result is not False
