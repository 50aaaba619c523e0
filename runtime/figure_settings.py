"""What the daily figures ask of `evenfall.toml`: event types under `[community]`, and `[sources.figures]`."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from community.rates import FIGURE_NAMES
from lake.contracts import PLATFORM_FIGURES
from lake.sources.source_settings import SourceSettings


class FigureEvents(BaseModel):
    """Event types of `[community]` that only the daily figures ask for."""

    commenting_events: tuple[str, ...] = Field(
        default=("comment", "answer", "reply"), description="Event types that count as comments among the figures."
    )
    sharing_events: tuple[str, ...] = Field(
        default=("share", "forward", "repost"), description="Event types that count as sharing among the figures."
    )
    leaving_events: tuple[str, ...] = Field(
        default=("leave", "unsubscribe", "quit"), description="Event types by which a member leaves the community or a channel."
    )


def check_sources_of_figures(section: str, sources: Iterable[SourceSettings]) -> None:
    """Check what only sources of figures may say, and what they may not.

    Args:
        section: The table as `evenfall.toml` calls it.
        sources: Its sources.

    Raises:
        ValueError: With the mistake.
    """
    for source in sources:
        if section != PLATFORM_FIGURES.section:
            if source.figures:
                raise ValueError(f"`figures` is for [sources.figures]; {section} has a row for each record")
            continue
        if source.timezone is not None:
            raise ValueError("`timezone` is no setting of figures: a day is the day that the platform says")
        if source.whose_keys == "own":
            raise ValueError('`keys = "own"` is no setting of figures: call accounts by different names of `platform`')
        if PLATFORM_FIGURES.key in source.columns:
            raise ValueError(f"{PLATFORM_FIGURES.key} is made of day, figure and platform: leave it out of `columns`")
        for figure in source.figures:
            if figure in FIGURE_NAMES:
                raise ValueError(f"the figure {figure!r} is counted here already: call that of the platform otherwise")
