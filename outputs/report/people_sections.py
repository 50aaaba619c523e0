"""The sections of the morning report on the people as a community."""

from __future__ import annotations

from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.texts import fill

_ROLES = 48


def roles_section(facts: ReportFacts) -> Section | None:
    """Count staff and bots apart, and say where the members are listed who look like bots."""
    roles = facts.people.roles
    if roles is None:
        return None
    counted = [(fill("roles.staff"), roles.staff, roles.staff_share), (fill("roles.bots"), roles.bots, roles.bot_share)]
    body = render_fragment("section_roles.html.j2", roles=roles, counted=[row for row in counted if row[1]])
    return Section("roles", fill("roles.title"), body, _ROLES)
