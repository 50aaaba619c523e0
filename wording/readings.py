"""What a figure is called where it is judged: with the days over which it is read."""

from __future__ import annotations

from typing import Literal

from wording.english import ENGLISH
from wording.texts import fill, label, name


def figure_name(figure: str) -> str:
    """Name a figure; one that the catalogue lacks, such as a platform's own, by its own name."""
    key = f"figure.{figure}"
    return fill(key) if key in ENGLISH.sentences else label(figure)


def reading_name(figure: str, group: str = "", *, how: Literal["day", "mean", "sum"]) -> str:
    """Name the reading of a figure: `Orders within 28 days (tier gold)`.

    Args:
        figure: The figure.
        group: The dimension, such as `tier=gold`; empty for the whole community.
        how: How it is read, as `community.readings.reading_of` says; what is read as it is on the day goes by its name alone.
    """
    named = figure_name(figure)
    reading = named if how == "day" else fill(f"reading.{how}", figure=named)
    if not group:
        return reading
    grouping, _, value = group.partition("=")
    return fill(f"reading.in.{grouping}", reading=reading, group=name(value))
