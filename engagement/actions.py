"""Actions: what an operator may do for a member, for whom, how often, and by which outcome it is judged.

An audience is a Polars SQL condition over one member. `AUDIENCE_SCHEMA` lists the columns that it may read; a column that the
community's data do not give is null, and a condition on null holds for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from string import Formatter
from typing import Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.conditions import MEMBER_COLUMNS, check_condition, holds
from lake.contracts import CONTENT

RETURNED: Final = "returned"
SPENT: Final = "spent"
POSTED: Final = "posted"
# Away for so many times the mean gap between active days: later than usual beyond doubt.
OVERDUE_GAPS: Final = 1.5
# The placeholder for pieces of content that the member has not seen.
SHOW: Final = "show"
# The windows in which posts of a member are counted.
POSTS_DAYS: Final = (28, 365)
# The columns of a member that an audience may read.
AUDIENCE_SCHEMA: Final = MEMBER_COLUMNS
# What a message may say of a member, besides the columns of an audience.
PLACEHOLDERS: Final = frozenset(
    {*AUDIENCE_SCHEMA, "reason", "background", "display_name", "handle", "community", "last_seen", "joined", SHOW}
)
# The actions whose default message names pieces of content, where there is content.
SHOWING: Final = frozenset({"welcome_newcomer", "win_back_valuable", "wake_lurker"})
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

PLAIN_RANKING: Final = "plain_ranking"


class Action(BaseModel):
    """One of `[[actions]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Lower-case letters, digits and `_`; the campaign under which its contacts are reported.")
    message: str = Field(
        min_length=1,
        description="What to write or to do, with placeholders such as `{display_name}` or `{last_seen}`.",
    )
    channel: str = Field(default="mail", min_length=1, description="How the member is reached, such as mail, push or forum.")
    audience: str = Field(description="For whom: a Polars SQL condition over the member, such as `churn_risk = 'high'`.")
    cost: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="What one contact costs, in currency units.")
    outcome: str = Field(
        default=RETURNED,
        min_length=1,
        description="How it is judged: returned, spent, posted, or an event type, which is counted.",
    )
    horizon_days: int | None = Field(
        default=None, ge=1, le=730, description="Days in which the outcome counts; by default the churn horizon."
    )
    cool_down_days: int = Field(default=28, ge=0, description="Days between two contacts of one member by this action.")
    capacity_per_day: int | None = Field(default=None, ge=0, description="Members a day at most; by default no limit of its own.")
    capacity_per_week: int | None = Field(default=None, ge=0, description="Members in seven days at most.")
    priority: int = Field(default=0, description="Actions of a higher priority choose their members first.")
    holdout_share: float = Field(
        default=0.1, ge=0, lt=1, description="Share of its audience that is left alone, so that its effect can be measured."
    )
    response: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of what is at stake that a contact saves, assumed until enough contacts are measured.",
    )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name) or name == "all":
            raise ValueError("an action's name has lower-case letters, digits and `_`, begins with a letter, and is not `all`")
        return name

    @model_validator(mode="after")
    def _readable(self) -> Self:
        check_message(self.name, self.message)
        check_audience(self.name, self.audience)
        return self

    def horizon(self, churn_horizon_days: int) -> int:
        """Return the days in which the outcome counts."""
        return churn_horizon_days if self.horizon_days is None else self.horizon_days


def placeholders(message: str) -> list[str]:
    """Return the names in braces of a message, in their order.

    Raises:
        ValueError: A brace is not closed.
    """
    return [name for _, name, _, _ in Formatter().parse(message) if name is not None]


def check_message(action: str, message: str) -> None:
    """Refuse a message with a placeholder that no member's card has.

    Raises:
        ValueError: A placeholder is unknown, has a format of its own, or a brace is not closed.
    """
    try:
        parts = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(message) if name is not None]
    except ValueError:
        raise ValueError(f"action {action!r}: a brace in the message is not closed; write {{{{ and }}}} for braces") from None
    for name, spec, conversion in parts:
        if name not in PLACEHOLDERS or spec or conversion:
            raise ValueError(
                f"action {action!r}: the message has a placeholder {{{name}}} that nobody knows; "
                f"known: {', '.join(sorted(PLACEHOLDERS))}"
            )


def check_audience(action: str, audience: str) -> None:
    """Refuse an audience that is no condition over one member.

    Raises:
        ValueError: It does not parse, reads an unknown column, or is not true or false for each member.
    """
    check_condition(audience, AUDIENCE_SCHEMA, named=f"action {action!r}: the audience")


def in_audience(action: Action) -> pl.Expr:
    """Return whether a member with the columns of `AUDIENCE_SCHEMA` belongs to the audience; never null."""
    return holds(action.audience)


def check_actions(actions: Sequence[Action]) -> None:
    """Refuse two actions of one name.

    Raises:
        ValueError: Two actions share a name.
    """
    names = [action.name for action in actions]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            raise ValueError(f"two actions are called {name!r}; give each a name of its own")


def plain_ranking() -> Action:
    """Return the one rule of a community that wants no actions: everyone who may be contacted, by what is at stake."""
    return Action(name=PLAIN_RANKING, message="-", audience="TRUE", cool_down_days=0, holdout_share=0.0)


def default_actions(messages: Mapping[str, str], *, tables: Collection[str]) -> tuple[Action, ...]:
    """Return the actions of a community that has configured none: those that its data can judge.

    Args:
        messages: Action → message.
        tables: The tables that have a source.
    """
    return tuple(
        Action.model_validate({**settings, "name": name, "message": default_message(name, messages, tables=tables)})
        for name, (needs, settings) in DEFAULTS.items()
        if needs is None or needs in tables
    )


def default_message(name: str, messages: Mapping[str, str], *, tables: Collection[str]) -> str:
    """Return the message of a default action; some name pieces of content where there is content.

    Args:
        name: The action.
        messages: Action → message, and the sentence on what to show, with what parts it from the one before, under `SHOW`.
        tables: The tables that have a source.
    """
    return messages[name] + messages[SHOW] if name in SHOWING and CONTENT.name in tables else messages[name]


# Name → the table without which the action cannot be judged, and its settings. `evenfall init` writes them into the file.
DEFAULTS: Final[Mapping[str, tuple[str | None, Mapping[str, object]]]] = {
    "welcome_newcomer": (
        None,
        {
            "audience": "tenure_days BETWEEN 2 AND 14 AND days_since_last_activity >= 2",
            "capacity_per_day": 40,
            "cool_down_days": 60,
        },
    ),
    "answer_newcomer": (
        "content",
        {
            "audience": "unanswered_posts >= 1 AND tenure_days < 28",
            "capacity_per_day": 20,
            "cool_down_days": 14,
            "priority": 3,
        },
    ),
    "save_valuable": (
        None,
        {
            "audience": "tier <> 'regular' AND churn_risk <> 'low' AND active_days_365d >= 3 AND is_overdue AND NOT is_silent",
            "cool_down_days": 28,
        },
    ),
    "win_back_valuable": (
        None,
        {
            # Who has been silent for two horizons is dormant, and seldom answers.
            "audience": "tier <> 'regular' AND churn_risk <> 'low' AND active_days_365d >= 3 AND is_silent "
            "AND lifecycle NOT IN ('dormant', 'lost')",
            "cool_down_days": 56,
        },
    ),
    "thank_contributor": (
        "events",
        {
            "audience": "posts_28d >= 5 AND NOT is_silent",
            "outcome": POSTED,
            "capacity_per_day": 10,
            "cool_down_days": 56,
            "priority": 1,
        },
    ),
    "wake_lurker": (
        "events",
        {
            "audience": "active_days_28d >= 4 AND posts_365d = 0 AND days_since_last_activity <= 7 AND lifecycle <> 'new'",
            "outcome": POSTED,
            "capacity_per_day": 20,
            "cool_down_days": 56,
        },
    ),
    "invite_opinion_leader": (
        "events",
        {
            "audience": "influence_score >= 95 AND posts_365d >= 20 AND NOT is_silent",
            "outcome": POSTED,
            "capacity_per_day": 3,
            "cool_down_days": 90,
            "priority": 2,
        },
    ),
}
