"""What a night knows of the community as a whole, handed from its steps to lists and report."""

from __future__ import annotations

from dataclasses import dataclass

from outputs.report.morning_facts import MorningFacts
from pipeline.community.content import NightContent
from pipeline.community.network import NightNetwork
from pipeline.history.recent_rollups import RecentRollups


@dataclass(frozen=True)
class CommunityNight:
    """The community of a night; what its data do not have is None.

    Args:
        rollups: The daily rollups.
        network: Who responds to whom, and who carries the community.
        content: The content of the window.
        morning: What the daily figures say; known once they have been counted.
    """

    rollups: RecentRollups
    network: NightNetwork | None
    content: NightContent | None = None
    morning: MorningFacts | None = None
