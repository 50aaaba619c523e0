"""How long the members app takes on a large list.

python -m benchmarks.door WORKSPACE FOLDER --members 500000

Copies a workspace with a night into a new folder, repeats the members of its newest list with values of their own, and measures
what a page does: the first look, filters, orders, pages, a search, a download.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
import polars as pl

from outputs.lists import most_valuable_first
from pipeline.analysis import listed_or_refused
from pipeline.app.member_rows import Choice, NightLists, as_csv, chosen, page_of
from runtime.run_context import RunContext, open_run

_TRIES = 3


@click.command()
@click.argument("workspace", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--members", default=500_000, show_default=True)
def measure(workspace: Path, folder: Path, members: int) -> None:
    """Print seconds on the clock and of all processors, the best of three but for the first look and the download."""
    shutil.copytree(workspace, folder)
    run = open_run(folder, None)
    run = run.on(listed_or_refused(run)[0])
    _enlarge(run, members)
    lists = NightLists(run)
    _say("first look", lambda: lists.members(run), tries=1)
    listed = lists.members(run)
    click.echo(f"{listed.height:,} members, {listed.estimated_size('mb'):,.0f} MB in memory")
    _say("the list again, consent looked up", lambda: lists.members(run))
    _say("values to filter by, found once a night", lambda: lists.values(run))
    for name, wanted in (
        ("first page", {}),
        ("filter by tier and risk", {"tier": "gold", "churn_risk": "high"}),
        ("filter and order by risk", {"presence": "still_here", "order": "risk"}),
        ("order by spend", {"order": "spend"}),
        ("search", {"text": "usual"}),
    ):
        _say(name, partial(page_of, run, listed, Choice.of(wanted), page=1))
    _say("last page", lambda: page_of(run, listed, Choice(), page=1_000_000))
    gold = chosen(run, listed, Choice(tier="gold"), None)
    _say(f"download of {gold.len():,} members", lambda: as_csv(run, gold), tries=1)


def _enlarge(run: RunContext, members: int) -> None:
    """Repeat the members of a list under other ids, with values of their own, so that the file is no smaller than a real one."""
    path = run.workspace.night(run.as_of) / "members.parquet"
    few = pl.read_parquet(path)
    times = -(-members // few.height)
    many = pl.concat([few.with_columns(pl.col("member_id") + f"-{n}") for n in range(times)]).head(members)
    rng = np.random.default_rng(1)
    noise = pl.Series(rng.uniform(0.9, 1.1, many.height))
    numbers = [name for name, dtype in many.schema.items() if dtype == pl.Float64]
    many = many.with_columns(pl.col(name) * noise for name in numbers)
    own = pl.element().struct.with_fields(pl.field("text") + (pl.field("value") * 1_000).cast(pl.String).fill_null(""))
    many = many.with_columns(pl.col("reasons").list.eval(own))
    most_valuable_first(many).write_parquet(path, compression="zstd", compression_level=3, row_group_size=131_072)


def _say(name: str, work: Callable[[], object], *, tries: int = _TRIES) -> None:
    taken = []
    for _ in range(tries):
        began, worked = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - began, time.process_time() - worked))
    seconds, processor_seconds = min(taken)
    click.echo(f"{seconds:8.3f} s, {processor_seconds:7.3f} of processors  {name}")


if __name__ == "__main__":
    measure()
