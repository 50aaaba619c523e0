"""Which measure of influence tells best to whom members will respond next, in workspaces of real communities.

    python -m benchmarks.influence WORKSPACE [WORKSPACE ...]

For each of twelve nights, 90 days apart: the rank correlation of a measure on that night with the number of distinct members who
respond in the 90 days after it, among the members of the night's network. The workspaces need a night, for their rollups.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from features.network.graph import Floats, Network
from features.network.influence import influence
from features.network.pagerank import pagerank
from features.network.policy import NetworkPolicy
from features.network.rings import find_rings
from features.network.ties import weigh_ties
from lake.contracts import DAILY, TIES
from lake.storage.delta import Lake

NIGHTS = 12
AHEAD_DAYS = 90
FEWEST_TIES = 60
POSTS = ("content", "event:commit", "event:question", "event:answer")


def main() -> None:
    """Print the mean correlation of each measure, a line a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspaces", nargs="+", type=Path)
    for workspace in parser.parse_args().workspaces:
        lake = Lake(workspace / "lake")
        ties, daily = lake.scan(TIES).collect(), lake.scan(DAILY).collect()
        last = max(lake.days(TIES))
        nights = [last - timedelta(days=AHEAD_DAYS * ago) for ago in range(1, NIGHTS + 1)]
        rows = [row for night in nights if (row := _correlations(ties, daily, night)) is not None]
        means = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
        print(workspace.name, f"{len(rows)} nights", {name: f"{mean:.3f}" for name, mean in means.items()})


def _correlations(ties: pl.DataFrame, daily: pl.DataFrame, night: date) -> Mapping[str, float] | None:
    weighed = weigh_ties(ties.lazy(), as_of=night, policy=NetworkPolicy())
    if weighed.height < FEWEST_TIES:
        return None
    network = find_rings(Network.of(weighed)).network
    in_window = pl.col("event_date").is_between(night + timedelta(days=1), night + timedelta(days=AHEAD_DAYS))
    later = ties.filter(in_window).group_by(pl.col("other_no").alias("member_no")).agg(n=pl.col("member_no").n_unique())
    outcome = _of_members(network, later)
    in_year = pl.col("event_date").is_between(night - timedelta(days=364), night)
    posts = daily.filter(in_year, pl.col("activity").is_in(POSTS)).group_by("member_no").agg(pl.col("n").sum())
    measures = {
        "influence": influence(network),
        "pagerank": pagerank(network),
        "responders": network.responders.astype(np.float64),
        "weight": np.bincount(network.receiver, weights=network.weight, minlength=network.size),
        "posts": _of_members(network, posts),
    }
    return {name: float(spearmanr(measure, outcome)[0]) for name, measure in measures.items()}


def _of_members(network: Network, counted: pl.DataFrame) -> Floats:
    numbers = dict(counted.select("member_no", "n").iter_rows())
    return np.array([numbers.get(int(one), 0) for one in network.members], dtype=np.float64)


if __name__ == "__main__":
    main()
