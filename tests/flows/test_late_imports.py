"""What is heavy is imported when it is needed: the command line answers at once, and a night begins before everything is read."""

from __future__ import annotations

import subprocess
import sys

import pytest

_NOT_AT_FIRST = {"great_expectations", "mlflow", "lightgbm", "sklearn", "scipy.special", "scipy.optimize", "pandas"}


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
