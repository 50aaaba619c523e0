"""Members and actions matched so that the sum of gains is greatest: a transportation problem, solved by a small linear program.

Each member takes one action at most, and each limit is kept: an action's inside its channel's inside the total. The members'
rows form one family of nested sets and the limits another; the matrix of two such families is totally unimodular (Edmonds
1970), so that the corners of the linear program are whole and no member is ever split.

Nearly all members are decided without the program. Prices of places come first, by descent on the dual: one limit after the
other gets its best price. At nearly right prices most members prefer one action clearly; only those whose two best choices are
close go into the program. Weak duality proves the result: at any prices, no assignment is worth more than the sum of
places × price over limits, and of the best gain less price over members. Where the assignment is worth less than that, more
members go in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engagement.nested_limits import NOTHING, Floats, Integers, NestedLimits, Truths, exchange_costs, prices_of

TOLERANCE: Final = 1e-9
CORE_MEMBERS: Final = 2_000
SAMPLE_MEMBERS: Final = 10_000
SWEEPS_OF_SAMPLE: Final = 30
SWEEPS: Final = 3
# The simplex method is faster than the interior point below about so many members.
SIMPLEX_MEMBERS: Final = 4_000


@dataclass(frozen=True)
class Solution:
    """An assignment, what places cost in it and what no assignment can surpass.

    Args:
        taken: The action of each member, or `NOTHING`.
        value: The sum of gains.
        bound: An upper bound of the value of any assignment.
        costs: What taking a place of an action (column) costs when one of another (row) is given in return; the last row is for
            giving nothing. Infinite for an action without any place. Of a greedy solution: the gain at which the action closed.
        is_greedy: Whether members took their greatest gain among actions still open, not their greatest gain less price.
    """

    taken: Integers
    value: float
    bound: float
    costs: Floats
    is_greedy: bool

    @property
    def prices(self) -> Floats:
        """The price of a place of each action, for a member who has none."""
        return np.asarray(self.costs[NOTHING])

    def improvement(self, gains: Floats, rows: Integers, *, own: Floats) -> Floats:
        """Give how much more would be gained if members had each of these actions instead of what they take.

        Args:
            gains: What they would gain, one row per member, -inf where an action is not asked for.
            rows: The rows of these members.
            own: What these members gain now.
        """
        costs = self.costs[self.taken[rows]]
        surplus = np.where(gains >= costs, gains, -np.inf) if self.is_greedy else gains - costs
        return surplus - own[:, None]


def solve(gains: Floats, *, limits: NestedLimits, exact_up_to: int) -> Solution:
    """Assign each member one action or none, so that the sum of gains is greatest; the same for the same gains.

    Of members with the same gain, those with earlier rows are taken.

    Args:
        gains: One row per member, one column per action; only gains above 0 count, -inf where the action is not allowed.
        limits: How many members each action, each channel and all together may take.
        exact_up_to: Pairs of members and actions that may go into the linear program. Beyond that: greedily.
    """
    gains = np.where((gains > 0) & limits.is_open, gains, -np.inf)
    taken = _preferred(gains)
    if (limits.after(taken).room >= 0).all():
        return _exact_solution(gains, taken, limits)
    kept = _keep_best(gains, int(min(limits.most, len(gains))))
    rows = np.flatnonzero((kept > 0).any(axis=1))
    exact, guess = _solve_exactly(kept[rows], limits, exact_up_to=exact_up_to)
    if exact is not None:
        return _exact_solution(gains, _earlier_first(gains, _spread(exact, rows, len(gains))), limits)
    greedy, prices = _solve_greedily(kept[rows], limits)
    taken = _spread(greedy, rows, len(gains))
    closed_at = np.where(limits.is_open, limits.per_action(prices), np.inf)
    bound = min(_bound(gains, limits, prices), _bound(gains, limits, guess))
    return Solution(taken, _value(gains, taken), bound, np.tile(closed_at, (len(closed_at) + 1, 1)), is_greedy=True)


def _exact_solution(gains: Floats, taken: Integers, limits: NestedLimits) -> Solution:
    costs = exchange_costs(gains, taken, limits)
    bound = _bound(gains, limits, prices_of(costs, limits))
    first = len(limits.room) - limits.n_actions
    return Solution(taken, _value(gains, taken), bound, costs[first:, first:-1], is_greedy=False)


def _value(gains: Floats, taken: Integers) -> float:
    rows = np.flatnonzero(taken != NOTHING)
    return float(gains[rows, taken[rows]].sum())


def _bound(gains: Floats, limits: NestedLimits, prices: Floats) -> float:
    places = np.where(prices > 0, limits.room, 0.0) @ prices
    return float(places + _best(gains - limits.per_action(prices)).sum())


def _best(surplus: Floats) -> Floats:
    """Give each member's greatest surplus; taking nothing is worth 0."""
    return np.asarray(surplus.max(axis=1, initial=0.0))


