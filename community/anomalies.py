"""Anomalies: daily figures that left what is usual for them, beyond chance.

What is usual for a day is the mean of the middle four of the same weekdays of the eight weeks before. The last 1, 3, 7 and 14
days are compared with it on the square-root scale, where the counts of a Poisson process vary alike at every level. Their
difference is judged by the same differences of the half year before: the median of those holds the trend, and their spread, never
below that of a Poisson process, holds what weekdays and chance do not explain. Days that stood out likewise a year before, or in
two of the three months before, are taken to be usual (holidays, paydays, newsletters).

The chances of all figures and windows of a night are held against one rate of false alarms (Bonferroni), half of it for the
community and half for its groups.

Source: the variance-stabilising transformation is Anscombe's (1948).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from community.figures import WHOLE
from community.watched import Direction, Watched
from features.calendar import WEEK_DAYS, YEAR_DAYS

Floats = npt.NDArray[np.float64]
WINDOWS: Final = (1, 3, 7, 14)
# The bound on false alarms a night; nights and figures depend on each other, so far fewer are measured (docs/early-warning.md).
FALSE_ALARMS: Final = 0.1
# A smaller change asks nobody to act, however sure it is.
LEAST_CHANGE: Final = 0.1
# Groups of fewer members are not looked at: what one member does would be told.
FEWEST_MEMBERS: Final = 10
_WEEKS: Final = 8
_LEAST_WEEKS: Final = 4
_MIDDLE: Final = slice(2, 6)
_ERROR_DAYS: Final = 182
_LEAST_ERRORS: Final = 28
_SLACK: Final = 3
_MONTHS: Final = (30, 61, 91)
_MOST_MONTHS: Final = 2
_LIKEWISE: Final = 0.5
_LONGEST: Final = 28
_ANSCOMBE: Final = 3 / 8
_MAD: Final = 1.4826
# The 97.5 % point of the absolute value of a normal variable: heavy tails widen the spread, a few bad days do not.
_HIGH: Final = 0.975
_HIGH_NORMAL: Final = 2.2414
# The mean of the middle four of eight has the variance of so many observations.
_OBSERVATIONS: Final = 6.5
HISTORY_DAYS: Final = YEAR_DAYS + _SLACK + max(WINDOWS) + _WEEKS * WEEK_DAYS + _ERROR_DAYS


@dataclass(frozen=True)
class Anomaly:
    """A figure that left what is usual.

    Args:
        figure: The figure.
        dimension: The group; empty for the whole community.
        since: The first day.
        now: The figure a day since then, or the share of the days since.
        usual: What would have been usual.
        chance: The chance that any figure of a quiet night shows as much, at most.
        change_sure: By how many standard errors it left.
    """

    figure: str
    dimension: str
    since: date
    now: float
    usual: float
    chance: float
    change_sure: float

    @property
    def direction(self) -> Direction:
        """Return whether it is less or more than usual."""
        return "less" if self.now < self.usual else "more"


@dataclass(frozen=True)
class Usual:
    """Figures day by day beside what is usual: one row per figure and group, one column per day, the last is the night.

    Args:
        names: Figure and dimension of each row.
        as_of: The night.
        value: The counts or amounts; NaN before a row begins.
        base: What they are a share of; ones for others.
        usual: What is usual for them.
    """

    names: tuple[tuple[str, str], ...]
    as_of: date
    value: Floats
    base: Floats
    usual: Floats

    def until(self, night: date) -> Usual:
        """Return the same up to a night; what is usual for a day depends on the days before it alone."""
        columns = self.value.shape[1] - (self.as_of - night).days
        return Usual(self.names, night, self.value[:, :columns], self.base[:, :columns], self.usual[:, :columns])

    def changes(self, figure: str, since: date) -> Iterator[tuple[str, float, float]]:
        """Yield dimension, value and usual value since a day, of every row of a figure; a day for counts, else a share."""
        days = (self.as_of - since).days + 1
        for row, (name, dimension) in enumerate(self.names):
            part = slice(-days, None)
            value, usual, base = self.value[row, part], self.usual[row, part], self.base[row, part]
            if name == figure and np.isfinite(usual).all() and np.isfinite(value).all() and base.sum() > 0:
                yield dimension, float(value.sum() / base.sum()), float(usual.sum() / base.sum())


def compare(
    figures: pl.DataFrame,
    watched: Mapping[str, Watched],
    *,
    as_of: date,
    days: int = HISTORY_DAYS,
    fewest_members: int = FEWEST_MEMBERS,
) -> Usual:
    """Put the counts, amounts and shares among the watched figures beside what is usual for them.

    Args:
        figures: Rows of `community.rates.FIGURES_SCHEMA`.
        watched: Figure → how it is watched.
        as_of: The night; later rows are not read.
        days: How many days are read.
        fewest_members: Groups of fewer are not looked at.
    """
    judged = {name: how for name, how in watched.items() if how.kind != "window"}
    read = {"members", *judged, *(how.over for how in judged.values() if how.over is not None)}
    known = _matrices(figures.filter(pl.col("figure").is_in(sorted(read))), as_of, days)
    members = {dimension: row[-1] for (figure, dimension), row in known.items() if figure == "members"}
    names, values, bases, usuals = [], [], [], []
    for (figure, dimension), given in known.items():
        how, row = judged.get(figure), given
        if how is None or (dimension != WHOLE and members.get(dimension, 0) < fewest_members):
            continue
        base = np.ones_like(row)
        if how.kind == "share":
            over = known.get((str(how.over), dimension))
            if over is None:
                continue
            base = np.concatenate([np.zeros(how.lag_days), np.nan_to_num(over)])[: len(given)]
            row = np.where(base > 0, np.nan_to_num(given), 0.0) * base
        usual = _usual_share(row, base) if how.kind == "share" else _usual_level(row)
        # A community's hundreds of groups of a few days ago have no usual yet.
        if not np.isfinite(usual).any():
            continue
        names.append((figure, dimension))
        values.append(row)
        bases.append(base)
        usuals.append(usual)
    empty = np.empty((0, 1))
    return Usual(
        tuple(names),
        as_of,
        np.vstack([*values]) if values else empty,
        np.vstack([*bases]) if bases else empty,
        np.vstack([*usuals]) if usuals else empty,
    )


def find_anomalies(
    usual: Usual, figures: pl.DataFrame, watched: Mapping[str, Watched], *, false_alarms: float = FALSE_ALARMS
) -> tuple[Anomaly, ...]:
    """Find the figures that left what is usual, the least likely by chance first.

    Args:
        usual: The figures beside what is usual, from `compare`.
        figures: The figures themselves, of which those of 30 days are read.
        watched: Figure → how it is watched.
        false_alarms: False alarms a night, over all figures, that are allowed for.
    """
    scored = _score(usual, watched)
    tested = [(name, one) for name, one in zip(usual.names, scored, strict=True) if one is not None]
    windows = [one for one in _windows(figures, watched, usual.as_of) if one is not None]
    tests = {whole: len(WINDOWS) * sum((name[1] == WHOLE) == whole for name, _ in tested) for whole in (True, False)}
    tests[True] += len(windows)
    found = []
    for row, name in enumerate(usual.names):
        best = scored[row]
        if best is None:
            continue
        chance = min(1.0, 2 * best.chance * tests[name[1] == WHOLE])
        if chance <= false_alarms:
            anomaly = _anomaly(usual, row, watched[name[0]], best, chance)
            if anomaly is not None:
                found.append(anomaly)
    found += [
        Anomaly(one.figure, WHOLE, one.since, one.now, one.usual, chance, one.change_sure)
        for one in windows
        if (chance := min(1.0, 2 * one.chance * tests[True])) <= false_alarms and _is_told(one, watched[one.figure])
    ]
    return tuple(sorted(found, key=lambda one: (one.chance, -one.change_sure, one.figure, one.dimension)))


@dataclass(frozen=True)
class _Scored:
    """The window of a row that is the least likely by chance."""

    window: int
    z: float
    chance: float
    centre: float


def _matrices(figures: pl.DataFrame, as_of: date, days: int = HISTORY_DAYS) -> dict[tuple[str, str], Floats]:
    """Return figure and dimension → values by day; counts are zero where a row is missing after the first."""
    first = as_of - timedelta(days=days - 1)
    rows = figures.filter(pl.col("day").is_between(first, as_of)).select(
        "figure", "dimension", "value", at=(pl.col("day") - first).dt.total_days()
    )
    rows = rows.sort("figure", "dimension", "at")
    groups = rows.group_by("figure", "dimension", maintain_order=True).agg(pl.len(), begins=pl.col("at").first())
    # All at once: a frame for each of thousands of groups costs more than all that is computed of them.
    values = np.zeros((groups.height, days))
    values[np.repeat(np.arange(groups.height), groups["len"].to_numpy()), rows["at"].to_numpy()] = rows["value"].to_numpy()
    values[np.arange(days) < groups["begins"].to_numpy()[:, None]] = np.nan
    names = groups.select("figure", "dimension").iter_rows()
    return {(figure, dimension): row for (figure, dimension), row in zip(names, values, strict=True)}


def _same_weekdays(row: Floats) -> Floats:
    """Return the same weekdays before each day: one row per week back, one column per day."""
    padded = np.concatenate([np.full(_WEEKS * WEEK_DAYS, np.nan), row])
    return np.stack([padded[(_WEEKS - back) * WEEK_DAYS : len(padded) - back * WEEK_DAYS] for back in range(1, _WEEKS + 1)])


def _usual_level(row: Floats) -> Floats:
    if np.isfinite(row).sum() <= _LEAST_WEEKS * WEEK_DAYS:
        return np.full(len(row), np.nan)
    past = np.sort(_same_weekdays(row), axis=0)
    known = np.isfinite(past).sum(axis=0)
    level = np.full(len(row), np.nan)
    whole, short = known == _WEEKS, (known >= _LEAST_WEEKS) & (known < _WEEKS)
    level[whole] = past[_MIDDLE, whole].mean(axis=0)
    if short.any():
        level[short] = np.nanmedian(past[:, short], axis=0)
    return level


def _usual_share(row: Floats, base: Floats) -> Floats:
    past, over = np.nansum(_same_weekdays(row), axis=0), np.nansum(_same_weekdays(base), axis=0)
    known = np.cumsum(base > 0) > 0
    started = int(np.argmax(known)) if known.any() else len(row)
    share = np.divide(past, over, out=np.full(len(row), np.nan), where=over > 0)
    share[: started + _LEAST_WEEKS * WEEK_DAYS] = np.nan
    return np.where(base > 0, share * base, np.where(np.isfinite(share), 0.0, np.nan))


def _differences(value: Floats, usual: Floats, window: int) -> Floats:
    """Return by how much the days up to each day differ from what is usual, on the square-root scale."""
    is_missing = ~np.isfinite(value) | ~np.isfinite(usual)
    sums = [_trailing(np.where(is_missing, 0.0, part), window) for part in (value, usual)]
    new, old = (np.sqrt(np.maximum(part, 0) + _ANSCOMBE) for part in sums)
    return np.where(_trailing(is_missing.astype(np.float64), window) > 0, np.nan, 2 * (new - old))


def _trailing(rows: Floats, window: int) -> Floats:
    """Return the sums over the days up to each day."""
    total = np.cumsum(rows, axis=-1)
    total[..., window:] = total[..., window:] - total[..., :-window].copy()
    return total


def _score(usual: Usual, watched: Mapping[str, Watched]) -> list[_Scored | None]:
    """Return the least likely window of each row; None where too little is known of its past."""
    rows = len(usual.names)
    is_amount = np.array([watched[figure].kind == "amount" for figure, _ in usual.names], dtype=bool)
    best: list[_Scored | None] = [None] * rows
    single = np.zeros(rows)
    for window in WINDOWS if rows else ():
        differences = _differences(usual.value, usual.usual, window)
        errors = differences[:, -window - _ERROR_DAYS : -window]
        counted = np.isfinite(errors).sum(axis=1)
        is_known = (counted >= _LEAST_ERRORS) & np.isfinite(differences[:, -1])
        centre, spread = _centre_and_spread(errors, np.maximum(counted, 1))
        floor = np.where(is_amount, 0.0, np.sqrt(1 + -(-window // WEEK_DAYS) / _OBSERVATIONS))
        # Few windows of many days fit into half a year: their spread is not taken to be below that of single days.
        single = np.where(is_known, np.maximum(single, np.maximum(spread, floor)), single)
        for row in np.flatnonzero(is_known & (single > 0)):
            left = float(differences[row, -1] - centre[row])
            z = 0.0 if _recurs(differences[row], centre[row], left, single[row]) else left / float(single[row])
            chance = _two_sided(z, int(counted[row]))
            before = best[row]
            if before is None or chance < before.chance:
                best[row] = _Scored(window, z, chance, float(centre[row]))
    return best


def _centre_and_spread(errors: Floats, counted: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return median and spread of each row, whose missing values count for nothing."""
    centre = _quantile(errors, counted, 0.5)
    away = np.abs(errors - centre[:, None])
    return centre, np.maximum(_MAD * _quantile(away, counted, 0.5), _quantile(away, counted, _HIGH) / _HIGH_NORMAL)


