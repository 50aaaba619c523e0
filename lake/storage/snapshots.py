"""Snapshots of tables, cached: a table's log is read again only after a file in it has changed.

A night opens its tables some 140 times before it computes features. Reading a log takes longer the more days a table holds, and
mostly nothing has changed since the last time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import polars as pl
from deltalake import DeltaTable

from lake.storage.storage import Root, StoredFile, storage_of

LOG: Final = "_delta_log"
# The key of a commit's information that holds Evenfall's own facts.
FACTS_KEY: Final = "evenfall"
_CACHED_SNAPSHOTS: Final = 64
_RECENT_COMMITS: Final = 4


@dataclass(frozen=True)
class Snapshot:
    """A table at one version. Cached and shared by its users, so it is only read and never used for writing.

    Args:
        delta_table: The table as opened by deltalake.
    """

    delta_table: DeltaTable

    @cached_property
    def schema(self) -> pl.Schema:
        """Return the types of the stored columns."""
        return pl.Schema(self.delta_table.schema().to_arrow())

    @cached_property
    def files(self) -> pl.DataFrame:
        """Return one row per data file: path, num_records, and the log's statistics as flat columns."""
        return pl.DataFrame(self.delta_table.get_add_actions(flatten=True))

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return Evenfall's facts of the newest commit that has any; empty when none has."""
        # Reading a commit's information reads a file, and mostly the newest commit has the facts: so the search widens in steps.
        for limit in (1, _RECENT_COMMITS, None):
            for commit in self.delta_table.history(limit):
                if FACTS_KEY in commit:
                    return dict(json.loads(commit[FACTS_KEY]))
        return {}


def read_snapshot(root: Root, *, version: int | None, options: dict[str, str] | None) -> Snapshot:
    """Return a version of a table.

    Args:
        root: The table's folder or bucket prefix.
        version: A past commit, or None for the newest.
        options: Options for clients of the object store; None for a folder.

    Raises:
        deltalake.exceptions.DeltaError: There is no such table or version.
    """
    # The log is listed before it is read: if a commit arrives in between, the cached entry has the older listing as its key, so
    # the next call sees a different listing and reads again. The other order could cache an outdated version for good.
    log = tuple(storage_of(root).files(LOG))
    return _read_cached(str(root), version, None if options is None else tuple(sorted(options.items())), log)


def find_snapshot(root: Root, *, options: dict[str, str] | None) -> Snapshot | None:
    """Return the newest version of a table, or None if it was never written; the log is listed only once for both answers."""
    log = tuple(storage_of(root).files(LOG))
    return _read_cached(str(root), None, None if options is None else tuple(sorted(options.items())), log) if log else None


@lru_cache(maxsize=_CACHED_SNAPSHOTS)
def _read_cached(
    address: str,
    version: int | None,
    options: tuple[tuple[str, str], ...] | None,
    log: tuple[StoredFile, ...],  # noqa: ARG001 - part of the cache key: names, sizes and times of the log's files
) -> Snapshot:
    return Snapshot(DeltaTable(address, version=version, storage_options=None if options is None else dict(options)))
