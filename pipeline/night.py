"""Compute a night: one function for the nightly flow, its backfill and its verification.

    snapshot of the community → features → scores → reasons → segments → decisions → lists

The parts can be called one by one, because training stands between features and scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from features.history import History
from pipeline.community import network as tonight_network
from pipeline.community.content import NightContent, read_content
from pipeline.community.content_lists import content_lists
from pipeline.community.network import with_network
from pipeline.community.night import CommunityNight
from pipeline.community.people import People, measure_people
from pipeline.engagement.deciding import NightDecisions, decide_contacts
from pipeline.execution.executor import Executor, Features
from pipeline.history.daily_rollups import CommunitySnapshot
from pipeline.history.recent_rollups import read_recent_rollups
from pipeline.learning.champions import Champions
from pipeline.leveling import Levels, apply_levels, measure_levels
from pipeline.lists import changes_since, contacts_for, member_list, members_seen
from pipeline.segmenting import segment_members
from runtime.run_context import RunContext


@dataclass(frozen=True)
class ScoredNight:
    """The members of a night with their predictions.

    Args:
        members: One row per member with features, scored, explained and segmented, sorted by member_id.
        levels: The levels that the predictions were moved to.
    """

    members: pl.DataFrame
    levels: Levels


@dataclass(frozen=True)
class NightLists:
    """The lists of a night as frames.

    Args:
        members: One row per member seen by the night, sorted by member_id; columns of `members.parquet`.
        contacts: One row per member to contact, best first; columns of `contact_list.csv`.
        changes: One row per member and change since the night before; columns of `changes.csv`.
        decided: The decisions behind them.
        content_lists: The lists of content that the community has, by name; see `outputs.content_lists`.
        content: The content of the night; None for a community without content in the window.
        people: What is known of the people as a community, with lists of its own.
    """

    members: pl.DataFrame
    contacts: pl.DataFrame
    changes: pl.DataFrame
    decided: NightDecisions
    content_lists: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    content: NightContent | None = None
    people: People = field(default_factory=People)


def compute_night(run: RunContext, snapshot: CommunitySnapshot, champions: Champions, executor: Executor) -> NightLists:
    """Compute the lists of a night from a snapshot of the community and the models that score it.

    Args:
        run: The run, with its night resolved; tiers, groups and scores of the night are stored in its workspace.
        snapshot: The history and the totals as of the night.
        champions: The models.
        executor: The executor for work that grows with the number of members.
    """
    features = compute_features(run, snapshot, executor)
    community = measure_network(run, snapshot.history, features)
    scored = compute_members(run, snapshot.history, features, champions, executor, community=community)
    return compute_lists(run, features, scored.members, with_content(run, snapshot.history, community))


def compute_features(run: RunContext, snapshot: CommunitySnapshot, executor: Executor) -> Features:
    """Compute every feature of every member as of the night.

    Args:
        run: The run.
        snapshot: The history and the totals as of the night.
        executor: The executor for work that grows with the number of members.
    """
    with run.step("computing features") as counted:
        features = executor.compute_features(run, snapshot)
        counted.update({"members": features.members, "columns": features.columns})
        return features


def measure_network(run: RunContext, history: History, features: Features) -> CommunityNight:
    """Measure who responds to whom, before members are scored.

    Args:
        run: The run.
        history: The history.
        features: The features of the night.
    """
    with run.step("measuring the network") as counted:
        rollups = read_recent_rollups(run)
        network = tonight_network.measure_network(run, rollups.put_into(history), features)
        counted.update({} if network is None else {"members": network.members.height, "ties": network.ties})
        return CommunityNight(rollups, network)


def compute_members(
    run: RunContext,
    history: History,
    features: Features,
    champions: Champions,
    executor: Executor,
    *,
    community: CommunityNight,
) -> ScoredNight:
    """Score, explain and segment.

    Args:
        run: The run.
        history: The history, which the level of the night is measured from.
        features: The features of the night.
        champions: The models.
        executor: The executor for work that grows with the number of members.
        community: The community as a whole.

    Returns:
        The members with features, and the levels.
    """
    levels = _levels(run, history)
    with run.step("scoring") as counted:
        scored = apply_levels(executor.score(run, features, champions), levels)
        counted.update({"members": scored.height, "eligible": int(scored["is_eligible"].sum())})
    with run.step("finding reasons"):
        explained = executor.explain(run, features, scored, champions)
    with run.step("segmenting") as counted:
        members = segment_members(run, with_network(explained, community.network))
        counted["members"] = members.height
        return ScoredNight(members, levels)


def with_content(run: RunContext, history: History, community: CommunityNight) -> CommunityNight:
    """Add the content of the night and what nobody has answered; nothing for a community without content in the window.

    Args:
        run: The run.
        history: The history.
        community: The community as a whole.
    """
    with run.step("reading content") as counted:
        content = read_content(run, community.rollups.put_into(history))
        if content is not None:
            counted.update({"pieces": content.pieces.height, "unanswered": int(content.answers["is_unanswered"].sum())})
        return replace(community, content=content)


def compute_lists(run: RunContext, features: Features, members: pl.DataFrame, community: CommunityNight) -> NightLists:
    """Decide whom to contact, and make the member list, the contact list and the list of changes.

    Args:
        run: The run.
        features: The features of the night, for actions that uplift ranks.
        members: One row per segmented member.
        community: The community as a whole.
    """
    content = community.content
    seen = members_seen(run)
    waiting = None if content is None else content.waiting
    decided = decide_contacts(run, members, seen, features.rows, waiting)
    listed, contacts = member_list(run, members, seen, decided), contacts_for(run, members, decided)
    return NightLists(
        members=listed,
        contacts=contacts,
        changes=changes_since(run, listed, contacts),
        decided=decided,
        content_lists=content_lists(run, content),
        content=content,
        people=measure_people(run, members, seen, decided.members, community.rollups),
    )


def _levels(run: RunContext, history: History) -> Levels:
    with run.step("measuring the level"):
        return measure_levels(run.settings, history, run.as_of)
