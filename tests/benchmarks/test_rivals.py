"""What others make of the same files is what we make of them, value by value."""

from __future__ import annotations

import subprocess
from pathlib import Path

import polars as pl
import pytest

from benchmarks import rival_pandas
from benchmarks.compare import compare
from benchmarks.ours import JOBS, PREPARE
from tests.benchmarks.communities import write_small_inputs
from tests.paths import ROOT

RIVALS_PYTHON = ROOT / "benchmarks" / ".venv" / "bin" / "python"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_small_inputs(folder)
    return folder


def ours(job: str, inputs: Path, folder: Path) -> Path:
    folder.mkdir()
    given = PREPARE[job](inputs) if job in PREPARE else inputs
    JOBS[job](given).write(folder)
    return folder


def rivals(module: str, job: str, inputs: Path, folder: Path) -> Path:
    if module == "ours":
        return ours(job, inputs, folder)
    if module == "rival_pandas":
        folder.mkdir()
        rival_pandas.JOBS[job](inputs).write(folder)
        return folder
    if not RIVALS_PYTHON.exists():
        pytest.skip("benchmarks/.venv is not there; `make rivals` makes it")
    command = [str(RIVALS_PYTHON), "-m", f"benchmarks.{module}", job, str(inputs), "--result", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize(
    ("job", "module", "rival_job", "least_columns"),
    [
        ("rollup", "rival_duckdb", "rollup", 13),
        ("rollup-of-the-day", "rival_duckdb", "rollup-of-the-day", 13),
        ("features", "rival_duckdb", "features", 189),
        ("features", "ours", "features-of-the-night", 189),
        ("features", "rival_pandas", "features", 109),
        ("features-of-a-sample", "rival_featuretools", "features-of-a-sample", 49),
        ("reasons", "ours", "reasons-by-lightgbm", 20),
    ],
)
def test_a_rival_makes_the_same(  # noqa: PLR0917 - parameters of a table of cases
    inputs: Path, tmp_path: Path, job: str, module: str, rival_job: str, least_columns: int
) -> None:
    rival = rivals(module, rival_job, inputs, tmp_path / "rival")
    agreement = compare(ours(job, inputs, tmp_path / "ours"), rival)
    assert agreement.differing == {}
    assert agreement.columns >= least_columns
    assert agreement.values > 100
    if (module, job) == ("rival_duckdb", "features"):
        # Every feature there is; only the text of the id is ours alone.
        assert agreement.columns == agreement.columns_of_ours - 1


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda rows: rows.with_columns(pl.col("n") + 1), {"daily.n": 3}),
        (lambda rows: rows.with_columns(n=pl.lit(None, pl.Int32)), {"daily.n": 3}),
        (lambda rows: rows.head(2), {"daily (rows)": 1, "daily.n": 1, "daily.share": 1}),
        (lambda rows: rows.with_columns(other=1), {"daily.other": 3}),
        (lambda rows: rows.with_columns(pl.col("share") + 1e-15), {}),
        (lambda rows: rows.reverse().drop("share"), {}),
    ],
)
def test_a_difference_is_found_and_named(tmp_path: Path, spoil: object, found: dict[str, int]) -> None:
    rows = pl.DataFrame(
        {
            "event_date": ["d1", "d1", "d2"],
            "member_no": [1, 2, 1],
            "activity": ["a"] * 3,
            "n": [1, 2, 3],
            "share": [0.1, 0.2, 0.3],
        },
        schema_overrides={"n": pl.Int32},
    )
    for folder in ("ours", "rival"):
        (tmp_path / folder).mkdir()
    rows.write_parquet(tmp_path / "ours" / "daily.parquet")
    spoil(rows).write_parquet(tmp_path / "rival" / "daily.parquet")
    assert compare(tmp_path / "ours", tmp_path / "rival").differing == found
