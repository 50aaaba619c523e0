"""How long a first answer takes, with pieces that still wait counted as waiting and not dropped.

Source: Kaplan & Meier (1958); interval of the curve by Greenwood's variance on the scale log(-log), of the median by Brookmeyer &
Crowley (1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from community.shares import Z95, wilson

Floats = npt.NDArray[np.float64]
DAY_HOURS: Final = 24.0
# Exactly half is reached, although a product of many shares may come out a little above it.
_HALF: Final = 0.5 + 1e-9


@dataclass(frozen=True)
class AnswerTimes:
    """How fast some pieces were answered.

    Args:
        pieces: Their number.
        answered: How many have an answer by now.
        day_share: Share answered within a day.
        day_share_low: Lower end of its 95 % interval.
        day_share_high: Upper end.
        median_hours: Hours after which half of them are answered; None where fewer than half ever were.
        median_hours_low: Lower end of its 95 % interval; None likewise.
        median_hours_high: Upper end; None where it is open.
    """

    pieces: int
    answered: int
    day_share: float
    day_share_low: float
    day_share_high: float
    median_hours: float | None
    median_hours_low: float | None
    median_hours_high: float | None


def answer_times(hours: Floats, is_answered: npt.NDArray[np.bool_]) -> AnswerTimes:
    """Estimate how fast pieces are answered.

    Args:
        hours: One value per piece: hours until its first answer, or until now where it has none.
        is_answered: Whether it has one.

    Raises:
        ValueError: There is no piece.
    """
    if not len(hours):
        raise ValueError("answer times need a piece")
    times, waiting, low, high = _curve(hours, is_answered)
    day = int(np.searchsorted(times, DAY_HOURS, side="right")) - 1
    share, share_low, share_high = (1 - waiting[day], 1 - high[day], 1 - low[day]) if day >= 0 else (0.0, 0.0, 0.0)
    if share in {0.0, 1.0}:
        share_low, share_high = wilson(share * len(hours), len(hours))
    return AnswerTimes(
        pieces=len(hours),
        answered=int(is_answered.sum()),
        day_share=float(share),
        day_share_low=float(share_low),
        day_share_high=float(share_high),
        median_hours=_first(times, waiting),
        median_hours_low=_first(times, low),
        median_hours_high=_first(times, high),
    )


def _curve(hours: Floats, is_answered: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the times of answers, the share that still waits after each, and its interval."""
    times, counts = np.unique(hours[is_answered], return_counts=True)
    # A piece whose wait ends at a time is still waiting just before it.
    at_risk = len(hours) - np.searchsorted(np.sort(hours), times, side="left")
    waiting: Floats = np.cumprod(1 - counts / at_risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(counts / (at_risk * (at_risk - counts)))
        spread = np.exp(Z95 * np.sqrt(variance) / np.abs(np.log(waiting)))
        low: Floats = np.where(waiting <= 0, 0.0, waiting**spread)
        high: Floats = np.where(waiting <= 0, 0.0, waiting ** (1 / spread))
    return times, waiting, low, high


def _first(times: Floats, waiting: Floats) -> float | None:
    """Return the first time at which at most half still wait; None where that never comes."""
    reached = np.flatnonzero(waiting <= _HALF)
    return float(times[reached[0]]) if len(reached) else None
