"""What experiments showed, and what one would need."""

from __future__ import annotations

from typing import Final

EFFECTS: Final = {
    "experiment.title": "Campaign {campaign}: {outcome} within {days:count:day} of the first contact, as far as {as_of}",
    "experiment.outcome.returned": "who came back",
    "experiment.outcome.spent": "what was spent",
    "experiment.outcome.posted": "who posted",
    "experiment.outcome.event": "{event}",
    "experiment.head.arm": "Arm",
    "experiment.head.members": "Members",
    "experiment.head.share": "Share",
    "experiment.head.mean": "Per member",
    "experiment.head.effect": "Difference",
    "experiment.head.interval": "95 % interval",
    "experiment.head.relative": "Relative",
    "experiment.head.p": "p",
    "experiment.points": "{n} points",
    "experiment.between": "{low} to {high}",
    "experiment.more": "{arm} had more than {control}: {effect}, with 95 % certainty between {low} and {high}.",
    "experiment.less": "{arm} had less than {control}: {effect}, with 95 % certainty between {low} and {high}.",
    "experiment.open": "{arm} and {control} cannot be told apart: the difference may be anything from {low} to {high}.",
    "experiment.unknown": "{arm} and {control} cannot be compared: there are too few members, or nothing varies.",
    "experiment.together": "With several arms, the intervals hold together (Bonferroni) and p is corrected (Holm).",
    "experiment.detectable": "Four of five experiments like this one would find an effect of {effect}; "
    "a smaller one may stay hidden.",
    "experiment.mismatch": "Do not trust this: the arms do not have the sizes they were drawn with (p {p}), "
    "so something other than chance chose the members. If the shares were not equal, say them with --shares.",
    "experiment.refused": "Left out: {n:count:member} who may not be profiled.",
    "experiment.not_matured": "Not yet in it: {n:count:member} whose window is not over.",
    "experiment.several_arms": "{n:count:member} had contacts in several arms "
    "and {n:plural:counts|count} in that of the first one.",
    "plan.title": "An experiment on {outcome} within {days:count:day}, by the past of {n:count:member} until {as_of}",
    "plan.past": "Without a campaign: {mean}{unit}. The window before explains {explained} of what differs between members.",
    "plan.past.member": " per member",
    "plan.needed": "An effect of {effect}{relative} needs {n:count:member} in each of two arms{duration}.",
    "plan.needed.relative": " ({relative})",
    "plan.needed.duration": ", which takes {days:count:day} with {per_day} members entering a day and the window at the end",
    "plan.needed.nobody": "; nobody enters at present",
    "plan.still": "Nothing varies between members, so nothing can be planned by it.",
    "plan.head.days": "Days of entering",
    "plan.head.smallest": "Smallest effect found in four of five",
    "effects.title": "Did talking work? By what is known until {as_of}",
    "effects.total": "all actions together",
    "effects.total.verdict": "talking",
    "effects.head.action": "Action",
    "effects.head.outcome": "Judged by",
    "effects.head.listed": "Listed",
    "effects.head.held_out": "Held out",
    "effects.head.with": "Listed did",
    "effects.head.without": "Held out did",
    "effects.head.effect": "Difference",
    "effects.head.interval": "95 % interval",
    "effects.unit.share": "Difference in percentage points",
    "effects.unit.spent": "Difference in spend a member",
    "effects.unit.events": "Difference in number a member",
    "effects.low": "At least",
    "effects.high": "At most",
    "effects.over_time": "One dot for each night on which outcomes became known, with the 95 % interval. The dashed line is no "
    "effect.",
    "effects.works": "{name} works, judged by {outcome}: {effect}, with 95 % certainty between {low} and {high}.",
    "effects.harms": "{name} does harm, judged by {outcome}: {effect}, with 95 % certainty between {low} and {high}. "
    "Stop it or change the message.",
    "effects.open": "{name} cannot be told from doing nothing yet, judged by {outcome}: the difference may be anything from "
    "{low} to {high}.",
    "effects.worth": "{name} brought {value} for a cost of {cost}.",
    "effects.no_worth": "{name} did not bring money: {value} for a cost of {cost}.",
    "effects.few": "{name}: {n:count:member} held out so far; too few to trust a figure.",
    "effects.waiting": "{name}: {n:count:member} chosen, and the days in which the outcome counts are not over.",
    "effects.untold": "{name}: with {listed:number} listed and {held_out:number} held out so far, nothing can be told.",
    "effects.nothing": "{name}: nobody was chosen yet.",
    "effects.mismatch": "{name}: do not trust this effect. Listed and held-out members are not as many as were drawn (p {p}), "
    "so something other than the draw decides who is contacted; look for it.",
    "effects.how": "Whoever was listed counts, contacted or not, and once. Differences are adjusted for what members did before. "
    "The bounds hold however often one looks.",
}
