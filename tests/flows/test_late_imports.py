"""What is heavy is imported when it is needed: the command line answers at once, and a night begins before everything is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_NOT_AT_FIRST = {
    "great_expectations",
    "mlflow",
    "lightgbm",
    "sklearn",
    "scipy.special",
    "scipy.optimize",
    "pandas",
    "statsmodels",
}


@pytest.mark.parametrize(
    ("module", "not_yet"),
    [
        ("flows.cli", {*_NOT_AT_FIRST, "polars", "prefect", "deltalake", "altair"}),
        ("runtime.settings", {*_NOT_AT_FIRST, "prefect", "altair"}),
        ("flows.nightly", _NOT_AT_FIRST),
    ],
)
def test_heavy_packages_are_not_read_before_their_time(module: str, not_yet: set[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not_yet.isdisjoint(told.stdout.split()), not_yet & set(told.stdout.split())


_FIRST_LINE = """
import json, sys
from flows.cli import main
class Terminal:
    def __init__(self): self.read = None
    def isatty(self): return False
    def write(self, text): self.read = self.read or list(sys.modules)
    def flush(self): pass
terminal, sys.stderr = sys.stderr, Terminal()
try:
    main(["nightly", "--workspace", sys.argv[1]])
except SystemExit as ended:
    print(ended.code, *sys.stderr.read)
"""


def test_the_first_line_of_a_night_comes_before_anything_heavy_is_read(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _FIRST_LINE, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert told[0] == "2"
    assert {*_NOT_AT_FIRST, "polars", "numpy", "pydantic", "prefect", "deltalake"}.isdisjoint(told)
