"""What changed in the figures since the period before, how sure that is, and in which groups most of it lies.

A change is told apart from chance first: what is counted varies by itself, a count of n by about √n (Poisson), a share p of n
members by √(p(1 − p)/n), money by as much as orders whose amounts are spread like an exponential distribution. Then from the
usual: a change is unusual where it is larger than every change of the figure from one period to the next of the last half year.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from math import sqrt
from typing import Final, Literal

import polars as pl

from community.breakdown import Part, parts_of_count, parts_of_rate
from community.figures import WHOLE
from community.key_figures import KEY_FIGURES, KeyFigure, period_figures
from features.calendar import WEEK_DAYS, YEAR_DAYS

# With twenty figures a night, what comes by chance one time in a hundred is news every fifth night; the usual makes it rarer.
_NORMAL_99: Final = 2.576
# With fewer changes behind it, nothing is known of what is usual.
_LEAST_CHANGES: Final = 8
PERIODS_BEHIND: Final = 26
_LARGE: Final = 2.0
# The groups that a change is divided by; `lifecycle` follows from activity itself and would explain it by itself.
DIMENSIONS: Final = ("platform", "source", "tier", "community")
Surprise = Literal["unknown", "nothing", "began", "ended", "steady", "usual", "unusual", "unproven"]
Size = Literal["small", "large"]
# What is worth a sentence of its own.
_NEWS: Final = frozenset({"began", "ended", "unusual", "unproven"})


@dataclass(frozen=True)
class Driver:
    """The group in which most of a change lies.

    Args:
        dimension: What kind of group, such as `platform`.
        value: Which one, such as `ios`.
        change: Its part of the change, in the unit of the figure.
        is_mix: Of a rate, whether the change lies in how many there are of the group, not in what it did.
        now: Of a rate, the group's own rate; of a mix, its share of all; of a count, its count.
        before: The same of the period before.
    """

    dimension: str
    value: str
    change: float
    is_mix: bool
    now: float
    before: float


@dataclass(frozen=True)
class FigureChange:
    """A key figure beside the period before and the same a year before.

    Args:
        figure: Its name.
        now: Its value of the period; shares 0 to 1, money in currency units.
        before: Of the period before; None where there is none.
        year_before: Of the same days a year before (364 days, so that weekdays agree); None where there is none.
        by_chance: How far it moves by chance alone, 99 times in 100; 0 where nothing is known.
        usual: How far it moved at most from one period to the next before; None with fewer than 8 such changes.
        past: Its values of the last periods, the oldest first, this one last; None where there is none.
        driver: Where most of the change lies; None where it lies in no group more than in others, or is no sure change.
    """

    figure: str
    now: float
    before: float | None
    year_before: float | None = None
    by_chance: float = 0.0
    usual: float | None = None
    past: tuple[float | None, ...] = ()
    driver: Driver | None = None

    @property
    def difference(self) -> float:
        """Return how much more it is than before; 0 where there is nothing before."""
        return 0.0 if self.before is None else self.now - self.before

    @property
    def surprise(self) -> Surprise:
        """Return how the change is to be taken; `unproven` is beyond chance while nothing is known of what is usual."""
        if self.before is None:
            return "unknown"
        if self.now == self.before == 0:
            return "nothing"
        moved = abs(self.difference)
        if moved <= self.by_chance or moved == 0:
            return "steady"
        if self.usual is not None and moved <= self.usual:
            return "usual"
        if self.now == 0 or self.before == 0:
            return "ended" if self.now == 0 else "began"
        return "unproven" if self.usual is None else "unusual"

    @property
    def changes_before(self) -> int:
        """Return how many changes from one period to the next are known from before."""
        return len(_moves(self.past[:-1]))

    @property
    def size(self) -> Size:
        """Return whether it has doubled or halved."""
        if not self.before or not self.now:
            return "small"
        return "large" if max(self.now / self.before, self.before / self.now) >= _LARGE else "small"

    @property
    def is_bad(self) -> bool:
        """Return whether a person should look at it: a change for the worse that is not usual."""
        worse = self.difference * KEY_FIGURES[self.figure].good < 0
        return worse and self.surprise in _NEWS

    @property
    def rank(self) -> float:
        """Return how remarkable the change is, for the order of headlines; 0 where it is none."""
        if self.surprise not in _NEWS:
            return 0.0
        return abs(self.difference) / max(self.by_chance, self.usual or 0.0, 1e-9)


def figure_changes(
    figures: pl.DataFrame, *, last: date, days: int = WEEK_DAYS, smallest_group: int = 1
) -> tuple[FigureChange, ...]:
    """Compare the key figures of a period with the period before, in the order of `KEY_FIGURES`; none where one is unknown.

    Args:
        figures: Rows of `community.rates.FIGURES_SCHEMA`.
        last: The last day of the period; later days are not looked at.
        days: The length of the period.
        smallest_group: Groups with fewer members name no cause of a change.
    """
    whole = figures.filter(pl.col("dimension") == WHOLE)
    behind = _by_figure(period_figures(whole, last=last, days=days, periods=PERIODS_BEHIND + 1))
    year = _by_figure(period_figures(whole, last=last - timedelta(days=YEAR_DAYS), days=days, periods=1))
    groups = period_figures(_of_dimensions(figures), last=last, days=days, periods=2)
    members = _members(figures, last)
    changes = []
    for name, key in KEY_FIGURES.items():
        periods = behind.get(name, {})
        if 0 not in periods:
            continue
        change = _change(name, key, periods, year.get(name, {}).get(0), orders=behind.get("orders", {}))
        driver = _driver(change, groups, periods, members, smallest_group) if change.rank else None
        changes.append(replace(change, driver=driver))
    return tuple(changes)


_Counts = dict[int, tuple[float, float | None]]


def _of_dimensions(figures: pl.DataFrame) -> pl.DataFrame:
    prefixes = "|".join(DIMENSIONS)
    return figures.filter(pl.col("dimension").str.contains(f"^({prefixes})="))


def _by_figure(periods: pl.DataFrame) -> dict[str, _Counts]:
    found: dict[str, _Counts] = {}
    for figure, _, period, of, over in periods.iter_rows():
        found.setdefault(figure, {})[period] = (of, over)
    return found


def _members(figures: pl.DataFrame, last: date) -> dict[str, float]:
    """Return how many members each group has at the end, and all have (`WHOLE`)."""
    rows = figures.filter(pl.col("day") == last, pl.col("figure") == "members").select("dimension", "value")
    return dict(rows.iter_rows())


def _value(counts: tuple[float, float | None]) -> float | None:
    of, over = counts
    return of if over is None else of / over if over else None


def _change(
    name: str, key: KeyFigure, periods: _Counts, year: tuple[float, float | None] | None, *, orders: _Counts
) -> FigureChange:
    past = tuple(_value(periods[n]) if n in periods else None for n in range(max(periods), -1, -1))
    now, before = past[-1], past[-2] if len(past) > 1 else None
    assert now is not None
    noise = 0.0
    if before is not None:
        noise = _NORMAL_99 * sqrt(sum(_variance(key, periods[n], orders.get(n)) for n in (0, 1)))
    return FigureChange(name, now, before, None if year is None else _value(year), noise, _usual(past[:-1]), past)


def _variance(key: KeyFigure, counts: tuple[float, float | None], orders: tuple[float, float | None] | None) -> float:
    """Return the variance that chance gives a period's value."""
    of, over = counts
    if key.of == "count":
        return of
    if key.of == "money":
        n = orders[0] if orders is not None else 0.0
        # A sum of n amounts spread exponentially, n itself by chance.
        return 2 * of**2 / n if n else 0.0
    assert over is not None
    if key.of == "score":
        # Of all scores from 0 to 10 with this mean, none vary more than nought and ten (Bhatia and Davis, 2000).
        mean = (of + 5) / (over + 1)
        return mean * (10 - mean) / over
    # One more with and one more without (Agresti and Caffo, 2000): none of three is not surely none.
    share = (of + 1) / (over + 2)
    return max(0.0, share * (1 - share)) / (over + 2)


