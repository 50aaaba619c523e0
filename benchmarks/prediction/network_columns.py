"""Columns that the network could give to the prediction of churn: a member's position, their neighbours, their own community.

All of them come from the ties and days up to the cut-off, in the network as the night measures it. A neighbour is who the member
responded to or was responded to by within a year, weighed by both directions together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from features.history import History, cut, is_activity
from features.network.communities import NONE, partition
from features.network.cores import core_numbers, reciprocity
from features.network.graph import Floats, Network
from features.network.influence import influence
from features.network.policy import NetworkPolicy
from features.network.rings import find_rings
from features.network.ties import weigh_ties

CLOSEST: Final = 4
FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "position": ("log_influence", "core_number", "reciprocity", "neighbours"),
    "neighbours": ("neighbours_active_share", "neighbours_fell_silent_share", "neighbours_trend", "closest_active_share"),
    "community": ("community_log_size", "community_active_share"),
}
COLUMNS: Final = tuple(name for names in FAMILIES.values() for name in names)


def network_columns(history: History, *, as_of: date, horizon_days: int) -> pl.DataFrame:
    """Compute the columns as of a cut-off.

    One row per member with a tie in the last 365 days, sorted by member_no: member_no and `COLUMNS`; no rows where nobody has
    one. Active is who did anything on the last `horizon_days` days, and who fell silent did so on as many days before them alone.
    Shares of neighbours are of the weight of a member's ties; `closest_active_share` is of those of the four strongest,
    `community_active_share` of the other members of the community. `neighbours_trend` is the difference between the logarithms of
    1 + mean active days of the neighbours over these days and over as many before. `reciprocity` is null for who responds to
    nobody, `community_active_share` for who is alone.

    Args:
        history: The whole history; it is cut here.
        as_of: The last day that is read.
        horizon_days: Days over which neighbours are active or silent.
    """
    seen = cut(history, as_of)
    ties = weigh_ties(seen.ties, as_of=as_of, policy=NetworkPolicy())
    if ties.is_empty():
        return pl.DataFrame(schema={"member_no": pl.Int32} | dict.fromkeys(COLUMNS, pl.Float64))
    network = find_rings(Network.of(ties)).network
    recent, before = (_active_days(seen, network, as_of, first=n * horizon_days, days=horizon_days) for n in (0, 1))
    columns = _position(network) | _neighbours(network.undirected(), recent, before) | _community(network, recent > 0)
    numbers = pl.Series("member_no", network.members, dtype=pl.Int32)
    return pl.DataFrame([numbers, *(pl.Series(name, columns[name].astype(np.float64)).fill_nan(None) for name in COLUMNS)])


def _active_days(seen: History, network: Network, as_of: date, *, first: int, days: int) -> Floats:
    """Return the active days of each member of the network on `days` days, the last of them `first` days before the cut-off."""
    within = pl.col("event_date").is_between(as_of - timedelta(days=first + days - 1), as_of - timedelta(days=first))
    counted = seen.daily.filter(within, is_activity()).group_by("member_no").agg(n=pl.col("event_date").n_unique()).collect()
    numbers = pl.DataFrame({"member_no": pl.Series(network.members, dtype=pl.Int32)})
    joined = numbers.join(counted, on="member_no", how="left", maintain_order="left", validate="1:1")
    return joined["n"].fill_null(0).to_numpy().astype(np.float64)


def _position(network: Network) -> dict[str, Any]:
    return {
        "log_influence": np.log1p(influence(network)),
        "core_number": core_numbers(network),
        "reciprocity": reciprocity(network),
        "neighbours": np.diff(network.undirected().indptr),
    }


def _neighbours(both: Any, recent: Floats, before: Floats) -> dict[str, Any]:
    weight = np.asarray(both.sum(axis=1)).ravel()
    is_active = recent > 0
    return {
        "neighbours_active_share": both @ is_active.astype(np.float64) / weight,
        "neighbours_fell_silent_share": both @ ((before > 0) & ~is_active).astype(np.float64) / weight,
        "neighbours_trend": np.log1p(both @ recent / weight) - np.log1p(both @ before / weight),
        "closest_active_share": _closest_active(both, is_active.astype(np.float64)),
    }


def _closest_active(both: Any, is_active: Floats) -> Floats:
    """Return the share of a member's strongest ties whose other end is active; of equal ties the lower number comes first."""
    rows = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    order = np.lexsort((both.indices, -both.data, rows))
    is_close = np.arange(len(rows)) - both.indptr[rows] < CLOSEST
    close_rows, close = rows[is_close], both.indices[order][is_close]
    active = np.bincount(close_rows, weights=is_active[close], minlength=both.shape[0])
    return np.asarray(active / np.bincount(close_rows, minlength=both.shape[0]), dtype=np.float64)


def _community(network: Network, is_active: Any) -> dict[str, Any]:
    community, _ = partition(network, np.full(network.size, NONE, np.int64))
    size, active = np.bincount(community), np.bincount(community, weights=is_active)
    others = size[community] - 1
    share = np.divide(active[community] - is_active, others, out=np.full(network.size, np.nan), where=others > 0)
    return {"community_log_size": np.log(size[community]), "community_active_share": share}
