"""The contacts that the lake has seen, as the rules of engagement read them, and how they fit the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl

from engagement.contact_history import CONTACTS_SCHEMA, CONTROL, LISTED, match_contacts
from lake.contracts import CONTACTS
from lake.member_index import scan_member_index
from lake.storage.delta import DAY, Lake

NOT_LISTED: Final = "not_listed"
HELD_OUT: Final = "held_out"
REPEATED: Final = "repeated"
EARLY: Final = "early"


def contacts_seen(lake: Lake, *, as_of: date) -> pl.DataFrame:
    """Read every contact up to a night: one row per contact, columns of `CONTACTS_SCHEMA`, sorted by day and member."""
    landed = lake.scan_or_empty(CONTACTS.name, CONTACTS.landed_schema).filter(pl.col(DAY) <= as_of)
    numbered = landed.join(scan_member_index(lake), on="member_id")
    return (
        numbered.select(
            "member_no",
            pl.col("campaign_id").alias("campaign"),
            "channel",
            pl.col("arm").str.strip_chars().str.to_lowercase(),
            pl.col(DAY).alias("day"),
        )
        .collect(engine="streaming")
        .select(list(CONTACTS_SCHEMA))
        .sort("day", "member_no", "campaign", nulls_last=True)
    )


def odd_contacts(contacts: pl.DataFrame, decisions: pl.DataFrame, *, match_days: int) -> Mapping[str, int]:
    """Count contacts of our own actions that fit no decision: reason → contacts. Nothing is lost: they count for every limit.

    Args:
        contacts: One row per contact; columns of `CONTACTS_SCHEMA`.
        decisions: One row per decision; columns of `engagement.contact_history.DECISIONS_SCHEMA`.
        match_days: The days after a night in which a contact belongs to its decision.
    """
    own = contacts.filter(pl.col("campaign").is_in(decisions["action"].unique().implode()) & pl.col("arm").ne_missing(CONTROL))
    first = decisions.group_by("member_no", "action").agg(
        first_night=pl.col("as_of").min(), is_listed=(pl.col("arm") == LISTED).any()
    )
    judged = own.join(first, left_on=["member_no", "campaign"], right_on=["member_no", "action"], how="left")
    matched = match_contacts(decisions.filter(pl.col("arm") == LISTED), own, match_days=match_days)
    n_matched = int(matched["contacted_on"].is_not_null().sum())
    not_listed = int(judged["first_night"].is_null().sum())
    held_out = int((judged["is_listed"].eq(other=False)).sum())
    early = int((judged["is_listed"] & (judged["day"] <= judged["first_night"])).sum())
    counted = {
        NOT_LISTED: not_listed,
        HELD_OUT: held_out,
        EARLY: early,
        REPEATED: own.height - not_listed - held_out - early - n_matched,
    }
    return {name: count for name, count in counted.items() if count > 0}
