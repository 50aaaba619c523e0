"""What is shown to a member: how a piece is called in a message, and by which rule pieces were chosen."""

from __future__ import annotations

from typing import Final

import polars as pl

from wording.columns import SentenceContext
from wording.texts import fill

_LONGEST_TITLE: Final = 80


def piece_label(context: SentenceContext) -> pl.Expr:
    """Call a piece by its title; with its id where another piece has the same title, or where only its topic is known.

    The frame has content_id, topic, title and is_repeated.
    """
    title = pl.col("title")
    short = pl.when(title.str.len_chars() > _LONGEST_TITLE).then(title.str.head(_LONGEST_TITLE - 1) + "…").otherwise(title)
    with_id = context.say("show.with_id", title=pl.coalesce(short, "topic"), id=pl.col("content_id"))
    return pl.when(title.is_null() | pl.col("is_repeated")).then(with_id).otherwise(short)


def rule_sentence(rule: str, *, members: int, hit_rate: float | None, simplest_hit_rate: float | None, is_simplest: bool) -> str:
    """Say by which rule pieces were chosen, and how that rule did on the community's past.

    Args:
        rule: The rule.
        members: Members it was tested on.
        hit_rate: Share of them to whom it named a piece they came to; None where they were too few.
        simplest_hit_rate: The same of the simplest rule.
        is_simplest: Whether it is the simplest rule itself.
    """
    called = fill(f"show.rule.{rule}")
    if hit_rate is None:
        return fill("show.untested", rule=called, n=members)
    key = "show.simplest" if is_simplest else "show.better"
    return fill(key, rule=called, n=members, hits=hit_rate, simplest=simplest_hit_rate)
