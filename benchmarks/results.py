"""What was measured, and whether it reaches what it must."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.measure import Cost, MeasuredNight, median_cost
from benchmarks.rivalry import FEATURES, FLOOR, FROM_THE_BEGINNING, ROLLUP_OF_THE_DAY, SAMPLED_FEATURES, Comparison

NIGHT_WALL_SECONDS: Final = 90
NIGHT_PEAK_MIB: Final = 4_096
TRAINING_WALL_SECONDS: Final = 900
TRAINING_PEAK_MIB: Final = 8_192
TWICE_RATIO: Final = 1.10
DUCKDB_RATIO: Final = 0.25
FEATURETOOLS_RATIO: Final = 100
FLOOR_RATIO: Final = 3
OVERHEAD_SHARE: Final = 0.15


@dataclass(frozen=True)
class Twice:
    """Nights on a history, and on one twice as long.

    Args:
        members: Members of both.
        events: Events of the shorter one.
        once: Nights on the shorter one.
        longer: Nights on the longer one, in turn with the others.
    """

    members: int
    events: int
    once: list[MeasuredNight]
    longer: list[MeasuredNight]


@dataclass(frozen=True)
class Results:
    """Everything one run measured.

    Args:
        command: The command.
        machine: What it ran on.
        size: The community.
        load: What taking in the history cost.
        first_night: The night that trains.
        nights: Nights with new events and without training, oldest first.
        twice: Nights on histories of two lengths; None when left out.
        comparisons: The same work by others.
    """

    command: str
    machine: dict[str, str]
    size: dict[str, Any]
    load: Cost
    first_night: MeasuredNight
    nights: list[MeasuredNight]
    twice: Twice | None
    comparisons: list[Comparison]


@dataclass(frozen=True)
class Target:
    """One thing that must be reached.

    Args:
        says: What.
        limit: The figure.
        measured: What was found; None when it was not measured.
        at_most: Whether the limit is an upper one.
    """

    says: str
    limit: float
    measured: float | None
    at_most: bool = True

    @property
    def is_reached(self) -> bool | None:
        """Whether it is; None when it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


def targets(results: Results) -> list[Target]:
    """What a full-sized run must reach, set against what this one found."""
    night, first = median_night(results.nights), results.first_night.total
    found = {comparison.work: comparison for comparison in results.comparisons}
    twice = results.twice
    longer = None if twice is None else _wall(twice.longer) / _wall(twice.once)
    overhead = sum(night.overheads.values()) / night.total.wall_seconds if night.overheads else None
    return [
        Target("a night, wall seconds", NIGHT_WALL_SECONDS, night.total.wall_seconds),
        Target("a night, peak MiB", NIGHT_PEAK_MIB, night.total.peak_mib),
        Target("a night on twice the history, times the wall seconds", TWICE_RATIO, longer),
        Target("orchestration, validation and tracking, share of the night's wall seconds", OVERHEAD_SHARE, overhead),
        Target("window features of a night, times DuckDB's wall seconds", DUCKDB_RATIO, _times(found[FEATURES], "DuckDB")),
        Target("window features, times Featuretools' rows a second", FEATURETOOLS_RATIO, _faster(found), at_most=False),
        Target("rollup of the newest day, times the floor", FLOOR_RATIO, _times(found[ROLLUP_OF_THE_DAY], FLOOR)),
        Target("the night that trains, wall seconds", TRAINING_WALL_SECONDS, first.wall_seconds),
        Target("the night that trains, peak MiB", TRAINING_PEAK_MIB, first.peak_mib),
    ]


def median_night(nights: Sequence[MeasuredNight]) -> MeasuredNight:
    """The median of every step, of every overhead and of the whole."""
    steps = {name: median_cost([night.steps[name] for night in nights if name in night.steps]) for name in nights[0].steps}
    overheads = {kind: statistics.median(night.overheads[kind] for night in nights) for kind in nights[0].overheads}
    return MeasuredNight(median_cost([night.total for night in nights]), steps, overheads)


def _wall(nights: Sequence[MeasuredNight]) -> float:
    return statistics.median(night.total.wall_seconds for night in nights)


def _times(comparison: Comparison, rival: str) -> float | None:
    found = comparison.rivals.get(rival)
    return None if found is None else comparison.ours.wall_seconds / found.cost.wall_seconds


def _faster(found: dict[str, Comparison]) -> float | None:
    ours, rival = found[FEATURES].rivals.get(FROM_THE_BEGINNING), found[SAMPLED_FEATURES].rivals.get("Featuretools")
    # A night that carries its totals does not read those rows, so they are not its own.
    return None if ours is None or rival is None else ours.cost.rows_per_second / rival.cost.rows_per_second
