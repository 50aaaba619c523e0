"""Sentences on content that depend on more than their placeholders: hours, places in the week."""

from __future__ import annotations

from typing import Final

from wording.numbers import DASH, number
from wording.texts import fill

_HOURS_UNTIL: Final = 48
_DAY_HOURS: Final = 24
# From so many on a mean is written without decimals.
_WHOLE_FROM: Final = 10


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


def posts_name(of: str, group: str) -> str:
    """Name the posts of a group, at the start of a line: `Posts on “cider”`, `Posts on Mondays`, `Posts from 21:00 to 22:00`."""
    if of == "title":
        return fill(f"works.posts.title.{group}")
    name = place_name(of, int(group)) if of in {"weekday", "hour"} else group
    return fill(f"works.posts.{of}", name=name)


def people_a_week(mean: float) -> str:
    """Write a mean of people a week: `0.4`, `3`, `12`."""
    return number(mean, digits=0 if mean >= _WHOLE_FROM or mean == round(mean) else 1)
