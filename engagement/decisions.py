"""Decide whom to contact tomorrow, by which action, and say of everybody else why not.

    consent, role, eligibility → audience → holdout → control arms, quiet days, cool-downs, caps → gain → assignment

Held-out members go through the same rules and prices as the others, so that those of them who would have been listed are known:
they are whom the listed members are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, get_args

import polars as pl

from engagement.actions import RETURNED, SPENT, Action, in_audience
from engagement.assignment import Limits, assign
from engagement.contact_history import LISTED, ContactHistory, cooling_down, forbids_all, over_caps, used_this_week
from engagement.gains import is_money, levelled, stake, worth
from engagement.holdouts import ARMS_SCHEMA, EVERY_ACTION, draw, draw_arms
from engagement.policy import ContactPolicy, Risk

NO_CONSENT: Final = "no consent"
ROLE: Final = "role"
NOT_ELIGIBLE: Final = "not eligible"
NO_AUDIENCE: Final = "not in any audience"
HOLDOUT: Final = "holdout"
CONTROL_ARM: Final = "control arm"
QUIET_DAY: Final = "quiet day"
COOL_DOWN: Final = "cool-down"
CAP: Final = "cap"
NO_GAIN: Final = "no gain"
CAPACITY: Final = "capacity"
# In the order in which a member meets them; of several actions the one that came furthest says why.
SUPPRESSIONS: Final = (
    NO_CONSENT, ROLE, NOT_ELIGIBLE, NO_AUDIENCE, HOLDOUT, CONTROL_ARM, QUIET_DAY, COOL_DOWN, CAP, NO_GAIN, CAPACITY,
)  # fmt: skip
_RANKED: Final = "ranked"
_EXPLORED: Final = "explored"
_RISKS: Final = get_args(Risk)


@dataclass(frozen=True)
class Decisions:
    """The decisions of a night.

    Args:
        chosen: One row per member chosen: member_no, action, channel, arm (listed, or what holds the member out: the action or
            all), score (churn probability), expected_gain, why (ranked or explored), holdout_share (of the action's own draw),
            overall_holdout_share (of the draw for every action), cluster (what the holdout was drawn by; null where that is the
            member).
        members: One row per member: member_no, holdout (all, the name of an action or null), suppressed_because (null when
            listed).
        arms: One row per member and action (or all) considered for the first time; columns of `ARMS_SCHEMA`.
        gap: How far the expected gain may be below the best possible, as a share of it; 0 when the assignment is exact.
    """

    chosen: pl.DataFrame
    members: pl.DataFrame
    arms: pl.DataFrame
    gap: float


def decide(
    members: pl.DataFrame,
    *,
    actions: Sequence[Action],
    policy: ContactPolicy,
    history: ContactHistory,
    frozen: pl.DataFrame,
    capacity: int,
    responses: Mapping[str, float],
    as_of: date,
    uplifts: pl.DataFrame | None = None,
) -> Decisions:
    """Decide for every member.

    Args:
        members: One row per member seen by the night, in any order: member_no, member_id, can_contact, can_profile, role,
            is_eligible, churn_probability, expected_value, member_value_score and the columns of an audience.
        actions: The actions, in the order of the configuration.
        policy: The contact policy.
        history: Contacts and earlier decisions.
        frozen: The arms of earlier nights; columns of `ARMS_SCHEMA`.
        capacity: The longest contact list.
        responses: Action → share of what is at stake that a contact saves.
        as_of: The night.
        uplifts: One row per member and action that uplift ranks: member_no, action, uplift. Other actions, and members without a
            row, are ranked by what is at stake.
    """
    members = members.sort("member_id")
    members = members.with_columns(stake=stake(members), worth=worth(members), unit=_unit(policy), cluster=_cluster(policy))
    barred = _barred(members)
    open_members = members.filter(barred.is_null())
    audiences = [_audience(open_members, action, policy) for action in actions]
    whole = draw_arms(_union(audiences), frozen, action=EVERY_ACTION, share=policy.holdout_share)
    arms = [
        draw_arms(one.select("member_no", "unit"), frozen, action=a.name, share=a.holdout_share)
        for a, one in zip(actions, audiences, strict=True)
    ]
    pairs = pl.concat(
        [
            _pairs(
                one,
                action,
                own,
                whole,
                policy=policy,
                history=history,
                as_of=as_of,
                gain=(responses[action.name], is_money(members)),
                uplifts=_NO_UPLIFTS if uplifts is None else uplifts.filter(pl.col("action") == action.name),
            )
            for action, one, own in zip(actions, audiences, arms, strict=True)
        ]
        or [pl.DataFrame(schema=_PAIRS_SCHEMA)]
    )
    chosen, gap = _choose(pairs, actions, policy=policy, history=history, capacity=capacity, as_of=as_of)
    every_arm = pl.concat([whole, *arms])
    return Decisions(
        chosen=chosen.join(
            members.select("member_no", "member_id", "cluster", score="churn_probability"), on="member_no", how="left"
        )
        .sort("expected_gain", "score", "member_id", descending=[True, True, False], nulls_last=True)
        .drop("member_id"),
        members=_explain(members.select("member_no"), barred, pairs, chosen, every_arm, actions),
        arms=every_arm.filter("is_first").select(list(ARMS_SCHEMA)),
        gap=gap,
    )


_PAIRS_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "action": pl.String(),
        "channel": pl.String(),
        "priority": pl.Int32(),
        "expected_gain": pl.Float64(),
        "net_gain": pl.Float64(),
        "held_by": pl.String(),
        "holdout_share": pl.Float64(),
        "overall_holdout_share": pl.Float64(),
        "stopped_by": pl.String(),
    }
)


_NO_UPLIFTS: Final = pl.DataFrame(schema={"member_no": pl.Int32(), "uplift": pl.Float64()})


def _cluster(policy: ContactPolicy) -> pl.Expr:
    return pl.lit(None, pl.String) if policy.unit == "member" else pl.col(policy.unit)


def _unit(policy: ContactPolicy) -> pl.Expr:
    member = pl.col("member_id")
    if policy.unit == "member":
        return member
    # A member without a cluster is one of its own; the prefix keeps an id from being taken for a cluster.
    return pl.coalesce(pl.lit(f"{policy.unit}:") + pl.col(policy.unit), member)


def _barred(members: pl.DataFrame) -> pl.Series:
    """Say who may not be considered at all, and why; null for everyone else."""
    refuses = ~(pl.col("can_contact").fill_null(value=True) & pl.col("can_profile").fill_null(value=True))
    is_scored = pl.col("is_eligible").fill_null(value=False) & pl.col("churn_probability").is_not_null()
    why = (
        pl.when(pl.col("role").is_in(["staff", "bot"]))
        .then(pl.lit(ROLE))
        .when(refuses)
        .then(pl.lit(NO_CONSENT))
        .when(~is_scored)
        .then(pl.lit(NOT_ELIGIBLE))
    )
    return members.select(why.alias("barred"))["barred"]


def _audience(members: pl.DataFrame, action: Action, policy: ContactPolicy) -> pl.DataFrame:
    chosen = members.filter(in_audience(action))
    if policy.min_risk is None or action.outcome not in (RETURNED, SPENT):
        return chosen
    if isinstance(policy.min_risk, str):
        return chosen.filter(pl.col("churn_risk").is_in(_RISKS[_RISKS.index(policy.min_risk) :]))
    return chosen.filter(pl.col("churn_probability") >= policy.min_risk)


def _union(audiences: Sequence[pl.DataFrame]) -> pl.DataFrame:
    columns = [one.select("member_no", "unit") for one in audiences]
    empty = pl.DataFrame(schema={"member_no": pl.Int32(), "unit": pl.String()})
    return pl.concat([empty, *columns]).unique("member_no").sort("member_no")


def _pairs(
    audience: pl.DataFrame,
    action: Action,
    own: pl.DataFrame,
    whole: pl.DataFrame,
    *,
    policy: ContactPolicy,
    history: ContactHistory,
    as_of: date,
    gain: tuple[float, bool],
    uplifts: pl.DataFrame,
) -> pl.DataFrame:
    """Return one row per member an action considers: the gain, who holds the member out, and the rule that stops the contact.

    Args:
        audience: The members considered.
        action: The action.
        own: The arms of the action.
        whole: The arms of the holdout from every action.
        policy: The contact policy.
        history: Contacts and earlier decisions.
        as_of: The night.
        gain: The response of the action, and whether gains are in currency, so that a cost can be subtracted.
        uplifts: The uplifts of the action: member_no, uplift.
    """
    response, in_currency = gain
    cost = action.cost if in_currency else 0.0
    joined = (
        audience.select("member_no", "stake", "worth", "churn_probability")
        .join(uplifts.select("member_no", "uplift"), on="member_no", how="left", maintain_order="left", validate="1:1")
        .join(own.select("member_no", "is_held_out", "holdout_share"), on="member_no", how="left", maintain_order="left")
        .join(
            whole.select("member_no", from_all="is_held_out", overall_holdout_share="holdout_share"),
            on="member_no",
            how="left",
            maintain_order="left",
        )
    )
    held_by = pl.when("from_all").then(pl.lit(EVERY_ACTION)).when("is_held_out").then(pl.lit(action.name))
    by_uplift = levelled(pl.col("uplift"), churn_probability=pl.col("churn_probability"), response=response) * pl.col("worth")
    expected = pl.coalesce(by_uplift, pl.col("stake") * response)
    net = expected - cost
    return joined.select(
        "member_no",
        action=pl.lit(action.name),
        channel=pl.lit(action.channel),
        priority=pl.lit(action.priority, pl.Int32),
        expected_gain=expected,
        net_gain=net,
        held_by=held_by,
        # Two draws, two comparisons: an action's effect is measured within its own draw, that of all within the other.
        holdout_share="holdout_share",
        overall_holdout_share="overall_holdout_share",
        stopped_by=_stopped_by(action, net, policy=policy, history=history, as_of=as_of),
    ).cast(_PAIRS_SCHEMA)


def _stopped_by(action: Action, net_gain: pl.Expr, *, policy: ContactPolicy, history: ContactHistory, as_of: date) -> pl.Expr:
    """Return the first rule that stops tomorrow's contact of a member; null where none does."""
    capped = over_caps(history, as_of=as_of, policy=policy, channel=action.channel)
    rules = {
        CONTROL_ARM: _among(history.in_control),
        QUIET_DAY: pl.lit(policy.is_quiet(as_of + timedelta(days=1))),
        COOL_DOWN: _among(cooling_down(history, action, as_of=as_of)),
        CAP: _among(capped) | pl.lit(forbids_all(policy, action.channel)),
        NO_GAIN: ~(net_gain > 0),
    }
    return pl.coalesce(pl.when(stops).then(pl.lit(rule)) for rule, stops in rules.items())


def _among(numbers: pl.DataFrame) -> pl.Expr:
    return pl.col("member_no").is_in(numbers["member_no"].implode())


def _choose(
    pairs: pl.DataFrame,
    actions: Sequence[Action],
    *,
    policy: ContactPolicy,
    history: ContactHistory,
    capacity: int,
    as_of: date,
) -> tuple[pl.DataFrame, float]:
    """Assign the members whom no rule stops; return them, and the gap of the assignment."""
    used = used_this_week(history, as_of=as_of)
    left = {action.name: _left(action, used.get(action.name, 0)) for action in actions}
    free = pairs.filter(pl.col("stopped_by").is_null()).with_columns(is_held_out=pl.col("held_by").is_not_null())
    explored = _explore(free, left, places=int(policy.exploration_share * capacity), as_of=as_of)
    listed = explored.filter(~pl.col("is_held_out"))
    taken = dict(listed.group_by("action").len().iter_rows())
    rest = free.join(explored, on="member_no", how="anti") if explored.height else free
    limits = Limits(
        total=capacity - listed.height,
        actions={name: None if room is None else room - taken.get(name, 0) for name, room in left.items()},
    )
    assignment = assign(rest.select("member_no", "action", "priority", "net_gain", "is_held_out"), limits=limits)
    reasons = [(explored, _EXPLORED), (assignment.chosen, _RANKED)]
    chosen = pl.concat([one.select("member_no", "action").with_columns(why=pl.lit(why)) for one, why in reasons])
    # Few of many pairs are chosen: to look only at those takes a tenth of the time of a join with all.
    of_chosen = pairs.filter(pl.col("member_no").is_in(chosen["member_no"].implode()))
    complete = chosen.join(of_chosen, on=["member_no", "action"], how="left", validate="1:1")
    return complete.select(
        "member_no",
        "action",
        "channel",
        pl.col("held_by").fill_null(LISTED).alias("arm"),
        "expected_gain",
        "why",
        "holdout_share",
        "overall_holdout_share",
    ), assignment.gap


def _left(action: Action, used: int) -> int | None:
    limits = [action.capacity_per_day, None if action.capacity_per_week is None else max(0, action.capacity_per_week - used)]
    given = [limit for limit in limits if limit is not None]
    return min(given) if given else None


def _explore(free: pl.DataFrame, left: Mapping[str, int | None], *, places: int, as_of: date) -> pl.DataFrame:
    """Draw members at random until the places are taken: one row per member drawn, held out or not, with the best action."""
    if places <= 0 or free.is_empty():
        return free.clear()
    best = free.sort("net_gain", "action", descending=[True, False]).unique("member_no", keep="first", maintain_order=True)
    order = draw(best["member_no"].cast(pl.String), action=f"exploration {as_of.isoformat()}")
    drawn = best.with_columns(order=order).sort("order", "member_no")
    # The places that listed members have taken before each one, of the action and of all. Whoever comes once they are all taken
    # would not have been listed either, held out or not.
    is_listed = (~pl.col("is_held_out")).cast(pl.Int64)
    before = is_listed.cum_sum() - is_listed
    room = pl.col("action").replace_strict({k: places if v is None else v for k, v in left.items()})
    return drawn.filter(before.over("action") < room).filter(before < places).drop("order")


def _explain(  # noqa: PLR0917 - six frames of one night
    members: pl.DataFrame,
    barred: pl.Series,
    pairs: pl.DataFrame,
    chosen: pl.DataFrame,
    arms: pl.DataFrame,
    actions: Sequence[Action],
) -> pl.DataFrame:
    """Return one row per member: member_no, holdout, suppressed_because."""
    order = pl.Enum(SUPPRESSIONS)
    # Where a pair is held out, that is what stops it; where nothing stops it, the list was full.
    stopped = pl.when(pl.col("held_by").is_not_null()).then(pl.lit(HOLDOUT)).otherwise(pl.col("stopped_by").fill_null(CAPACITY))
    furthest = pairs.select("member_no", why=stopped.cast(order)).group_by("member_no").agg(pl.col("why").max())
    listed = chosen.filter(pl.col("arm") == LISTED).select("member_no", is_listed=pl.lit(value=True))
    withheld = chosen.filter(pl.col("arm") != LISTED).select("member_no", is_withheld=pl.lit(value=True))
    names = pl.Enum([EVERY_ACTION, *(action.name for action in actions)])
    held = arms.filter("is_held_out").select("member_no", holdout=pl.col("action").cast(names))
    first_held = held.group_by("member_no").agg(pl.col("holdout").min().cast(pl.String))
    joined = members.with_columns(barred=barred)
    for one in (furthest, listed, withheld, first_held):
        joined = joined.join(one, on="member_no", how="left", maintain_order="left", validate="1:1")
    why = (
        pl.when("is_listed")
        .then(None)
        .when("is_withheld")
        .then(pl.lit(HOLDOUT))
        .otherwise(pl.coalesce("barred", pl.col("why").cast(pl.String), pl.lit(NO_AUDIENCE)))
    )
    return joined.select("member_no", "holdout", suppressed_because=why)
