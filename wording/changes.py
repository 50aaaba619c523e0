"""Why a member's tier or risk class changed, or why the member came onto the contact list or left it."""

from __future__ import annotations

import polars as pl

from wording.columns import SentenceContext, cases, join, rounded, sentence_case


def why_changed(context: SentenceContext) -> pl.Expr:
    """Say why, from the columns of a change; null where nothing is known about it.

    "Value score up from 61 to 72." "No order for 61 days." "Win back: last seen 41 days ago."
    """
    what = pl.col("what")
    said = (
        pl.when(what == "tier")
        .then(_tier(context))
        .when(what == "churn_risk")
        .then(_churn_risk(context))
        .when(what == "contact_list")
        .then(_contact_list(context))
    )
    return _finished(sentence_case(said), context)


def _tier(context: SentenceContext) -> pl.Expr:
    before, now = context.number("score_before"), context.number("score_after")
    moved = rounded(now) - rounded(before)
    known = cases(
        (moved > 0, context.say("change.score.up", n=now, before=before)),
        (moved < 0, context.say("change.score.down", n=now, before=before)),
        (moved == 0, context.say("change.score.same", n=now, before=before)),
        otherwise=context.say("change.score", n=now),
    )
    return cases((pl.col("after").is_null(), context.say("change.not_profiled")), otherwise=known)


def _churn_risk(context: SentenceContext) -> pl.Expr:
    now, before = context.number("probability_after"), context.number("probability_before")
    # Of 60.4 % and 59.6 % one reads the same figure twice.
    is_close = rounded(100 * now) == rounded(100 * before)
    figures = cases(
        (is_close, context.say("change.risk.close", n=now)), otherwise=context.say("change.risk", n=now, before=before)
    )
    return cases(
        (pl.col("after").is_null() & ~pl.col("is_profiled"), context.say("change.not_profiled")),
        (pl.col("after").is_null(), context.say("change.not_scored")),
        (pl.col("before").is_null(), context.say("change.scored")),
        (pl.col("text").is_not_null(), pl.col("text")),
        otherwise=figures,
    )


def _contact_list(context: SentenceContext) -> pl.Expr:
    action = sentence_case(pl.col("action").str.replace_all("_", " ", literal=True))
    entered = cases(
        (action.is_not_null(), context.say("change.listed", action=action, reason=pl.col("text"))), otherwise=pl.col("text")
    )
    prefix = "suppressed."
    rules = {
        key.removeprefix(prefix).replace("_", " "): text
        for key, text in context.catalogue.sentences.items()
        if key.startswith(prefix)
    }
    left = pl.col("text").replace(rules)
    # Without a reason the action alone.
    return cases((pl.col("text").is_null(), action), (pl.col("after").is_null(), left), otherwise=entered)


def _finished(sentence: pl.Expr, context: SentenceContext) -> pl.Expr:
    is_finished = sentence.str.contains(r"[.!?…]$")
    return cases((is_finished, join(sentence)), otherwise=context.say("change.end", sentence=sentence))