def _quantile(rows: Floats, counted: npt.NDArray[np.int64], share: float) -> Floats:
    ordered = np.sort(rows, axis=1)
    at = share * (counted - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, counted - 1)
    first, second = (np.take_along_axis(ordered, place[:, None], axis=1)[:, 0] for place in (low, high))
    return np.asarray(first + (second - first) * (at - low), dtype=np.float64)


def _recurs(differences: Floats, centre: float, left: float, spread: float) -> bool:
    """Return whether the days stood out likewise a year before, or in two of the three months before, at about this time."""
    least = max(2 * spread, _LIKEWISE * abs(left))
    away = np.nan_to_num(differences - centre) * np.sign(left)

    def stood_out(days: int) -> bool:
        last = len(away) - 1 - days
        return last >= 0 and bool(away[max(0, last - _SLACK) : last + _SLACK + 1].max() >= least)

    return stood_out(YEAR_DAYS) or sum(stood_out(days) for days in _MONTHS) >= _MOST_MONTHS


def _two_sided(z: float, errors: int) -> float:
    from scipy.special import stdtr

    # A spread of few differences is itself uncertain.
    return float(2 * stdtr(6 + errors / 8, -abs(z)))


def _anomaly(usual: Usual, row: int, how: Watched, best: _Scored, chance: float) -> Anomaly | None:
    value, expected, base = usual.value[row], usual.usual[row], usual.base[row]
    lengths = [days for days in range(1, _LONGEST + 1) if np.isfinite(expected[-days:]).all()]
    away = [abs(float(_differences(value[-days:], expected[-days:], days)[-1]) - best.centre) for days in lengths]
    days = lengths[int(np.argmax(away))]
    over = float(base[-days:].sum())
    # Where the share has a trend, days without anything below the line differ from it, and say nothing.
    if over <= 0:
        return None
    root = float(np.sqrt(expected[-days:].sum() + _ANSCOMBE)) + best.centre / 2
    was = max(0.0, max(0.0, root) ** 2 - _ANSCOMBE) / over
    figure, dimension = usual.names[row]
    since = usual.as_of - timedelta(days=days - 1)
    anomaly = Anomaly(figure, dimension, since, float(value[-days:].sum()) / over, was, chance, abs(best.z))
    # What the surest days and the days since when tell differently, such as a fall within a good month, waits for more days.
    return anomaly if _is_told(anomaly, how) and (best.z > 0) == (anomaly.direction == "more") else None


