"""The section of the morning report that counts the two questions apart: who may leave, and who may come back."""

from __future__ import annotations

from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.texts import fill


def risk_section(facts: ReportFacts) -> Section | None:
    """Show the risk classes of the members who are still here, and of those who are gone."""
    risk = facts.risk
    if risk is None:
        return None
    rows = [(fill("risk.still_here"), risk.still_here), (fill("risk.gone"), risk.gone)]
    return Section("risk", fill("risk.title"), render_fragment("section_risk.html.j2", risk=risk, rows=rows), 8)
