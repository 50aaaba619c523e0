"""Removal of past versions of tables (vacuum), after their retention or for an erasure.

A table's log lists the data files of each version, and its entries contain the minimum and maximum of every column. Removing the
past therefore means both: data files that no kept version needs, and log entries from before the oldest kept version. Version
numbers and the rows of the newest version stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable

from lake.storage.delta import Lake
from lake.storage.snapshots import FACTS_KEY, LOG
from lake.storage.storage import Storage, StoredFile

_LAST_CHECKPOINT: Final = "_last_checkpoint"
_NUMBERED: Final = re.compile(r"(\d{20})\.(json|checkpoint\.parquet)")
# A checkpoint lists every file of a table: writing one per removed commit would cost more space than the commits.
_COMMITS_PER_CHECKPOINT: Final = 10
# A younger file may belong to a commit that is being written right now.
_ORPHAN_AGE: Final = timedelta(days=1)


@dataclass(frozen=True)
class Removed:
    """Figures of a removal.

    Args:
        files: Number of removed data files and log entries.
        bytes: Sum of their sizes.
    """

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(self.files + other.files, self.bytes + other.bytes)


def vacuum(lake: Lake, table: str, *, kept_since: datetime, now: datetime) -> Removed:
    """Remove what only versions older than `kept_since` need.

    Every version that was the newest at that moment or later can still be read afterwards, by readers and by the verification of
    a night within the retention.

    Args:
        lake: The lake, with nobody writing to it.
        table: Its name.
        kept_since: The beginning of the retention.
        now: The current time.

    Returns:
        The removed files.
    """
    storage = lake.storage(table)
    log = dict(_log_files(storage, "json"))
    commits = dict(zip(log, map(_commit, storage.read_each(log.values())), strict=True))
    newest = max(commits)
    older = [number for number, commit in commits.items() if commit.made_at < kept_since]
    oldest_kept = min(max(older, default=min(commits)), newest)
    # The version that was newest at `kept_since` is the newest of the older ones: a reader that opened it may still read it. What
    # later commits removed, it and the versions after it need.
    kept_paths = {path for number, commit in commits.items() if number > oldest_kept for path in commit.removed}
    removed = _remove_data(lake, table, kept_paths=kept_paths, written_before=now - _ORPHAN_AGE)
    lake.drop_copies(table, but_newest=True)
    return removed + _shorten_log(lake, table, oldest_kept=oldest_kept)


def remove_past_versions(lake: Lake, table: str) -> Removed:
    """Remove everything but the newest version: older data files, log entries and their statistics.

    The newest version stays readable throughout. A run that was killed at any point is completed by running again.

    Returns:
        The removed files.
    """
    lake.drop_copies(table, but_newest=False)
    _copy_facts_to_newest(lake, table)
    # A checkpoint of the newest version makes it readable without any earlier log entry.
    delta_table = _open(lake, table)
    with lake.translate_store_errors():
        delta_table.create_checkpoint()
    removed = _remove_data(lake, table, kept_paths=set(), written_before=None)
    return removed + _drop_log(lake.storage(table), before=delta_table.version())


@dataclass(frozen=True)
class _Commit:
    made_at: datetime
    removed: frozenset[str]
    facts: str | None


def _commit(content: bytes) -> _Commit:
    made_ms, removed, facts = 0, set(), None
    for line in content.decode().splitlines():
        # Most of a log are "add" actions with statistics: they are skipped without parsing them.
        if not line.startswith(('{"commitInfo"', '{"remove"')):
            continue
        action: dict[str, Any] = json.loads(line)
        if "remove" in action:
            removed.add(unquote(action["remove"]["path"]))
        elif "commitInfo" in action:
            made_ms = action["commitInfo"].get("timestamp", 0)
            facts = action["commitInfo"].get(FACTS_KEY)
    return _Commit(datetime.fromtimestamp(made_ms / 1000, UTC), frozenset(removed), facts)


def _open(lake: Lake, table: str, version: int | None = None) -> DeltaTable:
    with lake.translate_store_errors():
        return DeltaTable(str(lake.path(table)), version=version, storage_options=lake.storage_options)


def _log_files(storage: Storage, ending: str) -> Iterator[tuple[int, str]]:
    for file in storage.files(LOG):
        numbered = _NUMBERED.fullmatch(file.name.removeprefix(f"{LOG}/"))
        if numbered and numbered[2] == ending:
            yield int(numbered[1]), file.name


def _remove_data(lake: Lake, table: str, *, kept_paths: set[str], written_before: datetime | None) -> Removed:
    """Remove data files that neither the newest version nor `kept_paths` needs, including files that no commit ever named."""
    storage = lake.storage(table)
    current = pl.DataFrame(_open(lake, table).get_add_actions(flatten=True))
    needed = kept_paths | {unquote(path) for path in current["path"]}
    removed = Removed()
    for file in storage.files():
        if LOG in PurePosixPath(file.name).parts or file.name in needed:
            continue
        if written_before is None or file.modified_at < written_before.timestamp():
            removed += _remove(storage, file)
    storage.remove_empty_folders(but=LOG)
    return removed


def _shorten_log(lake: Lake, table: str, *, oldest_kept: int) -> Removed:
    """Remove the log's entries before the newest checkpoint from which the oldest kept version can be read."""
    storage = lake.storage(table)
    checkpoints = [number for number, _ in _log_files(storage, "checkpoint.parquet") if number <= oldest_kept]
    first = min(number for number, _ in _log_files(storage, "json"))
    begins = max(checkpoints, default=first)
    # Not for every commit: with fewer commits to remove, the log is left as it is until a later night.
    if oldest_kept - begins >= _COMMITS_PER_CHECKPOINT:
        delta_table = _open(lake, table, oldest_kept)
        with lake.translate_store_errors():
            delta_table.create_checkpoint()
        begins = oldest_kept
    return _drop_log(storage, before=begins) if begins > first else Removed()


def _drop_log(storage: Storage, *, before: int) -> Removed:
    removed = Removed()
    # Newest first: after a kill in between, the log is still complete from its checkpoint on.
    for file in reversed(storage.files(LOG)):
        name = file.name.removeprefix(f"{LOG}/")
        numbered = _NUMBERED.fullmatch(name)
        # Stray files are left by killed writers; `_last_checkpoint` and folders belong to Delta Lake.
        is_stray = numbered is None and name != _LAST_CHECKPOINT and "/" not in name
        if is_stray or (numbered is not None and int(numbered[1]) < before):
            removed += _remove(storage, file)
    return removed


def _copy_facts_to_newest(lake: Lake, table: str) -> None:
    """Copy the facts of an older commit to the newest one, by an empty commit, since the older commit will be removed."""
    storage = lake.storage(table)
    number, newest = list(_log_files(storage, "json"))[-1]
    facts = lake.metadata(table)
    # Facts are read from the newest commit that has any, which may be one of those that will be removed.
    if not facts or _commit(storage.read(newest)).facts is not None:
        return
    delta_table = _open(lake, table)
    assert delta_table.version() == number
    with lake.translate_store_errors():
        delta_table.create_write_transaction(
            [],
            "append",
            delta_table.schema(),
            partition_by=delta_table.metadata().partition_columns,
            commit_properties=CommitProperties(custom_metadata={FACTS_KEY: json.dumps(facts, sort_keys=True)}),
        )


def _remove(storage: Storage, file: StoredFile) -> Removed:
    storage.remove(file.name)
    return Removed(1, file.size_bytes)
