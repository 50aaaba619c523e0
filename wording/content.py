"""Sentences on content that depend on more than their placeholders: hours, places in the week."""

from __future__ import annotations

from typing import Final

from wording.numbers import DASH
from wording.texts import fill

_HOURS_UNTIL: Final = 48
_DAY_HOURS: Final = 24


def hours_text(hours: float | None) -> str:
    """Write a wait: `under an hour`, `5 hours`, `3 days`; a dash where it is not known."""
    if hours is None:
        return DASH
    if hours < 1:
        return fill("content.under_an_hour")
    if hours < _HOURS_UNTIL:
        return fill("content.hours", n=round(hours))
    return fill("content.days", n=round(hours / _DAY_HOURS))


def place_name(of: str, value: str | int) -> str:
    """Name where or when something was posted: `“cider”`, `the channel “help”`, `Mondays`, `21:00 to 22:00`."""
    if of == "hour":
        first = int(value)
        return fill("content.hour", first=f"{first:02d}", last=f"{(first + 1) % 24:02d}")
    if of == "weekday":
        return fill(f"content.weekday.{value}")
    return fill("content.channel" if of == "channel" else "content.named", name=value)
