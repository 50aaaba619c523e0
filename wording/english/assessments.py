"""How the community is doing: the assessments of the community as a whole."""

from __future__ import annotations

from typing import Final

ASSESSMENTS: Final = {
    "assessment.title": "How the community is doing",
    "assessment.head.figure": "Within 28 days",
    "assessment.head.now": "Now",
    "assessment.head.before": "28 days before",
    "assessment.head.change": "Change",
    "assessment.head.interval": "Between",
    "assessment.head.year": "A year before",
    "assessment.active_members": "Activity: members who were active",
    "assessment.contributions_per_active": "Activity: contributions of each active member",
    "assessment.connected_share": "Influence: active members who responded to others, or others to them",
    "assessment.responses_per_active": "Influence: responses of each active member to others",
    "assessment.absence_factor": "Influence: how many people made half of the contributions",
    "assessment.spend": "Commercial value: what members spent",
    "assessment.between": "{low} to {high}",
    "assessment.active_members.more": "More members are active than four weeks ago: {now} within 28 days, {before} in the "
    "28 days before.",
    "assessment.active_members.less": "Fewer members are active than four weeks ago: {now} within 28 days, {before} in the "
    "28 days before.",
    "assessment.contributions_per_active.more": "Active members contribute more: {now} times each, {before} in the 28 "
    "days before.",
    "assessment.contributions_per_active.less": "Active members contribute less: {now} times each, {before} in the 28 "
    "days before.",
    "assessment.connected_share.more": "More of the active members respond to each other: {now}, {before} in the 28 days before.",
    "assessment.connected_share.less": "Fewer of the active members respond to each other: {now}, {before} in the 28 "
    "days before.",
    "assessment.responses_per_active.more": "Active members respond to others more often: {now} times each, {before} in the 28 "
    "days before.",
    "assessment.responses_per_active.less": "Active members respond to others less often: {now} times each, {before} in the 28 "
    "days before.",
    "assessment.absence_factor.more": "Half of the contributions come from more people: {now}, {before} in the 28 days before.",
    "assessment.absence_factor.less": "Half of the contributions come from fewer people: {now}, {before} in the 28 days before.",
    "assessment.spend.more": "Members spend more: {now} within 28 days, {before} in the 28 days before.",
    "assessment.spend.less": "Members spend less: {now} within 28 days, {before} in the 28 days before.",
    "assessment.year": "A year before it was {then}.",
    "assessment.steady": "Nothing has changed more than is usual here from one four weeks to the next.",
    "assessment.expected": "Over the next {days:count:day} members are expected to spend {n:money}.",
    "assessment.expected.range": "Over the next {days:count:day} members are expected to spend {n:money}; eight times of ten it "
    "will be {low:money} to {high:money}.",
    "assessment.expected.spent": "In the last {days:count:day} they spent {n:money}.",
    "assessment.expected.year": "A year ago they spent {n:money} in the same {days:count:day}.",
    "assessment.note.intervals": "A change in bold is beyond what is usual: zero is not within its range. All ranges of a night "
    "hold together on 95 of 100 nights. They come from how much the four-week periods of the past year varied.",
    "assessment.note.too_little": "Where no range is given, too little of the past is known, or too few members were active, "
    "to say what is usual.",
}
