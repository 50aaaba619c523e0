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
