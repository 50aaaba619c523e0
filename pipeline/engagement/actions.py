"""The actions of a community: those it has configured, or the defaults that fit its data."""

from __future__ import annotations

from engagement.actions import Action, default_actions
from lake.errors import ConfigurationError
from lake.roles import BOT, STAFF
from lake.storage.delta import Lake
from pipeline.outcomes import check_outcome
from runtime.settings import Settings
from wording.language import catalogue_of
from wording.messages import default_messages


def configured_actions(settings: Settings) -> tuple[Action, ...]:
    """Return the configured actions; without `[[actions]]` in the file the defaults that the community's data can judge."""
    if settings.actions is not None:
        return settings.actions
    return default_actions(default_messages(catalogue_of(settings.community.language)), tables=set(settings.sources))


def check_outcomes(settings: Settings, lake: Lake) -> None:
    """Refuse an action whose outcome the data can never show.

    Args:
        settings: The configuration.
        lake: The lake, with its rollups up to date.

    Raises:
        ConfigurationError: An action is judged by what no row of the community could ever show.
    """
    for action in settings.actions or ():
        try:
            check_outcome(lake, action.outcome, posting_events=settings.community.posting_events)
        except ConfigurationError as error:
            raise ConfigurationError(f"action {action.name!r}: {error.what}", remedy=error.remedy) from None


def configured_roles(settings: Settings) -> dict[str, str]:
    """Return the roles that the configuration gives: id of a member → staff or bot."""
    community = settings.community
    return {**dict.fromkeys(community.staff, STAFF), **dict.fromkeys(community.bots, BOT)}
