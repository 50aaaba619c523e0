"""The actions of a community: those it has configured, or the defaults that fit its data."""

from __future__ import annotations

from collections.abc import Mapping

from engagement.actions import DEFAULTS, Action, default_actions, default_message
from lake.contracts import CONTENT
from lake.errors import ConfigurationError
from lake.roles import BOT, STAFF
from lake.storage.delta import Lake
from pipeline.outcomes import check_outcome
from runtime.settings import Settings
from wording.language import LANGUAGES, catalogue_of
from wording.messages import default_messages


def configured_actions(settings: Settings) -> tuple[Action, ...]:
    """Return the configured actions; without `[[actions]]` in the file the defaults that the community's data can judge.

    A message that is the default of another language, because the file was written before the language was chosen, is told in
    that of the community: a template of one language with values of another can be read in neither.
    """
    messages = default_messages(catalogue_of(settings.community.language))
    if settings.actions is None:
        return default_actions(messages, tables=set(settings.sources))
    return tuple(_spoken(action, messages) for action in settings.actions)


def _spoken(action: Action, messages: Mapping[str, str]) -> Action:
    for language in LANGUAGES if action.name in DEFAULTS else ():
        # Whose message says nothing of content may have had none when the file was written.
        for tables in ((), (CONTENT.name,)):
            if action.message == default_message(action.name, default_messages(catalogue_of(language)), tables=tables):
                return action.model_copy(update={"message": default_message(action.name, messages, tables=tables)})
    return action


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
