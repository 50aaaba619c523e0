"""The actions of a community: those it has configured, or the defaults that fit its data."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from engagement.actions import POSTED, RETURNED, SPENT, Action, default_actions
from features.history import EVENT_PREFIX
from lake.contracts import DAILY
from lake.errors import ConfigurationError
from lake.roles import BOT, STAFF
from lake.storage.delta import Lake
from runtime.settings import Settings
from runtime.settings_mistakes import nearest
from wording.english import ENGLISH
from wording.messages import default_messages


def configured_actions(settings: Settings) -> tuple[Action, ...]:
    """Return the configured actions; without `[[actions]]` in the file the defaults that the community's data can judge."""
    if settings.actions is not None:
        return settings.actions
    return default_actions(default_messages(ENGLISH), tables=set(settings.sources))


def check_outcomes(settings: Settings, lake: Lake) -> None:
    """Refuse an action whose outcome the data can never show.

    Args:
        settings: The configuration.
        lake: The lake, with its rollups up to date.

    Raises:
        ConfigurationError: An action is judged by an event type that no event has.
    """
    configured = settings.actions or ()
    counted = [action for action in configured if action.outcome not in (RETURNED, SPENT, POSTED)]
    if not counted or not lake.exists(DAILY):
        return
    seen = _event_types(lake)
    for action in counted:
        if action.outcome not in seen:
            raise ConfigurationError(
                f"action {action.name!r}: no event is of the type {action.outcome!r}, by which it would be judged",
                remedy=f"Write returned, spent, posted or an event type; {nearest(action.outcome, sorted(seen))}.",
            )


def configured_roles(settings: Settings) -> dict[str, str]:
    """Return the roles that the configuration gives: id of a member → staff or bot."""
    community = settings.community
    return {**dict.fromkeys(community.staff, STAFF), **dict.fromkeys(community.bots, BOT)}


def _event_types(lake: Lake) -> Collection[str]:

    named = lake.scan(DAILY).filter(pl.col("activity").str.starts_with(EVENT_PREFIX)).select(pl.col("activity").unique())
    return {activity.removeprefix(EVENT_PREFIX) for activity in named.collect(engine="streaming")["activity"]}
