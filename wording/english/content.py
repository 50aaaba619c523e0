"""Answers and content: posts that wait for an answer, what works, hot topics."""

from __future__ import annotations

from typing import Final

UNANSWERED: Final = {
    "headline.unanswered": "{n:count:post}* {n:plural:waits|wait} for an answer{newcomers}.",
    "headline.unanswered.newcomers": ", {n:number} of them by newcomers",
    "unanswered.title": "Unanswered",
    "unanswered.waiting": "{figure} of {posts:count:post} of the last {days:count:day} {n:plural:has|have} had no answer for "
    "{hours:count:hour} or longer.",
    "unanswered.nothing": "No post of the last {days:count:day} has waited for {hours:count:hour} without an answer.",
    "unanswered.by_newcomers": "{n:count:post} {n:plural:is|are} by newcomers, {first:number} of them "
    "{first:plural:the first post|first posts}. Answer these first: they head the list.",
    "unanswered.a_week": "{n:count:post} {n:plural:has|have} waited for a week or longer.",
    "unanswered.staff": "{n:count:post} {n:plural:was|were} answered by staff alone.",
    "unanswered.open": "Open the list of unanswered posts",
    "unanswered.by_topic": "Where they wait",
    "unanswered.head.topic": "Topic",
    "unanswered.head.waiting": "Waiting",
    "unanswered.head.posts": "Posts",
    "unanswered.head.median": "Half answered after",
    "unanswered.speed": "How fast the community answers",
    "unanswered.head.which": "Posts of",
    "unanswered.head.day": "Answered within a day",
    "unanswered.head.interval": "95 % interval",
    "unanswered.recent": "the last 28 days",
    "unanswered.earlier": "the 28 days before",
    "unanswered.newcomers": "newcomers, last 28 days",
    "unanswered.interval": "{low:percent} to {high:percent}",
    "unanswered.faster": "Answers come faster than in the 28 days before.",
    "unanswered.slower": "Answers come more slowly than in the 28 days before.",
    "unanswered.no_difference": "No difference to the 28 days before can be told from chance.",
    "unanswered.odd.slower": "Slower: of {n:count:post} ({place}), {share:percent} were answered within a day.",
    "unanswered.odd.faster": "Faster: of {n:count:post} ({place}), {share:percent} were answered within a day.",
    "unanswered.how": "An answer is one by another person. Posts that still wait count as waiting, so that slow answers do not "
    "look fast. By newcomers: posted within 28 days of joining.",
    "content.under_an_hour": "under an hour",
    "content.hours": "{n:count:hour}",
    "content.days": "{n:count:day}",
    "content.named": "“{name}”",
    "content.channel": "channel “{name}”",
    "content.hour": "{first}:00 to {last}:00",
    "content.weekday.1": "Mondays",
    "content.weekday.2": "Tuesdays",
    "content.weekday.3": "Wednesdays",
    "content.weekday.4": "Thursdays",
    "content.weekday.5": "Fridays",
    "content.weekday.6": "Saturdays",
    "content.weekday.7": "Sundays",
}
