"""The validation worker: a process that validates by Great Expectations; `expectations.client` starts it and asks.

    python -m expectations.worker QUESTIONS ANSWERS

QUESTIONS and ANSWERS are numbers of open files: questions are read from the first and answered on the second, until the first
ends.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import polars as pl

from expectations.engine import LocalSuite, Rule, RuleError
from expectations.messages import Frames, received, send


class _Worker:
    """The suites and the keys of other tables that the process has received so far."""

    def __init__(self) -> None:
        self._suites: dict[tuple[str, str], LocalSuite] = {}
        self._references: dict[str, pl.Series] = {}

    def answer(self, question: dict[str, Any], frames: Frames) -> tuple[Any, Frames]:
        """Return the rules of a suite, or validate a chunk by some of them."""
        suite_key = (question["table"], question["suites_dir"])
        if "rules" not in question:
            self._suites[suite_key] = LocalSuite(suite_key[0], suites_dir=Path(suite_key[1]))
            return [asdict(rule) for rule in self._suites[suite_key].rules], {}
        return self._validated(self._suites[suite_key], question, frames)

    def _validated(self, suite: LocalSuite, question: dict[str, Any], frames: Frames) -> tuple[Any, Frames]:
        self._references |= _frames_called("known", frames)
        rules: tuple[Rule, ...] = tuple(rule for rule in suite.rules if rule.name in question["rules"])
        positions_by_rule = suite.validate(
            rules,
            frames["chunk"],
            repeats=_frames_called("repeats", frames),
            references={name: self._references[name] for name in question["references"]},
            parameters={name: _from_json(value) for name, value in question["parameters"].items()},
        )
        return None, {name: positions.to_frame() for name, positions in positions_by_rule.items()}


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions until there are no more."""
    # Ctrl-C reaches every process of the terminal. The client ends on it and closes its pipe, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Imported before the first question, so that seconds of importing pass while the client reads its files.
    import expectations.reference_rules  # noqa: F401

    worker = _Worker()
    while True:
        try:
            question, frames = received(questions)
        except EOFError:
            return
        try:
            answer, answer_frames = worker.answer(question, frames)
            send(answers, {"answer": answer}, answer_frames)
        except RuleError as error:
            send(answers, {"error": error.what, "remedy": error.remedy}, {})


def _frames_called(kind: str, frames: Frames) -> dict[str, pl.Series]:
    return {name.removeprefix(f"{kind} "): frame.to_series() for name, frame in frames.items() if name.startswith(f"{kind} ")}


def _from_json(value: Any) -> object:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as questions_pipe, os.fdopen(int(sys.argv[2]), "wb") as answers_pipe:
        serve(questions_pipe, answers_pipe)
