"""Measure how well every model predicts past nights, and write the page: the command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.prediction.datasets import COMMUNITIES, Community
from benchmarks.prediction.measure import POPULATIONS, SEED, measure_cutoff, population
from benchmarks.prediction.page import DataSet, page
from benchmarks.prediction.panels import Panel, panel_of
from benchmarks.prediction.starting import MAX_CUTOFFS, starting_without
from benchmarks.prediction.store import Store
from benchmarks.prediction.summary import Part, summarise_part
from models.measures import Purpose


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Args:
        root: The results folder.
        cutoffs: Cut-offs of each data set, the newest ones.
        draws: Draws of each interval.
        full: Whether Evenfall may use the whole budget of a training night.
        starts: Whether it has a starting model, learnt from all communities but the one that is measured.
    """

    root: Path
    cutoffs: int
    draws: int
    full: bool
    starts: bool = True

    @property
    def store(self) -> Store:
        """Where figures with this budget are kept."""
        return Store(self.root, f"{'full' if self.full else 'reduced'}-{self.draws}{'' if self.starts else '-alone'}")


def measure_data_set(plan: Plan, community: Community, horizon_days: int) -> DataSet:
    """Measure what is not measured yet of a data set, and summarise all of it."""
    panel = _panel(plan, community, horizon_days)
    name, store = f"{community.name}_{horizon_days}", plan.store
    known = store.read(name)
    starting = starting_without(community, plan.store.panels) if plan.starts else None
    days = sorted(panel.rows["as_of"].unique())[-plan.cutoffs :]
    purposes: list[Purpose] = ["churn"] if panel.rows["future_spend_minor"].is_null().all() else ["churn", "value"]
    for purpose in purposes:
        for as_of in days:
            if (purpose, as_of.isoformat()) not in known:
                figures, predictions = measure_cutoff(panel, as_of, purpose, full=plan.full, draws=plan.draws, starting=starting)
                store.write(name, figures, predictions)
                _say(f"{name}: {purpose} as of {as_of}, {figures['seconds']:.0f} s")
    measured = [figures for figures in store.read(name).values() if figures["as_of"] in {day.isoformat() for day in days}]
    usable = sorted((figures for figures in measured if figures["populations"]), key=lambda figures: str(figures["as_of"]))
    parts = [part for purpose in purposes for part in _parts(plan, name, purpose, usable)]
    tested = sorted({str(figures["as_of"]) for figures in usable})
    return DataSet(f"{community.title}, {horizon_days} days", tuple(tested), plan.cutoffs, tuple(parts))


def _parts(plan: Plan, name: str, purpose: Purpose, measured: Sequence[dict[str, Any]]) -> Iterable[Part]:
    of_purpose = [figures for figures in measured if figures["purpose"] == purpose]
    predictions = [plan.store.predictions(name, purpose, figures["as_of"]) for figures in of_purpose]
    for one in POPULATIONS[purpose]:
        told = [figures["populations"][one] for figures in of_purpose]
        predicted = [population(rows, one) for rows in predictions]
        part = summarise_part(told, predicted, purpose, one, draws=plan.draws, seed=SEED)
        if part is not None:
            yield part


def _panel(plan: Plan, community: Community, horizon_days: int) -> Panel:
    return panel_of(community, horizon_days, plan.store.panels, max_cutoffs=MAX_CUTOFFS, progress=_say)


def run(plan: Plan, communities: Sequence[Community], *, horizon_days: int | None, workers: int) -> list[DataSet]:
    """Measure data sets, several at a time.

    Args:
        plan: What is measured.
        communities: The communities.
        horizon_days: The only horizon; None for all of each community.
        workers: Processes.
    """
    pairs = [(one, days) for one in communities for days in one.horizons if horizon_days in (None, days)]
    # One after the other: the horizons of a community share its lake.
    for community, days in pairs:
        _panel(plan, community, days)
    for community in communities if plan.starts else ():
        starting_without(community, plan.store.panels)
    if workers == 1:
        return [measure_data_set(plan, *pair) for pair in pairs]
    # Started anew rather than forked: Polars has threads of its own.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(measure_data_set, [plan] * len(pairs), *zip(*pairs, strict=True)))


def seconds_of(plan: Plan) -> float:
    """Add up what fitting and predicting took, whichever run did it."""
    names = [path.stem for path in plan.store.figures.glob("*.jsonl")]
    return sum(float(figures["seconds"]) for name in names for figures in plan.store.read(name).values())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(arguments: Sequence[str]) -> None:
    """Run the command line."""
    told = "Measure how well every model predicts past nights."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction", description=told)
    parser.add_argument("--only", nargs="+", choices=[*COMMUNITIES], help="communities; all by default")
    parser.add_argument("--horizon", type=int, help="the only horizon, in days")
    parser.add_argument("--cutoffs", type=int, default=10, help="cut-offs of each data set, the newest ones")
    parser.add_argument("--draws", type=int, default=None, help="draws of each interval; 500, with --full 2,000")
    parser.add_argument("--full", action="store_true", help="with the whole budget of a training night")
    parser.add_argument("--alone", action="store_true", help="without a starting model, which needs the other communities")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/scratch/prediction"), help="where results are kept")
    parser.add_argument("--page", type=Path, help="the page to write; printed by default")
    asked = parser.parse_args(arguments)
    plan = Plan(asked.results, asked.cutoffs, asked.draws or (2_000 if asked.full else 500), asked.full, not asked.alone)
    chosen = [COMMUNITIES[name] for name in asked.only or COMMUNITIES]
    sets = run(plan, [one for one in chosen if one.is_here], horizon_days=asked.horizon, workers=asked.workers)
    text = page(
        sets,
        not_run={one.title: "its data are not here" for one in chosen if not one.is_here},
        command=" ".join(["python -m benchmarks.prediction", *arguments]),
        machine=describe_machine(),
        minutes=seconds_of(plan) / 60,
    )
    if asked.page is None:
        sys.stdout.write(text)
    else:
        asked.page.write_text(text, encoding="utf-8")
