"""Sheets of the lists in Excel."""

from __future__ import annotations

from typing import Final

SHEETS: Final = {
    "sheet.all": "All",
    "sheet.nameless": "Sheet",
    "sheet.members": "Members",
    "sheet.contact_list": "Contact list",
    "sheet.unanswered": "Unanswered",
    "sheet.best_content": "Best content",
    "sheet.suspected_bots": "Suspected bots",
    "sheet.ready_to_rise": "Ready to rise",
    "sheet.recognition": "Recognition",
    "sheet.badges": "Badges",
}
