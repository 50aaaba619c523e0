"""Paths: the columns of an export, and the values nested in them, that an expression reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step into a nested value: a field's name or an index in a list (0 is the first), and whether the result is text."""

    key: str | int
    as_text: bool = False


@dataclass(frozen=True)
class Path:
    """A column, or a value nested in one.

    Args:
        names: The names joined by points: a column and fields in it, or one column whose own name contains points.
        steps: The steps written as arrows.
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return ".".join(self.names) + "".join(f" {'->>' if step.as_text else '->'} {step.key!r}" for step in self.steps)
