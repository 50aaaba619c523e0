"""Decisions about one member in words: why not contacted, the arm, what came of it; and contacts that fit no decision."""

from __future__ import annotations

from datetime import date
from typing import Final

from wording.catalogue import Catalogue
from wording.language import current
from wording.texts import fill

_YES_OR_NO: Final = ("returned", "posted")


def why_not_listed(rule: str, *, catalogue: Catalogue | None = None) -> str:
    """Say why a member is not on the contact list.

    Args:
        rule: The rule, as `suppressed_because` names it.
        catalogue: The language; None for the one that is spoken.
    """
    return fill(f"suppressed.{rule.replace(' ', '_')}", catalogue=catalogue)


def odd_contacts_line(why: str, contacts: int, *, catalogue: Catalogue | None = None) -> str:
    """Say how many contacts fit no decision, and how.

    Args:
        why: not_listed, held_out, early or repeated.
        contacts: How many.
        catalogue: The language; None for the one that is spoken.
    """
    return fill(f"odd.{why}", n=contacts, catalogue=catalogue)


def arm_in_words(arm: str, *, catalogue: Catalogue | None = None) -> str:
    """Say what was decided: the member is listed, or left alone by the action, or by all."""
    keys = {"listed": "decision.listed", "all": "decision.held_out.all"}
    return fill(keys.get(arm, "decision.held_out"), catalogue=catalogue)


def contacted_in_words(arm: str, contacted_on: date | None, *, is_known: bool, catalogue: Catalogue | None = None) -> str:
    """Say on which day a listed member was contacted; nothing for a member who was left alone."""
    if arm != "listed":
        return ""
    if contacted_on is not None:
        return fill("decision.contacted", day=contacted_on, catalogue=catalogue)
    return fill("decision.not_contacted" if is_known else "decision.not_known", catalogue=catalogue)


def outcome_in_words(outcome: str, value: float, *, currency: str | None, catalogue: Catalogue | None = None) -> str:
    """Say what a member did in the window of an outcome.

    Args:
        outcome: What is judged: returned, spent, posted or an event type.
        value: The member's value.
        currency: The community's.
        catalogue: The language; None for the one that is spoken.
    """
    if outcome in _YES_OR_NO:
        return fill(f"decision.{outcome}" if value else f"decision.not_{outcome}", catalogue=catalogue)
    if outcome == "spent":
        return fill("decision.spent", n=value, currency=currency, catalogue=catalogue)
    return fill("decision.events", n=round(value), noun=(catalogue or current()).event_noun(outcome), catalogue=catalogue)
