"""What sentences read of a feature: this room knows no other, so features are known by their shape alone."""

from __future__ import annotations

from typing import Protocol


class Saying(Protocol):
    """What a feature declares of its sentence."""

    @property
    def template(self) -> str:
        """Which sentence; "" for the one called like the feature."""

    @property
    def about(self) -> str:
        """The habit, the kind of activity or the part of the day that it is about."""

    @property
    def days(self) -> int | None:
        """The window."""


class Said(Protocol):
    """A feature, as far as it is spoken of."""

    @property
    def name(self) -> str:
        """The column."""

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""

    @property
    def unit(self) -> str:
        """What one of it is."""

    @property
    def saying(self) -> Saying:
        """Its sentence."""
