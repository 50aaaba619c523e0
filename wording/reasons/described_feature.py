"""The attributes of a feature that sentences use, as protocols: this room imports no other, so it does not know `Feature`."""

from __future__ import annotations

from typing import Protocol


class Saying(Protocol):
    """What a feature declares about its sentence."""

    @property
    def template(self) -> str:
        """Which sentence; "" for the one called like the feature."""

    @property
    def about(self) -> str:
        """The habit, the kind of activity or the part of the day that it is about."""

    @property
    def days(self) -> int | None:
        """The window."""


class DescribedFeature(Protocol):
    """A feature, with the attributes that sentences use."""

    @property
    def name(self) -> str:
        """The column."""

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""

    @property
    def unit(self) -> str:
        """The unit of its values."""

    @property
    def saying(self) -> Saying:
        """Its sentence."""
