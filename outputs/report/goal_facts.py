"""Goals as plain data for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from community.goals import Judged


@dataclass(frozen=True)
class GoalFacts:
    """A goal, how it stands tonight, and how it stood.

    Args:
        judged: Tonight's judgement.
        chances: Night → the chance it found, of all nights up to tonight with this target and day, in their order.
    """

    judged: Judged
    chances: Mapping[date, float]
