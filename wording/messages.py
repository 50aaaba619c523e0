"""Messages of actions, filled for a member: the operator's own text with the member's values in place of the placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Final

import polars as pl

from wording.catalogue import Catalogue
from wording.columns import SentenceContext, cases

_PREFIX: Final = "action."
_MONEY: Final = frozenset({"expected_value", "spend_365d"})
_SHARES: Final = frozenset({"churn_probability"})
_SHOW: Final = "show"
# Between two sentences; the blank of a language that has one belongs to the second.
_END_OF_SENTENCE: Final = re.compile(r"(?<=[.!?])(?=\s)|(?<=[。！？])")
_DAYS_AGO: Final[Mapping[str, str]] = {"last_seen": "days_since_last_activity", "joined": "tenure_days"}


def default_messages(catalogue: Catalogue) -> dict[str, str]:
    """Return the messages of the default actions: action → template.

    Under `show` is the sentence on what to show, with the blank before it in a language that has one between sentences.
    """
    messages = {key.removeprefix(_PREFIX): text for key, text in catalogue.sentences.items() if key.startswith(_PREFIX)}
    return {**messages, _SHOW: catalogue.sentences["form.sentences"].format(before="", after=messages[_SHOW])}


def fill_message(message: str, context: SentenceContext, *, community: str) -> pl.Expr:
    """Fill a message with the columns of a member; a value that is not known is said to be unknown.

    A member to whom there is nothing to show does not get the sentences that say what.

    Args:
        message: Text with placeholders, checked before.
        context: What sentences may draw on; its columns are those of the members.
        community: The name of the community.
    """
    if _SHOW not in _names(message):
        return _filled(message, context, community)
    without = _filled(_without_show(message, context), context, community)
    if _SHOW not in context.columns:
        return without
    return pl.when(pl.col(_SHOW).is_null()).then(without).otherwise(_filled(message, context, community))


def _without_show(message: str, context: SentenceContext) -> str:
    """Leave out the sentences that say what to show; a message of nothing else says it in general."""
    left = "".join(sentence for sentence in _END_OF_SENTENCE.split(message) if _SHOW not in _names(sentence)).strip()
    return left or message.replace(f"{{{_SHOW}}}", context.catalogue.sentences["message.nothing_to_show"])


def _names(message: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(message)}


def _filled(message: str, context: SentenceContext, community: str) -> pl.Expr:
    parts = []
    for text, name, _, _ in Formatter().parse(message):
        parts += [pl.lit(text)] if text else []
        if name == "community":
            parts.append(pl.lit(community))
        elif name is not None:
            parts.append(_value(name, context))
    return pl.concat_str(parts) if parts else pl.lit("")


def days_ago(days: pl.Expr, context: SentenceContext) -> pl.Expr:
    """Write how long ago something was, in days: today, yesterday, 41 days ago."""
    return cases(
        (days == 0, context.say("ago.today")),
        (days == 1, context.say("ago.yesterday")),
        otherwise=context.say("ago.days", n=days),
    )


def _value(name: str, context: SentenceContext) -> pl.Expr:
    unknown = pl.lit(context.catalogue.sentences["message.unknown"])
    if name in _DAYS_AGO:
        return days_ago(context.number(_DAYS_AGO[name]), context).fill_null(unknown)
    if name not in context.columns:
        return unknown
    if name == "display_name":
        # Nobody is addressed by a guess: without a name the operator sees which member is meant.
        return pl.coalesce(name, "member_id")
    if name in _MONEY:
        return context.say("message.money", n=context.number(name)).fill_null(unknown)
    if name in _SHARES:
        return context.say("message.share", n=context.number(name) * 100).fill_null(unknown)
    column = pl.col(name)
    return pl.when(column.is_null()).then(unknown).otherwise(column.cast(pl.String))
