"""What a member's card says of the network: influence, community, and whom the member reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.community.past_network import read_network
from pipeline.community.score_trends import EarlierScores, score_text
from runtime.run_context import RunContext
from wording.texts import fill, label


def network_lines(run: RunContext, member: dict[str, Any], member_no: int, earlier: EarlierScores) -> Iterator[tuple[str, str]]:
    """Yield what a card says of a member's place in the network, as name and value; nothing for who has no influence.

    Args:
        run: The run of a night with lists.
        member: The member's row of the lists; those of earlier versions do not have the columns.
        member_no: The member's number.
        earlier: The member's scores 28 days before.
    """
    score, low, high = (member.get(f"influence_{of}") for of in ("score", "low", "high"))
    if score is None or low is None or high is None:
        return
    told = fill("card.influence", n=score, low=low, high=high)
    yield label("influence_score"), score_text(told, "influence_score", earlier)
    responders, reached = _reach(run, member_no)
    yield fill("card.reach"), fill("card.reach.members", n=responders, more=reached - responders)
    if member.get("community") is not None:
        yield fill("card.community"), member["community"]
    if member.get("is_opinion_leader"):
        yield fill("card.leader"), fill("card.leader.yes")


def _reach(run: RunContext, member_no: int) -> tuple[int, int]:
    """Return how many members respond to a member, and how many the member reaches in two steps."""
    from features.network.cores import audience, reach

    network = read_network(run)
    positions = network.positions(np.array([member_no]))
    if not positions.size:
        return 0, 0
    return len(audience(network, int(positions[0]))), reach(network, int(positions[0]))
