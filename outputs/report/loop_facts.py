"""What the report says of the loop, as plain data: whom to talk to tomorrow, and whether talking worked. It names no member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Trait:
    """What at least half of some members have in common.

    Args:
        of: The column: tier, churn_risk or segment.
        name: The value, as in the lists.
        members: How many of them have it.
    """

    of: str
    name: str
    members: int


@dataclass(frozen=True)
class ActionPlan:
    """Tomorrow's contacts of one action.

    Args:
        action: Its name; None in a community without actions.
        members: How many members are listed for it.
        expected_gain: What these contacts are expected to bring together, in currency units or members kept.
        traits: What the members have in common.
    """

    action: str | None
    members: int
    expected_gain: float | None = None
    traits: tuple[Trait, ...] = ()


@dataclass(frozen=True)
class NotListed:
    """Members whom one rule keeps off the list.

    Args:
        why: The rule, as `suppressed_because` names it.
        members: How many.
    """

    why: str
    members: int


@dataclass(frozen=True)
class ContactPlan:
    """Whom to talk to tomorrow, in aggregate.

    Args:
        day: Tomorrow.
        actions: The actions with members on the list, those with the most members first.
        expected_gain: What all contacts are expected to bring together; None where it is not known.
        is_money: Whether gains are in currency units; otherwise they count members kept, a member of mean value as one.
        held_out: Members left alone tonight so that an effect can be measured.
        held_out_ranked: Those of them whom the night would have listed.
        not_listed: The rules that keep most of the others off the list, the most frequent first.
    """

    day: date
    actions: tuple[ActionPlan, ...] = ()
    expected_gain: float | None = None
    is_money: bool = False
    held_out: int = 0
    held_out_ranked: int = 0
    not_listed: tuple[NotListed, ...] = ()


@dataclass(frozen=True)
class MeasuredAction:
    """What one action has shown; the fields are the figures of `evenfall effects --json`.

    Args:
        action: Its name; None for all actions together.
        outcome: What it is judged by.
        n_treated: Listed members whose outcome is known.
        n_holdout: Held-out members whose outcome is known.
        rate_treated: Mean outcome of the listed.
        rate_holdout: Mean outcome of the held out.
        effect: Their difference, adjusted.
        low: Lower bound of 95 %.
        high: Upper bound.
        p_srm: p value of the arms' sizes.
        is_trustworthy: Whether the sizes fit and both arms are large enough.
        waiting: Decisions whose outcome is not known yet.
        listed: Listed members of whom it is known whether they were contacted.
        contacted: Those of them who were.
        members_kept: Members who returned because they were listed.
        value_kept: What the listed spent because they were listed, in currency units.
        cost: What the contacts cost, in currency units.
        return_on_cost: Value kept per unit of cost.
    """

    action: str | None
    outcome: str
    n_treated: int
    n_holdout: int
    rate_treated: float | None
    rate_holdout: float | None
    effect: float | None
    low: float | None
    high: float | None
    p_srm: float | None
    is_trustworthy: bool
    waiting: int = 0
    listed: int = 0
    contacted: int = 0
    members_kept: float | None = None
    value_kept: float | None = None
    cost: float = 0.0
    return_on_cost: float | None = None

    @property
    def figures(self) -> Mapping[str, Any]:
        """Return the figures by name, as `wording.effects` reads them."""
        return asdict(self)


@dataclass(frozen=True)
class OddContacts:
    """Contacts of our own actions that fit no decision.

    Args:
        why: How they do not fit, as `pipeline.engagement.contacts` names it.
        contacts: How many.
    """

    why: str
    contacts: int


@dataclass(frozen=True)
class Talked:
    """Whether talking worked.

    Args:
        has_answer: Whether any effect can be told.
        actions: Each action, in the order of the configuration.
        total: All actions together.
        waiting: Decisions whose outcome is not known yet.
        first_due: The night on which the first of them is known; None without any.
        odd_contacts: Contacts that fit no decision.
        rankings: A sentence for each action whose ranking was judged: by what it is ranked, and why.
    """

    has_answer: bool
    actions: tuple[MeasuredAction, ...]
    total: MeasuredAction
    waiting: int = 0
    first_due: date | None = None
    odd_contacts: tuple[OddContacts, ...] = ()
    rankings: tuple[str, ...] = ()
