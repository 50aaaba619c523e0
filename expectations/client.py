"""Client of the validation worker: Great Expectations runs in a process of its own, beside the first steps of a run.

Importing its packages takes seconds, so a caller that will validate calls `start_worker` early. Suites are validated there until
`stop_worker` ends the process and frees its memory. Rows go through two pipes as Arrow and everything else as JSON: nothing is
pickled, and nothing is written to disk. If the worker ends early, validation continues in this process, with the same results
(decision 23).

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

# A million rows take some seconds. A worker that has not answered after this long is taken to hang, and is killed.
ANSWER_SECONDS: Final = 600.0
_ENDS_SECONDS: Final = 1.0


def start_worker() -> None:
    """Start the worker, unless it runs already, or this process has imported Great Expectations and can validate itself."""
    global _process  # noqa: PLW0603 - one per process, as there is one Great Expectations
    with _CHANGES:
        if _process is None and "great_expectations" not in sys.modules:
            _process = _Process()


def stop_worker() -> str | None:
    """End the worker, if there is one; returns a warning if it had ended early, else None."""
    global _trouble
    _end_worker()
    warning, _trouble = _trouble, None
    return warning


def _end_worker() -> None:
    global _process  # noqa: PLW0603 - see above
    with _CHANGES:
        if _process is not None:
            _process.end()
        _process = None


def open_suite(table: str, *, suites_dir: Path) -> Suite:
    """Open the suite of a table; the worker validates by it if there is one, else this process.

    Args:
        table: Name of the table.
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
        return _continue_locally(ended, table, suites_dir)


class _EndedError(Exception):
    """The worker has ended."""


class _Process:
    """The worker as its client sees it: one question at a time, each with one answer."""

    def __init__(self) -> None:
        code_folder = str(Path(__file__).parents[1])
        python_path = os.pathsep.join([code_folder, *filter(None, [os.environ.get("PYTHONPATH")])])
        questions_read_end, questions_write_end = os.pipe()
        answers_read_end, answers_write_end = os.pipe()
        self._questions, self._answers = os.fdopen(questions_write_end, "wb"), os.fdopen(answers_read_end, "rb")
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter
            # -P keeps the current folder off the import path: it may be the workspace, and hold modules of any name.
            [sys.executable, "-P", "-m", "expectations.worker", str(questions_read_end), str(answers_write_end)],
            # Pipes of its own, because any library may print to stdout or stderr.
            pass_fds=(questions_read_end, answers_write_end),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": python_path},
        )
        # The worker has copies of these ends. While one is open here, reading does not notice that the worker has ended.
        for worker_end in (questions_read_end, answers_write_end):
            os.close(worker_end)
        self._one_at_a_time = threading.Lock()
        self._sent_references: dict[str, pl.Series] = {}
        atexit.register(self.end)

    def rules(self, table: str, suites_dir: Path) -> tuple[Rule, ...]:
        """Ask for the rules of a table."""
        from expectations.engine import Rule

        with self._one_at_a_time:
            rules, _ = self._ask({"table": table, "suites_dir": str(suites_dir)}, {})
        return tuple(Rule(**{**rule, "columns": tuple(rule["columns"])}) for rule in rules)

    def validate(self, question: Mapping[str, Any], frames: Frames, references: Mapping[str, pl.Series]) -> Frames:
        """Ask for a frame of positions for each rule; keys of other tables are sent once, not with every chunk."""
        with self._one_at_a_time:
            # The same object, not equal keys: comparing millions of keys would cost more than sending them.
            new_references = {name: keys for name, keys in references.items() if self._sent_references.get(name) is not keys}
            _, positions = self._ask(
                question, {**frames, **{f"known {name}": keys.to_frame("key") for name, keys in new_references.items()}}
            )
            self._sent_references |= new_references
            return positions

    def end(self) -> int:
        """Kill the worker, whatever it is doing, and return its exit code."""
        atexit.unregister(self.end)
        self._child.kill()
        code = self._child.wait()
        for pipe in (self._questions, self._answers):
            # Closing flushes what is still buffered, which fails when the worker has ended.
            with suppress(OSError):
                pipe.close()
        return code

    def _how_it_ended(self) -> str:
        # Closing its questions lets a worker end by itself: its own exit code says more than that of being killed.
        with suppress(OSError):
            self._questions.close()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(_ENDS_SECONDS)
        return f"exit code {self.end()}"

    def _ask(self, question: Mapping[str, Any], frames: Frames) -> tuple[Any, Frames]:
        from expectations.engine import RuleError
        from expectations.messages import received, send

        deadline = threading.Timer(ANSWER_SECONDS, self._child.kill)
        deadline.daemon = True
        deadline.start()
        try:
            send(self._questions, question, frames)
            answer, answer_frames = received(self._answers)
        except (OSError, EOFError, ValueError) as error:
            raise _EndedError(self._how_it_ended()) from error
        except BaseException:
            # The pipes may hold half a question or half an answer, so no further message could be read.
            self.end()
            raise
        finally:
            deadline.cancel()
        if "error" in answer:
            raise RuleError(answer["error"], remedy=answer["remedy"])
        return answer["answer"], answer_frames


class _RemoteSuite:
    """A suite that the worker has read and validates by."""

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
            "parameters": {name: _as_json(value) for name, value in parameters.items()},
        }
        frames = {
            "chunk": chunk.select(columns_of(rules)),
            **{f"repeats {key}": flags.to_frame() for key, flags in repeats.items()},
        }
        try:
            positions_by_rule = self._process.validate(question, frames, references)
        except _EndedError as ended:
            local_suite = _continue_locally(ended, self._table, self._suites_dir)
            return local_suite.validate(rules, chunk, repeats=repeats, references=references, parameters=parameters)
        return {name: positions.to_series() for name, positions in positions_by_rule.items()}


def _continue_locally(ended: _EndedError, table: str, suites_dir: Path) -> LocalSuite:
    global _trouble  # noqa: PLW0603 - see above
    from expectations.engine import LocalSuite

    _trouble = f"the validating process ended before its time ({ended}); validation went on without it, by the same rules"
    _end_worker()
    return LocalSuite(table, suites_dir=suites_dir)


def _as_json(value: object) -> object:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


_CHANGES: Final = threading.Lock()
_process: _Process | None = None
_trouble: str | None = None