def _preferred(surplus: Floats) -> Integers:
    if not surplus.size:
        return np.full(len(surplus), NOTHING)
    best = surplus.argmax(axis=1)
    return np.where(surplus[np.arange(len(surplus)), best] > 0, best, NOTHING)


def _spread(taken: Integers, rows: Integers, n_members: int) -> Integers:
    everyone = np.full(n_members, NOTHING)
    everyone[rows] = taken
    return everyone


def _keep_best(gains: Floats, most: int) -> Floats:
    """Keep the best `most` gains of each action, the earlier row of two that are equal.

    No other can matter. At most `most` members are taken. Were one of them taken by an action without being among its best
    `most`, then one of those best would be taken by nothing, and could have the place for no less gain.
    """
    kept = np.full_like(gains, -np.inf)
    for action in range(gains.shape[1]):
        column = gains[:, action]
        worst = np.partition(column, len(column) - most)[len(column) - most]
        better = np.flatnonzero(column > worst)
        level = np.flatnonzero(column == worst)[: most - len(better)]
        kept[better, action] = column[better]
        kept[level, action] = worst
    return kept


def _earlier_first(gains: Floats, taken: Integers) -> Integers:
    """Let earlier rows have the places that later ones with the same gain have.

    Whoever is taken by nothing gains at most what the last member taken does, so that only that gain can be on both sides.
    """
    taken = taken.copy()
    for action in range(gains.shape[1]):
        is_taken = taken == action
        if is_taken.any():
            marginal = gains[is_taken, action].min()
            level = np.flatnonzero((gains[:, action] == marginal) & (is_taken | (taken == NOTHING)))
            n_places = int(is_taken[level].sum())
            taken[level[:n_places]] = action
            taken[level[n_places:]] = NOTHING
    return taken


def _solve_exactly(gains: Floats, limits: NestedLimits, *, exact_up_to: int) -> tuple[Integers | None, Floats]:
    """Solve the linear program of members in doubt; None where it would be too large. With prices, right or nearly so."""
    prices = _guess_prices(gains, limits)
    n_core = CORE_MEMBERS
    while True:
        fixed, core = _split(gains - limits.per_action(prices), min(n_core, len(gains)))
        if int((core > 0).sum()) > exact_up_to:
            return None, prices
        remaining = limits.after(fixed)
        if (remaining.room >= 0).all():
            rows = np.flatnonzero(core.any(axis=1))
            fixed[rows], prices = _linear_program(np.where(core[rows], gains[rows], -np.inf), remaining)
            value, right_prices = _value(gains, fixed), prices_of(exchange_costs(gains, fixed, limits), limits)
            if n_core >= len(gains) or _bound(gains, limits, right_prices) - value <= TOLERANCE * value:
                return fixed, prices
        n_core *= 2


def _split(surplus: Floats, n_core: int) -> tuple[Integers, Truths]:
    """Give what members surely take, and the pairs in doubt of the `n_core` members whose two best choices are closest.

    Members in doubt take `NOTHING` so far. Where several members are as close, all of them are in doubt.
    """
    choices = np.column_stack([surplus, np.zeros(len(surplus))])
    below_best = choices.max(axis=1, keepdims=True) - choices
    doubt = np.partition(below_best, 1, axis=1)[:, 1]
    closest = np.partition(doubt, n_core - 1)[n_core - 1]
    in_doubt = doubt <= closest
    taken = np.where(in_doubt, NOTHING, _preferred(surplus))
    return taken, in_doubt[:, None] & (below_best[:, :-1] <= closest) & np.isfinite(surplus)


