"""English: every sentence that people read, as templates.

A sentence of a reason holds for every value of its feature, says nothing about other members, and has neither a capital
letter nor a full stop of its own, as it may be continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wording.catalogue import Catalogue, GroupWords, Kind, Noun

# A slug that ends like this says what happened and is no noun: "logged in", "video watched".
_NOT_A_NOUN: Final = ("ed", "ing", " in", " out", " up", " on", " off")


def plural_of(noun: str) -> str:
    """Form the plural of a regular noun: members, categories, searches."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def event_noun(slug: str) -> Noun:
    """Make a noun of an event type: comment, comments; what is no noun is quoted: “logged in” event, “logged in” events."""
    word = slug.replace("_", " ")
    if word.endswith(_NOT_A_NOUN) or not word[-1:].isalpha():
        return Noun(f"“{word}” event", f"“{word}” events")
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return Noun(word.removesuffix("s"), word)
    return Noun(word, plural_of(word))


def _regular(*nouns: str) -> dict[str, Noun]:
    return {noun: Noun(noun, plural_of(noun)) for noun in nouns}


_ACTION: Final = Noun("action", "actions")
_NOUNS: Final = {
    **_regular("day", "month", "year", "message", "kind", "member", "row"),
    "other": Noun("other member", "other members"),
    "action_kind": Noun("kind of action", "kinds of action"),
}
_KINDS: Final = {
    "activity": Kind(_ACTION, "last seen", "never active"),
    "event": Kind(_ACTION, "last action", "no action so far"),
    "other_event": Kind(Noun("action of a rare kind", "actions of rare kinds"), "last rare action", "no rare action so far"),
    "received": Kind(
        Noun("reaction from others", "reactions from others"), "last reaction from others", "no reaction from others so far"
    ),
    "given": Kind(
        Noun("interaction with others", "interactions with others"), "last interaction with others", "no interaction so far"
    ),
    "content": Kind(Noun("piece published", "pieces published"), "last published a piece", "nothing published so far"),
    "contact": Kind(Noun("message from us", "messages from us"), "last message from us", "no message from us so far"),
    "open": Kind(Noun("message opened", "messages opened"), "last opened a message", "no message opened so far"),
    "click": Kind(Noun("message clicked", "messages clicked"), "last clicked in a message", "no message clicked so far"),
    "feedback": Kind(Noun("feedback answer", "feedback answers"), "last feedback score", "no feedback score so far"),
}

_TIME: Final = {
    "window.day": "today",
    "window.days": "in the last {days} days",
    "window.year": "in the last year",
    "so_far": "so far",
    "span.days": "{n:count:day}",
    "span.months": "{n:count:month}",
    "span.years": "{n:count:year}",
    "ago.today": "today",
    "ago.yesterday": "yesterday",
    "ago.days": "{n:span} ago",
    "kind.last": "last {noun.one}",
    "kind.never": "no {noun.one} so far",
}

