"""The event types by which `[community]` says what the daily figures count."""

from __future__ import annotations

from pydantic import BaseModel, Field


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
