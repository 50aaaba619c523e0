"""What a night knows of the community as a whole, handed from its steps to lists and report."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.community.network import NightNetwork


@dataclass(frozen=True)
class CommunityNight:
    """The community of a night; what its data do not have is None.

    Args:
        network: Who responds to whom, and who carries the community.
    """

    network: NightNetwork | None = None
