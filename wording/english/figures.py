"""What each daily figure is called, at the head of a row; the days over which it is read are said beside it (`reading.*`).

Two sets of names stand apart: `figures.name.*` are read within sentences, and say what a figure is over a week or a month, where
members of a day are those of an average day; `warning.figure.*` are named in passing, at the end of a sentence.
"""

from __future__ import annotations

from typing import Final

FIGURES: Final = {
    "figure.members": "Members seen so far",
    "figure.new_members": "New members",
    "figure.dau": "Members active on a day",
    "figure.wau": "Members active within 7 days",
    "figure.mau": "Members active within 30 days",
    "figure.stickiness": "Share of the month’s members active on a day",
    "figure.first_time_members": "Members active for the first time",
    "figure.returning_members": "Returning members (back within 30 days)",
    "figure.resurrected_members": "Members won back (after more than 30 days)",
    "figure.lost_members": "Members lost (silent for 30 days)",
    "figure.retention_d1": "Share of new members active after a day",
    "figure.retention_d7": "Share of new members active after 7 days",
    "figure.retention_d30": "Share of new members active after 30 days",
    "figure.leaves": "Members who left",
    "figure.leave_rate_30d": "Share of members who left within 30 days",
    "figure.readers": "Readers",
    "figure.commenters": "Commenters",
    "figure.contributors": "Contributors",
    "figure.creators": "Creators",
    "figure.silent_share_30d": "Share of active members who contributed nothing in 30 days",
    "figure.reads": "Times read",
    "figure.shares": "Times passed on",
    "figure.comments": "Comments",
    "figure.share_rate_30d": "Times passed on, as a share of what was read within 30 days",
    "figure.comment_rate_30d": "Comments, as a share of what was read within 30 days",
    "figure.first_answers": "Posts that got their first answer",
    "figure.first_answer_hours_30d": "Hours until the first answer, of posts of 30 days",
    "figure.unanswered_share_30d": "Share of posts of 30 days without an answer",
    "figure.messages": "Messages to members",
    "figure.open_rate_30d": "Share of messages opened within 30 days",
    "figure.click_rate_30d": "Share of messages clicked within 30 days",
    "figure.orders": "Orders",
    "figure.buyers": "Buyers",
    "figure.spend": "Spend less refunds",
    "figure.refunds": "Refunds",
    "figure.repeat_rate": "Share of buyers who had bought before",
    "figure.conversion_rate_30d": "Share of active members who bought within 30 days",
    "figure.feedback_answers": "Feedback answers",
    "figure.feedback_score_30d": "Mean feedback score of 30 days",
    "figure.nps_30d": "Net promoter score of 30 days",
    "figure.nps_30d_low": "Net promoter score of 30 days, at least",
    "figure.nps_30d_high": "Net promoter score of 30 days, at most",
}
