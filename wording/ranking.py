"""How an action is ranked, in one sentence."""

from __future__ import annotations

from typing import Final

from wording import numbers
from wording.catalogue import Catalogue
from wording.texts import fill

_DIGITS: Final = 4


def ranking_line(
    action: str,
    *,
    accepted: bool,
    decisions: int,
    qini: float,
    champion_qini: float,
    low: float,
    high: float,
    catalogue: Catalogue | None = None,
) -> str:
    """Say by what an action is ranked, and why.

    Args:
        action: The name of the action.
        accepted: Whether uplift ranks it.
        decisions: The decisions that it was judged by.
        qini: Qini of the uplift ranking.
        champion_qini: Qini of the ranking by what is at stake.
        low: Lower bound of their difference.
        high: Upper bound.
        catalogue: The language; None for the one that is spoken.
    """
    return fill(
        "ranking.uplift" if accepted else "ranking.stake",
        catalogue=catalogue,
        action=action,
        n=decisions,
        qini=numbers.number(qini, digits=_DIGITS),
        champion=numbers.number(champion_qini, digits=_DIGITS),
        low=numbers.number(low, digits=_DIGITS),
        high=numbers.number(high, digits=_DIGITS),
    )
