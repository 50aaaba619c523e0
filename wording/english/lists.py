"""The lists: why somebody is on the contact list, and what each column means."""

from __future__ import annotations

from typing import Final

LISTS: Final = {
    "list.yes": "yes",
    "list.no": "no",
    "list.page": "Page {page} of {pages}",
    "list.columns": "Columns",
    "list.column": "Column",
    "list.meaning": "What it says",
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
}

# What each column of the lists means.
COLUMNS: Final = {
    "as_of": "The night this list was made: everything up to the end of this day is known, nothing after it.",
    "member_id": "Who it is, as your other systems call them. An apostrophe in front guards text that looks like a formula.",
    "is_eligible": "Whether the member was active recently enough to be scored for leaving.",
    "churn_probability": "How likely the member is to do nothing at all over the coming weeks. Empty when not eligible.",
    "churn_risk": "The same in one word: low, medium or high.",
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
    "rank": "The order in which to contact: 1 first.",
    "action": "What to do.",
    "channel": "How to reach the member.",
    "expected_gain": "What the contact is expected to bring compared with doing nothing.",
    "reason": "Why this member, why now.",
    "message": "A suggested text.",
}
