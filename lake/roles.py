"""Roles: staff and bots, by the members table or by the configuration; they are never listed, scored or learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from lake.contracts import MEMBERS
from lake.storage.delta import Lake

STAFF: Final = "staff"
BOT: Final = "bot"
CONFIGURED_ROLES: Final = "configured_roles"
_SCHEMA: Final[Mapping[str, pl.DataType]] = {"member_id": pl.String(), "role": pl.String()}


def store_configured_roles(lake: Lake, roles: Mapping[str, str]) -> None:
    """Store the roles that the configuration gives, so that a past night can be computed with those of its time.

    Args:
        lake: The lake.
        roles: Id of a member → staff or bot.
    """
    configured = pl.DataFrame({"member_id": list(roles), "role": list(roles.values())}, schema=dict(_SCHEMA)).sort("member_id")
    stored = lake.scan_or_empty(CONFIGURED_ROLES, _SCHEMA).collect()
    # A table that nobody needs is not created, and one that has not changed gets no new version.
    if not configured.equals(stored):
        lake.replace(CONFIGURED_ROLES, configured)


def scan_roles(lake: Lake) -> pl.LazyFrame:
    """Scan the members who are staff or bots: one row per member, member_id, role; the configuration outweighs the table."""
    listed = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "role")
    configured = lake.scan_or_empty(CONFIGURED_ROLES, _SCHEMA)
    others = listed.filter(pl.col("role").is_in([STAFF, BOT])).join(configured, on="member_id", how="anti")
    return pl.concat([configured, others])
