"""Tables in which nights store their network: who is in which community, and what communities are called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

import polars as pl

from community.names import Name, Trait
from features.network.graph import Ints
from features.network.matching import GROUP_SCHEMA
from lake.storage.delta import Lake
from pipeline.stored_nights import NIGHT, store_night
from runtime.run_context import RunContext

if TYPE_CHECKING:
    from features.network.graph import Network

NETWORK: Final = "network"
COMMUNITY_NAMES: Final = "community_names"
_NETWORK_SCHEMA: Final = pl.Schema(
    {
        NIGHT: pl.Date(),
        "member_no": pl.Int32(),
        "group_id": pl.String(),
        "community_id": pl.String(),
        "pagerank": pl.Float64(),
        "core_number": pl.Int32(),
        "reciprocity": pl.Float64(),
        "responders": pl.Int32(),
    }
)
_NAMES_SCHEMA: Final = pl.Schema(
    {NIGHT: pl.Date(), "community_id": pl.String(), "place": pl.Int32(), "kind": pl.String(), "value": pl.String()}
)


def read_communities_before(run: RunContext) -> tuple[date | None, pl.DataFrame]:
    """Return the newest night before tonight that has a network, and its groups in the columns of `GROUP_SCHEMA`.

    Args:
        run: The run.
    """
    night = _night_before(run.workspace.lake, run.as_of)
    return night, _members_on(run.workspace.lake, night)


def read_stored(run: RunContext) -> pl.DataFrame:
    """Return what a night stored of its network: one row per member, sorted by member_no; empty where it stored none.

    Args:
        run: The run of the night.
    """
    stored = run.workspace.lake.scan_or_empty(NETWORK, _NETWORK_SCHEMA).filter(_is_of(run.as_of))
    return stored.drop(NIGHT).collect().sort("member_no")


def read_names(run: RunContext, night: date | None) -> dict[str, Name]:
    """Return the names of a night's communities by id; without those that have none.

    Args:
        run: The run.
        night: The night, or None.
    """
    lake = run.workspace.lake
    stored = lake.scan_or_empty(COMMUNITY_NAMES, _NAMES_SCHEMA).filter(_is_of(night)).collect()
    names: dict[str, Name] = {}
    for community_id, kind, value in stored.sort("community_id", "place").select("community_id", "kind", "value").iter_rows():
        names[community_id] = (*names.get(community_id, ()), Trait(kind, value))
    return names


def store_network(run: RunContext, network: Network, groups: pl.DataFrame, cores: Ints) -> None:
    """Store the members of a night's network.

    Args:
        run: The run.
        network: The network.
        groups: One row per member_no, in the columns of `GROUP_SCHEMA`.
        cores: The core number of each member of the network.
    """
    from features.network.cores import reciprocity
    from features.network.pagerank import pagerank

    rows = pl.DataFrame(
        {
            NIGHT: run.as_of,
            "member_no": pl.Series(network.members, dtype=pl.Int32),
            "pagerank": pagerank(network),
            "core_number": cores,
            "reciprocity": reciprocity(network),
            "responders": network.responders,
        }
    ).join(groups, on="member_no", how="left", maintain_order="left", validate="1:1")
    stored = rows.with_columns(pl.col("reciprocity").fill_nan(None)).select(_NETWORK_SCHEMA.names()).cast(_NETWORK_SCHEMA)
    store_night(run.workspace.lake, NETWORK, stored, run.as_of)


def store_names(run: RunContext, names: Mapping[str, Name]) -> None:
    """Store what the communities of a night are called.

    Args:
        run: The run.
        names: Id → name; empty names are not stored.
    """
    rows = [
        (run.as_of, community_id, place, trait.kind, trait.value)
        for community_id, name in sorted(names.items())
        for place, trait in enumerate(name)
    ]
    stored = pl.DataFrame(rows, schema=_NAMES_SCHEMA, orient="row")
    # A table that nobody needs is not created.
    if rows or run.workspace.lake.exists(COMMUNITY_NAMES):
        store_night(run.workspace.lake, COMMUNITY_NAMES, stored, run.as_of)


def _night_before(lake: Lake, as_of: date) -> date | None:
    return max((day for day in lake.days(NETWORK, column=NIGHT) if day < as_of), default=None)


def _members_on(lake: Lake, night: date | None) -> pl.DataFrame:
    stored = lake.scan_or_empty(NETWORK, _NETWORK_SCHEMA).filter(_is_of(night))
    return stored.select(GROUP_SCHEMA.names()).collect().sort("member_no")


def _is_of(night: date | None) -> pl.Expr:
    return pl.col(NIGHT) == pl.lit(night, pl.Date())
