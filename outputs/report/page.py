"""The morning report: one self-contained HTML file for phone, screen, dark room and paper.

A report is a row of sections. Later work adds one by handing a `Section` to `render_report`, or a builder to `BUILDERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from outputs.report.assessment_section import assessment_section
from outputs.report.content_sections import unanswered_section, works_section
from outputs.report.facts import ReportFacts
from outputs.report.figures_section import changes_section, figures_section
from outputs.report.frame import render
from outputs.report.goal_section import goal_section
from outputs.report.headlines import headlines
from outputs.report.health_section import health_section
from outputs.report.heat_sections import cohorts_section, hours_section
from outputs.report.loop_sections import talk_section, talked_section
from outputs.report.network_section import carriers_section
from outputs.report.people_sections import newcomers_section, recognition_section, rising_section, roles_section
from outputs.report.platforms_section import platforms_section
from outputs.report.risk_section import risk_section
from outputs.report.sections import (
    Section,
    activity_section,
    data_section,
    groups_section,
    matured_section,
    models_section,
    newly_at_risk_section,
    tiers_section,
    watch_section,
)
from outputs.report.small_groups import without_small_groups
from outputs.report.warning_section import warning_section

BUILDERS: Final[tuple[Callable[[ReportFacts], Section | None], ...]] = (
    talk_section,
    talked_section,
    figures_section,
    platforms_section,
    changes_section,
    assessment_section,
    risk_section,
    newly_at_risk_section,
    carriers_section,
    unanswered_section,
    works_section,
    activity_section,
    recognition_section,
    newcomers_section,
    tiers_section,
    rising_section,
    groups_section,
    roles_section,
    cohorts_section,
    hours_section,
    models_section,
    watch_section,
    matured_section,
    data_section,
    goal_section,
    health_section,
    warning_section,
)


def render_report(facts: ReportFacts, *, extra_sections: Sequence[Section] = ()) -> str:
    """Write the report as HTML: headlines in words, warnings, then the sections by their `order`; small groups are not shown.

    The same facts give the same bytes. A section without facts is left out. No script, no outside load, no member's id.

    Args:
        facts: What to tell.
        extra_sections: Further sections; their ids must be their own.
    """
    facts = without_small_groups(facts)
    built = [section for build in BUILDERS if (section := build(facts)) is not None]
    # The id decides between sections of one order, so that the bytes do not depend on who was added first.
    sections = sorted([*built, *extra_sections], key=lambda section: (section.order, section.id))
    ids = [section.id for section in sections]
    assert len(ids) == len(set(ids)), f"section ids are unique within a report: {ids}"
    return render("report.html.j2", facts=facts, headlines=headlines(facts), sections=sections)
