"""What counts as a piece that wants an answer, as an answer, and as reading; `[content]` of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

QUESTION: Final = "question"


class ContentPolicy(BaseModel):
    """`[content]`: how answers and the quality of content are measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content_days: int = Field(
        default=90, ge=57, le=365, description="Pieces published in so many days ending with as_of are looked at."
    )
    unanswered_after_hours: int = Field(
        default=24, ge=1, le=24 * 28, description="A piece without an answer for so many hours is on the list of unanswered ones."
    )
    asks_formats: tuple[str, ...] = Field(
        default=(QUESTION,),
        description="Formats of content that want an answer; where no content has one of them, every piece wants one.",
    )
    answer_events: tuple[str, ...] | None = Field(
        default=None,
        description="Event types that answer the piece they are about; by default `[community] posting_events` but question.",
    )
    reading_events: tuple[str, ...] = Field(
        default=("read", "view", "impression"),
        description="Event types by which a piece was seen, not responded to; they say how many people it reached.",
    )

    def answering(self, posting_events: Sequence[str]) -> tuple[str, ...]:
        """Return the event types that are answers.

        Args:
            posting_events: The community's event types of posting.
        """
        if self.answer_events is not None:
            return self.answer_events
        return tuple(name for name in posting_events if name != QUESTION)
