"""What a figure is called where it is judged: with the days over which it is read."""

from __future__ import annotations

from wording.texts import fill, label, name


def reading_name(figure: str, group: str = "") -> str:
    """Name the reading of a figure: `Members active within 30 days (tier: gold)`.

    Args:
        figure: The figure; one that the catalogue lacks, such as a platform's own, is called by its own name.
        group: The dimension, such as `tier=gold`; empty for the whole community.
    """
    try:
        reading = fill(f"reading.{figure}")
    except KeyError:
        reading = label(figure)
    if not group:
        return reading
    grouping, _, value = group.partition("=")
    return fill(f"reading.in.{grouping}", reading=reading, group=name(value))
