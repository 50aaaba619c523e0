"""The communities of a night: carried on from the night before, with ids that stay and names that people read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from community.names import Name, name_communities
from features.eligibility import STILL_HERE
from features.history import History
from pipeline.community.stored_network import read_communities_before, read_names, store_names
from pipeline.community.traits import member_traits
from pipeline.risk_facts import is_high_and
from runtime.run_context import RunContext
from wording.communities import name_all

if TYPE_CHECKING:
    from features.network.graph import Ints, Network
    from features.network.matching import Change


_NAMING_WEEKDAY: Final = 0


@dataclass(frozen=True)
class Communities:
    """The communities of a night.

    Args:
        groups: One row per member of the network, sorted by member_no; columns of `GROUP_SCHEMA`.
        names: Id → name in words; those of the night before among them that are gone.
        changes: What became of communities since the night before.
        sizes_before: Id → members on the night before; empty on the first.
    """

    groups: pl.DataFrame
    names: Mapping[str, str]
    changes: tuple[Change, ...]
    sizes_before: Mapping[str, int]


def carry_on_communities(run: RunContext, history: History, network: Network) -> Communities:
    """Find the communities of a night, give them ids and names, and store the names.

    Args:
        run: The run.
        history: The history.
        network: The network.
    """
    from features.network.communities import partition
    from features.network.matching import find_changes, match_ids, with_communities

    night, before = read_communities_before(run)
    ids = before["group_id"].unique().sort()
    group, is_new = partition(network, _places(network, before, ids))
    numbers = pl.Series("member_no", network.members, dtype=pl.Int32)
    found = pl.DataFrame([numbers, pl.Series("group", group)])
    carried_on = None if is_new else dict(enumerate(ids))
    groups = match_ids(found, before.select("member_no", "group_id"), as_of=run.as_of, carried_on=carried_on)
    groups = with_communities(groups, before, fewest=run.settings.network.community_members)
    members, members_before = (_of_communities(one) for one in (groups, before))
    names_before = read_names(run, night)
    names = _names(run, history, members, names_before, known=set(members_before["community_id"]))
    store_names(run, names)
    gone = {one: names_before.get(one, ()) for one in members_before["community_id"].unique().sort() if one not in names}
    return Communities(
        groups,
        in_words(gone) | in_words(names),
        find_changes(members, members_before),
        dict(members_before.group_by("community_id").len().iter_rows()),
    )


def count_communities(members: pl.DataFrame) -> pl.DataFrame:
    """Count the members of communities.

    One row per community, the largest first: community_id, community, members, still_here, high_risk (of those still here),
    leaders.

    Args:
        members: The member list of a night with communities; rows without one are left out.
    """
    return (
        members.filter(pl.col("community_id").is_not_null())
        .group_by("community_id", "community")
        .agg(
            members=pl.len(),
            still_here=(pl.col("presence") == STILL_HERE).sum(),
            high_risk=is_high_and(STILL_HERE).sum(),
            leaders=pl.col("is_opinion_leader").sum(),
        )
        .sort("members", "community_id", descending=[True, False])
    )


def _names(
    run: RunContext, history: History, members: pl.DataFrame, before: Mapping[str, Name], *, known: Collection[str]
) -> Mapping[str, Name]:
    """Name communities: anew once a week and where one is new, else as the night before.

    What members have in common is read from the events of up to a year, which costs more than all of the network.
    """
    ids = members["community_id"].unique().sort().to_list()
    if run.as_of.weekday() != _NAMING_WEEKDAY and set(ids) <= set(known):
        return {one: before.get(one, ()) for one in ids}
    return name_communities(members, member_traits(run, history, members), before)


def _of_communities(groups: pl.DataFrame) -> pl.DataFrame:
    return groups.select("member_no", "community_id").drop_nulls()


def in_words(names: Mapping[str, Name]) -> dict[str, str]:
    """Name communities in the language that is spoken: id → name.

    Args:
        names: Id → what sets a community apart.
    """
    return name_all({one: [(trait.kind, trait.value) for trait in name] for one, name in names.items()})


def _places(network: Network, before: pl.DataFrame, ids: pl.Series) -> Ints:
    """Return the group of each member of the network on the night before, as the place of its id; -1 for none."""
    import numpy as np

    place = pl.DataFrame({"group_id": ids, "place": pl.int_range(ids.len(), dtype=pl.Int64, eager=True)})
    numbers = pl.DataFrame([pl.Series("member_no", network.members, dtype=pl.Int32)])
    placed = numbers.join(before.join(place, on="group_id"), on="member_no", how="left", maintain_order="left", validate="1:1")
    return placed["place"].fill_null(-1).to_numpy().astype(np.int64)