def _is_told(anomaly: Anomaly, how: Watched) -> bool:
    return anomaly.direction in how.directions and abs(anomaly.now - anomaly.usual) >= LEAST_CHANGE * abs(anomaly.usual)


def _windows(figures: pl.DataFrame, watched: Mapping[str, Watched], as_of: date) -> Iterator[Anomaly | None]:
    """Yield the change within a week of the figures of 30 days of the whole community, with its own chance."""
    names: Sequence[str] = [name for name, how in watched.items() if how.kind == "window"]
    rows = figures.filter(pl.col("figure").is_in(list(names)), pl.col("dimension") == WHOLE)
    for figure, row in ((key[0], row) for key, row in _matrices(rows, as_of).items()):
        known = np.isfinite(row) & (row != 0)
        changes = np.where(known[WEEK_DAYS:] & known[:-WEEK_DAYS], row[WEEK_DAYS:] - row[:-WEEK_DAYS], np.nan)
        errors = changes[-WEEK_DAYS - _ERROR_DAYS : -WEEK_DAYS]
        errors = errors[np.isfinite(errors)]
        if len(errors) < 2 * _LEAST_ERRORS or not np.isfinite(changes[-1]):
            continue
        centre, spread = (float(one[0]) for one in _centre_and_spread(errors[None, :], np.array([len(errors)])))
        # Weeks overlap: seven changes hold the information of one.
        if spread > 0:
            z = (float(changes[-1]) - centre) / spread
            since = as_of - timedelta(days=WEEK_DAYS - 1)
            chance = _two_sided(z, len(errors) // 2)
            yield Anomaly(figure, WHOLE, since, float(row[-1]), float(row[-1 - WEEK_DAYS]), chance, abs(z))
