"""What a night knows of the people as a community: facts for the report, and lists of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from outputs.people_lists import SUSPECTED_BOTS
from outputs.report.people_facts import PeopleFacts
from pipeline.community.roles import role_facts, suspected_bots
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


def measure_people(run: RunContext, seen: pl.DataFrame) -> People:
    """Find suspected bots, and count staff and bots apart.

    Args:
        run: The run.
        seen: One row per member seen by the night.
    """
    suspects = suspected_bots(run)
    return People(
        PeopleFacts(roles=role_facts(run, seen, suspected=suspects.height)),
        {SUSPECTED_BOTS: suspects},
    )
