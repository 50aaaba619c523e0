"""The network as a page: the map of communities, the core, whom leaders reach, a member's neighbourhood."""

from __future__ import annotations

from typing import Final

NETWORK_MAP: Final = {
    "map.none": "This night has no network: nobody responded to anybody in the {days:count:day} before it, or it is of a version "
    "that did not measure any.",
    "map.about": "{n:count:member} responded to each other in the {days:count:day} before the night, in {ties:number} pairs.",
    "map.communities": "Communities",
    "map.communities.how": "A circle is a community, the larger the more members. The darker it is, the more of its members "
    "still here have a high risk of leaving; it is grey where nobody is still here. A line joins communities that respond to "
    "each other, the thicker the more. The numbers are those of the table.",
    "map.communities.largest": "Drawn are the {n:number} largest of {all:number} communities.",
    "map.communities.lines": "Drawn are the {n:number} strongest lines of {all:number}.",
    "map.communities.none": "There is no group of members yet who respond to each other more than to others.",
    "map.share": "High risk, of those still here",
    "map.ties": "Pairs of members",
    "map.between": "{first} and {second}",
    "map.core": "The core",
    "map.core.how": "Each member has a core number: 5 means that they belong to a group in which everybody has ties with at "
    "least 5 others of the group. The innermost core are {n:count:member} with the number {k:number}.",
    "map.core.first": "Named are the {n:number} most influential of them.",
    "map.core.number": "Core number",
    "map.core.range": "{low:number} to {high:number}",
    "map.core.members": "In the innermost core",
    "map.reach": "Whom the opinion leaders reach",
    "map.reach.how": "A leader reaches who responds to them, and in two steps who responds to those. Some respond to nobody else "
    "of the team: if the leader leaves, the team does not reach them any more.",
    "map.reach.none": "Nobody of those still here reaches enough others to be an opinion leader.",
    "map.reach.more_leaders": "Drawn are {n:number} of {all:number} leaders, those who add most to the team first.",
    "map.responders": "Respond to them",
    "map.more": "Respond to those",
    "map.alone": "To nobody else of the team",
    "map.member": "Member",
    "map.tier": "Tier",
    "map.risk": "Risk",
    "map.neighbourhood": "Around a member",
    "map.neighbourhood.pick": "Choose a row to see who is around the member.",
    "map.neighbourhood.id": "Member's id",
    "map.neighbourhood.part": "all of it, or a part",
    "map.neighbourhood.nobody": "Nobody of the network has such an id.",
    "map.neighbourhood.how": "The member is in the middle, around them those they have the strongest ties with, outside those "
    "whom these have ties with. Strong lines lead from the middle to the outside; weak ones are all other ties. A large "
    "circle is a high tier, an orange rim a high risk of leaving.",
    "map.neighbourhood.direct": "{n:count:member} {n:plural:has|have} ties with this member; {shown:number} of them are drawn, "
    "those with the strongest ties.",
    "map.neighbourhood.all": "{n:count:member} {n:plural:has|have} ties with this member.",
    "map.others": "Others, or none",
    "map.step.member": "The member",
    "map.step.direct": "Has ties with the member",
    "map.step.indirect": "Has ties with one of those",
    "map.step": "Where",
    "map.responds": "Who responds",
    "map.responds.both": "Both",
    "map.responds.gives": "They",
    "map.responds.takes": "The member",
}