_REASONS: Final = {
    "lowers": "{sentence} (speaks for staying)",
    "general": "{what}: {value}",
    "general.unit": "{n:decimal} {unit}",
    "general.number": "{n:decimal}",
    "general.unknown": "not known",
    "general.yes": "yes",
    "general.no": "no",
    # When.
    "last_seen": "last seen {days:ago}{usual}",
    "last_seen.today": "seen today{usual}",
    "away.today": "seen today",
    "last_seen.never": "never active",
    "last_seen.usual": ", usually back after {gap:count:day}",
    "last_seen.usual_day": ", usually back the next day",
    "last_time": "{last} {days:ago}",
    "last_time.often": "{last} {days:ago}, {n:whole} {window}",
    "here_for": "here for {days:span}",
    "here_for.today": "joined today",
    "here_for.unknown": "day of joining not known",
    "first_active": "first active {days:ago}",
    # Rhythm.
    "gap.every": "came every {n:whole} days on average",
    "gap.daily": "came nearly every day",
    "gap_median": "usually back after {n:whole} days",
    "gap_median.day": "usually back the next day",
    "gap_longest": "longest break between active days in the last year: {n:count:day}",
    "gap_deviation": "{every}, give or take {n:count:day}",
    "away": "away for {days:count:day}, {times} times as long as usual",
    "away.as_usual": "away for {days:count:day}, about as long as usual",
    "away.no_longer": "away for {days:count:day}, no longer than usual",
    "few_days": "active on only {n:count:day} in the last year",
    "few_days.none": "not active in the last year",
    "longest_streak": "active up to {n:whole} days in a row {window}",
    "longest_streak.one": "never active two days in a row {window}",
    "latest_streak": "last active for {n:whole} days in a row",
    "latest_streak.one": "last active for a single day",
    "active_weeks": "active in {n:whole} of the last {of} weeks",
    "active_weeks.none": "active in none of the last {of} weeks",
    "active_weeks.all": "active in each of the last {of} weeks",
    "not_active": "not active {window}",
    # Habits: a share, none of it, all of it.
    "share": "{n:percent} {of}",
    "share.none": "none {of}",
    "share.all": "all {of}",
    "hours.night": "of the activity {window} was at night",
    "hours.morning": "of the activity {window} was in the morning",
    "hours.afternoon": "of the activity {window} was in the afternoon",
    "hours.evening": "of the activity {window} was in the evening",
    "hours.none": "no activity {window}",
    "weekends": "of the active days {window} were on weekends",
    "weekends.only_on": "the only active day {window} was on a weekend",
    "weekends.only_off": "the only active day {window} was not on a weekend",
    "one_weekday": "of the active days {window} fell on one weekday",
    "variety": "{n:count:action_kind} {window}",
    "variety.none": "no action {window}",
    "evenness": "activity {window} mostly of {n:count:kind}",
    "evenness.one": "a single kind of action {window}",
    # People.
    "people.given": "interacted with {n:count:other} {window}",
    "people.given.none": "interacted with nobody {window}",
    "people.received": "reactions from {n:count:other} {window}",
    "people.received.none": "no reactions from others {window}",
    "received_share": "of the interactions with others {window} came from the others",
    "received_share.none": "no interactions with others {window}",
    "reciprocity": "of those interacted with {window} interacted back",
    # Orders.
    "average_order": "average order of {n:money} {when}",
    "average_order.none": "no orders {when}",
    "orders.none": "no paid order so far",
    "repeat_orders": "ordered again on {n:count:day} after the first order",
    "repeat_orders.none": "never ordered again after the first order",
    "order_span": "{n:span} between the first and the last order",
    "order_span.one": "ordered on a single day only",
    "first_order": "first order {n:ago}",
    "repeat_value": "spent {n:money} on an average order day after the first",
    # Messages and feedback.
    "answered.none_sent": "no messages from us {window}",
    "answered.open": "opened {done:whole} of {sent:count:message} from us {window}",
    "answered.open.more": "opened {done:count:message} from us {window}",
    "answered.open.none": "opened none of {sent:count:message} from us {window}",
    "answered.open.only": "opened the only message from us {window}",
    "answered.open.not_only": "did not open the only message from us {window}",
    "answered.click": "clicked in {done:whole} of {sent:count:message} from us {window}",
    "answered.click.more": "clicked in {done:count:message} from us {window}",
    "answered.click.none": "clicked in none of {sent:count:message} from us {window}",
    "answered.click.only": "clicked in the only message from us {window}",
    "answered.click.not_only": "did not click in the only message from us {window}",
    "last_score": "last feedback score: {n:decimal}",
    "last_score.none": "no feedback score so far",
    "mean_score": "average feedback score in the last year: {n:decimal}",
    "mean_score.none": "no feedback score in the last year",
    # Profile.
    "category": "{what}: {value}",
    "category.unknown": "{what} not known",
    "category.platform": "platform",
    "category.region": "region",
    "category.gender": "gender",
    "age": "turns {n:whole} in {year}",
    "age.unknown": "age not known",
    "was_referred": "brought by another member",
    "was_referred.no": "not brought by another member",
    "members_referred": "brought {n:count:other}",
    "members_referred.none": "brought no other member",
}

