"""Nights run for real: the command line in this process, against one temporary Prefect server."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.flows.communities import write_shop


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def run(prefect_server: None, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `evenfall …` and give its exit code and what it said."""
    from flows.cli import main

    def command(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        with warnings.catch_warnings():
            # Third parties' notices about their own future; our own warnings are tested room by room.
            warnings.simplefilter("ignore")
            with pytest.raises(SystemExit) as ended:
                main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Finished(ended.value.code, out, err)

    return command


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace with a small shop: 60 customers, 200 days."""
    write_shop(tmp_path)
    return tmp_path
