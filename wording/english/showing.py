"""English of what is shown to a member: names of pieces, and how the pieces were chosen."""

from __future__ import annotations

from typing import Final

SHOWING: Final = {
    "show.between": "{before}; {after}",
    "show.with_id": "{title} ({id})",
    "show.rule.popular": "what most members came to lately",
    "show.rule.popular_in_topics": "what most members came to lately on the topics the member likes",
    "show.rule.item_to_item": "what members with the same interests came to",
    "show.untested": "Messages suggest {rule}. Too few members came to new pieces to test other rules ({n:count:member}).",
    "show.simplest": "Messages suggest {rule}. Tried on the past of {n:count:member}, {hits:percent} of such suggestions held a "
    "piece that they later came to by themselves; no other rule was surely better.",
    "show.better": "Messages suggest {rule}. Tried on the past of {n:count:member}, {hits:percent} of such suggestions held a "
    "piece that they later came to by themselves; of the most popular pieces {simplest:percent} did.",
    "message.nothing_to_show": "what is new here",
}
