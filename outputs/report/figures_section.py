"""The sections of the report on the figures: each beside the week before, and what changed and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup

from community.figure_changes import FigureChange
from outputs.report.change_sentences import change_sentences, difference_text, value_text
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from outputs.report.sparkline import sparkline
from outputs.report.week_facts import WeekFacts
from wording.texts import fill, listing

_FIGURES, _CHANGES = 10, 12
_CHANGES_SHOWN: Final = 6


def figures_section(facts: ReportFacts) -> Section | None:
    """Show every key figure beside the week before and a year before, with a small line of the weeks until now."""
    week = None if facts.morning is None else facts.morning.week
    if week is None or not week.changes:
        return None
    body = render_fragment(
        "section_figures.html.j2",
        rows=[_row(change, facts.currency) for change in week.changes],
        has_year=any(change.year_before is not None for change in week.changes),
        period=week.period,
    )
    return Section("figures", fill("figures.title"), body, _FIGURES)


def changes_section(facts: ReportFacts) -> Section | None:
    """Say in words what changed and where most of it lies, the most remarkable first."""
    week = None if facts.morning is None else facts.morning.week
    if week is None or not any(change.before is not None for change in week.changes):
        return None
    body = render_fragment(
        "section_changes.html.j2",
        lines=[_line(change, week, facts.currency) for change in news(week)[:_CHANGES_SHOWN]],
        usual=_names(change for change in week.changes if change.surprise == "usual"),
        steady=sum(change.surprise == "steady" for change in week.changes),
    )
    return Section("changes", fill("changes.title"), body, _CHANGES)


def news(week: WeekFacts) -> list[FigureChange]:
    """Return the changes that are worth a sentence, the most remarkable first."""
    return sorted((change for change in week.changes if change.rank), key=lambda change: -change.rank)


def _names(changes: Iterable[FigureChange]) -> str:
    return listing([fill(f"figures.name.{change.figure}") for change in changes])


def _line(change: FigureChange, week: WeekFacts, currency: str | None) -> tuple[bool, str, str, list[str]]:
    """Return whether somebody should look at it, the strong part and the rest of the first sentence, and the others."""
    first, *others = change_sentences(change, week, currency)
    strong, _, rest = first.partition("*")
    return change.is_bad, strong, rest, others


def _row(change: FigureChange, currency: str | None) -> tuple[str, str, str, str, str, str, bool, Markup]:
    """Return the cells of a figure, whether its change is for the worse, and its small line."""
    values = (value_text(change.figure, value, currency) for value in (change.now, change.before, change.year_before))
    now, before, year = values
    name = fill(f"figures.name.{change.figure}")
    sure = fill(f"figures.sure.{change.surprise}")
    moved = difference_text(change, currency)
    return name[:1].upper() + name[1:], now, before, moved, sure, year, change.is_bad, sparkline(change.past)
