"""Client of the validation worker: Great Expectations runs in a process of its own, beside the first steps of a run.

Importing its packages takes seconds, so whoever is going to validate calls `start_worker` early; suites are validated there until
`stop_worker` gives the memory back. Rows go through two pipes as Arrow and everything else as JSON: nothing is pickled, nothing
lies on a disk. If the worker ends early, validation continues in this process. The verdicts are the same in either place.

This module itself imports nothing heavy, so that the worker can start before anything else does.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import polars as pl

    from expectations.engine import LocalSuite, Rule, Suite
    from expectations.messages import Frames

# A million rows take some seconds. What has not answered by then never will, and a night must not wait for ever.
ANSWER_SECONDS: Final = 600.0
_ENDS_SECONDS: Final = 1.0


def start_worker() -> None:
    """Start the process, unless it runs or Great Expectations has been read here already, where judging costs nothing more."""
    global _process  # noqa: PLW0603 - one per process, as there is one Great Expectations
    with _CHANGES:
        if _process is None and "great_expectations" not in sys.modules:
            _process = _Process()


def stop_worker() -> str | None:
    """End the process, if there is one; returns what to warn of when it had ended before its time."""
    global _trouble
    _let_go()
    trouble, _trouble = _trouble, None
    return trouble


def _let_go() -> None:
    global _process  # noqa: PLW0603 - see above
    with _CHANGES:
        if _process is not None:
            _process.end()
        _process = None


def open_suite(table: str, *, suites_dir: Path) -> Suite:
    """Open the suite of a table, judged by the process when there is one.

    Args:
        table: Whose suite.
        suites_dir: Folder with one `<table>.json` per table.

    Raises:
        RuleError: The suite cannot be used.
    """
    from expectations.engine import LocalSuite

    process = _process
    if process is None:
        return LocalSuite(table, suites_dir=suites_dir)
    try:
        return _RemoteSuite(process, table, suites_dir)
    except _EndedError as ended:
        return _continue_here(ended, table, suites_dir)


class _EndedError(Exception):
    """The process is no more."""


class _Process:
    """The process as it is seen from here: one question at a time, each with one answer."""

    def __init__(self) -> None:
        rooms = str(Path(__file__).parents[1])
        searched = os.pathsep.join([rooms, *filter(None, [os.environ.get("PYTHONPATH")])])
        asked, questions = os.pipe()
        answers, answered = os.pipe()
        self._questions, self._answers = os.fdopen(questions, "wb"), os.fdopen(answers, "rb")
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter
            # -P: not from the folder it is started in, which is the community's and may hold anything.
            [sys.executable, "-P", "-m", "expectations.worker", str(asked), str(answered)],
            # Pipes of their own, because anything may print to the usual ones.
            pass_fds=(asked, answered),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": searched},
        )
        for theirs in (asked, answered):
            os.close(theirs)
        self._one_at_a_time = threading.Lock()
        self._told: dict[str, pl.Series] = {}
        atexit.register(self.end)

    def rules(self, table: str, suites_dir: Path) -> tuple[Rule, ...]:
        """Ask for the rules of a table."""
        from expectations.engine import Rule

        with self._one_at_a_time:
            told, _ = self._ask({"table": table, "suites_dir": str(suites_dir)}, {})
        return tuple(Rule(**{**rule, "columns": tuple(rule["columns"])}) for rule in told)

    def validate(self, question: Mapping[str, Any], frames: Frames, references: Mapping[str, pl.Series]) -> Frames:
        """Ask for a frame of positions for each rule; keys of other tables are told once, however many chunks they judge."""
        with self._one_at_a_time:
            news = {name: keys for name, keys in references.items() if self._told.get(name) is not keys}
            _, broken = self._ask(question, {**frames, **{f"known {name}": keys.to_frame("key") for name, keys in news.items()}})
            self._told |= news
            return broken

    def end(self) -> int:
        """End it, whatever it is doing; returns its exit code."""
        atexit.unregister(self.end)
        self._child.kill()
        code = self._child.wait()
        for pipe in (self._questions, self._answers):
            # What could not be sent any more is of no use to anybody.
            with suppress(OSError):
                pipe.close()
        return code

    def _how_it_ended(self) -> str:
        # It may be about to end by itself, and its own exit code says more than that of being killed.
        with suppress(OSError):
            self._questions.close()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(_ENDS_SECONDS)
        return f"exit code {self.end()}"

    def _ask(self, question: Mapping[str, Any], frames: Frames) -> tuple[Any, Frames]:
        from expectations.engine import RuleError
        from expectations.messages import received, send

        limit = threading.Timer(ANSWER_SECONDS, self._child.kill)
        limit.daemon = True
        limit.start()
        try:
            send(self._questions, question, frames)
            answer, found = received(self._answers)
        except (OSError, EOFError, ValueError) as error:
            raise _EndedError(self._how_it_ended()) from error
        except BaseException:
            # Half a question or half an answer lies in the pipes: nobody can go on from there.
            self.end()
            raise
        finally:
            limit.cancel()
        if "error" in answer:
            raise RuleError(answer["error"], remedy=answer["remedy"])
        return answer["answer"], found


class _RemoteSuite:
    """A suite that the process has read and judges by."""

    def __init__(self, process: _Process, table: str, suites_dir: Path) -> None:
        self._process, self._table, self._suites_dir = process, table, suites_dir
        self.rules = process.rules(table, suites_dir)

    def validate(
        self,
        rules: tuple[Rule, ...],
        chunk: pl.DataFrame,
        *,
        repeats: Mapping[str, pl.Series],
        references: Mapping[str, pl.Series],
        parameters: Mapping[str, object],
    ) -> dict[str, pl.Series]:
        """Run rules over one chunk; see `Suite`."""
        from expectations.engine import columns_of

        question = {
            "table": self._table,
            "suites_dir": str(self._suites_dir),
            "rules": [rule.name for rule in rules],
            "references": list(references),
            "parameters": {name: _written(value) for name, value in parameters.items()},
        }
        frames = {
            "chunk": chunk.select(columns_of(rules)),
            **{f"repeats {key}": flags.to_frame() for key, flags in repeats.items()},
        }
        try:
            broken = self._process.validate(question, frames, references)
        except _EndedError as ended:
            here = _continue_here(ended, self._table, self._suites_dir)
            return here.validate(rules, chunk, repeats=repeats, references=references, parameters=parameters)
        return {name: positions.to_series() for name, positions in broken.items()}


def _continue_here(ended: _EndedError, table: str, suites_dir: Path) -> LocalSuite:
    global _trouble  # noqa: PLW0603 - see above
    from expectations.engine import LocalSuite

    _trouble = f"the validating process ended before its time ({ended}); validation went on without it, by the same rules"
    _let_go()
    return LocalSuite(table, suites_dir=suites_dir)


def _written(value: object) -> object:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


_CHANGES: Final = threading.Lock()
_process: _Process | None = None
_trouble: str | None = None
