"""The section of the morning report about what left what is usual."""

from __future__ import annotations

from typing import Final

from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from outputs.warning_sentences import alarm_sentences
from wording.communities import name_all
from wording.texts import fill

_ORDER: Final = 2
_MOST: Final = 8


def warning_section(facts: ReportFacts) -> Section | None:
    """Show the alarms of the night, ranked; what is no bad news stands below."""
    warning = None if facts.morning is None else facts.morning.warning
    if warning is None or not warning.alarms:
        return None
    names = name_all(warning.communities)
    lines = [
        (one.alarm.is_bad, one.number, alarm_sentences(one, currency=facts.currency, names=names))
        for one in warning.alarms[:_MOST]
    ]
    body = render_fragment(
        "section_warning.html.j2",
        bad=[(number, said) for is_bad, number, said in lines if is_bad],
        good=[(number, said) for is_bad, number, said in lines if not is_bad],
    )
    return Section("early-warning", fill("warning.title"), body, _ORDER)