def _usual(past: tuple[float | None, ...]) -> float | None:
    """Return how far the figure moved at most, before this period."""
    moved = _moves(past)
    return None if len(moved) < _LEAST_CHANGES else max(moved)


def _moves(past: tuple[float | None, ...]) -> list[float]:
    return [abs(after - before) for before, after in pairwise(past) if before is not None and after is not None]


def _driver(
    change: FigureChange, groups: pl.DataFrame, whole: _Counts, members: dict[str, float], smallest_group: int
) -> Driver | None:
    """Return the group in which most of a change lies, and more than its size explains; None where there is none."""
    best: tuple[float, Driver] | None = None
    for dimension in DIMENSIONS:
        own = _counts_of(groups, change.figure, dimension)
        sizes = {value: members.get(f"{dimension}={value}", 0.0) for value in own}
        shown = {value for value, size in sizes.items() if size >= smallest_group}
        rest = members.get(WHOLE, 0.0) - sum(sizes[value] for value in shown)
        # The others together would otherwise be a small group that can be computed.
        if not shown or 0 < rest < smallest_group:
            continue
        parts = _parts({value: own[value] for value in sorted(shown)}, whole)
        orders = _counts_of(groups, "orders", dimension)
        sure = tuple(part for part in parts if part.value is not None and _is_sure(change.figure, part, own[part.value], orders))
        found = _most(change, dimension, sure)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    return None if best is None else best[1]


