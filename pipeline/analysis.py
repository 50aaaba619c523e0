"""The interface for notebooks: open a workspace, list its nights, read the lists and the activity of a night."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from features.history import DAILY_SCHEMA
from lake.contracts import DAILY
from lake.errors import ConfigurationError
from lake.storage.delta import DAY
from outputs.lists import conform, members_schema, unescape_formulas
from pipeline.history.consent import scan_refused_profiling
from pipeline.history.daily_rollups import members_known
from runtime.run_context import RunContext, open_run

WORKSPACE_VARIABLE: Final = "EVENFALL_WORKSPACE"
DEFAULT_WORKSPACE: Final = "workspace"
_KEPT_WITHOUT_CONSENT: Final = ("as_of", "member_id", "row")


def open_workspace(arguments: Mapping[str, object]) -> RunContext:
    """Open the workspace of a notebook: `--workspace DIR`, or else `EVENFALL_WORKSPACE`, or else `workspace/`.

    Args:
        arguments: The notebook's command-line arguments.

    Raises:
        ConfigurationError: There is no workspace in that folder, or its configuration is wrong.
    """
    folder = arguments.get("workspace") or os.environ.get(WORKSPACE_VARIABLE) or DEFAULT_WORKSPACE
    return open_run(Path(str(folder)), None)


def listed_nights(run: RunContext) -> list[date]:
    """Return the nights that have lists, the newest first."""
    lists = run.workspace.lists
    if not lists.is_dir():
        return []
    # A night that is being published is in a hidden folder until it is complete.
    names = (path.name for path in lists.iterdir() if not path.name.startswith(".") and (path / "members.parquet").exists())
    return sorted(map(date.fromisoformat, names), reverse=True)


def listed_or_refused(run: RunContext) -> list[date]:
    """Return the nights that have lists, the newest first; at least one.

    Raises:
        ConfigurationError: There are no lists yet.
    """
    nights = listed_nights(run)
    if not nights:
        raise ConfigurationError(
            f"there are no lists in {run.workspace.root} yet",
            remedy=f"Run a night first: evenfall nightly --workspace {run.workspace.root}",
        )
    return nights


def listed_night(run: RunContext, *, given: bool) -> date:
    """Return the night whose lists are meant: the run's where it was named, else the newest with lists.

    Args:
        run: The run.
        given: Whether its night was named.

    Raises:
        ConfigurationError: There are no lists of that night, or none at all.
    """
    nights = listed_nights(run)
    if given and run.as_of in nights:
        return run.as_of
    if given or not nights:
        which = f"the night of {run.as_of}" if given else "any night"
        raise ConfigurationError(f"there are no lists of {which}", remedy="Run it with `evenfall nightly`.")
    return nights[0]


def read_members(run: RunContext) -> pl.DataFrame:
    """Read the member list of a night: one row per member, the columns of tonight's lists, null where an older list lacks one.

    Today's consent is applied: members who have refused profiling since then have an id and nulls, as on later lists.

    Args:
        run: The run of a night with lists.
    """
    # Lists of earlier versions lack columns.
    written = pl.read_parquet(run.workspace.night(run.as_of) / "members.parquet")
    return hide_refused(run, conform(written, schema=members_schema(written.columns)))


def hide_refused(run: RunContext, listed: pl.DataFrame) -> pl.DataFrame:
    """Apply today's consent to members of a list: who has refused profiling since has an id and nulls, as on later lists.

    Args:
        run: The run.
        listed: One row per member: member_id, is_eligible and any other columns.
    """
    # Refusals of all members, not only of those known today: a refusal outlives the record of a member who was retired since.
    refused = scan_refused_profiling(run.workspace.lake).collect(engine="streaming")["member_id"]
    is_refused = pl.col("member_id").is_in(refused.implode())
    shown = pl.exclude("is_eligible", *_KEPT_WITHOUT_CONSENT)
    return listed.with_columns(
        pl.when(~is_refused).then(shown).name.keep(), is_eligible=pl.col("is_eligible") & ~is_refused
    ).select(listed.columns)


def read_contact(run: RunContext, member_id: str) -> tuple[str | None, str | None] | None:
    """Read what the contact list of a night says of a member: action and channel; None for a member who is not on it.

    Args:
        run: The run of a night with lists.
        member_id: The member's id, as in the lists.
    """
    path = run.workspace.night(run.as_of) / "contact_list.csv"
    # Read as text: an id may look like a number.
    listed = pl.read_csv(path, infer_schema=False, columns=["member_id", "action", "channel"])
    own = listed.filter(unescape_formulas(pl.col("member_id")) == member_id)
    return None if own.is_empty() else (own["action"][0], own["channel"][0])


def read_activity(run: RunContext) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Scan the members who may be profiled, and the daily activity, both as known on a night; nothing is written.

    Returns:
        One row per member, columns of `members_known`; one row per event_date, member_no, activity, as in the daily rollups.
    """
    known = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    daily = run.workspace.lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY) <= run.as_of)
    return known.filter(pl.col("can_profile").fill_null(value=True), pl.col("seen_from").is_not_null()), daily
