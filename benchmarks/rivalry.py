"""The comparisons: the same work by ours, by what a user would pick instead, and the floor, turn by turn."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.compare import Agreement, compare
from benchmarks.measure import BenchmarkError, Cost, median_cost, python_here, run_job

_OURS: Final = "ours"
FLOOR: Final = "floor"
_TOLD_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Work:
    """One piece of work and who does it.

    Args:
        name: What the page calls it.
        ours: Our job.
        floor: The job that only reads, or scores; None where there is none.
        rivals: Rival → module and job.
        once: Rivals too slow to be measured more than once.
    """

    name: str
    ours: str
    floor: str | None
    rivals: Mapping[str, tuple[str, str]]
    once: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rival:
    """How a rival did.

    Args:
        cost: Its medians.
        agreement: How its result compares with ours; None for the floor, which makes none.
    """

    cost: Cost
    agreement: Agreement | None


@dataclass(frozen=True)
class Comparison:
    """One piece of work, measured.

    Args:
        work: Its name.
        ours: Our medians.
        rivals: Rival or `floor` → how it did.
        failed: Rival → why it could not finish.
    """

    work: str
    ours: Cost
    rivals: Mapping[str, Rival] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


FEATURES: Final = "window features"
SAMPLED_FEATURES: Final = "window features of a sample"
ROLLUP: Final = "rollup of the history"
ROLLUP_OF_THE_DAY: Final = "rollup of the newest day"
REASONS: Final = "reasons"
# Ours without the totals of the night before.
FROM_THE_BEGINNING: Final = "Evenfall, counting from the beginning"
WORKS: Final = (
    Work(ROLLUP, "rollup", "floor-of-rollup", {"DuckDB": ("rival_duckdb", "rollup")}),
    Work(
        ROLLUP_OF_THE_DAY,
        "rollup-of-the-day",
        "floor-of-rollup-of-the-day",
        {"DuckDB": ("rival_duckdb", "rollup-of-the-day")},
    ),
    Work(
        FEATURES,
        "features-of-the-night",
        "floor-of-features",
        {
            FROM_THE_BEGINNING: (_OURS, "features"),
            "DuckDB": ("rival_duckdb", "features"),
            "pandas": ("rival_pandas", "features"),
        },
    ),
    Work(
        SAMPLED_FEATURES,
        "features-of-a-sample",
        None,
        {"Featuretools": ("rival_featuretools", "features-of-a-sample")},
        once=frozenset({"Featuretools"}),
    ),
    Work(REASONS, REASONS, "floor-of-reasons", {"LightGBM pred_contrib": ("ours", "reasons-by-lightgbm")}),
)


def measure(
    work: Work, inputs: Path, folder: Path, *, repeats: int, rivals_python: Path, progress: Callable[[str], None]
) -> Comparison:
    """Let each side do the work in turn, several times, and compare what the first turn made.

    A rival that fails or runs out of memory is reported, not hidden.

    Raises:
        BenchmarkError: Our side failed, or a rival made something else than ours.
    """
    sides = {_OURS: (_OURS, work.ours), **({FLOOR: (_OURS, work.floor)} if work.floor else {}), **work.rivals}
    costs: dict[str, list[Cost]] = {side: [] for side in sides}
    failed: dict[str, str] = {}
    agreements: dict[str, Agreement] = {}
    for turn in range(repeats):
        for side, (module, job) in sides.items():
            if side in failed or (turn and side in work.once):
                continue
            result = None if turn or side == FLOOR else folder / side
            try:
                costs[side].append(run_job(_python_of(module, rivals_python), module, job, inputs, result=result))
            except BenchmarkError as error:
                if side == _OURS:
                    raise
                failed[side] = str(error).strip().splitlines()[-1][:_TOLD_CHARACTERS]
        if not turn:
            agreements = {rival: compare(folder / _OURS, folder / rival) for rival in work.rivals if rival not in failed}
            shutil.rmtree(folder)
        progress(f"{work.name}: turn {turn + 1} of {repeats}")
    differing = {rival: agreement.differing for rival, agreement in agreements.items() if not agreement.is_equal}
    if differing:
        raise BenchmarkError(f"{work.name}: not the same result: {differing}")
    medians = {side: median_cost(found) for side, found in costs.items() if found}
    rivals = {side: Rival(cost, agreements.get(side)) for side, cost in medians.items() if side != _OURS}
    return Comparison(work.name, medians[_OURS], rivals, failed)


def _python_of(module: str, rivals_python: Path) -> Path:
    return rivals_python if module in ("rival_duckdb", "rival_featuretools") else python_here()
