"""Who carries the community: names of communities, and what the report and the card say of the network."""

from __future__ import annotations

from typing import Final

NETWORK: Final = {
    "network.community.nameless": "Community {id}",
    "network.community.twice": "{name} ({id})",
    "network.community.between": ", ",
    "network.trait.topic": "{value}",
    "network.trait.channel": "in {value}",
    "network.trait.event_type": "mostly {value}",
    "network.trait.region": "mostly from {value}",
    "network.trait.platform": "mostly on {value}",
    "network.trait.night": "mostly at night",
    "network.trait.morning": "mostly in the morning",
    "network.trait.afternoon": "mostly in the afternoon",
    "network.trait.evening": "mostly in the evening",
    # On a member's card.
    "card.influence": "{n:digits:0} of 100, between {low:digits:0} and {high:digits:0} by chance",
    "card.reach": "reach",
    "card.reach.members": "{n:count:member} {n:plural:responds|respond} to them, {more:number} more to those",
    "card.community": "community",
    "card.leader": "opinion leader",
    "card.leader.yes": "yes, one of the team that reaches most of the others",
    # Who carries the community.
    "carriers.title": "Who carries the community",
    "carriers.team": "{n:count:opinion_leader} together {n:plural:reaches|reach} {share} of the {members:count:member} who "
    "respond to each other: so many responded to at least one of them in the last {days:count:day}. Filter the member list by "
    "is_opinion_leader, and ask them first when you plan something new.",
    "carriers.no_team": "{n:count:member} responded to each other in the last {days:count:day}, and nobody of those still here "
    "reaches many of them.",
    "carriers.team.posts": "They wrote {share:percent} of what was posted in a year.",
    "carriers.team.at_risk": "{n:count:opinion_leader} {n:plural:has|have} a high risk of leaving: talk to them in person.",
    "carriers.loss": "The one who would be missed most reaches {n:count:member} ({share}) whom nobody else of the team reaches.",
    "carriers.loss.more": "With them would go {what}.",
    "carriers.loss.posts": "{share:percent} of what is posted",
    "carriers.loss.given": "{share:percent} of all responses",
    "carriers.absence": "Half of what was posted in the last 28 days came from {n:count:member}, of {contributors:number} who "
    "posted.",
    "carriers.absence.periods": "Over the year, 28 days by 28 days: {factors}.",
    "carriers.absence.fewer": "Fewer people carry the community than before.",
    "carriers.absence.more": "More people carry the community than before.",
    "carriers.absence.same": "That is about as many as before.",
    "carriers.absence.few": "If one of them stops, it shows: ask others to post, too.",
    "carriers.start_here": "Begin with “{name}”: {high:number} of its {n:count:member} still here {high:plural:has|have} a high "
    "risk of leaving, and {leaders:count:opinion_leader} can reach them.",
    "carriers.start_here.no_leader": "Begin with “{name}”: {high:number} of its {n:count:member} still here "
    "{high:plural:has|have} a high risk of leaving, and no opinion leader is among them.",
    "carriers.community": "Community",
    "carriers.still_here": "Still here",
    "carriers.leaders": "Opinion leaders",
    "carriers.new": "new",
    "carriers.more_communities": "{n:number} smaller communities are in the member list.",
    "carriers.outside": "{n:count:member} {n:plural:belongs|belong} to none.",
    "carriers.change.born": "New: “{after}”.",
    "carriers.change.died": "Gone: “{before}”.",
    "carriers.change.merged": "Became one: {before} are now “{after}”.",
    "carriers.change.split": "Became several: “{before}” is now {after}.",
    "carriers.rings": "{n:number} {n:plural:group|groups} of {sizes} members {n:plural:responds|respond} almost only to each "
    "other, and far more than is usual. What they give each other counts no more than the response of anybody else.",
}
