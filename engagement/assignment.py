"""Which member gets which action tonight, so that expected gain less cost is greatest within all limits.

Members who are held out take part by the same prices as those who are listed, and take no place. Without that, listed members,
picked by rank, would be compared with held-out members of every rank, and the effect would be that of the picking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from engagement.nested_limits import NOTHING, Floats, Integers, NestedLimits, Truths
from engagement.transportation import TOLERANCE, Solution, solve

# The linear program takes about 1 s for 60,000 pairs, 2.5 s for 120,000, 14 s for 240,000, and this in each round.
EXACT_UP_TO: Final = 60_000
# Each round moves about the share held out of those who moved in the round before.
ROUNDS: Final = 5


@dataclass(frozen=True)
class Limits:
    """How many members may be contacted in a night; None, or an action or channel that is not named, is without limit.

    Args:
        total: The longest contact list.
        actions: Action to the members it may still take tonight.
        channels: Channel to the members it may still take tonight; its actions are those of the column `channel`.
    """

    total: int | None
    actions: Mapping[str, int | None]
    channels: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """Who takes which action, and how good that is.

    Args:
        chosen: One row per member taken: member_no, action, net_gain, is_held_out; by member_no.
        gap: (upper bound - value) / upper bound of the part that is not held out; 0.0 where exact.
        is_exact: Whether no assignment is worth more.
        prices: What giving up one place of an action would cost, the channel's and the total's place included; infinite where
            it had no place. Where members were taken greedily: the gain at which the action was full. Where an action is at
            several levels of priority: the price at the lowest.
    """

    chosen: pl.DataFrame
    gap: float
    is_exact: bool
    prices: Mapping[str, float]


@dataclass(frozen=True)
class _Pairs:
    """Candidates as matrices, one row per member and one column per action; gains are -inf where there is no candidate."""

    member_no: Integers
    actions: tuple[str, ...]
    gains: Floats
    priority: Integers
    is_held_out: Truths


@dataclass(frozen=True)
class _Level:
    solution: Solution
    held_out: Integers


def assign(candidates: pl.DataFrame, *, limits: Limits, exact_up_to: int = EXACT_UP_TO) -> Assignment:
    """Choose at most one action for each member, so that the sum of net gains is greatest within all limits.

    A level of priority takes its members and places before lower ones. Only net gains above 0 count. Of members with the same
    gain the lower number is taken, so that the order of rows changes nothing.

    Pairs held out take no place and are chosen by the rule that chose the listed: every member takes the action of the greatest
    net gain less price, if that is above 0. Where it is held out from that action, it is chosen as held out and gets nothing
    else. The price is what giving up one place would cost, without the member's own part in it: on a full list, what the last
    one listed gains. So a member is chosen as held out exactly if it would have been listed, had it alone not been held out.
    Who is level with the last one listed is chosen if its number is lower. Places that members leave by being held out go to
    the next ones, at prices found again.

    Why members held out go through the same prices: the effect is the difference between listed and held out. The listed were
    picked for a high gain. Held-out members of every gain would differ from them without any contact.

    Args:
        candidates: One row per member and action that is allowed for the member: member_no (Int32), action (String), priority
            (Int32, higher first), net_gain (Float64), is_held_out (Boolean), with limits of channels also channel (String, one
            for each action).
        limits: How many members may be taken.
        exact_up_to: Pairs that may go into the linear program; most pairs are decided without it. Where more are in doubt, as
            when thousands of gains are equal, members are taken greedily, and `gap` says how far from the best that can be.
    """
    pairs = _pairs(candidates)
    nested = _nested(candidates, pairs, limits)
    listed = np.full(len(pairs.member_no), NOTHING)
    held_out = listed.copy()
    prices = dict.fromkeys(pairs.actions, 0.0)
    value = bound = 0.0
    for priority in sorted(set(candidates["priority"].unique().to_list()), reverse=True):
        is_free = (listed == NOTHING) & (held_out == NOTHING)
        is_of_level = (pairs.priority == priority) & np.isfinite(pairs.gains)
        gains = np.where(is_of_level & is_free[:, None], pairs.gains, -np.inf)
        level = _assign_level(gains, pairs.is_held_out, limits=nested, exact_up_to=exact_up_to)
        listed = np.where(is_free, level.solution.taken, listed)
        held_out = np.where(is_free, level.held_out, held_out)
        nested = nested.after(level.solution.taken)
        value, bound = value + level.solution.value, bound + level.solution.bound
        prices |= {
            pairs.actions[action]: float(level.solution.prices[action]) for action in np.flatnonzero(is_of_level.any(axis=0))
        }
    gap = (bound - value) / bound if bound - value > TOLERANCE * bound else 0.0
    return Assignment(_chosen(pairs, listed, held_out), gap=gap, is_exact=gap == 0.0, prices=prices)


def _assign_level(gains: Floats, is_held_out: Truths, *, limits: NestedLimits, exact_up_to: int) -> _Level:
    """Solve for those not held out, then let members take what they are held out from, until nobody listed would."""
    treated = np.where(is_held_out, -np.inf, gains)
    held_out = np.full(len(gains), NOTHING)
    for _ in range(ROUNDS):
        solution = solve(treated, limits=limits, exact_up_to=exact_up_to)
        wanted = _wanted_held_out(gains, is_held_out, solution)
        held_out = np.where(held_out == NOTHING, wanted, held_out)
        # Those who leave places make prices fall, so that whoever is chosen as held out would be again.
        if not ((held_out != NOTHING) & (solution.taken != NOTHING)).any():
            break
        treated[held_out != NOTHING] = -np.inf
    return _Level(solution, np.where(solution.taken == NOTHING, held_out, NOTHING))


def _wanted_held_out(gains: Floats, is_held_out: Truths, solution: Solution) -> Integers:
    """Give the action that each member would take if it were not held out from it, where that is better than what it has."""
    withheld = np.where(is_held_out & (gains > 0), gains, -np.inf)
    rows = np.flatnonzero((withheld > 0).any(axis=1))
    taken = solution.taken[rows]
    own = np.where(taken == NOTHING, 0.0, gains[rows, taken])
    improvement = solution.improvement(withheld[rows], rows, own=own)
    action = improvement.argmax(axis=1)
    best, gain = improvement.max(axis=1, initial=-np.inf), withheld[rows, action]
    is_level = _is_marginal(gain, solution.prices[action]) & (taken == NOTHING)
    is_better = np.where(is_level, rows < _last_marginal(gains, solution)[action], best > TOLERANCE * gain)
    wanted = np.full(len(gains), NOTHING)
    wanted[rows[is_better]] = action[is_better]
    return wanted


def _is_marginal(gains: Floats, prices: Floats) -> Truths:
    return (prices > 0) & np.isfinite(prices) & (np.abs(gains - prices) <= TOLERANCE * prices)


def _last_marginal(gains: Floats, solution: Solution) -> Integers:
    """Find for each action the row of the last member listed who gains no more than its place costs; -1 where there is none."""
    last = np.full(gains.shape[1], -1)
    rows = np.flatnonzero(solution.taken != NOTHING)
    action = solution.taken[rows]
    is_marginal = _is_marginal(gains[rows, action], solution.prices[action])
    np.maximum.at(last, action[is_marginal], rows[is_marginal])
    return last


def _pairs(candidates: pl.DataFrame) -> _Pairs:
    member_no = candidates["member_no"].unique().sort().to_numpy()
    row = np.searchsorted(member_no, candidates["member_no"].to_numpy())
    actions = tuple(sorted(candidates["action"].unique().to_list()))
    column = candidates["action"].cast(pl.Enum(actions)).to_physical().to_numpy()
    shape = (len(member_no), len(actions))
    gains, priority, is_held_out = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    gains[row, column] = candidates["net_gain"].fill_nan(None).fill_null(-np.inf).to_numpy()
    priority[row, column] = candidates["priority"].to_numpy()
    is_held_out[row, column] = candidates["is_held_out"].to_numpy()
    is_candidate = np.zeros(shape, dtype=bool)
    is_candidate[row, column] = True
    assert int(is_candidate.sum()) == candidates.height, "a member and an action are one candidate"
    return _Pairs(member_no, actions, gains, priority, is_held_out)


def _nested(candidates: pl.DataFrame, pairs: _Pairs, limits: Limits) -> NestedLimits:
    channel_of: dict[str, str] = {}
    if limits.channels:
        channels = candidates.select("action", "channel").unique()
        assert channels["action"].is_unique().all(), "an action goes by one channel"
        channel_of = dict(channels.iter_rows())
    return NestedLimits.of(
        pairs.actions, total=limits.total, rooms=limits.actions, channels=limits.channels, channel_of=channel_of
    )


def _chosen(pairs: _Pairs, listed: Integers, held_out: Integers) -> pl.DataFrame:
    taken = np.where(listed == NOTHING, held_out, listed)
    rows = np.flatnonzero(taken != NOTHING)
    return pl.DataFrame(
        {
            "member_no": pl.Series(pairs.member_no[rows], dtype=pl.Int32),
            "action": pl.Series(np.array(pairs.actions, dtype=object)[taken[rows]], dtype=pl.String),
            "net_gain": pl.Series(pairs.gains[rows, taken[rows]], dtype=pl.Float64),
            "is_held_out": pl.Series(listed[rows] == NOTHING, dtype=pl.Boolean),
        }
    )
