"""Pages hold no words of their own: another catalogue, and not a word of English is left on them."""

from __future__ import annotations

import re
from calendar import day_name, month_abbr, month_name
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import pytest
from markupsafe import Markup

import outputs.report
from outputs.report.backtest_page import BacktestFacts, BacktestPart, CutoffRow, render_backtest
from outputs.report.calibration_rows import calibration_rows
from outputs.report.facts import Edition, Matured, NewlyAtRisk, ReportFacts
from outputs.report.frame import say
from outputs.report.page import render_report
from outputs.report.people_facts import Move, PeopleFacts, Rising
from outputs.report.validation_page import ShownExample, ValidationFacts, render_validation
from tests.outputs.examples import AS_OF, FLOWS, answered, churn_health, night_with_checks, ordinary_night, value_health
from tests.outputs.mornings import goals
from tests.outputs.mornings import morning as judged
from tests.outputs.weeks import morning
from tests.wording.foreign import OTHER, WORD
from wording.english import ENGLISH

PACKAGE = Path(outputs.report.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").glob("*.html.j2"))
# What is written by `wording.numbers` and by the drawings' axes.
NOT_OF_THE_CATALOGUE = {"under", "over", "no", *day_name, *month_name, *month_abbr}
READ_ALOUD = ("title", "alt", "aria-label", "data-label", "placeholder")
# Facts that are no text: choices, and where a link leads.
NO_TEXT = {
    "better",
    "consequence",
    "path",
    "validation_path",
    "card_path",
    "of",
    "why",
    "outcome",
    "what",
    "status",
    "predicts",
    "figure",
    "dimension",
    "period",
}


class Words(HTMLParser):
    """The words that a reader of a page sees or hears."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._silent = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag == "style"
        for name, value in attrs:
            if name in READ_ALOUD:
                self.handle_data(value or "")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found |= set(re.findall(r"[A-Za-z]+", data))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_text_but_asks_the_catalogue(path: Path) -> None:
    tokens = jinja2.Environment().lex(path.read_text())
    found = Words("".join(text for _, kind, text in tokens if kind == "data")).found
    # Programs are called the same in every language.
    assert found - {"MLflow", "Prefect"} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_sentence_is_hidden_in_an_expression(path: Path) -> None:
    constants = [node.value for node in jinja2.Environment().parse(path.read_text()).find_all(jinja2.nodes.Const)]
    texts = [constant for constant in constants if isinstance(constant, str)]
    # Keys, names of templates, formats and queries; classes begin with the blank that parts them from others.
    assert [text for text in texts if not re.fullmatch(r"[ _]|[a-z0-9_.%-]*=?|%H:%M| [a-z]+", text)] == []


def mute(facts: Any) -> Any:
    """Replace every text of facts by one in which no word is English."""
    if isinstance(facts, str):
        return WORD
    if isinstance(facts, tuple):
        return tuple(mute(one) for one in facts)
    if isinstance(facts, dict):
        return {f"{WORD}{n}" if isinstance(key, str) else key: mute(one) for n, (key, one) in enumerate(facts.items())}
    if is_dataclass(facts) and not isinstance(facts, type):
        return replace(facts, **{one.name: mute(getattr(facts, one.name)) for one in fields(facts) if one.name not in NO_TEXT})
    return facts


def bands() -> pl.DataFrame:
    columns = ("predicted", "happened", "calibration_slope", "calibration_intercept", "ece")
    return pl.DataFrame({"band": ["everybody", "new", "first_year", "longer", "gold"], "n": 5, **dict.fromkeys(columns, 0.4)})


def matured_night() -> ReportFacts:
    churn = churn_health()
    assert churn.calibration is not None
    nights = pl.DataFrame({"as_of": [date(2011, 5, 1), AS_OF], "predicted": 0.3, "happened": [0.2, 0.4], "n": 4313.0})
    matured = Matured(nights, {"auc": 0.77}, 90, churn.calibration, churn.lift, 1.04, calibration_rows(bands()))
    return replace(ordinary_night(), matured=matured, models=(replace(value_health(), lift=churn.lift),), contact_list=None)


def first_night() -> ReportFacts:
    night = ordinary_night()
    tiers = tuple(replace(tier, previous_members=None) for tier in night.tiers)
    retired = (replace(FLOWS[0], retired=3), replace(FLOWS[1], read=1))
    newly = NewlyAtRisk(250, ("gold",), None)
    return replace(night, tiers=tiers, newly_at_risk=newly, flows=retired, models=(replace(churn_health(), metrics=()),))


def answered_night() -> ReportFacts:
    talked, night = answered(), ordinary_night()
    # Event types are words of the data.
    known = tuple(one for one in talked.actions if one.outcome != "login")
    assert night.contact_list is not None
    return replace(night, talked=replace(talked, actions=known), contact_list=replace(night.contact_list, members=0))


def quiet_night() -> ReportFacts:
    night = ordinary_night()
    active = replace(night.activity, active_previous_7d=0, spend_previous_7d=100.0)
    nothing = (replace(FLOWS[0], read=0, landed=0),)
    return replace(night, activity=active, newly_at_risk=NewlyAtRisk(0, ("gold",), None), flows=nothing)


def night_with_goals() -> ReportFacts:
    return replace(ordinary_night(), morning=replace(judged(), goals=goals(WORD)))


def week_of_figures() -> ReportFacts:
    return replace(ordinary_night(), morning=morning(), smallest_group=5)


def monthly_edition() -> ReportFacts:
    moved = Rising(AS_OF, (Move("silver", "gold", 9, is_rise=True), Move("gold", "silver", 2, is_rise=False)))
    edition = Edition("month", date(2011, 8, 4), date(2011, 8, 3))
    return replace(week_of_figures(), morning=morning("month"), edition=edition, people=PeopleFacts(rising=moved))


def checked_night() -> ValidationFacts:
    night = night_with_checks()
    aside = replace(night.tables[1], stopped_because=None)
    examples = (ShownExample(1, None, "hidden"),)
    left_empty = replace(aside, broken=tuple(replace(rule, consequence="left empty", examples=examples) for rule in aside.broken))
    return replace(night, tables=(night.tables[0], aside, left_empty))


def backtested() -> BacktestFacts:
    row = CutoffRow(AS_OF, 4313, {"a": 0.7, "b": None}, -0.01, 0.02)
    rows = (row, replace(row, as_of=date(2011, 8, 1), lower=None, upper=None))
    means = {"auc": {"a": 0.7, "b": 0.6}}
    part = BacktestPart("Churn", "AUC", "A measure.", ("a", "b"), rows, means, "A verdict.", AS_OF, calibration_rows(bands()))
    return BacktestFacts("Beer", AS_OF, (part,), "History is short.")


@pytest.fixture
def another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for own, other in ((ENGLISH.sentences, OTHER.sentences), (ENGLISH.nouns, OTHER.nouns), (ENGLISH.names, OTHER.names)):
        for key in own:
            monkeypatch.setitem(own, key, other[key])  # type: ignore[arg-type, index]


@pytest.mark.usefixtures("another_language")
@pytest.mark.parametrize(
    ("render", "facts"),
    [
        (render_report, ordinary_night),
        (render_report, matured_night),
        (render_report, first_night),
        (render_report, quiet_night),
        (render_report, answered_night),
        (render_report, night_with_goals),
        (render_report, week_of_figures),
        (render_report, monthly_edition),
        (render_validation, night_with_checks),
        (render_validation, checked_night),
        (render_backtest, backtested),
    ],
)
def test_a_page_in_another_language_holds_no_english(render: Callable[[Any], str], facts: Callable[[], Any]) -> None:
    html = render(mute(facts()))
    assert WORD in html
    assert Words(html).found - NOT_OF_THE_CATALOGUE == set()


def test_values_are_escaped_in_a_sentence_and_the_words_around_them_stay() -> None:
    assert say("flows.lost", table="<b>") == Markup("&lt;b&gt; does not add up.")
    assert say("flows.lost", table=Markup("<b>x</b>")) == "<b>x</b> does not add up."
    assert "the source's filter" in say("flows.identity")
