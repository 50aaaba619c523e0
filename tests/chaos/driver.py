"""Nights below Prefect, in processes that die where they are told to.

One process imports everything, which takes longer than a small night, and forks a child for each run. A child runs the same
steps as `flows.nightly`, without the engine around them, and kills itself at a moment it was given. Run as a program, it
reads one JSON object a line and answers each with one.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.paths import ROOT

# What only computes leaves nothing half-done; it is met by the clock.
WRITING_ROOMS = ("lake", "outputs", "runtime", "pipeline", "flows")
CLOCK = datetime(2025, 8, 1, 3, tzinfo=UTC)
PATIENCE_SECONDS = 300
_SAID = "said.txt"


@dataclass(frozen=True)
class Moment:
    """When a run dies: at the n-th time a function is entered or left, at the n-th call in a room that writes, or after seconds.

    A function and seconds: so long after that function was entered. Functions are named with their module.
    """

    function: str | None = None
    leaving: bool = False
    occurrence: int = 1
    call: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        if self.function is not None:
            later = f" + {self.seconds} s" if self.seconds is not None else ""
            return f"{'leaving' if self.leaving else 'entering'} {self.function} #{self.occurrence}{later}"
        return f"call {self.call:,}" if self.call is not None else f"{self.seconds:.3f} s"


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative: killed by that signal), what it said, and how much it had done.

    The tasks are those it entered, in their order.
    """

    code: int
    said: str
    calls: int
    seconds: float
    tasks: tuple[str, ...] = ()

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Driver:
    """A process that has imported everything and forks a child for each night."""

    def __init__(self, folder: Path, **options: Any) -> None:
        environment = os.environ | {"PREFECT_HOME": str(folder / "prefect"), "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = str(ROOT)
        self._said = folder / _SAID
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.driver", str(folder)],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def night(
        self,
        workspace: Path,
        as_of: Any,
        *,
        dies: Moment | None = None,
        limits: dict[str, int] | None = None,
        spoil: str | None = None,
        environment: dict[str, str] | None = None,
        user: int | None = None,
        count: bool = False,
        once_said: tuple[str, Callable[[], None]] | None = None,
    ) -> Ended:
        """Run a night to its end, or to the moment it dies; once it has said certain words, do something from outside."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._said.unlink(missing_ok=True)
        order = {
            "workspace": str(workspace), "as_of": str(as_of),
            "dies": None if dies is None else asdict(dies), "limits": limits or {},
            "spoil": spoil, "environment": environment or {}, "user": user, "count": count,
        }  # fmt: skip
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        if once_said is not None:
            self._wait_for(once_said[0])
            once_said[1]()
        answer = json.loads(self.process.stdout.readline())
        return Ended(**answer | {"tasks": tuple(answer["tasks"])})

    def _wait_for(self, words: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._said.exists() or words not in self._said.read_text(errors="replace"):
            assert time.monotonic() < until, f"{words!r} was not said"
            time.sleep(0.02)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_SECONDS)
        self.process.stdout.close()


@contextlib.contextmanager
def running_driver(folder: Path, **options: Any) -> Iterator[Driver]:
    driver = Driver(folder, **options)
    try:
        yield driver
    finally:
        driver.close()


def _serve(folder: Path) -> None:
    _import_everything(folder)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_in_a_child(json.loads(line), folder)) + "\n")
        answers.flush()


def _import_everything(folder: Path) -> None:
    from runtime.environment import prepare_environment

    prepare_environment(folder)
    import altair  # noqa: F401
    import great_expectations  # noqa: F401
    import lightgbm  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import mlflow.pyfunc  # noqa: F401
    import sqlalchemy  # noqa: F401
    import woodelf  # noqa: F401
    import xlsxwriter  # noqa: F401

    import expectations.engine  # noqa: F401
    import flows.nightly  # noqa: F401
    from runtime.tracking.library import quiet_mlflow

    quiet_mlflow()
    _do_what_each_child_would(folder)


def _do_what_each_child_would(folder: Path) -> None:
    """Do once what every process does when it first records a training, and takes a second of CPU for.

    Nothing here may start threads, as Polars does: a child would wait for them forever.
    """
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    from mlflow.utils.requirements_utils import _init_packages_to_modules_map
    from sqlalchemy.orm import configure_mappers

    from runtime.tracking.local_store import make_local_store

    make_local_store(folder / "mlflow.db")
    configure_mappers()
    _init_packages_to_modules_map()


def _in_a_child(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    said, facts = folder / _SAID, folder / "facts.json"
    facts.unlink(missing_ok=True)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        with said.open("w") as out:
            os.dup2(out.fileno(), 2)
            os.dup2(out.fileno(), 1)
            sys.stdin.close()
            os._exit(_night(order, os.open(facts, os.O_WRONLY | os.O_CREAT)))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    counted = json.loads(facts.read_text() or "{}") if facts.exists() else {}
    return {
        "code": code, "said": said.read_text(errors="replace"), "calls": counted.get("calls", 0),
        "tasks": counted.get("tasks", []), "seconds": time.monotonic() - began,
    }  # fmt: skip


def _night(order: dict[str, Any], facts: int) -> int:
    """The command line's last resort, around the steps of a night."""
    from flows import nightly as steps
    from lake.errors import EvenfallError
    from runtime.run_context import open_run

    tasks = _without_the_engine(steps, order["spoil"])
    counter = _Counter(Moment(**order["dies"]) if order["dies"] else None, tasks if order["count"] else frozenset())
    try:
        for name, value in order["environment"].items():
            os.environ[name] = value
        if order["user"] is not None:
            os.setgroups([])
            os.setgid(order["user"])
            os.setuid(order["user"])
        for name, limit in order["limits"].items():
            resource.setrlimit(getattr(resource, name), (limit, limit))
        counter.start()
        run = open_run(order["workspace"], order["as_of"], now=CLOCK)
        with run.workspace.locked("nightly"):
            steps.run_night(run)
    except EvenfallError as error:
        sys.stderr.write(f"evenfall: {error}\n")
        return error.exit_code
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        os.write(facts, json.dumps({"calls": counter.calls, "tasks": counter.tasks}).encode())
        sys.stderr.flush()
    return 0


