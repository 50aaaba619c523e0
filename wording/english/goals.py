"""Goals and the health index: how figures are read, whether goals will be met, what moves the health of a community."""

from __future__ import annotations

from typing import Final

READINGS: Final = {
    "reading.mean": "{figure}, mean of 28 days",
    "reading.sum": "{figure} within 28 days",
    "reading.in.platform": "{reading} (platform {group})",
    "reading.in.source": "{reading} (joined by {group})",
    "reading.in.tier": "{reading} (tier {group})",
    "reading.in.lifecycle": "{reading} (stage {group})",
    "reading.in.community": "{reading} (community {group})",
    "reading.in.channel": "{reading} (channel {group})",
}

GOALS: Final = {
    "goals.title": "Goals",
    "goals.status.met": "met",
    "goals.status.missed": "missed",
    "goals.status.on_track": "on track",
    "goals.status.off_track": "not on track",
    "goals.status.unknown": "too early to say",
    "goals.status.no_data": "no data",
    "goals.wanted.at_least": "{target} or more wanted by {by:short_day}, {value} now.",
    "goals.wanted.at_most": "{target} or less wanted by {by:short_day}, {value} now.",
    "goals.passed.at_least": "{target} or more was wanted by {by:short_day}; it was {value}.",
    "goals.passed.at_most": "{target} or less was wanted by {by:short_day}; it was {value}.",
    "goals.expected": "The chance is {chance:percent}. Expected on the day is {expected}; nine times of ten it will be {low} to "
    "{high}.",
    "goals.pace": "From here on it takes {needed} a week; the last four weeks brought {pace} a week.",
    "goals.pace.fades": "From here on it takes {needed} a week. The last four weeks brought {pace} a week, which the forecast "
    "does not expect to go on.",
    "goals.pace.alone": "From here on it takes {needed} a week.",
    "goals.pace.held": "The target is reached today, and has to hold until then.",
    "goals.points": "{n} points",
    "goals.unknown": "Less than eight weeks of it are known, which is too little for a forecast.",
    "goals.no_data": "This community has no such figure. Check figure and group of the goal in evenfall.toml.",
    "goals.chance.before": "On {night:short_day} the chance was {chance:percent}.",
    "goals.chart": "From {low} to {high} nine times of ten, {expected} expected, {value} now, the target at {target}.",
    "goals.chart.chance": "The chance night by night since {first:short_day}.",
    "goals.chart.target": "target {target}",
    "goals.key.interval": "where it will be nine times of ten",
    "goals.key.expected": "expected",
    "goals.key.now": "now",
    "goals.note": "A forecast goes by the weekday, the trend and, where two years are known, the time of the year. How far it "
    "may be off is how far it was off in this community's past.",
    "headline.goals": "{on_track:number} of {n:number} {n:plural:goal|goals} {on_track:plural:is|are} on track*.",
    "headline.goals.worst": "{on_track:number} of {n:number} {n:plural:goal|goals} {on_track:plural:is|are} on track*. The least "
    "likely is “{goal}”, by {by:short_day}: {chance:percent}.",
    "summary.goals": "{on_track:number} of {n:number} {n:plural:goal|goals} on track",
}

HEALTH: Final = {
    "health.title": "How healthy the community is",
    "health.factor": "Factor",
    "health.score": "Score of 100",
    "health.moved.7": "Moved the index in a week",
    "health.moved.28": "In four weeks",
    "health.moved.364": "In a year",
    "health.measured": "Measured by",
    "health.index": "Health index",
    "health.factor.members": "Members",
    "health.factor.content": "Content",
    "health.factor.answers": "Answers",
    "health.factor.interaction": "Interaction",
    "health.factor.liveliness": "Liveliness",
    "health.factor.loyalty": "Loyalty",
    "health.factor.commerce": "Commerce",
    "health.more": "The health index is {index:number} of 100, {points:number} {points:plural:point|points} more than four weeks "
    "ago. What moved it most is {factor}.",
    "health.less": "The health index is {index:number} of 100, {points:number} {points:plural:point|points} less than four weeks "
    "ago. What moved it most is {factor}.",
    "health.same": "The health index is {index:number} of 100, as it was four weeks ago.",
    "health.alone": "The health index is {index:number} of 100.",
    "health.meaning": "50 is the middle of this community's own last {days:count:day}, 100 better than on any of them, 0 worse. "
    "The index is the mean of its factors; what each moved adds up to its change. It says nothing about other communities.",
    "headline.health.more": "Health is at {index:number} of 100*, {points:number} {points:plural:point|points} more than four "
    "weeks ago; what moved it most is {factor}.",
    "headline.health.less": "Health is at {index:number} of 100*, {points:number} {points:plural:point|points} less than four "
    "weeks ago; what moved it most is {factor}.",
    "headline.health.same": "Health is at {index:number} of 100*, as it was four weeks ago.",
    "headline.health.alone": "Health is at {index:number} of 100* of this community's own past.",
}
