"""What analysts' notebooks start from: the workspace they were given, its nights, and the lists of a night."""

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
from lake.refusals import scan_consent
from lake.storage.delta import DAY
from pipeline.history.daily_rollups import members_known
from runtime.run_context import RunContext, open_run

WORKSPACE_VARIABLE: Final = "EVENFALL_WORKSPACE"
DEFAULT_WORKSPACE: Final = "workspace"
_KEPT_WITHOUT_CONSENT: Final = ("as_of", "member_id")


def open_workspace(arguments: Mapping[str, object]) -> RunContext:
    """Open the workspace that a notebook was given: `--workspace DIR`, else `EVENFALL_WORKSPACE`, else `workspace/`.

    Args:
        arguments: The notebook's command-line arguments.

    Raises:
        ConfigurationError: There is no workspace in that folder, or its configuration is wrong.
    """
    named = arguments.get("workspace") or os.environ.get(WORKSPACE_VARIABLE) or DEFAULT_WORKSPACE
    return open_run(Path(str(named)), None)


def listed_nights(run: RunContext) -> list[date]:
    """The nights that have lists, the newest first."""
    lists = run.workspace.lists
    if not lists.is_dir():
        return []
    names = (path.name for path in lists.iterdir() if not path.name.startswith(".") and (path / "members.parquet").exists())
    return sorted(map(date.fromisoformat, names), reverse=True)


def listed_or_refused(run: RunContext) -> list[date]:
    """The nights that have lists, the newest first; there is at least one.

    Raises:
        ConfigurationError: No night has been run.
    """
    nights = listed_nights(run)
    if not nights:
        raise ConfigurationError(
            f"there are no lists in {run.workspace.root} yet",
            remedy=f"Run a night first: evenfall nightly --workspace {run.workspace.root}",
        )
    return nights


def read_members(run: RunContext) -> pl.DataFrame:
    """One row per member on a night's list, as `members.parquet` has it and in its order.

    Consent is today's: who has refused profiling since then is there with nothing but the id, as on the lists to come.

    Args:
        run: A night with lists.
    """
    listed = pl.read_parquet(run.workspace.night(run.as_of) / "members.parquet")
    # Not only of those who are known today: a record may have been retired since, and the no stands.
    consent = scan_consent(run.workspace.lake).filter(pl.col("can_profile").eq(other=False))
    refused = consent.select("member_id").collect(engine="streaming")["member_id"]
    is_refused = pl.col("member_id").is_in(refused.implode())
    shown = pl.exclude("is_eligible", *_KEPT_WITHOUT_CONSENT)
    return listed.with_columns(
        pl.when(~is_refused).then(shown).name.keep(), is_eligible=pl.col("is_eligible") & ~is_refused
    ).select(listed.columns)


def read_activity(run: RunContext) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The members who may be profiled, and what members did day by day, both as known on a night; nothing is written.

    Returns:
        One row per member, columns of `members_known`; one row per event_date, member_no, activity of the daily rollups.
    """
    known = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    daily = run.workspace.lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY) <= run.as_of)
    return known.filter(pl.col("can_profile").fill_null(value=True), pl.col("seen_from").is_not_null()), daily
