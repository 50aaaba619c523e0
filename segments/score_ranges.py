"""How sure the activity score and the commercial score of a member are: ranges that hold eight times of ten.

Activity is what a member happened to do: the same habits give another count in another month. How often a member comes is
estimated from the days with activity among the days of the window, beginning with what is usual in the comparison group
(beta-binomial, the prior by moments); a tenth of what the rate may be lies below the range and a tenth above. Other counts of the
same window move with the days. Windows end on the same night, so that counts of a short and of a long one go together as far as
they share days.

The commercial score is moved by what the member will spend: the range of the expected spend is that of the score, the others
spending what is expected of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.scores import ScorePolicy, is_compared, money

Floats = npt.NDArray[np.float64]

ACTIVITY_RANGE: Final = ("activity_low", "activity_high")
COMMERCIAL_RANGE: Final = ("commercial_low", "commercial_high")
_EXPECTED_RANGE: Final = ("expected_value_low", "expected_value_high")
_TAILS: Final = (0.1, 0.9)
_WINDOW: Final = re.compile(r"(.+)_(\d+)d")
_DAYS: Final = "active_days"
_COUNT: Final = re.compile(r".*_count|posts")
# Members who are all alike, or who each come always or never, have a prior of a finite weight all the same.
_LIKENESS: Final = (0.001, 0.99)


def add_score_ranges(scored: pl.DataFrame, *, policy: ScorePolicy) -> pl.DataFrame:
    """Add `ACTIVITY_RANGE` and `COMMERCIAL_RANGE`, as far as the community has what they are made of.

    One row per member in, the same rows and order out; 0 to 100, the score between both ends. Null of who is not eligible, as a
    silence that long is no chance, and where there is no range of the expected spend.

    Args:
        scored: Members with scores, as `segments.scores.add_scores` returns them.
        policy: The weights; a commercial score with weights of its own has no range.
    """
    compared = scored.select(is_compared()).to_series().to_numpy()
    ranges = [*_activity(scored, policy, compared), *_commercial(scored, policy, compared)]
    return scored.with_columns(ranges)


@dataclass(frozen=True)
class _Ranks:
    """Mid-rank percentiles in the comparison group, on a line between its values.

    Args:
        values: The different values of the group, ascending.
        ranks: Their percentiles.
    """

    values: Floats
    ranks: Floats

    @classmethod
    def of(cls, group: Floats) -> Self:
        values, counts = np.unique(group, return_counts=True)
        return cls(values, (np.cumsum(counts) - counts / 2) / max(group.size, 1) * 100)

    def __call__(self, values: Floats) -> Floats:
        return np.interp(values, self.values, self.ranks)


@dataclass(frozen=True)
class _Part:
    """One weighted feature of the activity score.

    Args:
        weight: Its weight.
        is_count: Whether it is a count, which another month would give otherwise.
        window_days: Its window.
        rank: The percentile of each member.
        down: How far below it the range begins; 0 where the feature is no count.
        up: How far above it ends.
    """

    weight: float
    is_count: bool
    window_days: int
    rank: Floats
    down: Floats
    up: Floats


def _activity(scored: pl.DataFrame, policy: ScorePolicy, compared: npt.NDArray[np.bool_]) -> Iterator[pl.Series]:
    if not compared.any():
        return
    weights = {name: weight for name, weight in policy.activity_weights.items() if name in scored.columns and weight > 0}
    parts = [_part(scored, name, weight, compared) for name, weight in weights.items()]
    if not any(part.is_count for part in parts):
        return
    total = sum(part.weight for part in parts)
    mean = sum((part.weight * part.rank for part in parts), np.zeros(scored.height)) / total
    ranks = _Ranks.of(mean[compared])
    down, up = (_together([getattr(part, way) for part in parts], parts) / total for way in ("down", "up"))
    yield from _around(_of_eligible(scored, "activity_score"), ACTIVITY_RANGE, (ranks(mean - down), ranks(mean + up)))


def _together(widths: list[Floats], parts: list[_Part]) -> Floats:
    """Add the widths of parts that share the days of the shorter window: independent days, to first order."""
    squares = np.zeros_like(widths[0])
    for (a, one), (b, other) in product(zip(parts, widths, strict=True), repeat=2):
        windows = sorted((a.window_days, b.window_days))
        squares += a.weight * b.weight * np.sqrt(windows[0] / windows[1]) * one * other
    return np.asarray(np.sqrt(squares), dtype=np.float64)


def _part(scored: pl.DataFrame, name: str, weight: float, compared: npt.NDArray[np.bool_]) -> _Part:
    count = _floats(scored[name])
    ranks = _Ranks.of(count[compared])
    rank = ranks(count)
    found = _WINDOW.fullmatch(name)
    days = f"{_DAYS}_{found[2]}d" if found else ""
    is_count = found is not None and (found[1] == _DAYS or _COUNT.fullmatch(found[1]) is not None)
    if found is None or not is_count or days not in scored.columns:
        return _Part(weight, False, int(found[2]) if found else 1, rank, np.zeros_like(rank), np.zeros_like(rank))
    window, came = int(found[2]), _floats(scored[days])
    low, high = _days_range(came, window, came[compared])
    if found[1] != _DAYS:
        # Of who did not come, as many a day as is usual.
        usual = float(np.sum(count[compared])) / max(float(np.sum(came[compared])), 1.0)
        a_day = np.divide(count, came, out=np.full_like(count, usual), where=came > 0)
        low, high = low * a_day, high * a_day
    return _Part(weight, True, window, rank, rank - np.minimum(ranks(low), rank), np.maximum(ranks(high), rank) - rank)


def _days_range(came: Floats, window_days: int, group: Floats) -> tuple[Floats, Floats]:
    """Return the range of the days on which members with the same habits come in a window, one entry per member."""
    from scipy.special import betaincinv

    share = float(np.clip(np.mean(group) / window_days, 0.5 / (window_days + 1), 1 - 0.5 / (window_days + 1)))
    variance = window_days * share * (1 - share)
    likeness = float(np.clip((np.var(group) / variance - 1) / max(window_days - 1, 1), *_LIKENESS))
    prior = 1 / likeness - 1
    # Days are whole numbers: a table of each of them is looked up.
    days = np.arange(window_days + 1)
    low, high = (
        window_days * betaincinv(share * prior + days, (1 - share) * prior + window_days - days, tail) for tail in _TAILS
    )
    positions = np.clip(came, 0, window_days).astype(np.int64)
    return np.minimum(low, days)[positions], np.maximum(high, days)[positions]


def _commercial(scored: pl.DataFrame, policy: ScorePolicy, compared: npt.NDArray[np.bool_]) -> Iterator[pl.Series]:
    is_ranged = set(_EXPECTED_RANGE) <= set(scored.columns) and scored[_EXPECTED_RANGE[0]].count() > 0
    if policy.commercial_weights is not None or not compared.any() or not is_ranged:
        return
    ranks = _Ranks.of(_floats(money(scored).filter(pl.Series(compared)).drop_nulls()))
    ends = [money(scored.with_columns(expected_value=pl.col(name))) for name in _EXPECTED_RANGE]
    is_known = pl.Series(scored[_EXPECTED_RANGE[0]].is_not_null())
    score = _of_eligible(scored, "commercial_score").set(~is_known, None)
    yield from _around(score, COMMERCIAL_RANGE, (ranks(_floats(ends[0])), ranks(_floats(ends[1]))))


def _of_eligible(scored: pl.DataFrame, score: str) -> pl.Series:
    return scored[score].set(~scored["is_eligible"].fill_null(value=False), None)


def _around(score: pl.Series, names: tuple[str, str], ends: tuple[Floats, Floats]) -> Iterator[pl.Series]:
    """Yield both ends of a range around a score; null where there is none."""
    own = score.fill_null(0.0).to_numpy()
    for name, end, widen in zip(names, ends, (np.minimum, np.maximum), strict=True):
        yield pl.Series(name, widen(end, own), dtype=pl.Float64).set(score.is_null(), None)


def _floats(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(0.0).to_numpy()
