"""How the community is doing: activity, influence and commercial value, beside 28 days before, with intervals of the change.

A change is compared with the changes of the past year. Each is measured in standard errors of chance, so that a community that
has grown is judged by its size of today: members come and go, and the variance of a change between two periods is that of the sum
over members of what each adds to its logarithm (Taylor linearisation). By how much those earlier changes spread, all members
together having good and bad months, is how wide the interval is, with Student's quantile for as many changes as were seen. The
spread is Huber's (proposal 2), so that one exceptional month of the past year does not hide everything after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from community.absence import absence_factor
from community.member_periods import PERIODS
from lake.contracts import MINOR_UNITS_PER_UNIT

Floats = npt.NDArray[np.float64]

# Figure → what is summed over members, and whether that is divided by the active members.
FIGURES: Final[Mapping[str, tuple[str, bool]]] = {
    "active_members": ("active", False),
    "contributions_per_active": ("contributions", True),
    "connected_share": ("connected", True),
    "responses_per_active": ("responses", True),
    "absence_factor": ("contributions", False),
    "spend": ("spend_minor", False),
}
# A change has an interval from so many earlier changes on, and from so many members in each of the two periods.
_LEAST_CHANGES: Final = 4
_LEAST_MEMBERS: Final = 10
# How often a community that stays as it is may have a change called sure, on each side.
_ALPHA: Final = 0.025
# Farther from the median than so many times the spread counts as so far; the mean of their squares among normal values.
_FAR: Final = 1.3
_MEAN_SQUARE: Final = 0.6948
_STEPS: Final = 50


@dataclass(frozen=True)
class Change:
    """A change against the period before.

    Args:
        ratio: The change as a share of the value before; .1 is a tenth more.
        low: Lower end of its interval, which holds for all figures of a night together on 95 of 100 nights; None where too
            little is known.
        high: Upper end; None likewise.
    """

    ratio: float
    low: float | None = None
    high: float | None = None

    @property
    def is_sure(self) -> bool:
        """Tell whether the change is beyond what is usual."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Figure:
    """One figure of an assessment.

    Args:
        what: active_members, contributions_per_active, connected_share, responses_per_active, absence_factor or spend.
        now: Its value in the 28 days that end with the night; of spend in currency units.
        before: In the 28 days before; None where the community is not as old.
        year_before: In the 28 days that ended 52 weeks before; None likewise.
        change: From before to now; None where one of them is not above 0.
    """

    what: str
    now: float
    before: float | None = None
    year_before: float | None = None
    change: Change | None = None


@dataclass(frozen=True)
class ExpectedSpend:
    """What the members are expected to spend, beside what they spent.

    Args:
        days: The days of the horizon.
        expected: What all members are expected to spend within it, in currency units.
        low: Lower end of the interval that holds four times of five; None where the level is not known.
        high: Upper end; None likewise.
        spent: What they spent in as many days before; None where the community is not as old.
        spent_year_before: What they spent in the same days of the horizon 52 weeks before; None likewise.
    """

    days: int
    expected: float
    low: float | None = None
    high: float | None = None
    spent: float | None = None
    spent_year_before: float | None = None


@dataclass(frozen=True)
class Assessments:
    """The assessments of the community as a whole.

    Args:
        figures: The figures that the community has data for, in the order of a report.
        expected: Its commercial value; None without orders.
    """

    figures: tuple[Figure, ...]
    expected: ExpectedSpend | None = None


def assess(by_period: pl.DataFrame, *, known: int) -> tuple[Figure, ...]:
    """Assess the community; figures that it has no data for are left out.

    Args:
        by_period: One row per period and member_no, as `community.member_periods.by_member_and_period` returns it.
        known: How many periods are known as a whole, the newest included.
    """
    grid = _Grid.of(by_period.filter(pl.col("period") < min(known, PERIODS)))
    active = grid.amounts("active")
    series = {what: _series(grid, what, active) for what in FIGURES}
    told = {what: one for what, one in series.items() if one is not None}
    return tuple(_figure(what, one, known=min(known, PERIODS), comparisons=len(told)) for what, one in told.items())


@dataclass(frozen=True)
class _Grid:
    """What members did, as places in arrays of one row per period and one column per member.

    Args:
        rows: One row per member and period, in any order.
        positions: The position of each row's member.
        members: The number of members.
    """

    rows: pl.DataFrame
    positions: npt.NDArray[np.int64]
    members: int

    @classmethod
    def of(cls, by_period: pl.DataFrame) -> Self:
        """Return the grid of rows in any order; members are in the order of their numbers."""
        numbers = by_period["member_no"].to_numpy()
        is_there = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.bool_)
        is_there[numbers] = True
        return cls(by_period, (np.cumsum(is_there) - 1)[numbers], int(is_there.sum()))

    def amounts(self, column: str) -> Floats:
        """Return a column as one row per period and one column per member; 0 where a member did nothing."""
        amounts = np.zeros((PERIODS, self.members))
        amounts[self.rows["period"].to_numpy(), self.positions] = self.rows[column].to_numpy()
        return amounts


