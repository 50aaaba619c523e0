"""`[partners]`: how members are recognised in a comparison with another community."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PartnerPolicy(BaseModel):
    """`[partners]`: what both communities agree on before they compare their members (docs/partners.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_variable: str = Field(
        default="PARTNERS_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the agreed key; the key itself never stands in this file.",
    )
    salt: str | None = Field(
        default=None, min_length=1, description="Agreed text of this comparison; with another one, hashes do not fit together."
    )
    by: Literal["member_id", "handle"] = Field(
        default="member_id", description="What is hashed: the id of members, or their handle, such as an e-mail address."
    )