# What is summed over windows. Of each: an amount, a usual amount after those words, a mean one, none at all, and the same
# after a comma.
_AMOUNTS: Final = {
    "count.some": "{n:count:noun}",
    "count.alone": "{n:whole}",
    "count.mean": "{n:decimal}",
    "count.none": "no {noun.many}",
    "count.nothing": "none",
    "active_days.some": "active on {n:count:day}",
    "active_days.alone": "on {n:whole}",
    "active_days.mean": "{n:decimal} {n:noun:day}",
    "active_days.none": "not active",
    "active_days.nothing": "on none",
    "spend.some": "spent {n:money}",
    "spend.back": "got {n:money} more back than spent",
    "spend.alone": "{n:money}",
    "spend.mean": "{n:money}",
    "spend.none": "nothing spent",
    "spend.nothing": "nothing",
    "refund_spend.some": "got {n:money} refunded",
    "refund_spend.alone": "{n:money}",
    "refund_spend.mean": "{n:money}",
    "refund_spend.none": "nothing refunded",
    "refund_spend.nothing": "nothing",
    "amount": "{amount} {when}{more}",
    "amount.for": "{amount} for {days:span}",
    "amount.as_usual": ", as usual",
    "amount.usual": ", usually {usual}",
    "amount.only": ", {days:ago}",
    "amount.last": ", the last one {days:ago}",
    "amount.last.order": ", the last order {days:ago}",
    "amount.last.refund": ", the last refund {days:ago}",
    "amount.until": "{amount} a month until {days:month}, {nothing} {window}",
    "trend.none_before": ", {nothing} in the {days} days before",
    "trend.down": ", down from {level} in an average {recent_days} days before",
    "trend.up": ", up from {level} in an average {recent_days} days before",
    "trend.steady": ", about as before",
}

_LISTS: Final = {
    "contact": "{parts}.",
    "contact.likely": "likely to leave: {n:plain} %.",
    "contact.between": ", ",
    "contact.often": "was active {n:plain} days a month",
    "contact.monthly": "was active about once a month",
    "contact.once": "was active on a single day",
    "contact.seen": "last seen {n:plain} days ago",
    "contact.seen_yesterday": "last seen yesterday",
    "contact.seen_today": "seen today",
    "contact.spent": "spent {n:plain_money} in a year",
}

# Of a headline, what stands before the asterisk is set bold.
_REPORT: Final = {
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

_ALERTS: Final = {
    "alert.failed": "{community}: {night} failed (exit code {code})",
    "alert.warned": "{community}: {night} finished with warnings (exit code {code})",
    "alert.remedy": "What to do: {remedy}",
    "alert.night": "the night of {of}",
    "alert.other": "{purpose} of {of}",
    "alert.last_full_day": "the last full day",
    "alert.bug": "It met a bug of ours: {kind}. Nothing half-done was published.",
    "alert.bug.done": "{done}.",
    "alert.bug.remedy": "Run it again; if it fails again, report what it wrote on the terminal or in Prefect's log.",
}

_GROUPS: Final = GroupWords(
    adjectives={
        "active_days_365d": ("Busy", "Quiet"),
        "received_count_365d": ("Popular", None),
        "spend_365d": ("Big-spending", None),
        "tenure_days": ("Long-standing", "New"),
        "weekend_share_365d": ("Weekend", "Weekday"),
        "night_share_365d": ("Night-time", None),
        "morning_share_365d": ("Morning", None),
    },
    nouns={
        "order": "buyers",
        "post": "writers",
        "question": "askers",
        "answer": "answerers",
        "comment": "commenters",
        "like": "fans",
        "vote": "voters",
        "poll_vote": "voters",
        "read": "readers",
        "view": "readers",
        "search": "searchers",
        "share": "sharers",
        "message": "talkers",
        "login": "visitors",
        "event_signup": "event-goers",
        "badge": "badge earners",
    },
    regulars="{kind} regulars",
    plain_adjective="Steady",
    plain_noun="members",
    newcomers="newcomers",
    of_newcomers=frozenset({"New", "Long-standing"}),
    never_active="Never active",
    away_for_a_year="Away for a year",
    everyone="Active members",
)

_SENTENCES: Final[Mapping[str, str]] = {**_TIME, **_REASONS, **_AMOUNTS, **_LISTS, **_REPORT, **_ALERTS}
ENGLISH: Final = Catalogue(_SENTENCES, _NOUNS, _KINDS, event_noun, _GROUPS)
