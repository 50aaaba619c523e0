"""Retention: remove data past its keeping time before a night is computed, and old versions of tables at its end."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from lake.quarantine import QUARANTINE
from lake.retention import TIMED_TABLES, expire, expire_nights
from lake.storage.versions import Removed, vacuum
from outputs.report.week_facts import PERIOD_DAYS
from pipeline.community.stored_network import COMMUNITY_NAMES, NETWORK
from pipeline.stored_nights import NIGHT, SCORES, TIERS_TABLE
from runtime.progress import say
from runtime.run_context import RunContext
from runtime.run_log import remove_logs


def apply_retention(run: RunContext) -> None:
    """Remove everything past its keeping time under `[retention]` as of tonight: rows by day; scores, lists and logs by night."""
    retention = run.settings.retention
    expired = expire(run.workspace.lake, keep_days=retention.days(*TIMED_TABLES, QUARANTINE), as_of=run.as_of)
    for table, rows in expired.items():
        say(f"{table}: {rows:,} rows aged out")
    scores_days = retention.scores.keep_days
    if scores_days is not None:
        expire_nights(
            run.workspace.lake,
            dict.fromkeys((SCORES, TIERS_TABLE, NETWORK, COMMUNITY_NAMES), scores_days),
            column=NIGHT,
            as_of=run.as_of,
        )
    lists_days = retention.lists.keep_days
    if lists_days is not None:
        _remove_lists(run, until=run.as_of - timedelta(days=lists_days))


def vacuum_tables(run: RunContext) -> Removed:
    """Remove versions of tables that were replaced more than `history_days` ago; return the removed files and bytes."""
    lake = run.workspace.lake
    # By the clock and not by the night: versions age in real time, whatever night is computed.
    kept_since = run.now - timedelta(days=run.settings.retention.history_days)
    removed = Removed()
    for table in lake.tables:
        removed += vacuum(lake, table, kept_since=kept_since, now=run.now)
    if removed.files:
        say(f"{removed.files:,} files of old table versions removed, {removed.bytes:,} bytes")
    return removed


def _remove_lists(run: RunContext, *, until: date) -> None:
    workspace = run.workspace
    remove_logs(workspace.logs, until=until)
    nights = [path for path in workspace.lists.iterdir() if path.is_dir()] if workspace.lists.exists() else []
    for folder in nights:
        # Other names are folders of people, or a night that is being published.
        made_for = _as_date(folder.name)
        if made_for is None or made_for > until:
            continue
        shutil.rmtree(folder)
        pages = [workspace.report(made_for), workspace.validation_page(made_for.isoformat())]
        for page in (*pages, *(workspace.edition(made_for, period) for period in PERIOD_DAYS)):
            page.unlink(missing_ok=True)


def _as_date(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
