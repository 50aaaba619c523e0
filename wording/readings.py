"""What a figure is called where it is judged: with the days over which it is read."""

from __future__ import annotations

from wording.texts import fill, label, name


def reading_name(figure: str, group: str = "", *, how: str | None = None) -> str:
    """Name the reading of a figure: `Members active within 30 days (tier: gold)`.

    Args:
        figure: The figure; one of a platform is called by its own name.
        group: The dimension, such as `tier=gold`; empty for the whole community.
        how: How one of a platform is read: `day`, `mean` or `sum`; None for one of the catalogue.
    """
    reading = _reading(figure, how)
    if not group:
        return reading
    grouping, _, value = group.partition("=")
    return fill(f"reading.in.{grouping}", reading=reading, group=name(value))


def _reading(figure: str, how: str | None) -> str:
    if how is None:
        return fill(f"reading.{figure}")
    return label(figure) if how == "day" else fill(f"reading.of_platform.{how}", figure=label(figure))
