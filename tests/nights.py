"""Nights run for real: the command line in this process, against one temporary Prefect server."""

from __future__ import annotations

import io
import shutil
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.communities import LAST_DAY, write_shop

NIGHT = LAST_DAY - timedelta(days=10)


class Finished(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@dataclass(frozen=True)
class FirstNight:
    """A small shop after its first night, as of `NIGHT`.

    Args:
        shop: The workspace; nobody changes it.
        done: How the night ended.
    """

    shop: Path
    done: Finished


def evenfall(*arguments: str | Path | date) -> Finished:
    """Run `evenfall …` in this process, where nobody sits at a terminal; a night needs the fixture `prefect_server` as well."""
    from flows.cli import main

    out, err = io.StringIO(), io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
        # Third parties' notices about their own future; our own warnings are tested room by room.
        warnings.simplefilter("ignore")
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return Finished(ended.value.code, out.getvalue(), err.getvalue())


def succeed(*arguments: str | Path | date) -> Finished:
    """Run `evenfall …`, which must end well, for a fixture that many tests share."""
    done = evenfall(*arguments)
    assert done.code == 0, done.err
    return done


@pytest.fixture(scope="session")
def first_night(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """Run the first night of a small shop once, for all who look at it or go on from it."""
    shop = tmp_path_factory.mktemp("first_night")
    write_shop(shop)
    return FirstNight(shop, succeed("nightly", "--workspace", shop, "--as-of", NIGHT))


@pytest.fixture
def begun(first_night: FirstNight, tmp_path: Path) -> Path:
    """A copy of the shop after its first night, to go on from."""
    folder = tmp_path / "shop"
    shutil.copytree(first_night.shop, folder)
    return folder


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
