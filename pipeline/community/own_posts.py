"""How the posts of one member were answered, for the member's card."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from community.answer_times import answer_times
from pipeline.community.content import read_answers
from pipeline.history.daily_rollups import members_known
from runtime.run_context import RunContext


@dataclass(frozen=True)
class OwnPosts:
    """The posts of a member that wanted an answer, in the window that ends with the night.

    Args:
        posts: Their number.
        answered: How many somebody else has answered.
        waiting: How many wait for longer than the policy allows.
        median_hours: Hours after which half of them were answered; None where fewer were.
    """

    posts: int
    answered: int
    waiting: int
    median_hours: float | None


def own_posts(run: RunContext, member_no: int) -> OwnPosts | None:
    """Return how the posts of a member who may be profiled were answered; None where the member had none in the window.

    Args:
        run: The run of a night; nothing is written.
        member_no: The member.
    """
    known = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    read = read_answers(run, known.filter(pl.col("member_no") == member_no).select("member_no", "member_id", "seen_from"))
    if read is None or read[2].is_empty():
        return None
    answers = read[2]
    times = answer_times(answers["waited_hours"].to_numpy(), answers["is_answered"].to_numpy())
    return OwnPosts(times.pieces, times.answered, int(answers["is_unanswered"].sum()), times.median_hours)