@dataclass(frozen=True)
class _Series:
    """A figure by period, the newest first; 0 where there was nothing.

    Args:
        values: One value per period.
        variance: The variance by chance of each change from the period before, of the logarithm.
        members: The members who were active in each period.
    """

    values: Floats
    variance: Floats
    members: Floats


def _series(grid: _Grid, what: str, active: Floats) -> _Series | None:
    """Return a figure by period; None for a community without data for it."""
    summed, is_per_active = FIGURES[what]
    amounts, members = grid.amounts(summed), active.sum(axis=1)
    if not amounts.any():
        return None
    if what == "absence_factor":
        factors = np.array([absence_factor(made[made > 0].astype(np.int64).tolist()) for made in amounts], dtype=np.float64)
        return _Series(factors, _as_counts(factors), members)
    totals, shares = amounts.sum(axis=1), _shares(amounts)
    if not is_per_active:
        return _Series(totals / (MINOR_UNITS_PER_UNIT if what == "spend" else 1), _variances(shares), members)
    values = np.divide(totals, members, out=np.zeros(PERIODS), where=members > 0)
    return _Series(values, _variances(shares - _shares(active)), members)


def _shares(amounts: Floats) -> Floats:
    """Return the share of each member in the total of the period; 0 in periods without a positive total."""
    totals = amounts.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(amounts, totals, out=np.zeros_like(amounts), where=totals > 0)
    return shares


def _variances(shares: Floats) -> Floats:
    """Return the variance of each change: who is in both periods counts with the difference, and nobody else is paired."""
    variances: Floats = np.square(shares[:-1] - shares[1:]).sum(axis=1)
    return variances


def _as_counts(values: Floats) -> Floats:
    """Return the variance of changes of counts that vary like independent ones."""
    inverse = np.divide(1.0, values, out=np.zeros(PERIODS), where=values > 0)
    variances: Floats = inverse[:-1] + inverse[1:]
    return variances


def _figure(what: str, series: _Series, *, known: int, comparisons: int) -> Figure:
    values = [float(value) for value in series.values]
    return Figure(
        what,
        values[0],
        values[1] if known > 1 else None,
        values[-1] if known == PERIODS else None,
        _change(series, known=known, comparisons=comparisons),
    )


def _change(series: _Series, *, known: int, comparisons: int) -> Change | None:
    now, before = (float(value) for value in series.values[:2])
    if known <= 1 or min(now, before) <= 0:
        return None
    ratio, variance = now / before - 1, float(series.variance[0])
    usual = _in_standard_errors(series)
    if len(usual) < _LEAST_CHANGES or min(series.members[:2]) < _LEAST_MEMBERS or variance <= 0:
        return Change(ratio)
    from scipy.special import stdtrit

    # A community that grows steadily is compared with its own growth, so that what its changes have in common is no spread.
    spread = _spread(usual)
    # One degree of freedom is lost to the median, and about one more because exceptional changes count less.
    width = float(stdtrit(len(usual) - 2, 1 - _ALPHA / comparisons)) * np.sqrt(variance) * spread
    middle = np.log(now / before)
    return Change(ratio, float(np.expm1(middle - width)), float(np.expm1(middle + width)))


def _in_standard_errors(series: _Series) -> Floats:
    """Return the earlier changes of the logarithm, each in standard errors of its own chance."""
    # Periods that are not known have the value 0, and no change.
    values, variance = series.values[1:], series.variance[1:]
    is_known = (values[:-1] > 0) & (values[1:] > 0) & (variance > 0)
    return np.log(values[:-1][is_known] / values[1:][is_known]) / np.sqrt(variance[is_known])


def _spread(values: Floats) -> float:
    """Return the standard deviation of values of which a few may be exceptional.

    Source: Huber (1981), section 6.4, proposal 2, about the median.
    """
    from_median: Floats = np.abs(values - np.median(values))
    spread = float(np.std(values, ddof=1))
    for _ in range(_STEPS):
        squares = np.square(np.minimum(from_median, _FAR * spread))
        spread = float(np.sqrt(squares.sum() / (_MEAN_SQUARE * (len(values) - 1))))
    return spread
