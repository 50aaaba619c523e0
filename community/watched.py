"""Which daily figures are watched for anomalies, in which direction, and which of them tell of one thing.

Figures that follow from watched ones are not watched themselves: `wau`, `mau` and `stickiness` from `dau`, `members` from
`new_members`. `messages` are the operator's own doing; that contacts stop to arrive shows in the rows of their table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Direction = Literal["less", "more"]
BOTH: Final[tuple[Direction, ...]] = ("less", "more")
# The figure of a table's rows by day, such as `rows.orders`.
ROWS: Final = "rows."
# A figure that a platform counts, such as `given.wechat/followers`.
GIVEN: Final = "given."
BAD_ANSWERS: Final = "bad_answers"
# Answers with a score, or a text that has a tone.
JUDGED_ANSWERS: Final = "judged_answers"


@dataclass(frozen=True)
class Watched:
    """How a figure is watched.

    Args:
        subject: What it tells of; of one subject and direction there is one alarm.
        kind: `count` of members or records of a day; `amount` of money; `share`, one count over another; `window`, a figure of
            30 days, whose change within a week is watched.
        bad: The direction that is bad; None where either may be.
        directions: In which direction a change is told.
        over: Of a share, the figure below the line.
        lag_days: So many days before is the figure below the line counted.
    """

    subject: str
    kind: Literal["count", "amount", "share", "window"] = "count"
    bad: Direction | None = "less"
    directions: tuple[Direction, ...] = BOTH
    over: str | None = None
    lag_days: int = 0


WATCHED: Final[Mapping[str, Watched]] = {
    "dau": Watched("activity"),
    "returning_members": Watched("activity"),
    "resurrected_members": Watched("activity"),
    "readers": Watched("activity"),
    "new_members": Watched("joining"),
    "joins": Watched("joining"),
    "first_time_members": Watched("joining"),
    "retention_d1": Watched("newcomers", "share", over="new_members", lag_days=1),
    "retention_d7": Watched("newcomers", "share", over="new_members", lag_days=7),
    "retention_d30": Watched("newcomers", "share", over="new_members", lag_days=30),
    "lost_members": Watched("leaving", bad="more"),
    "leaves": Watched("leaving", bad="more"),
    "contributors": Watched("contribution"),
    "creators": Watched("contribution"),
    "silent_share_30d": Watched("contribution", "window", bad="more"),
    "orders": Watched("commerce"),
    "buyers": Watched("commerce"),
    "spend": Watched("commerce", "amount"),
    "repeat_rate": Watched("commerce", "share", over="buyers"),
    "conversion_rate_30d": Watched("commerce", "window"),
    "refunds": Watched("refunds", "amount", bad="more"),
    "open_rate_30d": Watched("messages", "window"),
    "click_rate_30d": Watched("messages", "window"),
    # A survey brings many answers at once, which is no news; that none come any more is.
    "feedback_answers": Watched("answers", directions=("less",)),
    "feedback_score_30d": Watched("feedback", "window"),
    BAD_ANSWERS: Watched("feedback", "share", bad="more", over=JUDGED_ANSWERS),
}


def watched_rows(table: str) -> Watched:
    """Return how the rows of a table are watched: fewer than usual.

    Args:
        table: The table.
    """
    return Watched(f"{ROWS}{table}", directions=("less",))


def watched_given(figure: str) -> Watched:
    """Return how a figure of a platform is watched: which direction is bad only people know.

    Args:
        figure: The figure, with `GIVEN`.
    """
    # An amount, because a platform may give hundreds a day or millions in all: chance is learnt from its own past.
    return Watched(figure, "amount", bad=None)
