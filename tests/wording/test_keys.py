"""Every sentence that code asks for is in the catalogue, and the catalogue holds no sentence that nobody asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from string import Formatter
from typing import get_args, get_type_hints

import jinja2
import numpy as np
from jinja2 import nodes
from jinja2.nodes import Node

from community.assessments import FIGURES as ASSESSED
from community.bots import RULES as BOT_RULES
from community.cohorts import COHORT_FIGURES
from community.figure_changes import DIMENSIONS, Surprise
from community.goals import GROUPINGS, STATUSES
from community.groupings import LONG, QUESTION_MARK, SHORT
from community.health import COMPARED_DAYS, FACTORS
from community.journey import STAGES as STAGES_OF_NEWCOMERS
from community.key_figures import KEY_FIGURES
from community.names import KINDS
from community.rates import FIGURE_NAMES
from community.recognition import CONTRIBUTOR, IMPROVED, TOOK_OFF
from community.recognition import KINDS as KINDS_OF_THANKS
from community.recommendations import RULES as SHOW_RULES
from community.watched import WATCHED
from door.members_app import PLACES
from door.services import PAGES as NOTEBOOK_PAGES
from engagement.actions import DEFAULTS, POSTED, RETURNED, SHOW, SPENT
from engagement.decisions import SUPPRESSIONS
from engagement.list_lift import GROUPS
from features.eligibility import PRESENCES
from features.network.matching import CHANGES
from flows.badge_scaffold import BADGES
from lake.contracts import TABLES
from lake.errors import ExitCode
from models.backtest import IN_RANGE
from models.churn import ChurnKind
from models.config import PredictionSettings
from models.evaluation import evaluate_churn, evaluate_value
from models.lifetime.lifetime import LIFETIME_KINDS
from models.training import OURS
from models.value import ValueKind
from outputs.content_lists import CONTENT_LISTS
from outputs.lists import MEMBERS_SCHEMA
from outputs.people_lists import PEOPLE_SCHEMAS
from outputs.report.validation_page import BrokenRule
from outputs.report.week_facts import PERIOD_DAYS
from pipeline.app.member_rows import FILTERS as MEMBER_FILTERS
from pipeline.app.member_rows import ORDERS as MEMBER_ORDERS
from pipeline.app.past_nights import State as NightState
from pipeline.community.rising import NAMED_PARTS
from pipeline.community.thanks import BADGE
from pipeline.community.traits import PARTS
from pipeline.engagement.contacts import EARLY, HELD_OUT, NOT_LISTED, REPEATED
from pipeline.engagement.facts import TRAITS
from pipeline.engagement.member_history import HISTORY_SCHEMA
from pipeline.report_facts import CHURN_MEASURES, VALUE_MEASURES
from segments.changes import CHURN_RISK, CONTACT_LIST, TIER
from segments.lifecycle import STAGES
from segments.risk import RISKS
from segments.tiers import TIERS
from tests.features.builders import AS_OF
from tests.paths import ROOT
from tests.wording.reasons.test_sentences import CATALOG, random_history
from wording.columns import RAISES, SentenceContext
from wording.english import ENGLISH
from wording.reasons.compared import compared_sentence

ROOMS = ("features", "models", "segments", "wording", "outputs", "runtime", "pipeline", "door", "flows", "notebooks")
SOURCES = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "english" not in path.parts]
TEMPLATES = sorted((ROOT / "outputs" / "report" / "templates").glob("*.j2"))
ASKING = ("fill", "pieces", "_headline")
# Rules on whole tables that may stop a run.
CHECKS = [*(ROOT / "expectations").glob("*.py"), *(ROOT / "pipeline" / "intake").glob("*.py")]
RULES = {rule for path in CHECKS for rule in re.findall(r'Finding\(table\.name, "(\w+)", (?:"stop"|severity)', path.read_text())}
MODEL_ALARMS = (("drift", "more"), ("calibration", "less"), ("calibration", "more"), ("nights", "more"))
CONSEQUENCES = get_args(get_type_hints(BrokenRule)["consequence"])
SCORED = np.array([0.0, 1.0]), {OURS: np.array([0.2, 0.8])}
# What `wording.effects` puts before the keys that it says.
PREFIXES = [of + part for of, part in product(("experiment.", "plan.", "effects."), ("", "head.", "outcome."))]
# Keys that code puts together.
PUT_TOGETHER = {
    *(f"change.{of}.{how}" for of, how in product(("members", "spend"), ("times", "more", "less"))),
    *(f"models.{what}.{of}" for what, of in product(("lift", "card"), ("churn", "spend"))),
    *(f"chart.lift.{of}{what}" for of, what in product(("churn", "spend"), ("", ".members", ".times"))),
    *(f"measure.{measure}{what}" for measure, what in product([*CHURN_MEASURES, *VALUE_MEASURES], ("", ".meaning"))),
    *(f"checks.broken.{consequence.replace(' ', '_')}" for consequence in CONSEQUENCES),
    *(f"remedy.{rule}" for rule in RULES),
    *(f"matured.chosen.{group}" for group in GROUPS),
    *(f"model_card.{what}.{purpose}" for what, purpose in product(("title", "predicts", "scored"), ("churn", "value"))),
    *(f"model_card.setting.{setting}" for setting in (*PredictionSettings.model_fields, "level_factor")),
    *(f"alert.kind.{code:d}" for code in ExitCode if code is not ExitCode.DONE),
    *(f"model_card.by.{kind}" for kind in ("presence", "tier", "tenure", "platform", "region", "cohort")),
    *(f"card.score.{score}" for score in ("activity_score", "commercial_score")),
    *(f"calibration.band.{band}" for band in ("everybody", "new", "first_year", "longer")),
    *(f"summary.column.{column}" for column in ("tier", "members", "high_risk", "table", "read", "left_out", "merged")),
    *(f"summary.column.{column}" for column in ("replaced", "quarantined", "landed")),
    *(f"alert.{outcome}" for outcome in ("failed", "warned", "noticed", "late")),
    *(f"warning.{figure}.{way}" for figure, how in WATCHED.items() for way in how.directions),
    *(f"warning.figure.{figure}" for figure in WATCHED),
    *(f"warning.{figure}.{way}" for figure, way in MODEL_ALARMS),
    *(f"platforms.head.{head}" for head in ("platform", "figure", "newest", "now", "before", "change", "past")),
    *(f"warning.group.{kind}" for kind in ("platform", "source", "community", "tier", "lifecycle", "channel")),
    *(f"action.{name}" for name in (*DEFAULTS, SHOW)),
    *(f"show.rule.{rule}" for rule in SHOW_RULES),
    *(f"partners.head.{column}" for column in ("ours", "theirs", "both", "share")),
    *(f"badge.{name}" for name, _, _ in BADGES),
    *(f"init.level.{level}" for level in ("first", "second", "third")),
    *re.findall(r"@(init\.[a-z_]+)@", (ROOT / "flows" / "scaffold.py").read_text()),
    *(f"sheet.{name}" for name in (*CONTENT_LISTS, *PEOPLE_SCHEMAS)),
    *(f"suppressed.{rule.replace(' ', '_')}" for rule in SUPPRESSIONS),
    *(f"odd.{why}" for why in (NOT_LISTED, HELD_OUT, EARLY, REPEATED)),
    *(f"decision.{did}{outcome}" for did, outcome in product(("", "not_"), (RETURNED, POSTED))),
    *(f"talk.gain.{unit}" for unit in ("money", "members")),
    *(f"talk.trait.{of}" for of in TRAITS),
    *(f"effects.unit.{unit}" for unit in ("share", SPENT, "events")),
    *(f"works.posts.{of}" for of in ("topic", "format", "word", "weekday", "hour")),
    *(f"works.posts.title.{form}" for form in (QUESTION_MARK, LONG, SHORT)),
    *(f"content.weekday.{weekday}" for weekday in range(1, 8)),
    *(f"history.{column}" for column in HISTORY_SCHEMA),
    *(f"network.trait.{kind}" for kind in (set(KINDS) - {"day_part", "event_type"})),
    *(f"network.trait.{part}" for part in PARTS.values()),
    *(f"assessment.{figure}{how}" for figure, how in product(ASSESSED, ("", ".more", ".less"))),
    *(f"carriers.change.{what}" for what in CHANGES),
    *(f"carriers.absence.{how}" for how in ("fewer", "more", "same")),
    *(f"bots.{rule}" for rule in BOT_RULES),
    *(f"newcomers.{stage}" for stage in STAGES_OF_NEWCOMERS),
    *(f"newcomers.worst.{stage}" for stage in STAGES_OF_NEWCOMERS[1:]),
    *(f"rising.part.{part}" for part in NAMED_PARTS),
    *(f"thanks.{kind}" for kind in (*KINDS_OF_THANKS, BADGE)),
    *(f"thanks.{kind}.alone" for kind in (CONTRIBUTOR, TOOK_OFF, IMPROVED)),
    *(f"recognition.{kind}" for kind in (*KINDS_OF_THANKS, BADGE)),
    "reading.mean",
    "reading.sum",
    *(f"reading.in.{grouping}" for grouping in GROUPINGS),
    *(f"goals.status.{status}" for status in STATUSES),
    *(f"goals.{when}.{side}" for when, side in product(("wanted", "passed"), ("at_least", "at_most"))),
    *(f"health.factor.{factor}" for factor in FACTORS),
    *(f"health.moved.{days}" for days in COMPARED_DAYS),
    *(f"{of}health.{how}" for of, how in product(("", "headline."), ("more", "less", "same", "alone"))),
    *(f"figures.name.{figure}" for figure in KEY_FIGURES),
    *(f"figures.sure.{surprise}" for surprise in get_args(Surprise)),
    *(f"figures.{what}.{period}" for what, period in product(("head.now", "head.before", "caption"), PERIOD_DAYS)),
    *(f"changes.{figure}.{way}" for figure, way in product((*KEY_FIGURES, "large", "driver", "driver.money"), ("more", "less"))),
    *(f"changes.driver.{how}" for how in ("rate", "score", "mix")),
    *(f"changes.group.{dimension}" for dimension in DIMENSIONS),
    *(f"changes.{what}.{period}" for what, period in product(("this", "last", "unusual"), PERIOD_DAYS)),
    *(f"headline.wau.{how}{way}" for how, way in product(("", "usual_", "unproven_"), ("more", "less"))),
    *(f"headline.wau.{how}" for how in ("unknown", "steady")),
    *(f"hours.weekday.{weekday}" for weekday in range(1, 8)),
    *(f"{what}.{period}" for what, period in product(("edition.kicker", "edition.from"), PERIOD_DAYS)),
    *(f"tiers.{what}.{period}" for what, period in product(("before", "key.before"), PERIOD_DAYS)),
    *(f"door.link.{place}{what}" for place, what in product((*PLACES, "figures"), ("", ".what"))),
    *(f"door.notebook.{notebook}" for notebook in NOTEBOOK_PAGES),
    *(f"door.state.{state}" for state in ("open", "starting", "waiting", "ended", "missing", "elsewhere")),
    *(f"door.not_open.{state}" for state in ("starting", "waiting", "ended", "missing")),
    *(f"door.nights.{state}" for state in get_args(NightState)),
    *(f"app.column.{column}" for column in MEMBER_FILTERS),
    *(f"app.order.{order}" for order in MEMBER_ORDERS),
    *(f"app.change.{what}" for what in (TIER, CHURN_RISK, CONTACT_LIST)),
    *(f"figure.{figure}" for figure in set(FIGURE_NAMES) - set(COHORT_FIGURES)),
}


class Noted(dict[str, str]):
    """Templates that note which of them were read."""

    def __init__(self, templates: dict[str, str]) -> None:
        super().__init__(templates)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.read.add(key)
        return super().__getitem__(key)


def python_nodes() -> Iterator[ast.AST]:
    return (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())))


def template_nodes(kind: type[Node]) -> Iterator[Node]:
    return (node for path in TEMPLATES for node in jinja2.Environment().parse(path.read_text()).find_all(kind))


def literals() -> set[object]:
    """Give every constant in code and templates."""
    in_code = {node.value for node in python_nodes() if isinstance(node, ast.Constant)}
    in_code |= {prefix + word for prefix, word in product(PREFIXES, in_code) if isinstance(word, str)}
    return in_code | {node.value for node in template_nodes(nodes.Const) if isinstance(node, nodes.Const)}


def of_effects(constants: set[object]) -> set[str]:
    """Give the keys that the sentences on effects put together of a prefix and a word that stands in code."""
    parts = {key: key.split(".", 1)[1] for key in ENGLISH.sentences if key.startswith(("effects.", "experiment.", "plan."))}
    return {key for key, rest in parts.items() if {rest, rest.rpartition(".")[2]} & constants}


def asked_for() -> Iterator[str]:
    """Give every key that a call names as it stands; both of `a if b else c`."""
    for call in python_nodes():
        if isinstance(call, ast.Call) and call.args and _asks(call.func):
            key = call.args[0]
            choices = (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,)
            yield from (one.value for one in choices if isinstance(one, ast.Constant) and isinstance(one.value, str))
    for said in template_nodes(nodes.Call):
        if isinstance(said, nodes.Call) and getattr(said.node, "name", "") == "say":
            first = said.args[0]
            either = (first.expr1, first.expr2) if isinstance(first, nodes.CondExpr) else (first,)
            yield from (one.value for one in either if isinstance(one, nodes.Const))


def _asks(called: ast.expr) -> bool:
    # A plain `say` is what a run says on the terminal.
    return (isinstance(called, ast.Name) and called.id in ASKING) or (isinstance(called, ast.Attribute) and called.attr == "say")


def of_reasons() -> set[str]:
    """Tell every feature of a community and return the keys that were needed."""
    noted = Noted(dict(ENGLISH.sentences))
    context = SentenceContext(frozenset({*random_history().columns, RAISES}), "EUR", AS_OF, replace(ENGLISH, sentences=noted))
    for feature in CATALOG:
        compared_sentence(feature, context)
    return noted.read


def test_every_key_that_is_asked_for_is_in_the_catalogue() -> None:
    asked = set(asked_for())
    assert len(asked) > 100
    assert (asked | PUT_TOGETHER) - ENGLISH.sentences.keys() == set()


def test_every_sentence_of_the_catalogue_is_asked_for() -> None:
    assert ENGLISH.sentences.keys() - PUT_TOGETHER - literals() - of_reasons() - of_effects(literals()) == set()


def test_no_key_is_given_twice() -> None:
    pages = [path.read_text() for path in (ROOT / "wording" / "english").glob("*.py")]
    keys = [key for page in pages for key in re.findall(r'^    "([a-z_0-9]+\.[a-z_0-9.]+)":', page, re.MULTILINE)]
    assert len(keys) > 200
    assert len(keys) == len(set(keys))


def test_every_noun_of_the_catalogue_is_counted_in_a_sentence() -> None:
    formats = [spec or "" for said in ENGLISH.sentences.values() for _, _, spec, _ in Formatter().parse(said)]
    counted = {spec.partition(":")[2] for spec in formats if spec.startswith(("count:", "noun:"))}
    # `noun` is what an amount is of.
    assert counted - {"noun"} == ENGLISH.nouns.keys()


def test_every_slug_that_pages_and_cards_show_has_a_name_and_no_other() -> None:
    churn, value = evaluate_churn(*SCORED, is_still_here=np.array([True, False])), evaluate_value(*SCORED)
    measures = {measure for measured in (*churn.values(), *value.values()) for measure in measured}
    scores = {column for column in MEMBERS_SCHEMA if column.endswith("_score")}
    rules = {OURS, *LIFETIME_KINDS, "recency", "past_rate", "recency_weighted"}
    codes = {*TIERS, *STAGES, *RISKS, *PRESENCES, *TABLES, *DEFAULTS, *KINDS_OF_THANKS, BADGE}
    kinds = {*get_args(ChurnKind), *get_args(ValueKind)}
    # Ways to reach a member that the documentation names, every action, and what is in no slice.
    others = {"mail", "push", "forum", "all", "other", *(f"evaluation_{part}" for part in ("train", "calibrate", "test"))}
    others |= {"final_train", "final_calibrate"}
    assert ENGLISH.names.keys() == {*codes, *kinds, *others, *rules, *scores, *measures, *IN_RANGE.values()}
