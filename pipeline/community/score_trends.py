"""A member's scores 28 days before a night, as the night of then stored them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import polars as pl

from pipeline.stored_nights import NIGHT, SCORES
from runtime.run_context import RunContext
from wording.texts import fill

SCORE_NAMES: Final = ("activity_score", "influence_score", "commercial_score", "member_value_score")
_BEFORE_DAYS: Final = 28
# Of communities that do not run every night, an older one of the same week counts.
_OLDEST_DAYS: Final = 34


@dataclass(frozen=True)
class EarlierScores:
    """The scores of a member on an earlier night.

    Args:
        night: That night; None where none was stored.
        scores: Name of a score → its value, 0 to 100; those that the member did not have are left out.
    """

    night: date | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


def earlier_scores(run: RunContext, member_no: int) -> EarlierScores:
    """Return a member's scores of the newest night that is 28 to 34 days old.

    Args:
        run: The run of a night with lists.
        member_no: The member's number.
    """
    lake = run.workspace.lake
    oldest, newest = (run.as_of - timedelta(days=days) for days in (_OLDEST_DAYS, _BEFORE_DAYS))
    night = max((day for day in lake.days(SCORES, column=NIGHT) if oldest <= day <= newest), default=None)
    if night is None:
        return EarlierScores()
    stored = lake.scan(SCORES)
    names = [name for name in SCORE_NAMES if name in stored.collect_schema()]
    row = stored.filter((pl.col(NIGHT) == night) & (pl.col("member_no") == member_no)).select(names).collect()
    values = row.row(0, named=True) if row.height else {}
    return EarlierScores(night, {name: value for name, value in values.items() if value is not None})


def score_text(told: str, name: str, earlier: EarlierScores) -> str:
    """Add to a score in words what it was before, where that is known.

    Args:
        told: The score of tonight in words.
        name: Its name.
        earlier: The scores of the earlier night.
    """
    before = earlier.scores.get(name)
    return told if before is None else fill("card.score.before", now=told, before=before, night=earlier.night)
