"""The morning report."""

from __future__ import annotations

from typing import Final

# Of a headline, what stands before the asterisk is set bold.
REPORT: Final = {
    "headline.active": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {compared}{joined}.",
    "headline.active.joined": "; {n:count:member} joined",
    "headline.newly_at_risk": "{n:number}* of your {valuable:number} {tiers} {valuable:noun:member} "
    "{n:plural:is|are} newly at risk.",
    "headline.newly_at_risk.none": "None* of your {valuable:number} {tiers} {valuable:noun:member} "
    "{valuable:plural:is|are} newly at risk.",
    "headline.risk": "{high:number} of {n:count:member} scored* ({share}) {high:plural:has|have} a high risk of leaving: "
    "no activity for {days:count:day}{before}.",
    "headline.risk.before": "; the night before it was {n:number}",
    "headline.spend": "{n:money}* was spent in the last 7 days, refunds taken off{compared}.",
    "headline.spend.compared": ", {change}",
    "headline.expected": "{n:money}* is what all members together are expected to spend over the next {days:count:day}.",
    "headline.no_data": "No new data* arrived; this night rests on what was there.",
    "headline.data": "{n:count:row}* {n:plural:was|were} read; every one is accounted for and none broke a rule.",
    "headline.broken": "{broken:number}* of {n:count:row} read {broken:plural:was|were} set aside for breaking a rule.",
}
