"""The people as a community: staff and bots, newcomers and levels, whom to thank."""

from __future__ import annotations

from typing import Final

ROLES: Final = {
    "roles.title": "Staff and bots",
    "roles.role": "Role",
    "roles.staff": "Staff",
    "roles.bots": "Bots",
    "roles.members": "Members",
    "roles.share": "Share of all activity in 28 days",
    "roles.meaning": "Staff and bots are counted here and nowhere else: they are never scored, listed or learnt from.",
    "roles.suspected": "{n:count:member} {n:plural:looks like a bot|look like bots}: see {list}. "
    "Until you say so in [community] bots, they are treated as people.",
    "roles.list": "the list of suspected bots",
    "bots.daily_clock": "{share:percent} of {visits:number} visits began within the same ten minutes of the day.",
    "bots.hourly_clock": "{share:percent} of {visits:number} visits began within the same five minutes of the hour.",
    "bots.equal_pauses": "{share:percent} of the pauses are of the same length.",
    "bots.no_rest": "No pause of four hours on {days:count:day}.",
    "bots.volume": "{n:number} actions in 90 days; a member like most others had {typical:number}.",
}

NEWCOMERS: Final = {
    "newcomers.title": "Newcomers",
    "newcomers.cohort": "{n:count:member} joined from {first:short_day} to {last:short_day}. What they did in their first 28 "
    "days, and whether they were active in the 28 days after those:",
    "newcomers.stage": "Step",
    "newcomers.members": "Members",
    "newcomers.share": "Of the step before",
    "newcomers.earlier": "28 days earlier",
    "newcomers.change": "Change in points",
    "newcomers.change.interval": "{value} ({low} to {high})",
    "newcomers.joined": "Joined",
    "newcomers.read": "Read",
    "newcomers.posted": "Wrote",
    "newcomers.answered": "Were answered",
    "newcomers.stayed": "Stayed",
    "newcomers.worst.read": "Most are lost before they read: {lost:number} of {n:number}.",
    "newcomers.worst.posted": "Most are lost before they write: {lost:number} of {n:number}.",
    "newcomers.worst.answered": "Most are lost without an answer: {lost:number} of {n:number}.",
    "newcomers.worst.stayed": "Most are lost after their first 28 days: {lost:number} of {n:number}.",
    "newcomers.answer": "Of those who wrote and were answered, {answered:percent} stayed; of those who were not answered, "
    "{unanswered:percent}.",
    "newcomers.interval": "In brackets: where the change lies with 95 % certainty. A range that includes 0 may be chance.",
    "newcomers.source": "How they came",
    "newcomers.source.joined": "Joined in half a year",
    "newcomers.source.stayed": "Stayed",
    "newcomers.source.range": "{share:percent} ({low:percent} to {high:percent})",
    "newcomers.source.note": "Shares of small groups are drawn towards that of all.",
    "newcomers.invited": "Of those who joined in half a year, {n:count:member} {n:plural:was|were} brought by another member: "
    "{share:percent} of them stayed, of the others {others:percent}. The difference lies between {low:number} and {high:number} "
    "points with 95 % certainty.",
    "newcomers.silent": "{silent:number} of the {active:count:member} active in 28 days, {share}, wrote nothing in a year.",
}

RISING: Final = {
    "rising.title": "Moving between tiers",
    "rising.moves": "Since {night:short_day}:",
    "rising.none": "Nobody has moved since {night:short_day}.",
    "rising.from": "From",
    "rising.to": "To",
    "rising.members": "Members",
    "rising.week": "In the week until {night:short_day}, {rose:number} rose and {fell:number} fell.",
    "rising.days": "Half of those who moved to {tier} did so {days:count:day} ago or earlier.",
    "rising.ready": "{n:count:member} {n:plural:is|are} within 3 points of {tier} in the value score.",
    "rising.ready.missing": "What most lack is {what} ({lacking:number} of them).",
    "rising.list": "Who, and what is missing",
    "rising.missing.points": "{n:digits:1} points below {tier} in the value score.",
    "rising.missing.most": "Lacks {what} most: {has:number} in a year, where half of that tier have {typical:number} or more.",
    "rising.missing.second_day": "Active on a single day of the year; a second one is enough for {tier}.",
    "rising.part.posts_365d": "contributions",
    "rising.part.given_count_365d": "responses to others",
    "rising.part.received_count_365d": "responses from others",
    "rising.part.active_days_365d": "active days",
    "rising.part.spend_365d": "spend",
    "rising.part.second_day": "a second active day",
}

THANKS: Final = {
    "thanks.contributor": "{contributions_7d:number} {contributions_7d:plural:contribution|contributions} this week; "
    "{people_reached_7d:number} {people_reached_7d:plural:person|people} responded.",
    "thanks.contributor.alone": "{contributions_7d:number} {contributions_7d:plural:contribution|contributions} this week.",
    "thanks.took_off": "New here, and {contributions_7d:number} contributions this week; {people_reached_7d:number} "
    "{people_reached_7d:plural:person|people} responded.",
    "thanks.took_off.alone": "New here, and {contributions_7d:number} contributions this week.",
    "thanks.helper": "Responded to {newcomers_helped_7d:number} newcomers this week.",
    "thanks.improved": "{contributions_7d:number} contributions this week, {contributions_56d:number} in the eight weeks before.",
    "thanks.improved.alone": "{contributions_7d:number} contributions this week, none in the eight weeks before.",
    "thanks.streak": "Contributed in every one of the last {streak_weeks:number} weeks.",
    "thanks.badge": "Earned the badge “{label}”.",
    "recognition.title": "Whom to thank",
    "recognition.week": "{n:count:member} made {contributions:number} {contributions:plural:contribution|contributions} in the "
    "last 7 days.",
    "recognition.not_counted": "{n:number} of them count nothing: beyond the daily cap, or in a burst that "
    "hardly anybody responded to.",
    "recognition.for": "For",
    "recognition.members": "Members",
    "recognition.contributor": "Contributions of the week",
    "recognition.took_off": "Newcomers who took off",
    "recognition.helper": "Helping newcomers",
    "recognition.improved": "More than usual",
    "recognition.streak": "Weeks in a row",
    "recognition.badge": "New badges",
    "recognition.levels": "By level: {levels}.",
    "recognition.level": "{level} ({members:number})",
    "recognition.moves": "Levels reached in the last 7 days:",
    "recognition.no_level": "No level",
    "recognition.rose.none": "Nobody reached a higher level in the last 7 days.",
    "recognition.week.rose": "In the week until {night:short_day}, {n:count:member} reached a higher level.",
    "recognition.days": "Half of those who reached {level} did so {days:count:day} ago or earlier.",
    "recognition.list": "Who, with words ready to post",
    "recognition.badges": "All badges and points",
    "recognition.board": "The board page",
    "recognition.board.note": "names {n:count:member} who agreed to be shown, and nobody else. It may be published.",
    "board.title": "Thank you",
    "board.week": "The week until {night:day}",
    "board.line": "{name}: {reason}",
    "board.footer": "Only members who agreed are named here.",
}
