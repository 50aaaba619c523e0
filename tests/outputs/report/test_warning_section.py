"""The report shows the alarms of the night by their numbers, what is no bad news below, and what to do about missing rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from community.alarm_history import KnownAlarm
from community.alarms import Alarm
from community.figures import FIGURES_SCHEMA
from outputs.report.morning_facts import MorningFacts
from outputs.report.warning_facts import EarlyWarning
from outputs.report.warning_section import warning_section
from tests.outputs.examples import ordinary_night

NIGHT = date(2025, 9, 1)
ROWS = Alarm("rows.events", "rows.events", "", NIGHT, 120, 1_650, 9)
MORE = Alarm("joining", "joins", "", NIGHT, 210, 80, 9, is_bad=False)
LATE = Alarm("nights", "nights", "", NIGHT, 6, 1, 6)


def body(*alarms: Alarm) -> str:
    known = tuple(KnownAlarm(one, 4 + n, NIGHT, "open", True, False, True) for n, one in enumerate(alarms))
    morning = MorningFacts(pl.DataFrame(schema=FIGURES_SCHEMA), warning=EarlyWarning(alarms=known))
    section = warning_section(replace(ordinary_night(), morning=morning))
    assert section is not None
    return section.body


def test_alarms_stand_by_their_numbers_and_what_is_no_bad_news_stands_below() -> None:
    html = body(MORE, ROWS)
    assert html.index('<li value="5"><strong>Fewer rows of events arrive') < html.index("<h3>")
    assert html.index("<h3>") < html.index('<li value="4"><strong>More members join')


def test_missing_rows_say_where_to_look_and_a_late_night_how_late_it_is() -> None:
    html = body(ROWS, LATE)
    assert "usually 1,650 (−93\N{NO-BREAK SPACE}%).</strong> Look whether the export is whole." in html
    assert "The night before this one ran 6 days ago; usual is 1 day." in html
