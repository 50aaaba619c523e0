"""The card of one member, the summary of a night, and what `evenfall sql` says."""

from __future__ import annotations

from typing import Final

CARD: Final = {
    "card.title": "Member {member}, as of {night:day}",
    "card.not_profiled": "This member may not be profiled: nothing is scored.",
    "card.tier": "tier",
    "card.stage": "stage",
    "card.group": "group",
    "card.presence": "presence",
    "card.churn": "churn",
    "card.churn.probability": "{share:percent} within {days:count:day}, {risk} risk ({model})",
    "card.churn.not_scored": "not scored: silent for {days} days or more",
    "card.spend": "expected spend",
    "card.spend.amount": "{n:money} within {days:count:day} ({model})",
    "card.spend.range": "{n:money}, for eight of ten like them {low:money} to {high:money}, within {days:count:day} ({model})",
    "card.score": "{n:digits:0} of 100",
    "card.score.activity_score": "{n:digits:0} of 100, between {low:digits:0} and {high:digits:0} by chance",
    "card.score.commercial_score": "{n:digits:0} of 100, between {low:digits:0} and {high:digits:0} by what eight of ten "
    "like them spend",
    "card.score.before": "{now}; {before:digits:0} on {night:short_day}",
    "card.active_days": "Active days a week over a year:",
    "card.reasons": "Reasons, the strongest first:",
    "card.reasons.none": "Reasons: none are given for this member.",
    "card.tier_moves": "Tier moves:",
    "card.tier_moves.none": "Tier moves: none.",
}

SUMMARY: Final = {
    "summary.members": "{members:number} members; {scored:number} scored; {contacts:number} to talk to; "
    "{not_profiled:number} may not be profiled.",
    "summary.column.tier": "tier",
    "summary.column.members": "members",
    "summary.column.high_risk": "still here, high risk",
    "summary.column.table": "table",
    "summary.column.read": "read",
    "summary.column.left_out": "left out",
    "summary.column.merged": "merged",
    "summary.column.replaced": "replaced",
    "summary.column.quarantined": "quarantined",
    "summary.column.landed": "landed",
}

SQL: Final = {
    "sql.more_rows": "The first {rows} rows are shown; --csv FILE writes all.",
}
