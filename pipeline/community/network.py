"""Measure the network of a night: influence, communities that carry on from the night before, opinion leaders, rings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from community.absence import Absence
from features.history import History
from features.network.ties import weigh_ties
from pipeline.community.communities import Communities, carry_on_communities
from pipeline.community.leaders import (
    Leader,
    choose_leaders,
    measure_absence,
    of_members,
    read_activity,
    what_is_lost,
)
from pipeline.community.network_window import network_policy
from pipeline.community.stored_network import store_network
from pipeline.execution.executor import Features
from runtime.run_context import RunContext

if TYPE_CHECKING:
    from community.leaders import Team
    from features.network.graph import Network
    from features.network.matching import Change

# The columns of the member list that come from the network.
NETWORK_COLUMNS: Final = (
    "influence_score",
    "influence_low",
    "influence_high",
    "community_id",
    "community",
    "is_opinion_leader",
)


@dataclass(frozen=True)
class NightNetwork:
    """The network of a night.

    Args:
        members: One row per member of the network, sorted by member_no: member_no and the `NETWORK_COLUMNS`.
        ties: How many ties there are.
        core: How many members are in the innermost core, and with how many of them each has ties there.
        rings: The number of members of each ring, the largest first.
        team: The opinion leaders.
        leaders: What is lost when one of them leaves, in the order of the team.
        changes: What became of communities since the night before.
        absence: The contributor absence factor by period, the oldest first; empty where nothing is posted.
        names: Id of a community → its name, of the night before for those that are gone.
        sizes_before: Id of a community → members on the night before.
    """

    members: pl.DataFrame
    ties: int
    core: tuple[int, int]
    rings: tuple[int, ...]
    team: Team
    leaders: tuple[Leader, ...]
    changes: tuple[Change, ...]
    absence: tuple[Absence, ...]
    names: Mapping[str, str]
    sizes_before: Mapping[str, int]


def measure_network(run: RunContext, history: History, features: Features) -> NightNetwork | None:
    """Measure the network of a night, and store its communities for later nights.

    Only what earlier nights stored is read, so that measuring a night again gives the same result.

    Args:
        run: The run.
        history: The history, without anything of members who may not be profiled.
        features: The features of the night, which know who is active.

    Returns:
        The network; None for a community in which nobody responded to anybody within the window.
    """
    ties = weigh_ties(history.ties, as_of=run.as_of, policy=network_policy(run))
    if ties.is_empty():
        return None
    from features.network.cores import core_numbers
    from features.network.graph import Network
    from features.network.influence import score_influence
    from features.network.rings import find_rings

    rings = find_rings(Network.of(ties))
    network = rings.network
    activity = read_activity(run, features)
    known = of_members(activity, network)
    influence = score_influence(network, known["is_compared"].to_numpy(), seed=run.as_of.toordinal())
    communities = carry_on_communities(run, history, network)
    team = choose_leaders(run, network, known)
    cores = core_numbers(network)
    store_network(run, network, communities.groups, cores)
    return NightNetwork(
        members=_members(network, influence, communities, team),
        ties=ties.height,
        core=(int((cores == cores.max()).sum()), int(cores.max())),
        rings=rings.sizes,
        team=team,
        leaders=what_is_lost(activity, known, team),
        changes=communities.changes,
        absence=measure_absence(run, history),
        names=communities.names,
        sizes_before=communities.sizes_before,
    )


def with_network(members: pl.DataFrame, network: NightNetwork | None) -> pl.DataFrame:
    """Add the `NETWORK_COLUMNS` to members; a community without a network, or without communities, does not get them.

    One row per row of `members`, in its order. Who is not in the network is no opinion leader, and has no influence.

    Args:
        members: One row per member.
        network: The network of the night.
    """
    if network is None:
        return members
    filled = [name for name in NETWORK_COLUMNS if network.members[name].count()]
    joined = members.drop(NETWORK_COLUMNS, strict=False).join(
        network.members.select("member_no", *filled), on="member_no", how="left", maintain_order="left", validate="1:1"
    )
    return joined.with_columns(pl.col("is_opinion_leader").fill_null(value=False))


def _members(network: Network, influence: pl.DataFrame, communities: Communities, team: Team) -> pl.DataFrame:
    numbers = pl.Series("member_no", network.members, dtype=pl.Int32)
    leaders = network.members[list(team.positions)]
    named = pl.col("community_id").replace_strict(communities.names, default=None, return_dtype=pl.String)
    return (
        pl.DataFrame([numbers])
        .join(influence, on="member_no", how="left", maintain_order="left", validate="1:1")
        .join(communities.groups, on="member_no", how="left", maintain_order="left", validate="1:1")
        .with_columns(community=named, is_opinion_leader=pl.col("member_no").is_in(leaders.tolist()))
        .select("member_no", *NETWORK_COLUMNS)
    )
