"""Divide a change among groups: a count by what each group added, a rate by what the groups did and by how many they are.

Source: E. Kitagawa, "Components of a Difference Between Two Rates", JASA 50, 1955. A group's part of the mix is taken against the
mean rate of all, so that a group that grows counts for what it brings above the others; the sum stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Pair = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """What a group adds to a change.

    Args:
        value: The group; None for all members in none of the groups.
        rate: Of a rate, what comes from what the group did; of a count, all that it adds.
        mix: Of a rate, what comes from how many there are of the group; 0 of a count.
        now: The group's own rate or count in the period.
        before: The same of the period before.
        share_now: Its share of all below the line, of a count of all counted; 0 where there is nothing.
        share_before: The same of the period before.
    """

    value: str | None
    rate: float
    mix: float
    now: float
    before: float
    share_now: float
    share_before: float


def parts_of_count(groups: Mapping[str, Pair], whole: Pair) -> tuple[Part, ...]:
    """Divide the change of a count; the parts add up to it.

    Args:
        groups: Group → its count now and before; groups do not overlap.
        whole: The count of all.
    """
    rest = tuple(all_ - sum(pair[n] for pair in groups.values()) for n, all_ in enumerate(whole))
    cells: list[tuple[str | None, Pair]] = [*groups.items(), (None, (rest[0], rest[1]))]
    return tuple(
        Part(value, now - before, 0.0, now, before, _ratio(now, whole[0]), _ratio(before, whole[1]))
        for value, (now, before) in cells
    )


def parts_of_rate(groups: Mapping[str, tuple[Pair, Pair]], whole: tuple[Pair, Pair]) -> tuple[Part, ...]:
    """Divide the change of a rate; all `rate` and `mix` together add up to it.

    Args:
        groups: Group → what stands above and below the line, now and before; groups do not overlap.
        whole: The same of all; below the line it is above zero.

    Returns:
        The parts; none where the groups have more below the line than all have, so that they overlap.
    """
    rest = tuple(
        (all_[0] - sum(one[n][0] for one in groups.values()), all_[1] - sum(one[n][1] for one in groups.values()))
        for n, all_ in enumerate(whole)
    )
    if any(below < -1e-9 * all_[1] for (_, below), all_ in zip(rest, whole, strict=True)):
        return ()
    cells: list[tuple[str | None, tuple[Pair, Pair]]] = [*groups.items(), (None, (rest[0], rest[1]))]
    mean = (_ratio(*whole[0]) + _ratio(*whole[1])) / 2
    return tuple(_part(value, pair, whole, mean) for value, pair in cells)


def _part(value: str | None, pair: tuple[Pair, Pair], whole: tuple[Pair, Pair], mean: float) -> Part:
    (of, over), (of_before, over_before) = pair
    share, share_before = _ratio(over, whole[0][1]), _ratio(over_before, whole[1][1])
    # A group that was not there has no rate of its own: what it did since, it did not do differently.
    rate = of / over if over > 0 else of_before / over_before if over_before > 0 else 0.0
    rate_before = of_before / over_before if over_before > 0 else rate
    return Part(
        value,
        rate=(rate - rate_before) * (share + share_before) / 2,
        mix=(share - share_before) * ((rate + rate_before) / 2 - mean),
        now=rate,
        before=rate_before,
        share_now=share,
        share_before=share_before,
    )


def _ratio(of: float, over: float) -> float:
    return of / over if over else 0.0
