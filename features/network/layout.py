"""Where circles and members lie when a network is drawn; the same network gives the same picture on every night."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from features.network.graph import Floats, Ints

_ROUNDS: Final = 200
_PASSES: Final = 400
# Seeds of a sunflower lie so far apart in angle: no two starting places are alike, and none is preferred.
_GOLDEN_ANGLE: Final = math.pi * (3 - math.sqrt(5))
_FIRST_STEP: Final = 0.1
_DIRECT_RADIUS: Final = 0.5


def spread(weight: Floats, radius: Floats, *, width: float, height: float) -> Floats:
    """Place circles in a rectangle: those with heavy ties near each other, none upon another.

    One row per circle: x and y of its centre. The circles should cover less than a third of the rectangle. Source:
    Fruchterman and Reingold, "Graph drawing by force-directed placement", 1991; begun on a spiral in the order of the circles
    instead of at random.

    Args:
        weight: The weight of the ties between every two circles, symmetric.
        radius: The radius of each circle.
        width: Of the rectangle.
        height: Of the rectangle.
    """
    place = _pulled(weight) if len(radius) > 1 else np.zeros((len(radius), 2))
    return _apart(_fitted(place, radius, width, height), radius, width, height)


def around(parent: Ints, group: Ints) -> Floats:
    """Place the members of a neighbourhood around the first: direct neighbours on an inner circle, theirs on an outer one.

    One row per member: x and y, from -1 to 1. Neighbours of one group lie side by side, and each has as much of the circle as
    its own neighbours need.

    Args:
        parent: For each member the place of the neighbour who leads to them; 0 for direct neighbours, -1 for the first member.
        group: The group of each member, such as a number for the community.
    """
    place = np.zeros((len(parent), 2))
    direct = sorted(np.flatnonzero(parent == 0).tolist(), key=lambda one: (group[one], one))
    led_to = {one: np.flatnonzero(parent == one).tolist() for one in direct}
    total = sum(max(len(others), 1) for others in led_to.values())
    begin = 0
    for one, others in led_to.items():
        share = max(len(others), 1)
        place[one] = _on_circle((begin + share / 2) / total, _DIRECT_RADIUS)
        for number, other in enumerate(others):
            place[other] = _on_circle((begin + number + 0.5) / total, 1.0)
        begin += share
    return place


def _on_circle(turn: float, radius: float) -> tuple[float, float]:
    return radius * math.sin(2 * math.pi * turn), radius * math.cos(2 * math.pi * turn)


def _pulled(weight: Floats) -> Floats:
    """Return places in which ties pull and all else pushes."""
    n = len(weight)
    pull = np.sqrt(weight / max(float(weight.max()), np.finfo(float).tiny))
    ideal = 1 / math.sqrt(n)
    number = np.arange(n)
    angle, away = number * _GOLDEN_ANGLE, np.sqrt((number + 0.5) / n) / 2
    place = np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)
    for round_ in range(_ROUNDS):
        apart = place[:, None, :] - place[None, :, :]
        distance = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), 1e-6)
        force = ideal**2 / distance**2 - pull * distance / ideal
        np.fill_diagonal(force, 0.0)
        # The pull of the middle keeps circles without ties in sight.
        moved = (apart * force[..., None]).sum(axis=1) - place * 0.5
        length = np.maximum(np.hypot(moved[:, 0], moved[:, 1]), 1e-12)
        step = _FIRST_STEP * (1 - round_ / _ROUNDS)
        place = place + moved * (np.minimum(length, step) / length)[:, None]
    return place


def _fitted(place: Floats, radius: Floats, width: float, height: float) -> Floats:
    """Return places stretched to the rectangle."""
    if not len(place):
        return place
    low, high = place.min(axis=0), place.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    share = np.where(high > low, (place - low) / span, 0.5)
    room = np.array([width, height]) - 2 * radius[:, None]
    return radius[:, None] + share * room


def _apart(place: Floats, radius: Floats, width: float, height: float) -> Floats:
    """Return places pushed apart until no circle lies upon another."""
    least = radius[:, None] + radius[None, :]
    box = np.array([width, height])
    low, high = radius[:, None], box - radius[:, None]
    for turn in _turns():
        apart = place[:, None, :] - place[None, :, :]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        overlap = np.maximum(least - distance, 0.0)
        np.fill_diagonal(overlap, 0.0)
        if not overlap.any():
            break
        # Of two at the same place one goes one way, the other the other; the small one goes further.
        order = np.sign(np.subtract.outer(np.arange(len(place)), np.arange(len(place))))[..., None]
        away = np.where(distance[..., None] > 0, apart / np.maximum(distance, 1e-12)[..., None], order * turn)
        gives_way = radius[None, :] / least
        place = np.clip(place + (away * (overlap * gives_way * 1.02)[..., None]).sum(axis=1), low, high)
    return place


def _turns() -> Iterator[Floats]:
    """Yield the direction in which circles at the same place are parted, another in each pass."""
    for number in range(_PASSES):
        yield np.array([math.cos(number * _GOLDEN_ANGLE), math.sin(number * _GOLDEN_ANGLE)])
