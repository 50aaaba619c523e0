"""Versions of tables, each read once: a table's log is read again only after something in it has changed.

A night looks at its tables some 140 times before it begins with features. Reading a log takes longer the more days a table holds,
and most looks find it as the last one left it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import polars as pl
from deltalake import DeltaTable

from lake.storage.storage import Root, Stored, storage_of

LOG: Final = "_delta_log"
# The key of a commit's information under which our own facts stand.
FACTS_KEY: Final = "evenfall"
_VERSIONS_HELD: Final = 64
_COMMITS_MOST_OFTEN: Final = 4


@dataclass(frozen=True)
class Snapshot:
    """A table at one version. Several may hold the same one, so it is looked at and never written through.

    Args:
        opened: Delta Lake's view of it.
    """

    opened: DeltaTable

    @cached_property
    def schema(self) -> pl.Schema:
        """Column → type, as the table is stored."""
        return pl.Schema(self.opened.schema().to_arrow())

    @cached_property
    def files(self) -> pl.DataFrame:
        """One row per data file: path, num_records, and the log's statistics as flat columns."""
        return pl.DataFrame(self.opened.get_add_actions(flatten=True))

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Our own facts of the newest commit that has any; empty when none has."""
        # Most often the newest has: each commit that is looked at is a file that is read.
        for limit in (1, _COMMITS_MOST_OFTEN, None):
            for commit in self.opened.history(limit):
                if FACTS_KEY in commit:
                    return dict(json.loads(commit[FACTS_KEY]))
        return {}


def read_snapshot(root: Root, *, version: int | None, options: dict[str, str] | None) -> Snapshot:
    """Look at a version of a table.

    Args:
        root: Where the table lies.
        version: A past commit, or None for the newest.
        options: What clients of the object store are told; None for a folder.

    Raises:
        deltalake.exceptions.DeltaError: There is no such table or version.
    """
    # Taken before the log is read: a commit that comes in between is seen, at the latest, next time.
    log = tuple(storage_of(root).files(LOG))
    return _read(str(root), version, None if options is None else tuple(sorted(options.items())), log)


def find_snapshot(root: Root, *, options: dict[str, str] | None) -> Snapshot | None:
    """Look at the newest version of a table, or return None where none was ever written; its log is listed once."""
    log = tuple(storage_of(root).files(LOG))
    return _read(str(root), None, None if options is None else tuple(sorted(options.items())), log) if log else None


@lru_cache(maxsize=_VERSIONS_HELD)
def _read(
    address: str,
    version: int | None,
    options: tuple[tuple[str, str], ...] | None,
    log: tuple[Stored, ...],  # noqa: ARG001 - what the log consists of decides whether it was read before
) -> Snapshot:
    return Snapshot(DeltaTable(address, version=version, storage_options=None if options is None else dict(options)))
