"""The watcher tells what a thread is in the middle of by the innermost room on its stack, and loses no time."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.overhead import Watcher

_CODE = """
def call():
    inner()
"""


def within(module: str, inner: Callable[[], Any]) -> Callable[[], Any]:
    """Something that calls `inner` from a module of this name; "import x" calls it while the module x is imported."""
    name = module.removeprefix("import ")
    if name != module:
        return lambda: exec("inner()", {"__name__": name, "inner": inner})
    made: dict[str, Any] = {"__name__": name, "inner": inner}
    exec(_CODE, made)
    return made["call"]  # type: ignore[no-any-return]


def busy() -> None:
    until = time.perf_counter() + 0.25
    while time.perf_counter() < until:
        pass


def shares(seen: dict[str, float], wall: float) -> dict[str, bool]:
    """Whether each took nearly all of a time, rather than nearly nothing."""
    assert all(seconds < 0.3 * wall or seconds > 0.7 * wall for seconds in seen.values()), (seen, wall)
    return {name: seconds > 0.7 * wall for name, seconds in seen.items()}


@pytest.mark.parametrize(
    ("stack", "kind"),
    [
        (["prefect.flow_engine"], "orchestration"),
        (["prefect.flow_engine", "flows.nightly", "polars.lazyframe"], None),
        (["flows.nightly", "prefect.client.base", "httpx"], "orchestration"),
        (["prefect.task_engine", "pipeline.intake.intake", "expectations.reference_rules", "polars.lazyframe"], "validation"),
        (["expectations.reference_rules", "great_expectations.core", "pandas.core"], "validation"),
        (["flows.nightly", "runtime.tracking.tracking", "sqlite3"], "tracking"),
        (["runtime.tracking.tracking", "mlflow.tracking", "sqlalchemy"], "tracking"),
        (["prefectly.named"], None),
        (["import great_expectations.core", "import scipy.stats"], None),
        (["import scipy.stats", "import great_expectations.core"], "validation"),
        (["import mlflow.tracking", "import sqlalchemy"], "tracking"),
    ],
)
def test_time_counts_to_the_innermost_of_those_told_apart(stack: list[str], kind: str | None) -> None:
    work: Callable[[], Any] = busy
    for module in reversed(stack):
        work = within(module, work)
    began = time.perf_counter()
    watcher = Watcher()
    work()
    seen = watcher.seconds()
    assert shares(seen, time.perf_counter() - began) == {name: name == kind for name in seen}


def test_work_beside_an_import_of_a_library_counts_to_the_library_and_the_end_to_orchestration() -> None:
    began = time.perf_counter()
    watcher = Watcher()
    importing = threading.Thread(target=within("mlflow.tracking", busy), name="imports")
    importing.start()
    within("features.compute", importing.join)()
    half_time = time.perf_counter()
    watcher.over()
    while time.perf_counter() - half_time < half_time - began:
        pass
    seen = watcher.seconds()
    both = (time.perf_counter() - began) / 2
    assert shares(seen, both) == {"orchestration": True, "validation": False, "tracking": True}


def test_looking_keeps_nothing_alive() -> None:
    gone: list[weakref.ref[_Held]] = []

    def hold() -> None:
        held = _Held()
        gone.append(weakref.ref(held))
        time.sleep(0.002)

    gc.disable()
    try:
        watcher = Watcher()
        for _ in range(100):
            hold()
        watcher.seconds()
        assert not any(one() is not None for one in gone)
    finally:
        gc.enable()


class _Held:
    """Something that is let go of when its function ends."""
