"""The process that judges by Great Expectations for another one; `expectations.client` is its other side.

    python -m expectations.worker QUESTIONS ANSWERS

answers every question that comes through the one open file on the other, until there are no more.
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
    """What the process has read and been told so far."""

    def __init__(self) -> None:
        self._suites: dict[tuple[str, str], LocalSuite] = {}
        self._known: dict[str, pl.Series] = {}

    def answer(self, question: dict[str, Any], frames: Frames) -> tuple[Any, Frames]:
        """Tell the rules of a suite, or judge a chunk by some of them."""
        suite = (question["table"], question["suites_dir"])
        if "rules" not in question:
            self._suites[suite] = LocalSuite(suite[0], suites_dir=Path(suite[1]))
            return [asdict(rule) for rule in self._suites[suite].rules], {}
        return self._validated(self._suites[suite], question, frames)

    def _validated(self, suite: LocalSuite, question: dict[str, Any], frames: Frames) -> tuple[Any, Frames]:
        self._known |= _called("known", frames)
        rules: tuple[Rule, ...] = tuple(rule for rule in suite.rules if rule.name in question["rules"])
        broken = suite.validate(
            rules,
            frames["chunk"],
            repeats=_called("repeats", frames),
            references={name: self._known[name] for name in question["references"]},
            parameters={name: _read(value) for name, value in question["parameters"].items()},
        )
        return None, {name: positions.to_frame() for name, positions in broken.items()}


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions until there are no more."""
    # Whoever stops the night stops it; this process then sees its questions end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import expectations.reference_rules  # noqa: F401

    validate = _Worker()
    while True:
        try:
            question, frames = received(questions)
        except EOFError:
            return
        try:
            answer, found = validate.answer(question, frames)
            send(answers, {"answer": answer}, found)
        except RuleError as error:
            send(answers, {"error": error.what, "remedy": error.remedy}, {})


def _called(kind: str, frames: Frames) -> dict[str, pl.Series]:
    return {name.removeprefix(f"{kind} "): frame.to_series() for name, frame in frames.items() if name.startswith(f"{kind} ")}


def _read(value: Any) -> object:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as asked, os.fdopen(int(sys.argv[2]), "wb") as answered:
        serve(asked, answered)
