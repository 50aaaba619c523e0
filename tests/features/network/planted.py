"""A simulated community of which is known who leads, who pushes whom, and who belongs together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from features.history import TIES_SCHEMA
from features.network.graph import Network
from features.network.policy import NetworkPolicy
from features.network.ties import weigh_ties
from tests.features.builders import AS_OF

POLICY = NetworkPolicy()
SIZES = (70, 60, 50, 40)
LEADERS_IN_EACH = 2
RINGS = (4, 5)
PUSHERS = 12


@dataclass(frozen=True)
class Planted:
    """The rows of ties, and the truth: one element per member, whose number is the position."""

    rows: pl.DataFrame
    community: np.ndarray
    popularity: np.ndarray
    leaders: list[int]
    ring: np.ndarray

    @property
    def ties(self) -> pl.DataFrame:
        return weigh_ties(self.rows.lazy(), as_of=AS_OF, policy=POLICY)

    @property
    def network(self) -> Network:
        return Network.of(self.ties)


def planted(seed: int = 1, *, people: int = 0) -> Planted:
    """Simulate a year: people respond mostly within their community, to the popular more often.

    Some respond to one friend dozens of times a day, which makes nobody popular; and members of rings respond to each other on
    forty days. The same `people` are as popular whatever the seed.
    """
    rng = np.random.default_rng(seed)
    community = np.repeat(np.arange(len(SIZES)), SIZES)
    size = len(community)
    popularity = np.random.default_rng(people).lognormal(0.0, 0.8, size)
    leaders = [int(one) for number in range(len(SIZES)) for one in np.flatnonzero(community == number)[:LEADERS_IN_EACH]]
    popularity[leaders] = 12.0
    giver = np.repeat(np.arange(size), rng.poisson(10 * rng.lognormal(0, 0.5, size)))
    receiver = np.array([_receiver(rng, one, community, popularity) for one in giver])
    rows = [_rows(rng, giver, receiver, times=np.ones(len(giver), np.int64))]
    pushers = rng.choice(np.setdiff1d(np.arange(size), leaders), PUSHERS, replace=False)
    friends = np.array([rng.choice(np.flatnonzero(community == community[one])) for one in pushers])
    rows.append(_rows(rng, pushers, friends, times=np.full(PUSHERS, 60)))
    ring, first = np.full(size + sum(RINGS), -1), size
    for number, members in enumerate(RINGS):
        inside = np.arange(first, first + members)
        ring[inside] = number
        pairs = np.array([(one, other) for one in inside for other in inside if one != other]).repeat(40, axis=0)
        rows.append(_rows(rng, pairs[:, 0], pairs[:, 1], times=np.full(len(pairs), 3)))
        outside = rng.choice(leaders, members)
        rows.append(_rows(rng, inside, outside, times=np.ones(members, np.int64)))
        first += members
    community = np.concatenate([community, np.full(sum(RINGS), -1)])
    popularity = np.concatenate([popularity, np.zeros(sum(RINGS))])
    together = pl.concat(rows).group_by("event_date", "member_no", "other_no").agg(pl.col("n").sum())
    together = together.filter(pl.col("member_no") != pl.col("other_no")).sort("event_date", "member_no", "other_no")
    return Planted(together.select(TIES_SCHEMA.names()).cast(dict(TIES_SCHEMA)), community, popularity, leaders, ring)


def _receiver(rng: np.random.Generator, giver: int, community: np.ndarray, popularity: np.ndarray) -> int:
    odds = popularity * np.where(community == community[giver], 1.0, 0.04)
    odds[giver] = 0.0
    return int(rng.choice(len(odds), p=odds / odds.sum()))


def _rows(rng: np.random.Generator, giver: np.ndarray, receiver: np.ndarray, *, times: np.ndarray) -> pl.DataFrame:
    days = [AS_OF - timedelta(days=int(ago)) for ago in rng.integers(0, 365, len(giver))]
    return pl.DataFrame({"event_date": days, "member_no": giver, "other_no": receiver, "n": times})
