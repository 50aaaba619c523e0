"""What changed since the night before: who entered or left a tier, a risk class or the contact list.

A change is data: what was, what is, and what its sentence needs (`wording.changes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from segments.risk import RISKS

TIER: Final = "tier"
CHURN_RISK: Final = "churn_risk"
CONTACT_LIST: Final = "contact_list"
# On the contact list without an action.
LISTED: Final = "listed"

CHANGES: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "member_id": pl.String(),
    "what": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
    "is_profiled": pl.Boolean(),
    "score_before": pl.Float64(),
    "score_after": pl.Float64(),
    "probability_before": pl.Float64(),
    "probability_after": pl.Float64(),
    "action": pl.String(),
    "text": pl.String(),
}
_KEPT: Final = ("as_of", "tier", "churn_risk", "member_value_score", "churn_probability")


def list_changes(
    tonight: pl.DataFrame,
    before: pl.DataFrame | None,
    contacts: pl.DataFrame,
    contacts_before: pl.DataFrame | None,
) -> pl.DataFrame:
    """List what changed since the night before.

    One row per member and change, sorted by what changed and member_id, with the columns `CHANGES`. `what` is `tier`,
    `churn_risk` or `contact_list`; `before` and `after` are the classes, or the actions (`listed` where there is none), null
    where the member was or is in none. Only members of tonight's list are named.

    `text` holds the strongest reason in the direction of a changed risk, the reason of a member who came onto the list or has
    another action there, and for one who left it `suppressed_because`.

    Args:
        tonight: The member list: one row per member, with as_of, member_id, `reasons` and the classes.
        before: The classes of the night before: one row per member; None when there was none, and then nothing is listed.
        contacts: Tonight's contact list: one row per member, with action and reason.
        contacts_before: That of the night before; None when it is not known, and then `contact_list` is left out.
    """
    if before is None:
        return pl.DataFrame(schema=dict(CHANGES))
    earlier = before.select("member_id", *(pl.col(name).alias(f"{name}_before") for name in _KEPT if name != "as_of"))
    members = tonight.join(earlier, on="member_id", how="left", maintain_order="left", validate="1:1")
    found = [_classes(members, TIER), _classes(members, CHURN_RISK)]
    if contacts_before is not None:
        found.append(_contacts(tonight, contacts, contacts_before))
    return pl.concat(found).sort("what", "member_id")


def _classes(members: pl.DataFrame, name: str) -> pl.DataFrame:
    """Find the members whose class is another one than before."""
    moved = members.filter(pl.col(name).ne_missing(pl.col(f"{name}_before")))
    text = pl.lit(None)
    if name == CHURN_RISK:
        moved, text = moved.join(_strongest_reasons(moved), on="member_id", how="left"), pl.col("text")
    return _shaped(
        moved,
        what=pl.lit(name),
        before=pl.col(f"{name}_before"),
        after=pl.col(name),
        score_before=pl.col("member_value_score_before"),
        score_after=pl.col("member_value_score"),
        probability_before=pl.col("churn_probability_before"),
        probability_after=pl.col("churn_probability"),
        text=text,
    )


def _contacts(tonight: pl.DataFrame, contacts: pl.DataFrame, contacts_before: pl.DataFrame) -> pl.DataFrame:
    """Find the members who came onto the contact list, left it, or have another action on it."""
    listed = contacts.select("member_id", "action", "reason", after=pl.col("action").fill_null(LISTED))
    earlier = contacts_before.select("member_id", before=pl.col("action").fill_null(LISTED))
    members = tonight.join(listed, on="member_id", how="left").join(earlier, on="member_id", how="left")
    has_left = pl.col("after").is_null()
    return _shaped(
        members.filter(pl.col("after").ne_missing(pl.col("before"))),
        what=pl.lit(CONTACT_LIST),
        before=pl.col("before"),
        after=pl.col("after"),
        action=pl.col("action"),
        text=pl.when(has_left).then("suppressed_because").otherwise("reason"),
    )


def _shaped(members: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Give changes the columns `CHANGES`; those not named are null."""
    known = {"as_of": pl.col("as_of"), "member_id": pl.col("member_id"), "is_profiled": pl.col("tier").is_not_null(), **columns}
    return members.select(known.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in CHANGES.items())


def _strongest_reasons(members: pl.DataFrame) -> pl.DataFrame:
    """Find the strongest reason in the direction in which the risk went; one row per member who has one: member_id, text."""
    rank = {name: position for position, name in enumerate(RISKS)}
    now, before = (pl.col(name).replace_strict(rank, return_dtype=pl.Int8) for name in (CHURN_RISK, f"{CHURN_RISK}_before"))
    reasons = members.select("member_id", "reasons", direction=(now - before).sign()).explode("reasons").drop_nulls()
    strength = pl.col("reasons").struct.field("contribution") * pl.col("direction")
    strongest = reasons.with_columns(strength=strength).filter(pl.col("strength") > 0)
    return (
        strongest.sort("strength", descending=True, maintain_order=True)
        .unique("member_id", keep="first", maintain_order=True)
        .select("member_id", text=pl.col("reasons").struct.field("text"))
    )
