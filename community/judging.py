"""The judgement of a night: from figures and texts to alarms, as the night and its measurement on simulated nights use it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from community.alarms import Alarm, group
from community.anomalies import Usual, compare, find_anomalies
from community.bursts import find_crises, telling_words
from community.watched import Watched


def judge(
    figures: pl.DataFrame,
    texts: pl.DataFrame,
    watched: Mapping[str, Watched],
    *,
    as_of: date,
    hidden: Collection[str] = (),
    usual: Usual | None = None,
) -> tuple[Alarm, ...]:
    """Return the alarms of a night, not ranked yet.

    Args:
        figures: Rows of `community.rates.FIGURES_SCHEMA`.
        texts: Rows of `community.bursts.TEXTS_SCHEMA`.
        watched: Figure → how it is watched.
        as_of: The night.
        hidden: Words that are never shown, in lower case.
        usual: The figures beside what is usual, where they are known already.
    """
    seen = texts.filter(pl.col("day") <= as_of)
    beside = compare(figures, watched, as_of=as_of) if usual is None else usual
    alarms = group(find_anomalies(beside, figures, watched), beside, watched)
    told = [_with_words(one, seen, as_of, hidden) if one.subject == "feedback" and one.is_bad else one for one in alarms]
    return (*told, *find_crises(seen, as_of=as_of, hidden=hidden))


def _with_words(alarm: Alarm, texts: pl.DataFrame, as_of: date, hidden: Collection[str]) -> Alarm:
    return replace(alarm, words=telling_words(texts, since=alarm.since, as_of=as_of, hidden=hidden))
