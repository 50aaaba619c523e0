"""Great Expectations in a process of its own, so that reading its packages, which takes seconds, has a core of its own too.

Whoever is going to validate says so early with `begin`; from then on suites are judged there, until `end` gives its memory back.
Rows go through two pipes as Arrow and everything else as JSON: nothing is pickled, and nothing lies on a disk. Should the process
end before its time, the suite goes on here. The verdicts are the same in either place.

This module itself imports nothing heavy, so that the process can begin before anything else does.
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

    from expectations.engine import Rule, Suite, SuiteHere
    from expectations.messages import Frames

# A million rows take some seconds. What has not answered by then never will, and a night must not wait for ever.
ANSWER_SECONDS: Final = 600.0
_ENDS_SECONDS: Final = 1.0


def begin() -> None:
    """Start the process, unless it runs or Great Expectations has been read here already, where judging costs nothing more."""
    global _process  # noqa: PLW0603 - one per process, as there is one Great Expectations
    with _CHANGES:
        if _process is None and "great_expectations" not in sys.modules:
            _process = _Process()


def end() -> str | None:
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
    from expectations.engine import SuiteHere

    process = _process
    if process is None:
        return SuiteHere(table, suites_dir=suites_dir)
    try:
        return _SuiteBeside(process, table, suites_dir)
    except _EndedError as ended:
        return _go_on_here(ended, table, suites_dir)


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
            [sys.executable, "-P", "-m", "expectations.client", str(asked), str(answered)],
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

    def judge(self, question: Mapping[str, Any], frames: Frames, references: Mapping[str, pl.Series]) -> Frames:
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


class _SuiteBeside:
    """A suite that the process has read and judges by."""

    def __init__(self, process: _Process, table: str, suites_dir: Path) -> None:
        self._process, self._table, self._suites_dir = process, table, suites_dir
        self.rules = process.rules(table, suites_dir)

    def judge(
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
            broken = self._process.judge(question, frames, references)
        except _EndedError as ended:
            here = _go_on_here(ended, self._table, self._suites_dir)
            return here.judge(rules, chunk, repeats=repeats, references=references, parameters=parameters)
        return {name: positions.to_series() for name, positions in broken.items()}


def _go_on_here(ended: _EndedError, table: str, suites_dir: Path) -> SuiteHere:
    global _trouble  # noqa: PLW0603 - see above
    from expectations.engine import SuiteHere

    _trouble = f"the validating process ended before its time ({ended}); validation went on without it, by the same rules"
    _let_go()
    return SuiteHere(table, suites_dir=suites_dir)


def _written(value: object) -> object:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


_CHANGES: Final = threading.Lock()
_process: _Process | None = None
_trouble: str | None = None
