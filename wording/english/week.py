"""The figures of a week beside the week before: their names, what changed and why, and the heat maps."""

from __future__ import annotations

from typing import Final

# Figures as they stand in the middle of a sentence and, with a capital letter, at the head of a row.
FIGURE_NAMES: Final = {
    "figures.name.dau": "members active on an average day",
    "figures.name.wau": "members active within 7 days",
    "figures.name.mau": "members active within 30 days",
    "figures.name.new_members": "new members",
    "figures.name.resurrected_members": "members who came back after 30 days of silence",
    "figures.name.lost_members": "members who fell silent for 30 days",
    "figures.name.retention_d1": "new members active a day later",
    "figures.name.retention_d7": "new members active 7 days later",
    "figures.name.retention_d30": "new members active 30 days later",
    "figures.name.contributors": "contributors on an average day",
    "figures.name.creators": "authors on an average day",
    "figures.name.silent_share_30d": "active members who contribute nothing",
    "figures.name.orders": "orders",
    "figures.name.spend": "spend",
    "figures.name.repeat_rate": "buyers who had bought before",
    "figures.name.conversion_rate_30d": "active members who bought within 30 days",
    "figures.name.messages": "messages to members",
    "figures.name.open_rate_30d": "messages opened",
    "figures.name.click_rate_30d": "messages clicked",
    "figures.name.feedback_score_30d": "feedback score, 0 to 10",
}

