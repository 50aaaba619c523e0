"""How often the early warning cries wolf, and how late it is: `python -m benchmarks.early_warning`.

Simulated quiet nights count false alarms through the whole decision of a night: figures, texts, grouping, and what was told
before. Planted changes count the nights until a message tells of them; the night of the first changed day is night 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import polars as pl

from benchmarks.quiet_community import Planted, Simulated, simulate
from community.alarm_history import ACTIONS_SCHEMA, ALARMS_SCHEMA, SAME_DAYS, SENT, KnownAlarm, action, as_rows, carry_on
from community.alarms import rank
from community.anomalies import compare
from community.bursts import TEXTS_SCHEMA
from community.judging import judge
from community.rates import meaningful
from community.watched import WATCHED, watched_rows
from lake.storage.delta import Lake
from outputs.warning_sentences import said_of
from pipeline.community.figures import FIGURES

# What comes before the first night: eight weeks of the usual and half a year of its errors.
HISTORY: Final = 252
_WATCHED: Final = {**WATCHED, **{f"rows.{table}": watched_rows(table) for table in ("events", "orders")}}
_TEXT_DAYS: Final = 252
_YEAR: Final = 365
_LONGEST_WAIT: Final = 56


@dataclass(frozen=True)
class Case:
    """A planted change, and the subjects whose alarm tells of it."""

    says: str
    planted: Planted
    subjects: tuple[str, ...]


CASES: Final = (
    Case("activity of one platform −20 %", Planted(0, activity=0.8, platform="ios"), ("activity",)),
    Case("activity of one platform −40 %", Planted(0, activity=0.6, platform="ios"), ("activity",)),
    Case("activity of all −20 %", Planted(0, activity=0.8), ("activity",)),
    Case("twice as many leave", Planted(0, leaving=2.0), ("leaving", "activity")),
    Case("odds of a bad answer × 4", Planted(0, bad_answers=4.0), ("feedback",)),
    Case("8 titles a day about a crisis", Planted(0, crisis=8), ("crisis",)),
    Case("a source stops", Planted(0, stops=True), ("rows.events", "rows.orders", "activity")),
)


def messages(community: Simulated, *, first: int, nights: int) -> Iterator[tuple[int, tuple[KnownAlarm, ...]]]:
    """Yield the nights that send a message, with the alarms they tell, as nights one after the other would.

    Args:
        community: A simulated community.
        first: Number of the first night.
        nights: How many nights.
    """
    last = community.night(first + nights - 1)
    usual = compare(community.figures, _WATCHED, as_of=last, days=first + nights)
    windows = community.figures.filter(pl.col("figure").is_in([name for name, how in _WATCHED.items() if how.kind == "window"]))
    stored, actions = pl.DataFrame(schema=ALARMS_SCHEMA), pl.DataFrame(schema=ACTIONS_SCHEMA)
    for number in range(first, first + nights):
        night = community.night(number)
        texts = community.texts.filter(pl.col("day").is_between(night - timedelta(days=_TEXT_DAYS), night))
        alarms = rank(judge(windows, texts, _WATCHED, as_of=night, usual=usual.until(night)))
        known = carry_on(alarms, night=night, stored=stored, actions=actions)
        stored = pl.concat([stored.filter(pl.col("as_of") >= night - timedelta(days=SAME_DAYS)), as_rows(known, night=night)])
        told = tuple(one for one in known if one.is_to_send)
        for one in told:
            sent = action(SENT, night=night, number=one.number, figure=None, until=None, size=one.alarm.size)
            actions = pl.concat([actions, sent])
        if told:
            yield number, told


def false_alarms(*, seed: int, nights: int, members: int = 1500) -> list[str]:
    """Return the alarms of quiet nights, a line each.

    Args:
        seed: Of the community.
        nights: How many nights.
        members: Its members.
    """
    community = simulate(seed=seed, days=HISTORY + nights, members=members)
    return [
        f"night {number - HISTORY}: {', '.join(one.alarm.key for one in told)}"
        for number, told in messages(community, first=HISTORY, nights=nights)
    ]


def delay(case: Case, *, seed: int, members: int = 1500) -> int | None:
    """Return after how many nights a planted change is told; None where it is not within eight weeks.

    Args:
        case: The change.
        seed: Of the community.
        members: Its members.
    """
    planted = Planted(**{**vars(case.planted), "day": HISTORY})
    community = simulate(seed=seed, days=HISTORY + _LONGEST_WAIT, members=members, planted=planted)
    for number, told in messages(community, first=HISTORY, nights=_LONGEST_WAIT):
        if any(one.alarm.subject.partition(":")[0] in case.subjects and one.alarm.is_bad for one in told):
            return number - HISTORY + 1
    return None


def of_workspace(folder: Path) -> Iterator[str]:
    """Yield the messages that the last year's nights of a workspace would have sent about its figures, a line each.

    Args:
        folder: A workspace after one night; groups that follow from what members did, and texts, are left out.
    """
    is_given = pl.any_horizontal(pl.col("dimension") == "", pl.col("dimension").str.contains("^(platform|source)="))
    figures = meaningful(Lake(folder / "lake").scan(FIGURES).collect()).filter(is_given)
    first, last = figures["day"].min(), figures["day"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = (last - first).days + 1
    community = Simulated(figures, pl.DataFrame(schema=TEXTS_SCHEMA), days, first)
    for number, told in messages(community, first=max(0, days - _YEAR), nights=min(days, _YEAR)):
        for one in told:
            yield f"{community.night(number)} {' '.join(said_of(one.alarm, currency=None, names={}))}"


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=300)
    parser.add_argument("--members", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3, help="communities for each planted change")
    parser.add_argument("--only", choices=("quiet", "planted"))
    parser.add_argument("--workspace", type=Path, help="judge the last year of the figures of a workspace instead")
    given = parser.parse_args()
    if given.workspace is not None:
        told = list(of_workspace(given.workspace))
        print(f"{len(told)} messages in {_YEAR} nights", *told, sep="\n")
        return
    if given.only != "planted":
        told = false_alarms(seed=1, nights=given.nights, members=given.members)
        print(
            f"{len(told)} messages in {given.nights} quiet nights: {30 * len(told) / given.nights:.2f} a month", *told, sep="\n"
        )
    for case in CASES if given.only != "quiet" else ():
        delays = [delay(case, seed=seed, members=given.members) for seed in range(given.seeds)]
        seen = [one for one in delays if one is not None]
        print(f"{case.says}: told after {median(seen) if seen else '-'} nights; {delays}", flush=True)


if __name__ == "__main__":
    main()