def _linear_program(gains: Floats, limits: NestedLimits) -> tuple[Integers, Floats]:
    """Solve the program as it stands: what each member takes, and the limits' prices."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    members, actions = np.nonzero(np.isfinite(gains))
    pairs = np.arange(len(members))
    bounded = np.flatnonzero(np.isfinite(limits.room))
    of_pair, limit = np.nonzero(limits.within[:, bounded][actions])
    matrix = csr_array(
        (
            np.ones(len(pairs) + len(of_pair)),
            (np.concatenate([members, len(gains) + limit]), np.concatenate([pairs, of_pair])),
        ),
        shape=(len(gains) + len(bounded), len(pairs)),
    )
    scale = float(gains.max(initial=0.0)) or 1.0
    solved = linprog(
        -gains[members, actions] / scale,
        A_ub=matrix,
        b_ub=np.concatenate([np.ones(len(gains)), limits.room[bounded]]),
        method="highs-ds" if len(gains) <= SIMPLEX_MEMBERS else "highs-ipm",
        options={"dual_feasibility_tolerance": 1e-10},
    )
    assert solved.success, solved.message
    is_chosen = solved.x.round() == 1
    assert np.allclose(solved.x, is_chosen, atol=1e-6), "a corner of this program is whole"
    taken = np.full(len(gains), NOTHING)
    taken[members[is_chosen]] = actions[is_chosen]
    prices = np.zeros(len(limits.room))
    prices[bounded] = np.maximum(-solved.ineqlin.marginals[len(gains) :], 0.0) * scale
    return taken, prices


def _guess_prices(gains: Floats, limits: NestedLimits) -> Floats:
    """Descend on the dual, first with every so-manyth member and as great a share of the places, then with all members."""
    step = -(-len(gains) // SAMPLE_MEMBERS)
    prices = np.zeros(len(limits.room))
    if step > 1:
        sample = replace(limits, room=np.where(limits.room > 0, np.maximum(np.round(limits.room / step), 1.0), 0.0))
        prices = _descend(gains[::step], sample, prices, sweeps=SWEEPS_OF_SAMPLE)
    return _descend(gains, limits, prices, sweeps=SWEEPS if step > 1 else SWEEPS_OF_SAMPLE)


def _descend(gains: Floats, limits: NestedLimits, prices: Floats, *, sweeps: int) -> Floats:
    """Give one limit after the other the price at which as many members want its places as it has, the others' held fixed."""
    prices = prices.copy()
    within = limits.within
    binding = [limit for limit in np.flatnonzero(within.any(axis=0)) if 0 < limits.room[limit] < len(gains)]
    for _ in range(sweeps):
        before = prices.copy()
        for limit in binding:
            prices[limit] = 0.0
            surplus = gains - limits.per_action(prices)
            inside = within[:, limit]
            worth = surplus[:, inside].max(axis=1) - _best(surplus[:, ~inside])
            last = len(worth) - int(limits.room[limit])
            two = np.partition(worth, [last - 1, last])[last - 1 : last + 1]
            prices[limit] = max(0.0, two.mean()) if two[0] > 0 else 0.0
        if np.array_equal(before, prices):
            break
    return prices


def _solve_greedily(gains: Floats, limits: NestedLimits) -> tuple[Integers, Floats]:
    """Take the greatest gains one after the other while there is room: what each member takes, and the limits' prices.

    An action's price is the gain at which it closed, 0 while it is open.
    """
    taken = np.full(len(gains), NOTHING)
    closed_at = np.zeros(len(limits.room))
    open_gains = gains.copy()
    while True:
        remaining = limits.after(taken)
        open_gains[:, ~remaining.is_open] = -np.inf
        open_gains[taken != NOTHING] = -np.inf
        action = _preferred(open_gains)
        rows = np.flatnonzero(action != NOTHING)
        rows = rows[np.argsort(-gains[rows, action[rows]], kind="stable")]
        counts = np.cumsum(limits.within[action[rows]], axis=0)
        is_full = (counts >= remaining.room) & (remaining.room > 0)
        fills = is_full.any(axis=1)
        # Until a limit is full, members get their greatest gain; then those who wanted a closed action choose again.
        end = int(fills.argmax()) if fills.any() else len(rows) - 1
        taken[rows[: end + 1]] = action[rows[: end + 1]]
        if not fills.any():
            return taken, limits.own_prices(closed_at)
        closed_at[is_full[end]] = gains[rows[end], action[rows[end]]]
