"""What a night knows of the people as a community: facts for the report, and lists of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from outputs.people_lists import BADGES_LIST, READY, RECOGNITION, SUSPECTED_BOTS
from outputs.report.people_facts import PeopleFacts
from pipeline.community.contributions import measure_contributions
from pipeline.community.newcomers import newcomer_facts
from pipeline.community.rising import ready_list, ready_members, rising_facts
from pipeline.community.roles import role_facts, suspected_bots
from pipeline.community.thanks import badge_rows, earn_badges, recognition_facts, recognition_rows
from pipeline.history.recent_rollups import RecentRollups
from runtime.run_context import RunContext


@dataclass(frozen=True)
class People:
    """What a night knows of the people.

    Args:
        facts: What the report says.
        lists: Name of a list in `outputs.people_lists` → its rows.
    """

    facts: PeopleFacts = field(default_factory=PeopleFacts)
    lists: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def measure_people(
    run: RunContext, members: pl.DataFrame, seen: pl.DataFrame, known: pl.DataFrame, rollups: RecentRollups
) -> People:
    """Measure the people of a night: roles, newcomers, moves between tiers, and recognition; store the badges earned tonight.

    Args:
        run: The run.
        members: One row per segmented member.
        seen: One row per member seen by the night, whether scored or not.
        known: The same with the columns that audiences read.
        rollups: The daily rollups.
    """
    suspects, ready = suspected_bots(run, rollups), ready_members(run, members)
    contributions = measure_contributions(run, seen, rollups)
    earned = earn_badges(run, known, contributions)
    thanked = recognition_rows(run, contributions, earned)
    facts = PeopleFacts(
        roles=role_facts(run, seen, rollups, suspected=suspects.height),
        newcomers=newcomer_facts(run, seen, members, rollups),
        rising=rising_facts(run, members, ready),
        recognition=recognition_facts(run, contributions, thanked, earned),
    )
    lists = {
        RECOGNITION: thanked,
        BADGES_LIST: badge_rows(run, earned),
        READY: ready_list(run, ready),
        SUSPECTED_BOTS: suspects,
    }
    return People(facts, lists)
