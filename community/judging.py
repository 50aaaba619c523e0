"""The judgement of a night: from figures and texts to alarms, as the night and its measurement on simulated nights use it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from community.alarms import Alarm, group
from community.anomalies import FEWEST_MEMBERS, Usual, compare, find_anomalies
from community.bursts import FEWEST_PEOPLE, find_crises, telling_words
from community.watched import Watched


def judge(
    figures: pl.DataFrame,
    texts: pl.DataFrame,
    watched: Mapping[str, Watched],
    *,
    as_of: date,
    hidden: Collection[str] = (),
    smallest_group: int = 1,
    usual: Usual | None = None,
) -> tuple[Alarm, ...]:
    """Return the alarms of a night, not ranked yet.

    Args:
        figures: Rows of `community.rates.FIGURES_SCHEMA`.
        texts: Rows of `community.bursts.TEXTS_SCHEMA`.
        watched: Figure → how it is watched.
        as_of: The night.
        hidden: Words that are never shown, in lower case.
        smallest_group: Groups and topics of fewer members are not told; where it is smaller, the limits of the judgement hold.
        usual: The figures beside what is usual, where they are known already.
    """
    seen = texts.filter(pl.col("day") <= as_of)
    beside = usual
    if beside is None:
        beside = compare(figures, watched, as_of=as_of, fewest_members=max(FEWEST_MEMBERS, smallest_group))
    people = max(FEWEST_PEOPLE, smallest_group)
    alarms = group(find_anomalies(beside, figures, watched), beside, watched)
    told = [_with_words(one, seen, as_of, hidden, people) if one.subject == "feedback" and one.is_bad else one for one in alarms]
    return (*told, *find_crises(seen, as_of=as_of, hidden=hidden, fewest_people=people))


def _with_words(alarm: Alarm, texts: pl.DataFrame, as_of: date, hidden: Collection[str], people: int) -> Alarm:
    return replace(alarm, words=telling_words(texts, since=alarm.since, as_of=as_of, hidden=hidden, fewest_people=people))
