"""Measure the starting model on small communities that it has not learnt from, beside silence alone.

python -m benchmarks.prediction.small

Each community is cut to 50, 200 and 1,000 of its members, several times, and predicted at its newest cut-offs by a starting
model of all other communities and by recency, both set to the outcomes known by then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.prediction.datasets import COMMUNITIES, Community
from benchmarks.prediction.panels import Panel, panel_of
from benchmarks.prediction.starting import MAX_CUTOFFS, starting_without
from benchmarks.prediction.store import Store
from models.churn import fit_churn
from models.config import PredictionSettings
from models.cutoffs import split_cutoffs
from models.evaluation import auc
from models.panel import churn_rows, floats, outcomes
from models.populations import still_here

SIZES: Final = (50, 200, 1_000)
_CUTOFFS: Final = 4
_DRAWS: Final = 10
_BOOTSTRAP: Final = 2_000
_SEED: Final = 17
# Never reached: the own trees are not what is measured.
_ALONE: Final = PredictionSettings(search_budget=0, min_members_to_learn=1_000_000)


def leads(panel: Panel, size: int, starting: str) -> Iterator[tuple[float, float]]:
    """Yield AUC among those still here of the starting model and of recency, for each draw of members and cut-off.

    Args:
        panel: The community.
        size: Members drawn among those eligible at the cut-off.
        starting: LightGBM's text of a starting model that has not seen it.
    """
    horizon_days = panel.facts.horizon_days
    days = sorted(panel.rows["as_of"].unique())
    for draw in range(_DRAWS):
        for as_of in days[-_CUTOFFS:]:
            rows = _drawn(panel.rows, as_of, size, seed=draw)
            if rows is None:
                continue
            split = split_cutoffs([day for day in days if day <= as_of], horizon_days=horizon_days)
            tested = churn_rows(rows, split.test)
            here = still_here(tested, horizon_days=horizon_days)
            figures = []
            for text in (starting, None):
                model = fit_churn(rows, split, _ALONE, tonight=tested, starting=text)
                figures.append(auc(outcomes(tested)[here], floats(model.predict(tested))[here]))
            if None not in figures:
                yield figures[0] or 0.0, figures[1] or 0.0


def _drawn(rows: pl.DataFrame, as_of: date, size: int, *, seed: int) -> pl.DataFrame | None:
    eligible = churn_rows(rows, [as_of])["member_id"]
    if eligible.len() < size:
        return None
    chosen = np.random.default_rng([_SEED, seed]).choice(eligible.len(), size, replace=False)
    # Its past is that of the members drawn: a small community has no other.
    return rows.filter(pl.col("member_id").is_in(eligible.gather(np.sort(chosen)).implode()))


def _row(community: Community, horizon_days: int, size: int, panels: Path) -> str | None:
    starting = starting_without(community, panels)
    panel = panel_of(community, horizon_days, panels, max_cutoffs=MAX_CUTOFFS, progress=lambda _: None)
    figures = np.array(list(leads(panel, size, starting or "")))
    if starting is None or not figures.size:
        return None
    lead = figures[:, 0] - figures[:, 1]
    means = np.random.default_rng(_SEED).choice(lead, (_BOOTSTRAP, lead.size)).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    name = f"{community.title}, {horizon_days} days"
    return (
        f"| {name} | {size} | {figures[:, 1].mean():.3f} | {figures[:, 0].mean():.3f} "
        f"| {lead.mean():+.3f} ({low:+.3f} to {high:+.3f}) | {lead.size} |"
    )


def main() -> None:
    """Print the table."""
    panels = Store(Path("benchmarks/scratch/prediction"), "").panels
    sys.stdout.write("| community | members | recency | starting model | lead, 95 % | draws × cut-offs |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for community in COMMUNITIES.values():
        for horizon_days in community.horizons if community.is_here else ():
            for size in SIZES:
                row = _row(community, horizon_days, size, panels)
                if row is not None:
                    sys.stdout.write(f"{row}\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
