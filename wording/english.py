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
    "topic.last_time": "time since the last {noun.one}",
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
    "gap_now_to_mean_365d.today": "seen today",
    "last_seen.never": "never active",
    "last_seen.usual": ", usually back after {gap:count:day}",
    "last_seen.usual_day": ", usually back the next day",
    "last_time": "{last} {days:ago}",
    "last_time.often": "{last} {days:ago}, {n:whole} {window}",
    "tenure_days": "here for {n:span}",
    "tenure_days.zero": "joined today",
    "tenure_days.unknown": "day of joining not known",
    "days_since_first_activity": "first active {n:ago}",
    "days_since_first_activity.unknown": "never active",
    # Rhythm.
    "gap.every": "came every {n:whole} days on average",
    "gap.daily": "came nearly every day",
    "gap_median_days_365d": "usually back after {n:whole} days",
    "gap_median_days_365d.one": "usually back the next day",
    "gap_median_days_365d.unknown": "{few_days}",
    "gap_longest_days_365d": "longest break between active days in the last year: {n:count:day}",
    "gap_longest_days_365d.unknown": "{few_days}",
    "gap_deviation_days_365d": "{every}, give or take {n:count:day}",
    "gap_now_to_mean_365d": "away for {days:count:day}, {times} times as long as usual",
    "gap_now_to_mean_365d.as_usual": "away for {days:count:day}, about as long as usual",
    "gap_now_to_mean_365d.no_longer": "away for {days:count:day}, no longer than usual",
    "few_days": "active on only {n:count:day} in the last year",
    "few_days.none": "not active in the last year",
    "longest_streak_days_90d": "active up to {n:whole} days in a row in the last 90 days",
    "longest_streak_days_90d.zero": "not active in the last 90 days",
    "longest_streak_days_90d.one": "never active two days in a row in the last 90 days",
    "latest_streak_days": "last active for {n:whole} days in a row",
    "latest_streak_days.zero": "not active in the last year",
    "latest_streak_days.one": "last active for a single day",
    "active_weeks": "active in {n:whole} of the last {of} weeks",
    "active_weeks.none": "active in none of the last {of} weeks",
    "active_weeks.all": "active in each of the last {of} weeks",
    # Habits: a share, none of it, all of it.
    "share": "{n:percent} {of}",
    "share.none": "none {of}",
    "share.all": "all {of}",
    "hours.night": "of the activity {window} was at night",
    "hours.morning": "of the activity {window} was in the morning",
    "hours.afternoon": "of the activity {window} was in the afternoon",
    "hours.evening": "of the activity {window} was in the evening",
    "hours.none": "no activity {window}",
    "active_days.no": "not active {window}",
    "weekend_share": "of the active days {window} were on weekends",
    "weekend_share.only_on": "the only active day {window} was on a weekend",
    "weekend_share.only_off": "the only active day {window} was not on a weekend",
    "most_used_weekday_share": "of the active days {window} fell on one weekday",
    "distinct_event_types": "{n:count:action_kind} {window}",
    "distinct_event_types.zero": "no action {window}",
    "event_type_entropy": "activity {window} mostly of {n:count:kind}",
    "event_type_entropy.one": "a single kind of action {window}",
    # People.
    "distinct_people_given": "interacted with {n:count:other} {window}",
    "distinct_people_given.zero": "interacted with nobody {window}",
    "distinct_people_received": "reactions from {n:count:other} {window}",
    "distinct_people_received.zero": "no reactions from others {window}",
    "received_share": "of the interactions with others {window} came from the others",
    "received_share.none": "no interactions with others {window}",
    "reciprocity_share": "of those interacted with {window} interacted back",
    # Orders.
    "average_order_value": "average order of {n:money} {window}",
    "average_order_value.unknown": "no orders {window}",
    "orders.none": "no paid order so far",
    "repeat_order_days": "ordered again on {n:count:day} after the first order",
    "repeat_order_days.zero": "never ordered again after the first order",
    "first_to_last_order_days": "{n:span} between the first and the last order",
    "first_to_last_order_days.unknown": "no paid order so far",
    "first_to_last_order_days.zero": "ordered on a single day only",
    "first_order_age_days": "first order {n:ago}",
    "first_order_age_days.unknown": "no paid order so far",
    "mean_repeat_order_value": "spent {n:money} on an average order day after the first",
    "mean_repeat_order_value.unknown": "never ordered again after the first order",
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
    "last_feedback_score": "last feedback score: {n:decimal}",
    "last_feedback_score.unknown": "no feedback score so far",
    "mean_feedback_score": "average feedback score in the last year: {n:decimal}",
    "mean_feedback_score.unknown": "no feedback score in the last year",
    # Profile.
    "platform": "platform: {value}",
    "platform.unknown": "platform not known",
    "region": "region: {value}",
    "region.unknown": "region not known",
    "gender": "gender: {value}",
    "gender.unknown": "gender not known",
    "age_years": "turns {n:whole} in {year}",
    "age_years.unknown": "age not known",
    "was_referred": "brought by another member",
    "was_referred.unknown": "not brought by another member",
    "was_referred.zero": "not brought by another member",
    "members_referred": "brought {n:count:other}",
    "members_referred.zero": "brought no other member",
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
    "list.empty_column": "{meaning} Empty tonight, so the column is hidden.",
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
    "change.score": "in no tier before, value score {n:plain}",
    "change.score.up": "value score up from {before:plain} to {n:plain}",
    "change.score.down": "value score down from {before:plain} to {n:plain}",
    "change.score.same": "value score {n:plain} as before",
    "change.risk": "likely to leave: {n:percent}, before {before:percent}",
    "change.scored": "active recently enough to be scored",
    "change.not_scored": "not active recently enough to be scored",
    "change.not_profiled": "may no longer be profiled",
    "change.listed": "{action}: {reason}",
    "change.end": "{sentence}.",
}

