"""English: every sentence that people read, as templates, a module a subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wording.catalogue import Catalogue
from wording.english.actions import ACTIONS
from wording.english.alerts import ALERTS
from wording.english.assessments import ASSESSMENTS
from wording.english.beginning import BEGINNING
from wording.english.card import CARD, SQL, SUMMARY
from wording.english.content import OWN_POSTS, UNANSWERED, WORKS
from wording.english.door import DOOR
from wording.english.effects import EFFECTS
from wording.english.figures import FIGURES
from wording.english.forms import FORMS
from wording.english.goals import GOALS, HEALTH, READINGS
from wording.english.grammar import event_noun
from wording.english.groups import GROUPS
from wording.english.lists import COLUMNS, LISTS
from wording.english.loop import HISTORY, TALK, TALKED
from wording.english.members_app import MEMBERS_APP
from wording.english.model_card import MODEL_CARD
from wording.english.names import NAMES
from wording.english.network import NETWORK
from wording.english.network_map import NETWORK_MAP
from wording.english.nouns import KINDS, NOUNS
from wording.english.pages import BACKTEST, CHECKS, TABLES
from wording.english.partners import PARTNERS
from wording.english.people import NEWCOMERS, RISING, ROLES, THANKS
from wording.english.ranking import RANKING
from wording.english.reasons import AMOUNTS, REASONS, TIME, TOPICS
from wording.english.report import CHARTS, HEADLINES, MEASURES, SECTIONS
from wording.english.showing import SHOWING
from wording.english.spreadsheets import SHEETS
from wording.english.warnings import WARNINGS
from wording.english.week import CHANGES, EDITIONS, FIGURE_NAMES, HEAT, PLATFORMS

SENTENCES: Final[Mapping[str, str]] = {
    **FORMS,
    **TIME,
    **REASONS,
    **AMOUNTS,
    **LISTS,
    **ALERTS,
    **ACTIONS,
    **EFFECTS,
    **TALK,
    **TALKED,
    **HISTORY,
    **RANKING,
    **ASSESSMENTS,
    **NETWORK,
    **NETWORK_MAP,
    **ROLES,
    **NEWCOMERS,
    **RISING,
    **THANKS,
    **SHOWING,
    **SHEETS,
    **FIGURES,
    **FIGURE_NAMES,
    **CHANGES,
    **HEAT,
    **PLATFORMS,
    **EDITIONS,
    **PARTNERS,
    **HEADLINES,
    **SECTIONS,
    **MEASURES,
    **CHARTS,
    **TABLES,
    **CHECKS,
    **BACKTEST,
    **MODEL_CARD,
    **UNANSWERED,
    **WORKS,
    **OWN_POSTS,
    **READINGS,
    **GOALS,
    **HEALTH,
    **CARD,
    **SUMMARY,
    **SQL,
    **DOOR,
    **MEMBERS_APP,
    **BEGINNING,
    **WARNINGS,
}
ENGLISH: Final = Catalogue(SENTENCES, NOUNS, KINDS, event_noun, GROUPS, COLUMNS, TOPICS, NAMES)
