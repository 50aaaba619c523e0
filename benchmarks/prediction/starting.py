"""Make the starting model from the communities of the benchmark: the one that is shipped, and those without one community.

`make starting-model` writes the shipped one. What is measured on a community must not have learnt from it, so the benchmark
measures each with a starting model of all the others; the simulated ones count as one community.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.prediction.datasets import COMMUNITIES, Community
from benchmarks.prediction.panels import Panel, panel_of
from models.panel import churn_rows
from models.starting import fit_starting
from pipeline.learning.starting_model import PATH

# Ten to test, the twenty before them to learn from: more than a year of 28-day steps and the longest horizon.
MAX_CUTOFFS: Final = 30


def starting_without(left_out: Community, panels: Path) -> str | None:
    """Return LightGBM's text of a starting model that has not seen a community; None where no other is there.

    Args:
        left_out: The community.
        panels: The folder of panels; the text is kept there.
    """
    path = panels / f"starting-without-{left_out.family}.lgb"
    if not path.exists():
        others = [one for one in COMMUNITIES.values() if one.is_here and one.family != left_out.family]
        learnt = list(_rows(others, panels))
        if not learnt:
            return None
        partial = path.with_suffix(f".{left_out.name}")
        partial.write_text(fit_starting(learnt), encoding="utf-8")
        partial.rename(path)
    return path.read_text(encoding="utf-8")


def make(panels: Path) -> None:
    """Write the starting model that is shipped, learnt from every community that is there."""
    PATH.write_text(fit_starting(list(_rows([one for one in COMMUNITIES.values() if one.is_here], panels))), encoding="utf-8")


def _rows(communities: Sequence[Community], panels: Path) -> Iterator[tuple[pl.DataFrame, int]]:
    for community in communities:
        for days in community.horizons:
            panel: Panel = panel_of(community, days, panels, max_cutoffs=MAX_CUTOFFS, progress=_say)
            yield churn_rows(panel.rows, panel.rows["as_of"].unique().to_list()), days


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    from benchmarks.prediction.store import Store

    make(Store(Path("benchmarks/scratch/prediction"), "").panels)
