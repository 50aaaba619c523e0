"""What the network of a night costs: a year of ties of a large community, from the rollups to influence, leaders and communities.

    python -m benchmarks.network --ties 1100000

The community is made up: groups of 400 members who respond mostly within their group, to a few far more often than to most.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.job import peak_mib
from features.history import DAILY_SCHEMA, TIES_SCHEMA, History
from lake.contracts import DAILY, TIES
from pipeline.community.network import NightNetwork, measure_network
from pipeline.execution.executor import Features
from runtime.run_context import open_run

NIGHT = date(2026, 1, 31)
DAYS = 365
GROUP = 400
INSIDE_SHARE = 0.85
CONFIGURATION = '[community]\nname = "Network"\n\n[sources.events]\npath = "events.csv"\n'


def main() -> None:
    """Make a community, measure its network on two nights, and print seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ties", type=int, default=1_100_000, help="pairs of members of whom one responds to the other")
    parser.add_argument("--members", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "evenfall.toml").write_text(CONFIGURATION, encoding="utf-8")
        _write(Path(folder), members=given.members, ties=given.ties)
        # A process of its own: making the community takes memory, too.
        with get_context("spawn").Pool(1) as pool:
            for line in pool.apply(_measured, (folder, given.members)):
                print(line)


def _measured(folder: str, members: int) -> list[str]:
    """Measure two nights in a row, and say what they cost."""
    lines = []
    for night in (NIGHT - timedelta(days=1), NIGHT):
        began, worked = time.perf_counter(), time.process_time()
        network = _measure(Path(folder), night, members=members)
        assert network is not None
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        size = f"{network.ties:,} ties of {network.members.height:,} members"
        lines.append(f"{night}: {size} in {seconds:.1f} s ({worked:.1f} s of work)")
    return [*lines, f"peak memory of the process {peak_mib():,.0f} MiB"]


def _write(folder: Path, *, members: int, ties: int) -> None:
    random = np.random.default_rng(1)
    giver = random.integers(0, members, ties)
    # Popularity falls off like a power, so that some are responded to by thousands.
    inside = giver // GROUP * GROUP + (GROUP * random.random(ties) ** 3).astype(np.int64)
    anybody = (members * random.random(ties) ** 2).astype(np.int64)
    receiver = np.minimum(np.where(random.random(ties) < INSIDE_SHARE, inside, anybody), members - 1)
    pairs = pl.DataFrame({"member_no": giver, "other_no": receiver}).filter(pl.col("member_no") != pl.col("other_no"))
    lake = open_run(folder, NIGHT).workspace.lake
    for first in range(0, DAYS, 73):
        days = [NIGHT - timedelta(days=DAYS - 1 - first - day) for day in range(73)]
        rows = pairs.sample(fraction=1.0, seed=first).with_columns(
            event_date=pl.Series(random.integers(0, 73, pairs.height)).replace_strict(
                dict(enumerate(days)), return_dtype=pl.Date
            ),
            n=pl.Series(1 + random.poisson(0.5, pairs.height)),
        )
        stored = rows.group_by("event_date", "member_no", "other_no").agg(pl.col("n").sum()).select(TIES_SCHEMA.names())
        lake.replace_days(TIES, stored.cast(TIES_SCHEMA).sort("event_date", "member_no", "other_no"), days=set(days))
        lake.replace_days(DAILY, _posts(stored), days=set(days))


def _posts(ties: pl.DataFrame) -> pl.DataFrame:
    posts = ties.group_by("event_date", "member_no").agg(pl.col("n").sum())
    nothing = {name: pl.lit(0) for name in DAILY_SCHEMA if name.startswith("n_")}
    rows = posts.with_columns(activity=pl.lit("event:reply"), amount_minor=pl.lit(0), **nothing)
    return rows.select(DAILY_SCHEMA.names()).cast(DAILY_SCHEMA).sort("event_date", "member_no")


def _measure(folder: Path, night: date, *, members: int) -> NightNetwork | None:
    run = open_run(folder, night).on(night)
    lake = run.workspace.lake
    numbers = pl.DataFrame({"member_no": pl.int_range(members, dtype=pl.Int32, eager=True)})
    known = numbers.with_columns(member_id=pl.col("member_no").cast(pl.String), platform=pl.lit(None), region=pl.lit(None))
    history = History(known.lazy(), lake.scan(DAILY), lake.scan(TIES), frozenset(), ())
    rows = numbers.with_columns(
        days_since_last_activity=pl.lit(3), event_count_365d=pl.lit(5), reply_count_365d=pl.lit(5), given_count_365d=pl.lit(5)
    )
    return measure_network(run, history, Features(rows.lazy(), members, rows.width, ()))


if __name__ == "__main__":
    main()
