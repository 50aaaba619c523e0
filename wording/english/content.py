"""Answers and content: posts that wait for an answer, what works, hot topics."""

from __future__ import annotations

from typing import Final

UNANSWERED: Final = {
    "headline.unanswered": "{n:count:post}* {n:plural:waits|wait} for an answer{newcomers}.",
    "headline.unanswered.newcomers": ", {n:number} by {n:plural:a newcomer|newcomers}",
    "unanswered.title": "Unanswered",
    "unanswered.waiting": "{figure} of {posts:count:post} of the last {days:count:day} {n:plural:has|have} had no answer for "
    "{hours:count:hour} or longer.",
    "unanswered.nothing": "No post of the last {days:count:day} has waited for {hours:count:hour} without an answer.",
    "unanswered.by_newcomers": "{n:number} of these {n:plural:is|are} by {n:plural:a newcomer|newcomers}, and {first:number} of "
    "those {first:plural:is the first one|are the first ones} of a member. Answer these first: they head the list.",
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
    "unanswered.head.day": "Within a day",
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

OWN_POSTS: Final = {
    "card.posts": "posts answered",
    "card.posts.answered": "{answered:number} of {n:count:post} in {days:count:day}{typical}",
    "card.posts.typical": ", half of them after {wait}",
    "card.posts.waiting": "posts waiting",
    "card.posts.waiting.count": "{n:count:post} without an answer",
}

WORKS: Final = {
    "works.title": "What works",
    "works.lead": "{posts:count:post} by {authors:count:member} in the last {days:count:day}; {each:digits:1} people responded "
    "to each on average.",
    "works.open": "Open the list of the best posts",
    "works.nothing": "No topic, form, weekday or hour draws more or fewer responses than the others beyond chance.",
    "works.more": "Post more of this",
    "works.less": "This draws less",
    "works.best": "What the best tenth of posts have in common",
    "works.rising": "Hot topics",
    "works.falling": "Topics that cooled",
    "works.more.line": "{posts} draw {quality:digits:1} times the responses to be expected ({low:digits:1} "
    "to {high:digits:1}): {n:count:post} by {authors:count:member}.",
    "works.less.line": "{posts} draw {quality:percent} of the responses to be expected ({low:percent} to {high:percent}): "
    "{n:count:post} by {authors:count:member}.",
    "works.best.line": "{posts}: {best:percent} of the best tenth, {other:percent} of the others.",
    "works.rising.line": "“{topic}” rose from {before} to {after} people a week since {since:short_day}.",
    "works.falling.line": "“{topic}” fell from {before} to {after} people a week since {since:short_day}.",
    "works.by_topic": "How much is posted, and how well it does",
    "works.head.authors": "Authors",
    "works.head.each": "Responses each",
    "works.head.quality": "Times expected",
    "works.interval": "{low:digits:2} to {high:digits:2}",
    "works.how.readers": "To be expected: what so many readers give on average.",
    "works.how.age": "To be expected: what posts of the same age, whose authors have a like following, get on average.",
    "works.how": "Posts that ask for an answer are compared with each other only; topics, words and times among posts of "
    "one form. Estimates are drawn towards 1 where there is little, and what may be chance is not listed. Nobody drew topics and "
    "hours at random: who posts there may matter, too.",
    "works.how.trends": "Hot and cooled topics: changes within {weeks:number} weeks, beyond the growth of the community.",
    "works.posts.topic": "Posts on “{name}”",
    "works.posts.format": "Posts of the form “{name}”",
    "works.posts.word": "Posts with “{name}” in the title",
    "works.posts.title.question_mark": "Posts with a question mark in the title",
    "works.posts.title.long": "Posts with a longer title than most",
    "works.posts.title.short": "Posts with a shorter title than most",
    "works.posts.weekday": "Posts on {name}",
    "works.posts.hour": "Posts from {name}",
}
