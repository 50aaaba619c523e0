"""Influence: how many others respond to a member, and how lately; from 0 to 100, with an interval.

A member's influence is the sum, over those who respond to them, of the square root of the tie's weight: many people count more
than many responses of one. PageRank was no better at finding planted leaders, nor at telling who will be responded to next
(decision 55).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from features.network.graph import Flags, Floats, Network

# 80 of 100 draws lie within the interval.
_LOW: Final = 0.1
_HIGH: Final = 0.9
_MOST_DRAWS: Final = 200
_FEWEST_DRAWS: Final = 20
# So many ties are drawn in all: small networks can afford more draws.
_TIES_DRAWN: Final = 20_000_000
# A Poisson variable of mean 1, in 256ths: 0 and 1 in 94 of 256 cases each, 2 in 47, and so on.
_TIMES: Final = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [94, 94, 47, 16, 4, 1])
# Equal influence may differ in the last bits.
_DECIMALS: Final = 9
INFLUENCE_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "influence_score": pl.Float64(),
        "influence_low": pl.Float64(),
        "influence_high": pl.Float64(),
    }
)


def influence(network: Network) -> Floats:
    """Return the influence of each member, in the order of the positions; 0 for members to whom nobody responded.

    Args:
        network: The network.
    """
    return _sums(network, np.sqrt(network.weight))


def score_influence(network: Network, is_compared: Flags, *, seed: int) -> pl.DataFrame:
    """Score influence from 0 to 100, with an interval from drawing the ties anew.

    One row per compared member, sorted by member_no; columns of `INFLUENCE_SCHEMA`. The score is the mid-rank percentile
    among the compared members. For the interval each tie counts as often as a Poisson variable of mean 1 says, that is now
    and then not at all; 80 of 100 draws lie between `influence_low` and `influence_high`, and so does the score. A member
    whose influence hangs on one other has a wide interval.

    Args:
        network: The network.
        is_compared: Whether each member is compared and has a score.
        seed: Decides the draws.
    """
    score = _percentile(influence(network), is_compared)
    drawn = np.stack([_percentile(one, is_compared) for one in _draws(network, seed=seed)])
    low, high = np.quantile(drawn, [_LOW, _HIGH], axis=0, overwrite_input=True)
    columns = {"influence_score": score, "influence_low": np.minimum(low, score), "influence_high": np.maximum(high, score)}
    return pl.DataFrame({"member_no": network.members[is_compared], **columns}).cast(INFLUENCE_SCHEMA)


def _draws(network: Network, *, seed: int) -> Iterator[Floats]:
    ties, weight = len(network.weight), np.sqrt(network.weight)
    rng = np.random.default_rng(seed)
    for _ in range(min(max(_TIES_DRAWN // max(ties, 1), _FEWEST_DRAWS), _MOST_DRAWS)):
        yield _sums(network, weight * _TIMES[rng.integers(len(_TIMES), size=ties, dtype=np.uint16)])


def _sums(network: Network, weight: Floats) -> Floats:
    # In the order of the ties, which is the same in every run.
    return np.bincount(network.receiver, weights=weight, minlength=network.size).astype(np.float64)


def _percentile(value: Floats, is_compared: Flags) -> Floats:
    """Return the mid-rank percentile of the compared among themselves."""
    compared = np.round(value[is_compared], _DECIMALS)
    ordered = np.sort(compared)
    twice_rank = np.searchsorted(ordered, compared, "left") + np.searchsorted(ordered, compared, "right")
    percentile: Floats = twice_rank * 50 / max(len(ordered), 1)
    return percentile
