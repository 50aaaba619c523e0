"""What the predictions must reach on all data sets together, and what a run found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.prediction.summary import ModelRow, Part
from models.measures import HEADLINE

# Predicted over actual total, and the share of members whose spend an 80 % interval holds.
TOTAL_RATIO: Final = (0.85, 1.15)
COVERAGE: Final = (0.75, 0.85)
# How far the mean probability may be from what happened, and on which share of cut-offs at least.
LEVELS: Final = ((0.05, 0.8), (0.10, 0.95))


@dataclass(frozen=True)
class Goal:
    """One goal.

    Args:
        says: What must hold, in words.
        needed: How much of it.
        found: What this run found.
        reached: Whether it is enough; None where nothing could be judged.
    """

    says: str
    needed: str
    found: str
    reached: bool | None


def goals(parts: Mapping[str, Sequence[Part]]) -> list[Goal]:
    """Judge every goal.

    Args:
        parts: Data set → its parts.
    """
    every = [part for of_set in parts.values() for part in of_set]
    here, everybody = ([part for part in every if part.population == name] for name in ("still_here", "all"))
    rows = [row for part in here for row in part.rows[1:]]
    return [
        _ahead_on_average(parts),
        _share("still here: interval of the AUC's lead above 0, against recency", _wins(rows, "recency"), least=0.8),
        _share("still here: the same, against untuned LightGBM", _wins(rows, "lightgbm"), least=0.5),
        _share("still here: interval wholly below 0, against any rival", _losses(rows), most=0.03),
        _nowhere_behind(parts),
        *_levels([miss for part in everybody if part.purpose == "churn" for miss in part.misses]),
        _share(
            "predicted over actual value within .85 and 1.15",
            _between([ratio for part in everybody if part.purpose == "value" for ratio in part.misses], TOTAL_RATIO),
            least=0.8,
        ),
        _coverage([share for part in everybody for share in part.covered]),
    ]


def _ahead_on_average(parts: Mapping[str, Sequence[Part]]) -> Goal:
    """Judge whether the AUC among those still here is above every rival's, on average over each data set."""
    here = {name: part for name, of_set in parts.items() for part in of_set if part.population == "still_here"}
    behind = [
        f"{name}: {row.model}"
        for name, part in here.items()
        for row in part.rows[1:]
        if row.lead is not None and row.lead.estimate <= 0
    ]
    found = "nowhere behind" if not behind else f"behind at {len(behind)}: {'; '.join(behind)}"
    return Goal("still here: mean AUC above every rival's on each data set", "everywhere", found, not behind if here else None)


def _nowhere_behind(parts: Mapping[str, Sequence[Part]]) -> Goal:
    """Judge whether no interval of a mean lead over all who are scored is wholly below 0."""
    everybody = [(name, part) for name, of_set in parts.items() for part in of_set if part.population == "all"]
    behind = [
        f"{name}: {row.model} ({HEADLINE[part.purpose]})"
        for name, part in everybody
        for row in part.rows[1:]
        if row.lead is not None and row.lead.upper < 0
    ]
    found = "nowhere" if not behind else f"at {len(behind)}: {'; '.join(behind)}"
    says = "all scored: interval of the mean lead wholly below 0, in AUC or nGini"
    return Goal(says, "nowhere", found, not behind if everybody else None)


def _levels(misses: Sequence[float]) -> Iterable[Goal]:
    for limit, least in LEVELS:
        says = f"mean probability within {_short(limit)} of what happened"
        yield _share(says, _between(misses, (-limit, limit)), least=least)


def _coverage(shares: Sequence[float]) -> Goal:
    says = "members whose spend is within the 80 % interval, mean over all nights"
    if not shares:
        return Goal(says, "75–85 %", "no intervals", None)
    covered = sum(shares) / len(shares)
    return Goal(says, "75–85 %", f"{covered:.0%}", COVERAGE[0] <= covered <= COVERAGE[1])


def _share(says: str, counted: tuple[int, int], *, least: float = 0.0, most: float = 1.0) -> Goal:
    hits, of = counted
    needed = f"at least {least:.0%}" if least else f"at most {most:.0%}"
    if not of:
        return Goal(says, f"{needed} of cut-offs", "nothing to judge", None)
    return Goal(says, f"{needed} of cut-offs", f"{hits} of {of}, {hits / of:.1%}", least <= hits / of <= most)


def _wins(rows: Iterable[ModelRow], rival: str) -> tuple[int, int]:
    of_rival = [row for row in rows if row.model == rival]
    return sum(row.above for row in of_rival), sum(row.compared for row in of_rival)


def _losses(rows: Sequence[ModelRow]) -> tuple[int, int]:
    return sum(row.below for row in rows), sum(row.compared for row in rows)


def _between(figures: Sequence[float], bounds: tuple[float, float]) -> tuple[int, int]:
    return sum(bounds[0] <= figure <= bounds[1] for figure in figures), len(figures)


def _short(number: float) -> str:
    return f"{number:.2f}".removeprefix("0")