def _without_the_engine(steps: Any, spoil: str | None) -> frozenset[str]:
    """Put plain functions where tasks were, and name them; a spoilt function fails as one without memory does."""
    from prefect import Task

    tasks = {name: value for name, value in vars(steps).items() if isinstance(value, Task)}
    for name, value in tasks.items():
        setattr(steps, name, value.fn)
    steps.create_markdown_artifact = steps.create_table_artifact = lambda *_, **__: None

    def out_of_memory(*_: Any, **__: Any) -> None:
        raise MemoryError("Unable to allocate 12.3 GiB")

    if spoil is not None:
        module, _, name = spoil.rpartition(".")
        assert hasattr(sys.modules[module], name)
        setattr(sys.modules[module], name, out_of_memory)
    return frozenset(f"{steps.__name__}.{name}" for name in tasks)


class _Counter:
    """Counts what our own code does, and ends the process at its moment.

    Every function of ours is wrapped wherever a module or class holds it: a profiler that sees each call of every library
    would make the night several times longer.
    """

    def __init__(self, dies: Moment | None, counted: frozenset[str]) -> None:
        self.dies = dies
        self.counted = counted
        self.calls = 0
        self.tasks: list[str] = []
        self._seen = 0
        self._wrapped: dict[int, Any] = {}

    def start(self) -> None:
        if self.dies is not None and self.dies.seconds is not None and self.dies.function is None:
            threading.Thread(target=self._after, args=(self.dies.seconds,), daemon=True).start()
        elif self.dies is not None or self.counted:
            for name in sorted(sys.modules):
                if name.partition(".")[0] in WRITING_ROOMS:
                    self._wrap_all(sys.modules[name])

    def _after(self, seconds: float) -> None:
        time.sleep(seconds)
        _die()

    def _wrap_all(self, holder: Any) -> None:
        for name, value in list(vars(holder).items()):
            if not _is_ours(value):
                continue
            if inspect.isfunction(value) and not name.startswith("__"):
                setattr(holder, name, self._wrap(value))
            elif inspect.isclass(value) and value.__module__ == getattr(holder, "__name__", None):
                self._wrap_all(value)

    def _wrap(self, function: Any) -> Any:
        if id(function) in self._wrapped:
            return self._wrapped[id(function)]

        @functools.wraps(function)
        def watched(*given: Any, **named: Any) -> Any:
            self._pass(function.__qualname__, function.__module__, leaving=False)
            result = function(*given, **named)
            self._pass(function.__qualname__, function.__module__, leaving=True)
            return result

        self._wrapped[id(function)] = watched
        self._wrapped[id(watched)] = watched
        return watched

    def _pass(self, name: str, module: str, *, leaving: bool) -> None:
        dies = self.dies
        if not leaving:
            self.calls += 1
            if f"{module}.{name}" in self.counted:
                self.tasks.append(f"{module}.{name}")
            if dies is not None and self.calls == dies.call:
                _die()
        if dies is not None and dies.function == f"{module}.{name}" and dies.leaving == leaving:
            self._seen += 1
            if self._seen == dies.occurrence and dies.seconds is None:
                _die()
            elif self._seen == dies.occurrence:
                threading.Thread(target=self._after, args=(dies.seconds,), daemon=True).start()


def _is_ours(value: Any) -> bool:
    return (getattr(value, "__module__", None) or "").partition(".")[0] in WRITING_ROOMS


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(PATIENCE_SECONDS)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
