"""What members have heard from the community lately: contacts, decisions that may still be carried out, and running campaigns.

Everything here is up to `as_of`; the day of a contact is a day of the community's calendar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from engagement.actions import Action
from engagement.policy import ContactPolicy
from features.calendar import WEEK_DAYS

CONTROL: Final = "control"
LISTED: Final = "listed"
# One row per contact seen by the night: everybody's, not only those of our own actions.
CONTACTS_SCHEMA: Final = pl.Schema(
    {"member_no": pl.Int32(), "campaign": pl.String(), "channel": pl.String(), "arm": pl.String(), "day": pl.Date()}
)
# One row per decision of an earlier night: `arm` is listed, the action's name (held out from it) or all.
DECISIONS_SCHEMA: Final = pl.Schema(
    {"as_of": pl.Date(), "member_no": pl.Int32(), "action": pl.String(), "channel": pl.String(), "arm": pl.String()}
)
_TOUCHES_SCHEMA: Final = pl.Schema(
    {"member_no": pl.Int32(), "action": pl.String(), "channel": pl.String(), "day": pl.Date(), "is_held_out": pl.Boolean()}
)


@dataclass(frozen=True)
class ContactHistory:
    """Contacts and decisions, as the rules of tomorrow read them.

    Args:
        touches: One row per contact, per listed member whose contact may still come, and per held-out member who would have been
            contacted: member_no, action (or campaign), channel, day, is_held_out. Held-out members rest as long as contacted
            ones, otherwise the two would differ in more than the contact.
        in_control: One row per member in the control arm of a running campaign: member_no.
        listed: One row per member and night on which the member was listed: member_no, action, as_of.
    """

    touches: pl.DataFrame
    in_control: pl.DataFrame
    listed: pl.DataFrame


def contact_history(
    contacts: pl.DataFrame,
    decisions: pl.DataFrame,
    *,
    as_of: date,
    actions: Sequence[Action],
    churn_horizon_days: int,
    policy: ContactPolicy,
) -> ContactHistory:
    """Gather what limits tomorrow's contacts.

    Args:
        contacts: One row per contact up to the night; columns of `CONTACTS_SCHEMA`.
        decisions: One row per decision of the nights before; columns of `DECISIONS_SCHEMA`.
        as_of: The night.
        actions: The actions; a campaign that is called like one runs as long as its horizon.
        churn_horizon_days: How long every other campaign runs after its last contact.
        policy: The contact policy.
    """
    sent = contacts.filter(pl.col("arm").ne_missing(CONTROL))
    matched = match_contacts(decisions, sent, match_days=policy.match_days)
    may_still_come = pl.col("contacted_on").is_null() & (pl.col("as_of") + pl.duration(days=policy.match_days) > as_of)
    is_held_out = pl.col("arm") != LISTED
    # A contact that may still come may come tomorrow: counted on any earlier day, it could be one too many then.
    day = pl.when(is_held_out).then(pl.col("as_of") + pl.duration(days=1)).otherwise(pl.lit(as_of + timedelta(days=1)))
    expected = matched.filter(is_held_out | may_still_come).select(
        "member_no", "action", "channel", day.alias("day"), is_held_out.alias("is_held_out")
    )
    seen = sent.select("member_no", pl.col("campaign").alias("action"), "channel", "day", is_held_out=pl.lit(value=False))
    return ContactHistory(
        touches=pl.concat([seen, expected]).cast(_TOUCHES_SCHEMA),
        in_control=_in_control(contacts, as_of, actions, churn_horizon_days),
        listed=decisions.filter(pl.col("arm") == LISTED).select("member_no", "action", "as_of"),
    )


def match_contacts(decisions: pl.DataFrame, sent: pl.DataFrame, *, match_days: int) -> pl.DataFrame:
    """Add `contacted_on` to decisions: the first day on which the campaign of the action reached the member in time, else null.

    Where a member was listed again before the contact came, it belongs to the newest decision before it: one contact is made, and
    paid for, once.

    Args:
        decisions: One row per decision; columns of `DECISIONS_SCHEMA`.
        sent: One row per contact that was sent; columns of `CONTACTS_SCHEMA`.
        match_days: The days after the night in which a contact belongs to its decision.
    """
    keyed = decisions.with_row_index("decision")
    pairs = keyed.join(
        sent.select("member_no", "campaign", "day"), left_on=["member_no", "action"], right_on=["member_no", "campaign"]
    )
    in_time = (pl.col("day") > pl.col("as_of")) & (pl.col("day") <= pl.col("as_of") + pl.duration(days=match_days))
    is_newest = pl.col("as_of") == pl.col("as_of").max().over("member_no", "action", "day")
    first = pairs.filter(in_time).filter(is_newest).group_by("decision").agg(contacted_on=pl.col("day").min())
    return keyed.join(first, on="decision", how="left", maintain_order="left").drop("decision")


def over_caps(history: ContactHistory, *, as_of: date, policy: ContactPolicy, channel: str) -> pl.DataFrame:
    """Return the members whom one more contact tomorrow would bring over a limit: member_no, each once.

    A window of n days ends with tomorrow, the day of the contact.

    Args:
        history: The history.
        as_of: The night.
        policy: The contact policy.
        channel: The channel of tomorrow's contact, whose own limits count, too.
    """
    tomorrow = as_of + timedelta(days=1)
    own = policy.channels.get(channel)
    over = [
        _reached(history.touches, tomorrow - timedelta(days=days), limit) for days, limit in policy.limits.items() if limit > 0
    ]
    if own is not None:
        in_channel = history.touches.filter(pl.col("channel").eq_missing(channel))
        over += [_reached(in_channel, tomorrow - timedelta(days=days), limit) for days, limit in own.limits.items() if limit > 0]
    return pl.concat([pl.DataFrame(schema={"member_no": pl.Int32()}), *over]).unique()


def forbids_all(policy: ContactPolicy, channel: str) -> bool:
    """Return whether a limit of 0 forbids every contact of a channel."""
    own = policy.channels.get(channel)
    limits = [*policy.limits.values(), *(own.limits.values() if own is not None else ())]
    return 0 in limits


def cooling_down(history: ContactHistory, action: Action, *, as_of: date) -> pl.DataFrame:
    """Return the members whom an action reached less than its cool-down before tomorrow: member_no, each once."""
    since = as_of + timedelta(days=1) - timedelta(days=action.cool_down_days)
    recent = history.touches.filter((pl.col("action") == action.name) & (pl.col("day") > since))
    return recent.select("member_no").unique()


def last_contacts(history: ContactHistory, *, as_of: date) -> pl.DataFrame:
    """Return the last day up to the night on which each member was contacted: member_no, last_contacted_on."""
    sent = ~pl.col("is_held_out") & (pl.col("day") <= as_of)
    return history.touches.filter(sent).group_by("member_no").agg(last_contacted_on=pl.col("day").max())


def used_this_week(history: ContactHistory, *, as_of: date) -> Mapping[str, int]:
    """Count the members an action listed on the six nights before this one: action → members."""
    recent = history.listed.filter(pl.col("as_of") > as_of - timedelta(days=WEEK_DAYS))
    return dict(recent.group_by("action").agg(pl.len()).iter_rows())


def _reached(touches: pl.DataFrame, since: date, limit: int) -> pl.DataFrame:
    counted = touches.filter(pl.col("day") > since).group_by("member_no").agg(pl.len().alias("contacts"))
    return counted.filter(pl.col("contacts") >= limit).select("member_no")


def _in_control(contacts: pl.DataFrame, as_of: date, actions: Sequence[Action], churn_horizon_days: int) -> pl.DataFrame:
    """Return the members in the control arm of a campaign that still runs, each once."""
    horizons = {action.name: action.horizon(churn_horizon_days) for action in actions}
    last = contacts.group_by("campaign").agg(last_day=pl.col("day").max())
    runs_until = [
        day + timedelta(days=horizons.get(campaign, churn_horizon_days))
        for campaign, day in last.select("campaign", "last_day").iter_rows()
    ]
    running = last.filter(pl.Series(runs_until, dtype=pl.Date) > as_of).select("campaign")
    return contacts.filter(pl.col("arm") == CONTROL).join(running, on="campaign", how="semi").select("member_no").unique()
