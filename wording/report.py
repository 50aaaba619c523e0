"""Sentences of the report and of the pages beside it that depend on more than one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from wording import numbers
from wording.language import current
from wording.texts import fill, label, listing, name

_ABOUT_THE_SAME: Final = 0.005


def change(now: float, before: float, *, of: Literal["members", "spend"]) -> str:
    """Compare a week with the one before: `3 % fewer than the week before`, `about the same as …` within half a percent.

    Args:
        now: This week's amount.
        before: That of the week before.
        of: What is compared: members are fewer and as many, spend is less and as much.
    """
    if before <= 0:
        return fill("change.none_before" if now else "change.none")
    ratio = now / before - 1
    if abs(ratio) < _ABOUT_THE_SAME:
        return fill("change.steady")
    if ratio >= 1:
        return fill(f"change.{of}.times", times=numbers.number(now / before, digits=1).removesuffix(".0"))
    return fill(f"change.{of}.{'more' if ratio > 0 else 'less'}", share=abs(ratio))


def checks_summary(*, stopped: Sequence[str], read: int, quarantined: int) -> str:
    """Say in one sentence how the checks of a night went.

    Args:
        stopped: The tables that stopped the run.
        read: Rows read, of all tables.
        quarantined: Rows set aside, of all tables.
    """
    if stopped:
        return fill("checks.summary.stopped", tables=listing(stopped))
    if read == 0:
        return fill("checks.summary.nothing")
    if quarantined == 0:
        return fill("checks.summary.clear", n=read)
    return fill("checks.summary.set_aside", aside=quarantined, n=read, share=numbers.share(quarantined, read))


def calibration_band(band: str) -> str:
    """Name a band of members whose probabilities are judged: everybody, a time since joining, or a tier."""
    return fill(f"calibration.band.{band}") if band in _BANDS else label(band)


def missing_name(part: str) -> str:
    """Name what a member lacks for a tier, as in the middle of a sentence.

    Args:
        part: The column that counts it.
    """
    key = f"rising.part.{part}"
    return fill(key) if key in current().sentences else name(part)


_BANDS: Final = ("everybody", "new", "first_year", "longer")
