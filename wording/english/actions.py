"""The loop: what the default actions say, and the phrases that messages may use."""

from __future__ import annotations

from typing import Final

ACTIONS: Final = {
    "action.welcome_newcomer": "Welcome {display_name}, who joined {joined} and was last seen {last_seen}: ask what they came "
    "for, and name one place to start.",
    "action.answer_newcomer": "Answer {display_name}, who is new and whose post nobody has answered; last seen {last_seen}. The "
    "list of unanswered posts has it.",
    "action.save_valuable": "Ask {display_name} how things are going; they were last seen {last_seen}.",
    "action.win_back_valuable": "Tell {display_name} what is new since they were last seen, {last_seen}, and ask what would "
    "bring them back.",
    "action.thank_contributor": "Thank {display_name} for {posts_28d} contributions in the last 28 days; name one that helped "
    "others.",
    "action.wake_lurker": "Ask {display_name} one easy question: they read along on {active_days_28d} of the last 28 days and "
    "have written nothing in a year.",
    "action.invite_opinion_leader": "Invite {display_name} to shape something with you: others respond to what they write, "
    "{posts_365d} contributions in the last year.",
    "action.show": "They may like: {show}.",
    "message.money": "{n:plain_money}",
    "message.share": "{n:plain} %",
    "message.unknown": "unknown",
    "contact.overdue": "away for {n:plain} days, usually back after {gap:plain}.",
    "contact.overdue_daily": "away for {n:plain} days, usually back the next day.",
    "contact.new": "joined {n:plain} days ago.",
    "contact.contributes": "contributed {n:plain} times in the last 28 days.",
    "contact.reads": "active on {n:plain} of the last 28 days, wrote nothing in a year.",
    "contact.worth": "expected to spend {n:plain_money} over the coming weeks.",
    "contact.no_reason": "No sign of leaving stands out.",
}
