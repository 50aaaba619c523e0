"""`[show]`: how many pieces of content a contact names, and how new they are."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field


class ShowPolicy(BaseModel):
    """`[show]`: the pieces of content that a contact names, where content has titles or topics."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pieces: int = Field(default=3, ge=0, le=10, description="Pieces that a member is shown at most; 0 for none.")
    window_days: int = Field(
        default=90,
        ge=7,
        le=730,
        description="Pieces published in so many days can be shown; what members like is read from the same days.",
    )

    def first_day(self, as_of: date) -> date:
        """Return the first day of the window that ends with the night."""
        return as_of - timedelta(days=self.window_days - 1)