CHANGES: Final = {
    "figures.title": "The figures",
    "figures.head.figure": "Figure",
    "figures.head.now.week": "This week",
    "figures.head.before.week": "Week before",
    "figures.head.now.month": "Last 4 weeks",
    "figures.head.before.month": "4 weeks before",
    "figures.head.change": "Change",
    "figures.head.sure": "Verdict",
    "figures.head.year": "A year ago",
    "figures.head.past": "Until now",
    "figures.caption.week": "Figures of the 7 days that end with the night, beside the 7 days before.",
    "figures.caption.month": "Figures of the 28 days that end with the night, beside the 28 days before.",
    "figures.points": "{n} points",
    "figures.note": "No sure change: a change of this size comes by itself, even if nothing has happened. Usual: it often "
    "changes as much from one period to the next. The small line shows up to 26 periods, the newest at the right.",
    "figures.sure.unknown": "nothing before",
    "figures.sure.nothing": "none",
    "figures.sure.began": "began",
    "figures.sure.ended": "ended",
    "figures.sure.steady": "no sure change",
    "figures.sure.usual": "usual",
    "figures.sure.unusual": "unusual",
    "figures.sure.unproven": "too early to say",
    # What changed and why. A figure's own sentence comes first.
    "changes.title": "What changed, and why",
    "changes.this.week": "this week",
    "changes.last.week": "the week before",
    "changes.this.month": "in the last 4 weeks",
    "changes.last.month": "the 4 weeks before",
    "changes.dau.more": "On an average day, {by:number} more {by:noun:member} {by:plural:was|were} active {this}*: {now:number} "
    "after {before:number} {last}.",
    "changes.dau.less": "On an average day, {by:number} fewer {by:noun:member} {by:plural:was|were} active {this}*: {now:number} "
    "after {before:number} {last}.",
    "changes.wau.more": "{by:number} more {by:noun:member} {by:plural:was|were} active within 7 days*: {now:number} "
    "after {before:number} {last}.",
    "changes.wau.less": "{by:number} fewer {by:noun:member} {by:plural:was|were} active within 7 days*: {now:number} "
    "after {before:number} {last}.",
    "changes.mau.more": "{by:number} more {by:noun:member} {by:plural:was|were} active within 30 days*: {now:number} "
    "after {before:number} {last}.",
    "changes.mau.less": "{by:number} fewer {by:noun:member} {by:plural:was|were} active within 30 days*: {now:number} "
    "after {before:number} {last}.",
    "changes.new_members.more": "{by:number} more {by:noun:member} joined {this}*: {now:number} after {before:number} {last}.",
    "changes.new_members.less": "{by:number} fewer {by:noun:member} joined {this}*: {now:number} after {before:number} {last}.",
    "changes.resurrected_members.more": "{by:number} more {by:noun:member} came back {this}* after 30 days of silence: "
    "{now:number} after {before:number} {last}.",
    "changes.resurrected_members.less": "{by:number} fewer {by:noun:member} came back {this}* after 30 days of silence: "
    "{now:number} after {before:number} {last}.",
    "changes.lost_members.more": "{by:number} more {by:noun:member} fell silent {this}*, which is 30 days after the last time "
    "they were active: {now:number} after {before:number} {last}.",
    "changes.lost_members.less": "{by:number} fewer {by:noun:member} fell silent {this}*, which is 30 days after the last time "
    "they were active: {now:number} after {before:number} {last}.",
    "changes.retention_d1.more": "More new members came again a day later*: {now:percent} {this} after {before:percent} {last}.",
    "changes.retention_d1.less": "Fewer new members came again a day later*: {now:percent} {this} after {before:percent} {last}.",
    "changes.retention_d7.more": "More new members came again 7 days later*: {now:percent} {this} after {before:percent} {last}.",
    "changes.retention_d7.less": "Fewer new members came again 7 days later*: {now:percent} {this} after {before:percent} "
    "{last}.",
    "changes.retention_d30.more": "More new members came again 30 days later*: {now:percent} {this} after {before:percent} "
    "{last}.",
    "changes.retention_d30.less": "Fewer new members came again 30 days later*: {now:percent} {this} after {before:percent} "
    "{last}.",
    "changes.contributors.more": "On an average day, {by:number} more {by:noun:member} contributed something {this}*: "
    "{now:number} after {before:number} {last}.",
    "changes.contributors.less": "On an average day, {by:number} fewer {by:noun:member} contributed something {this}*: "
    "{now:number} after {before:number} {last}.",
    "changes.creators.more": "On an average day, {by:number} more {by:noun:member} published something {this}*: {now:number} "
    "after {before:number} {last}.",
    "changes.creators.less": "On an average day, {by:number} fewer {by:noun:member} published something {this}*: {now:number} "
    "after {before:number} {last}.",
    "changes.silent_share_30d.more": "More of the active members contribute nothing*: {now:percent} {this} after "
    "{before:percent} {last}.",
    "changes.silent_share_30d.less": "Fewer of the active members contribute nothing*: {now:percent} {this} after "
    "{before:percent} {last}.",
    "changes.orders.more": "{by:number} more {by:noun:order} came in {this}*: {now:number} after {before:number} {last}.",
    "changes.orders.less": "{by:number} fewer {by:noun:order} came in {this}*: {now:number} after {before:number} {last}.",
    "changes.spend.more": "{by:money} more was spent {this}*: {now:money} after {before:money} {last}.",
    "changes.spend.less": "{by:money} less was spent {this}*: {now:money} after {before:money} {last}.",
    "changes.repeat_rate.more": "More of the buyers had bought before*: {now:percent} {this} after {before:percent} {last}.",
    "changes.repeat_rate.less": "Fewer of the buyers had bought before*: {now:percent} {this} after {before:percent} {last}.",
    "changes.conversion_rate_30d.more": "More of the active members bought something*: {now:percent} {this} after "
    "{before:percent} {last}.",
    "changes.conversion_rate_30d.less": "Fewer of the active members bought something*: {now:percent} {this} after "
    "{before:percent} {last}.",
    "changes.messages.more": "{by:number} more {by:noun:message} went to members {this}*: {now:number} after {before:number} "
    "{last}.",
    "changes.messages.less": "{by:number} fewer {by:noun:message} went to members {this}*: {now:number} after {before:number} "
    "{last}.",
    "changes.open_rate_30d.more": "More of the messages were opened*: {now:percent} {this} after {before:percent} {last}.",
    "changes.open_rate_30d.less": "Fewer of the messages were opened*: {now:percent} {this} after {before:percent} {last}.",
    "changes.click_rate_30d.more": "More of the messages were clicked*: {now:percent} {this} after {before:percent} {last}.",
    "changes.click_rate_30d.less": "Fewer of the messages were clicked*: {now:percent} {this} after {before:percent} {last}.",
    "changes.feedback_score_30d.more": "The feedback is better*: a score of {now:digits:1} {this} after {before:digits:1} "
    "{last}.",
    "changes.feedback_score_30d.less": "The feedback is worse*: a score of {now:digits:1} {this} after {before:digits:1} {last}.",
    "changes.large.more": "That is twice as much or more.",
    "changes.large.less": "That is half as much or less.",
    "changes.unusual.week": "That is unusual: in {n:number} weeks before it never changed as much.",
    "changes.unusual.month": "That is unusual: in {n:number} times four weeks before it never changed as much.",
    "changes.unproven": "Whether that is unusual cannot be told yet: too little is known of the time before.",
    "changes.year": "A year ago it was {value}.",
    "changes.driver.more": "Most of the rise is in {group}: {now:number} after {before:number}.",
    "changes.driver.less": "Most of the fall is in {group}: {now:number} after {before:number}.",
    "changes.driver.money.more": "Most of the rise is in {group}: {now:money} after {before:money}.",
    "changes.driver.money.less": "Most of the fall is in {group}: {now:money} after {before:money}.",
    "changes.driver.rate": "Most of that comes from {group}: {now:percent} there after {before:percent}.",
    "changes.driver.score": "Most of that comes from {group}: {now:digits:1} there after {before:digits:1}.",
    "changes.driver.mix": "Most of that is not what members do but who they are: the share of {group} is {now:percent} after "
    "{before:percent}.",
    "changes.group.platform": "the platform {value}",
    "changes.group.source": "those who came by {value}",
    "changes.group.tier": "the tier {value}",
    "changes.group.community": "the community {value}",
    "changes.usual": "Changed, but as it often does: {figures}.",
    "changes.steady": "{n:number} other {n:plural:figure|figures} {n:plural:shows|show} no sure change.",
    "changes.none": "Nothing has changed beyond chance and the usual ups and downs.",
    # The first headline.
    "headline.wau.unknown": "{n:count:member}* {n:plural:was|were} active in the last 7 days{joined}.",
    "headline.wau.steady": "{n:count:member}* {n:plural:was|were} active in the last 7 days, about as many as {last} "
    "({before:number}){joined}.",
    "headline.wau.more": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {by:number} more than {last}, more "
    "than the usual ups and downs{joined}.",
    "headline.wau.less": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {by:number} fewer than {last}, more "
    "than the usual ups and downs{joined}.",
    "headline.wau.usual_more": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {by:number} more than {last}, "
    "within the usual ups and downs{joined}.",
    "headline.wau.usual_less": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {by:number} fewer than {last}, "
    "within the usual ups and downs{joined}.",
    "headline.wau.unproven_more": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {by:number} more than "
    "{last}{joined}.",
    "headline.wau.unproven_less": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {by:number} fewer than "
    "{last}{joined}.",
}

