"""The settings of the network: which ties count, and how many leaders and members make a team and a community."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NetworkPolicy(BaseModel):
    """`[network]`: who responds to whom, and who carries the community."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_days: int = Field(
        default=365,
        ge=28,
        le=3650,
        description="Interactions of so many days ending with the night count; of fewer days beyond 2,000,000 of them.",
    )
    half_life_days: int = Field(default=90, ge=1, le=3650, description="An interaction so many days old counts half.")
    leaders: int = Field(default=10, ge=1, le=1000, description="The most members in the team of opinion leaders.")
    community_members: int = Field(default=5, ge=2, description="The fewest members that make a community.")