# What each column of the lists means.
_COLUMNS: Final = {
    "as_of": "The night this list was made: everything up to the end of this day is known, nothing after it.",
    "member_id": "Who it is, as your other systems call them. An apostrophe in front guards text that looks like a formula.",
    "is_eligible": "Whether the member was active recently enough to be scored for leaving.",
    "churn_probability": "How likely the member is to do nothing at all over the coming weeks. Empty when not eligible.",
    "churn_risk": "The risk of leaving in one word: low, medium or high.",
    "expected_value": "What the member is expected to spend over the coming weeks, refunds taken off.",
    "activity_score": "How active the member is compared with everyone else: 0 to 100, 50 is the middle.",
    "influence_score": "How much others respond to the member, compared with everyone else: 0 to 100.",
    "commercial_score": "How much the member spends compared with everyone else: 0 to 100.",
    "member_value_score": "The scores for activity, influence and spend taken together: 0 to 100.",
    "tier": "How much the member matters: diamond, gold, silver or regular.",
    "previous_tier": "The tier of the night before. Empty for a member seen for the first time.",
    "lifecycle": "Where the member stands: new, active, at_risk, dormant, lost or returning.",
    "segment": "The group of members who behave alike.",
    "reasons": "What most raises or lowers the risk of leaving, the strongest first.",
    "churn_model": "The model that gave the probability, with its version; in brackets a simple rule that stands in for it.",
    "value_model": "The model that gave the expected spend, with its version; in brackets a simple rule that stands in for it.",
    "holdout": "The member is not contacted, so that the effect can be measured: in any action (all), or in the one named.",
    "suppressed_because": "Why the member is not on the contact list tonight.",
    "rank": "The order in which to contact: 1 first.",
    "action": "What to do.",
    "channel": "How to reach the member.",
    "expected_gain": "What the contact is expected to bring compared with doing nothing.",
    "reason": "Why this member, why now.",
    "message": "A suggested text.",
    "background": "What the member was like before: rhythm, last visit and spend.",
    "display_name": "What the member is called.",
    "handle": "Under which name the tools that send know the member.",
    "is_new": "Whether the member was not on the list of the night before.",
    "nights_listed": "How many nights in a row the member has been on the list, tonight included.",
    "last_contacted_on": "The day of our last contact with the member. Empty when there was none.",
    "suggested_hour": "The hour at which to contact, 0 to 23, in the member's own time.",
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

_TOPICS: Final = {
    "active_days": "active days",
    "spend": "spend",
    "refund_spend": "refunds",
    **dict.fromkeys(("last_seen", "gap_now_to_mean"), "time away"),
    **dict.fromkeys(
        (
            "gap_mean_days",
            "gap_median_days",
            "gap_longest_days",
            "gap_deviation_days",
            "longest_streak_days",
            "latest_streak_days",
            "active_weeks",
        ),
        "regularity of visits",
    ),
    **dict.fromkeys(("tenure_days", "days_since_first_activity"), "time as a member"),
    **dict.fromkeys(("hours", "weekend_share", "most_used_weekday_share"), "usual hours and weekdays"),
    **dict.fromkeys(("distinct_event_types", "event_type_entropy"), "variety of actions"),
    **dict.fromkeys(
        ("distinct_people_given", "distinct_people_received", "received_share", "reciprocity_share"), "contact with other members"
    ),
    **dict.fromkeys(("average_order_value", "mean_repeat_order_value"), "size of orders"),
    **dict.fromkeys(("repeat_order_days", "first_to_last_order_days", "first_order_age_days"), "order history"),
    "answered": "answers to messages",
    **dict.fromkeys(("mean_feedback_score", "last_feedback_score"), "feedback scores"),
    **dict.fromkeys(("platform", "region", "gender", "age_years", "was_referred", "members_referred"), "profile"),
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
ENGLISH: Final = Catalogue(_SENTENCES, _NOUNS, _KINDS, event_noun, _GROUPS, _COLUMNS, _TOPICS)
