"""Whether the quality of authors, weekdays and hours in one window of content is there in the next.

    evenfall nightly --workspace WORKSPACE
    EVENFALL_CONTENT__CONTENT_DAYS=182 python -m benchmarks.lasting_quality WORKSPACE

Windows of `[content] content_days` follow each other up to the last piece, each read as its night would have. What lasts is found
in the next one again: rank correlation over all pairs of windows that follow each other, its 95 % interval by resampling.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import ConstantInputWarning, spearmanr

from community.quality import by_author
from community.works import what_works
from lake.storage.delta import DAY
from pipeline.community.content import read_content
from pipeline.history.daily_rollups import load_snapshot
from runtime.run_context import RunContext, open_run

_RESAMPLED = 1_000
# Fewer pairs say nothing.
_LEAST_PAIRS = 20


def main() -> None:
    """Print a row per kind of group: pairs, rank correlation, and its interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--windows", type=int, default=12, help="windows that follow each other")
    given = parser.parse_args()
    windows = list(_qualities(open_run(given.workspace, "latest"), given.windows))
    pairs = pl.concat(
        one.join(after, on=("of", "group"), suffix="_after", maintain_order="left") for one, after in pairwise(windows)
    )
    random = np.random.default_rng(0)
    # Groups that are all as expected, to the bit, have no order.
    warnings.simplefilter("ignore", ConstantInputWarning)
    for (of,), rows in pairs.sort("of", maintain_order=True).partition_by("of", as_dict=True, maintain_order=True).items():
        if rows.height < _LEAST_PAIRS:
            continue
        values = rows.select("quality", "quality_after").to_numpy()
        draws = [_correlation(values[random.integers(0, len(values), len(values))]) for _ in range(_RESAMPLED)]
        low, high = np.nanquantile(draws, (0.025, 0.975))
        print(f"{of:10} {len(values):5} pairs {_correlation(values):6.2f} ({low:.2f} to {high:.2f})")


def _qualities(run: RunContext, windows: int) -> Iterator[pl.DataFrame]:
    """Yield a row per author and per group with enough pieces, of each window: of, group, quality."""
    last = run.workspace.lake.scan("content").select(pl.col(DAY).max()).collect().item()
    for number in reversed(range(windows)):
        night = replace(run, asked=last - timedelta(days=number * run.settings.content.content_days))
        content = read_content(night, load_snapshot(night).history)
        if content is None or content.measured is None:
            continue
        authors = by_author(content.measured).select(
            pl.lit("author").alias("of"), pl.col("author_no").cast(str).alias("group"), "quality"
        )
        yield pl.concat([authors, what_works(content.pieces, content.measured).groups.select("of", "group", "quality")])


def _correlation(values: np.ndarray) -> float:
    return float(spearmanr(values[:, 0], values[:, 1]).statistic)


if __name__ == "__main__":
    main()