HEAT: Final = {
    "cohorts.title": "Do new members stay?",
    "cohorts.lead": "Members by the week in which they joined, and the share of them active in each week after it. Read a row "
    "from left to right to see how many stay; read a column from top to bottom to see whether newcomers stay longer than before.",
    "cohorts.caption": "Share of new members active, by week of joining and weeks since",
    "cohorts.head.week": "Joined in the week from",
    "cohorts.head.members": "Members",
    "cohorts.head.since": "Week {n}",
    "cohorts.small": "Weeks in which fewer than {n:count:member} joined are left out.",
    "hours.title": "When members are active",
    "hours.lead": "The busiest hours are {best}.",
    "hours.moment": "{weekday} from {hour}:00",
    "hours.caption": "Members active in each hour of the week, of the last 8 weeks",
    "hours.head.hour": "Hour",
    "hours.hour": "{hour}:00",
    "hours.small": "Hours with fewer than {n:count:member} are left out. Times are those of the community’s timezone.",
    "hours.weekday.1": "Mon",
    "hours.weekday.2": "Tue",
    "hours.weekday.3": "Wed",
    "hours.weekday.4": "Thu",
    "hours.weekday.5": "Fri",
    "hours.weekday.6": "Sat",
    "hours.weekday.7": "Sun",
}

EDITIONS: Final = {
    "edition.kicker.week": "Weekly report",
    "edition.kicker.month": "Monthly report",
    "edition.from.week": "The 7 days from {first:short_day} to {night:short_day} · {members:count:member} ever seen",
    "edition.from.month": "The 28 days from {first:short_day} to {night:short_day} · {members:count:member} ever seen",
    "report.skip": "Skip to the report",
    "report.others": "others",
    "report.few": "under {n}",
    "rising.few": "Other moves since {night:short_day} were of fewer than {n:count:member} each.",
    "tiers.before.week": "A week before",
    "tiers.before.month": "4 weeks before",
    "tiers.key.before.week": "a week before",
    "tiers.key.before.month": "4 weeks before",
}

PLATFORMS: Final = {
    "platforms.title": "What platforms count",
    "platforms.caption": "Figures that platforms give by day: the mean of the newest 7 days that each has given, beside the 7 "
    "before.",
    "platforms.head.platform": "Platform",
    "platforms.head.figure": "Figure",
    "platforms.head.newest": "Newest day",
    "platforms.head.now": "A day, newest week",
    "platforms.head.before": "A day, week before",
    "platforms.head.change": "Change",
    "platforms.head.past": "Until now",
    "platforms.on": "{value} on {day:short_day}",
    "platforms.change": "{moved} ({share})",
    "platforms.none": "–",
    "platforms.note": "They are the platforms' own counts, not of members in the lists, and platforms may correct them later.",
}
