"""How wide text is on a terminal and in a spreadsheet: a Chinese character takes two cells."""

from __future__ import annotations

from typing import Final
from unicodedata import east_asian_width

_WIDE: Final = ("W", "F")


def cells(text: str) -> int:
    """Return the cells that a text takes in type of one width."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(one) in _WIDE else 1 for one in text)


def left(text: str, width: int) -> str:
    """Put a text at the left of so many cells."""
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """Put a text at the right of so many cells."""
    return " " * (width - cells(text)) + text
