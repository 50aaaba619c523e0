"""Collect what the report tells of who carries the community."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from outputs.report.network_facts import AbsencePoint, Carriers, CommunityChange, CommunityRow, Loss
from pipeline.community.communities import count_communities, in_words
from pipeline.community.network import NightNetwork
from pipeline.community.network_window import network_policy
from pipeline.community.stored_network import read_names
from runtime.run_context import RunContext

if TYPE_CHECKING:
    from features.network.matching import Change


def carrier_facts(run: RunContext, members: pl.DataFrame, network: NightNetwork | None) -> Carriers | None:
    """Return who carries the community, as counts; None where nobody responds to anybody.

    Args:
        run: The run.
        members: Tonight's member list.
        network: The network of the night.
    """
    if network is None:
        return None
    leaders = members.filter(pl.col("is_opinion_leader").fill_null(value=False))
    shares = [one.posts_share for one in network.leaders if one.posts_share is not None]
    # The report has an edition a language; the network was measured once.
    names = {**network.names, **in_words(read_names(run, run.as_of))}
    communities = _communities(members, network, names)
    return Carriers(
        members=network.members.height,
        window_days=network_policy(run).window_days,
        leaders=leaders.height,
        reached=network.team.reached,
        leaders_at_risk=leaders.filter(pl.col("churn_risk") == "high").height,
        loss=_loss(network),
        team_posts_share=sum(shares) if shares else None,
        absence=tuple(AbsencePoint(one.last_day, one.factor, one.contributors) for one in network.absence),
        communities=communities,
        in_communities=sum(one.members for one in communities),
        changes=tuple(_change(one, names) for one in network.changes),
        rings=network.rings,
    )


def _loss(network: NightNetwork) -> Loss | None:
    """Return what is lost with the leader whom the most members depend on."""
    if not network.leaders:
        return None
    most = max(network.leaders, key=lambda leader: leader.alone)
    return Loss(most.alone, most.posts_share, most.given_share)


def _communities(members: pl.DataFrame, network: NightNetwork, names: Mapping[str, str]) -> tuple[CommunityRow, ...]:
    if "community" not in members.columns:
        return ()
    sizes = count_communities(members)
    return tuple(
        CommunityRow(
            names.get(row["community_id"], row["community"]),
            row["members"],
            network.sizes_before.get(row["community_id"]),
            row["still_here"],
            row["high_risk"],
            row["leaders"],
        )
        for row in sizes.iter_rows(named=True)
    )


def _change(change: Change, names: Mapping[str, str]) -> CommunityChange:
    before, after = ([names.get(one, one) for one in ids] for ids in (change.before, change.after))
    return CommunityChange(change.what, tuple(before), tuple(after))
