"""Retention in the night: what has aged out goes before anything is computed, old versions of tables when all is done."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from lake.quarantine import QUARANTINE
from lake.retention import TIMED_TABLES, expire, expire_nights
from lake.storage.versions import Removed, vacuum
from pipeline.scoring import NIGHT, SCORES, TIERS_TABLE
from runtime.progress import say
from runtime.run_context import RunContext
from runtime.run_log import remove_logs


def apply_retention(night: RunContext) -> None:
    """Remove what `[retention]` says has aged out as of tonight: rows by day, scores, lists, reports and logs by night."""
    kept = night.settings.retention
    gone = expire(night.workspace.lake, keep_days=kept.days(*TIMED_TABLES, QUARANTINE), as_of=night.as_of)
    for table, rows in gone.items():
        say(f"{table}: {rows:,} rows aged out")
    scores_days = kept.scores.keep_days
    if scores_days is not None:
        expire_nights(night.workspace.lake, dict.fromkeys((SCORES, TIERS_TABLE), scores_days), column=NIGHT, as_of=night.as_of)
    lists_days = kept.lists.keep_days
    if lists_days is not None:
        _remove_lists(night, until=night.as_of - timedelta(days=lists_days))


def tidy(night: RunContext) -> Removed:
    """Remove the versions of tables that were replaced longer than `history_days` ago; returns what went."""
    lake = night.workspace.lake
    kept_since = night.now - timedelta(days=night.settings.retention.history_days)
    removed = Removed()
    for table in lake.tables:
        removed += vacuum(lake, table, kept_since=kept_since, now=night.now)
    if removed.files:
        say(f"{removed.files:,} files of old table versions removed, {removed.bytes:,} bytes")
    return removed


def _remove_lists(night: RunContext, *, until: date) -> None:
    workspace = night.workspace
    remove_logs(workspace.logs, until=until)
    nights = [path for path in workspace.lists.iterdir() if path.is_dir()] if workspace.lists.exists() else []
    for folder in nights:
        made_for = _as_date(folder.name)
        if made_for is None or made_for > until:
            continue
        shutil.rmtree(folder)
        for page in (workspace.report(made_for), workspace.validation_page(made_for.isoformat())):
            page.unlink(missing_ok=True)


def _as_date(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
