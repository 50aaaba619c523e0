"""English of how an action is ranked: by what is at stake, or by whom it moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RANKING: Final[Mapping[str, str]] = {
    "ranking.uplift": "{action} goes first to members whom it moves: judged by {n:number} later decisions, that order surely "
    "gains more than the order by what is at stake (Qini {qini} against {champion}, difference {low} to {high}).",
    "ranking.stake": "{action} goes first to members for whom most is at stake: judged by {n:number} later decisions, a model of "
    "whom it moves is not surely better (Qini {qini} against {champion}, difference {low} to {high}).",
}