def _is_sure(figure: str, part: Part, counts: _Counts, orders: dict[str, _Counts]) -> bool:
    """Return whether a group's own change is more than chance; a share of the whole is left to the change of the whole."""
    assert part.value is not None
    key, own_orders = KEY_FIGURES[figure], orders.get(part.value, {})
    known = [(n, counts[n]) for n in (0, 1) if n in counts and counts[n][1] != 0]
    noise = _NORMAL_99 * sqrt(sum(_variance(key, one, own_orders.get(n)) for n, one in known))
    return abs(part.now - part.before) > noise or abs(part.mix) > abs(part.rate)


def _counts_of(groups: pl.DataFrame, figure: str, dimension: str) -> dict[str, _Counts]:
    prefix = f"{dimension}="
    found: dict[str, _Counts] = {}
    own = groups.filter(pl.col("figure") == figure, pl.col("dimension").str.starts_with(prefix))
    for _, name, period, of, over in own.iter_rows():
        found.setdefault(name.removeprefix(prefix), {})[period] = (of, over)
    return found


def _parts(groups: dict[str, _Counts], whole: _Counts) -> tuple[Part, ...]:
    is_rate = whole[0][1] is not None
    nothing: tuple[float, float | None] = (0.0, 0.0 if is_rate else None)
    cells = {value: (counts.get(0, nothing), counts.get(1, nothing)) for value, counts in groups.items()}
    if is_rate:
        return parts_of_rate({value: _rates(pair) for value, pair in cells.items()}, _rates((whole[0], whole[1])))
    return parts_of_count({value: (now[0], before[0]) for value, (now, before) in cells.items()}, (whole[0][0], whole[1][0]))


def _rates(
    pair: tuple[tuple[float, float | None], tuple[float, float | None]],
) -> tuple[tuple[float, float], tuple[float, float]]:
    (now, now_over), (before, before_over) = pair
    return (now, now_over or 0.0), (before, before_over or 0.0)


# Most of a change is half of it or more, and so much more than the group's share of the whole.
_MOST: Final = 0.5
_MORE_THAN_ITS_SHARE: Final = 0.15


def _most(change: FigureChange, dimension: str, parts: tuple[Part, ...]) -> tuple[float, Driver] | None:
    best: tuple[float, Driver] | None = None
    for part in parts:
        assert part.value is not None
        for of_change, is_mix, now, before in (
            (part.rate, False, part.now, part.before),
            (part.mix, True, part.share_now, part.share_before),
        ):
            share = of_change / change.difference
            excess = share - part.share_before
            if share >= _MOST and excess >= _MORE_THAN_ITS_SHARE and (best is None or excess > best[0]):
                best = (excess, Driver(dimension, part.value, of_change, is_mix, now, before))
    return best
