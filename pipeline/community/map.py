"""The network of a past night for people to look at: communities and the ties between them, the core, who reaches whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from lake.member_index import scan_member_index
from outputs.lists import members_schema
from pipeline.analysis import read_members
from pipeline.community.communities import count_communities
from pipeline.community.network import NETWORK_COLUMNS
from pipeline.community.network_window import network_policy
from pipeline.community.past_network import read_network
from pipeline.community.stored_network import read_communities_before, read_stored
from runtime.run_context import RunContext

if TYPE_CHECKING:
    from features.network.graph import Network
    from features.network.neighbourhood import Neighbourhood

MOST_BARS: Final = 30
_OF_THE_LIST: Final = ("member_id", "tier", "churn_risk", "presence", *NETWORK_COLUMNS)


@dataclass(frozen=True)
class NetworkMap:
    """The network of a past night.

    Args:
        members: One row per member of the network, in the order of its positions: member_no, those of `_OF_THE_LIST`,
            core_number, responders. Who is not on the list of the night has nulls.
        communities: One row per community, the largest first: place (from 1), community_id, community, members, still_here,
            high_risk, leaders, members_before (null for a new one, and on the first night).
        between: One row per two communities with ties, the strongest first: first and second (places, the first smaller), ties,
            weight.
        network: The network.
        window_days: The days that it counts.
    """

    members: pl.DataFrame
    communities: pl.DataFrame
    between: pl.DataFrame
    network: Network
    window_days: int


def read_map(run: RunContext) -> NetworkMap | None:
    """Read the network of a night with the consent of today; None for a night that stored none.

    Args:
        run: The run of a night with lists.
    """
    stored = read_stored(run).select("member_no", "core_number", "responders")
    network = None if stored.is_empty() else read_network(run)
    if network is None or not network.size:
        return None
    listed = _with_network_columns(read_members(run)).select(_OF_THE_LIST)
    numbers = pl.DataFrame([pl.Series("member_no", network.members, dtype=pl.Int32)])
    known = listed.lazy().join(scan_member_index(run.workspace.lake), on="member_id").collect()
    members = numbers.join(known, on="member_no", how="left", maintain_order="left", validate="1:1")
    members = members.join(stored, on="member_no", how="left", maintain_order="left", validate="1:1")
    communities = _communities(run, members)
    return NetworkMap(members, communities, _between(members, communities, network), network, network_policy(run).window_days)


def count_cores(members: pl.DataFrame, *, most_bars: int = MOST_BARS) -> pl.DataFrame:
    """Count members by core number.

    One row per range of core numbers, sorted: core_from, core_to, members, is_innermost (whether the greatest is in it). The
    ranges are of one number each where there are few.

    Args:
        members: The members of a map.
        most_bars: The most ranges.
    """
    numbers = members["core_number"].drop_nulls()
    highest = numbers.max()
    step = -(-int(highest) // most_bars) if isinstance(highest, int) else 1
    core_from = (pl.col("core_number") - 1) // step * step + 1
    return (
        pl.DataFrame([numbers])
        .group_by(core_from=core_from)
        .agg(members=pl.len())
        .sort("core_from")
        .with_columns(
            core_to=pl.min_horizontal(pl.col("core_from") + step - 1, pl.lit(highest)),
            is_innermost=pl.col("core_from") + step > pl.lit(highest),
        )
    )


def innermost(members: pl.DataFrame) -> pl.DataFrame:
    """Return the members of the innermost core, the most influential first.

    Args:
        members: The members of a map.
    """
    core = members.filter(pl.col("core_number") == pl.col("core_number").max())
    return core.sort("influence_score", "member_no", descending=[True, False], nulls_last=True)


def measure_leaders(shown: NetworkMap, *, most: int = MOST_BARS) -> pl.DataFrame:
    """Return whom the opinion leaders reach, who adds most to the team first.

    One row per opinion leader of the night: the columns of the map's members, and responders (who respond to them), more (who
    respond to those), alone (whom nobody else of the team reaches).

    Args:
        shown: The map.
        most: The most leaders.
    """
    from community.leaders import choose_team
    from features.network.cores import audience, reach

    leaders = shown.members["is_opinion_leader"].fill_null(value=False).arg_true().to_numpy().astype(np.int64)
    team = choose_team(shown.network, leaders, most=len(leaders), fewest_added=0)
    rows = shown.members[list(team.positions)[:most]].drop("responders")
    direct = [len(audience(shown.network, one)) for one in team.positions[:most]]
    reached = [reach(shown.network, one) for one in team.positions[:most]]
    more = [all_ - first for all_, first in zip(reached, direct, strict=True)]
    counts = {"responders": direct, "more": more, "alone": team.alone[:most]}
    return rows.with_columns(pl.Series(name, values, dtype=pl.Int64) for name, values in counts.items())


def neighbours(shown: NetworkMap, member_no: int) -> tuple[Neighbourhood, pl.DataFrame] | None:
    """Return the neighbourhood of a member; None for who has no tie.

    One row per member of the neighbourhood, in its order: the columns of the map's members, and parent, weight, gives (whether
    they respond to the member), takes (whether the member responds to them).

    Args:
        shown: The map.
        member_no: The member's number.
    """
    from features.network.neighbourhood import neighbourhood

    network = shown.network
    position = network.positions(np.array([member_no]))
    if not position.size:
        return None
    found = neighbourhood(network, int(position[0]))
    gives = np.isin(found.positions, network.giver[network.receiver == position[0]])
    takes = np.isin(found.positions, network.receiver[network.giver == position[0]])
    rows = shown.members[found.positions.tolist()]
    return found, rows.with_columns(
        parent=pl.Series(found.parent), weight=pl.Series(found.weight), gives=pl.Series(gives), takes=pl.Series(takes)
    )


def _with_network_columns(listed: pl.DataFrame) -> pl.DataFrame:
    # Lists of earlier versions, and of communities of fewer members than make one, lack columns.
    schema = members_schema([*listed.columns, *NETWORK_COLUMNS])
    return listed.with_columns(pl.lit(None, schema[name]).alias(name) for name in NETWORK_COLUMNS if name not in listed.columns)


def _communities(run: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    _, before = read_communities_before(run)
    sizes = before.drop_nulls("community_id").group_by("community_id").agg(members_before=pl.len())
    counted = count_communities(members).join(sizes, on="community_id", how="left", maintain_order="left", validate="1:1")
    return counted.with_row_index("place", offset=1).cast({"place": pl.Int64})


def _between(members: pl.DataFrame, communities: pl.DataFrame, network: Network) -> pl.DataFrame:
    places = members.select("community_id").join(communities, on="community_id", how="left", maintain_order="left")["place"]
    giver, receiver = places[network.giver.tolist()], places[network.receiver.tolist()]
    ties = pl.DataFrame({"giver": giver, "receiver": receiver, "weight": network.weight})
    return (
        ties.drop_nulls()
        .filter(pl.col("giver") != pl.col("receiver"))
        .group_by(first=pl.min_horizontal("giver", "receiver"), second=pl.max_horizontal("giver", "receiver"))
        # Weights are whole multiples of 2^-24, so that their sum does not depend on the order.
        .agg(ties=pl.len(), weight=pl.col("weight").sum())
        .sort("weight", "first", "second", descending=[True, False, False])
    )
