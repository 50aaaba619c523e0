"""The loop in the report, on the member's card and in the notebooks: whom to talk to, why not others, what came of it."""

from __future__ import annotations

from typing import Final

TALK: Final = {
    "talk.title": "Talk to tomorrow",
    "talk.nobody": "Nobody is on the contact list for {day:day}.",
    "talk.members": "{figure} {n:noun:member} to contact on {day:day}.",
    "talk.gain.money": "Together these contacts are expected to bring {n:money} more than doing nothing.",
    "talk.gain.members": "Together these contacts are expected to keep {n:digits:1} {n:noun:member} who would leave otherwise, "
    "a member of mean value counting as one.",
    "talk.head.action": "Action",
    "talk.head.members": "Members",
    "talk.head.traits": "What they have in common",
    "talk.head.gain.money": "Expected gain",
    "talk.head.gain.members": "Members kept",
    "talk.no_action": "By what is at stake",
    "talk.trait.all": "all {what}",
    "talk.trait.most": "{share} {what}",
    "talk.trait.tier": "{name} tier",
    "talk.trait.churn_risk": "{name} risk",
    "talk.trait.segment": "“{name}”",
    "talk.traits.none": "nothing that holds for half of them",
    "talk.held_out": "{n:count:member} {n:plural:is|are} left alone on purpose, to measure whether talking works; "
    "{ranked:number} of them would be on the list. Please do not contact them.",
    "talk.not_listed": "Why most others are not on the list",
    "talk.not_listed.rule": "{n:count:member}: {why}.",
    # Rules that keep members off the list, in the order in which they are asked.
    "suppressed.no_consent": "refused contact or profiling",
    "suppressed.role": "staff or a bot",
    "suppressed.not_eligible": "not active recently enough to be scored",
    "suppressed.not_in_any_audience": "no action is meant for them now",
    "suppressed.holdout": "left alone on purpose, to measure whether talking works",
    "suppressed.control_arm": "in the control arm of a campaign that still runs",
    "suppressed.quiet_day": "tomorrow is a day on which nobody is contacted",
    "suppressed.cool-down": "reached by the same action too recently",
    "suppressed.cap": "one more contact would be too many",
    "suppressed.no_gain": "a contact would cost more than it is expected to bring",
    "suppressed.capacity": "the list was full with members for whom more is at stake",
    # What the night decided about one member.
    "card.tomorrow": "tomorrow",
    "card.tomorrow.listed": "on the contact list: {action}, by {channel}",
    "card.tomorrow.ranked": "on the contact list",
    "card.tomorrow.not_listed": "not on the contact list: {why}",
}

TALKED: Final = {
    "talked.title": "Did talking work?",
    "talked.due": "There is no answer yet. It is due on {day:day} at the earliest: {n:count:decision} {n:plural:is|are} waiting "
    "for {n:plural:its|their} outcome, and those listed are then compared with those left alone.",
    "talked.nothing": "There is no answer yet, and no decision is waiting for its outcome.",
    "talked.chart": "Difference that each action made, with its 95 % interval",
    "talked.chart.key": "Dot and bar: what the action changed, and its 95 % interval. Right of the dashed line it did good, left "
    "of it harm; where the bar crosses the line, that is open. Grey: not to be trusted yet.",
    "talked.brought": "What it brought",
    "talked.head.contacted": "Contacted",
    "talked.head.members_kept": "Members kept",
    "talked.head.value_kept": "Value kept",
    "talked.head.cost": "Cost",
    "talked.head.return": "Return on cost",
    "talked.contacted": "{n:number} of {of:number}",
    "talked.times": "{n} ×",
    "talked.grey": "Grey: cannot be told from nothing, or not to be trusted yet.",
    "talked.next": "The next outcomes are known on {day:short_day}; {n:count:decision} {n:plural:is|are} waiting.",
    "odd.not_listed": "{n:count:contact} under the name of an action reached members whom no night had chosen for it.",
    "odd.held_out": "{n:count:contact} reached members who were to be left alone; this makes every effect look smaller.",
    "odd.early": "{n:count:contact} came before the member was chosen.",
    "odd.repeated": "{n:count:contact} came again, or too late to belong to a decision.",
}

HISTORY: Final = {
    "history.title": "History with us",
    "history.none": "No night has chosen this member yet, neither to be contacted nor to be left alone.",
    "history.as_of": "Night",
    "history.action": "Action",
    "history.decision": "Decision",
    "history.contacted": "Contacted",
    "history.outcome": "What came of it",
    "decision.listed": "to be contacted",
    "decision.held_out": "left alone, to measure this action",
    "decision.held_out.all": "left alone by every action",
    "decision.contacted": "{day:short_day}",
    "decision.not_contacted": "no",
    "decision.not_known": "not known yet",
    "decision.due": "known on {day:short_day}",
    "decision.returned": "came back",
    "decision.not_returned": "did not come back",
    "decision.posted": "posted",
    "decision.not_posted": "did not post",
    "decision.spent": "spent {n:money}",
    "decision.events": "{n:count:noun}",
}
