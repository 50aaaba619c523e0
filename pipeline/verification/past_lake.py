"""The lake as a past night saw it: every table at the version its receipt names, and nothing can be written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake.exceptions import DeltaError

from lake.storage.delta import DAY, Lake
from lake.storage.snapshots import Snapshot
from runtime.workspace import Workspace


@dataclass(frozen=True)
class PastLake(Lake):
    """A lake pinned to versions; a table without one does not exist, and what a night writes is let fall.

    Args:
        root: The lake's folder, or its place in a bucket.
        versions: Table → version.
    """

    versions: Mapping[str, int] = field(default_factory=dict)

    def exists(self, table: str) -> bool:
        """Whether the night saw the table."""
        return table in self.versions

    def replace_days(
        self,
        table: str,
        rows: pl.DataFrame,
        *,
        days: Collection[date],
        column: str = DAY,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Write nothing."""

    def replace(self, table: str, rows: pl.DataFrame, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Write nothing."""

    def append(self, table: str, rows: pl.DataFrame, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Write nothing."""

    def restore(self, table: str, *, version: int) -> bool:  # noqa: ARG002 - the signature is the lake's
        """Undo nothing."""
        return False

    def missing(self) -> list[str]:
        """The tables of which the version, or a data file of it, is gone."""
        return [table for table in sorted(self.versions) if not self._is_whole(table)]

    def _is_whole(self, table: str) -> bool:
        try:
            files = sorted(self._paths(table))
        except (DeltaError, OSError):
            return False
        return self.storage(table).has_files([unquote(path) for path in files])

    def _newest_snapshot(self, table: str) -> Snapshot | None:
        return self._snapshot(table) if self.exists(table) else None

    def _snapshot(self, table: str, version: int | None = None) -> Snapshot:
        return super()._snapshot(table, self.versions[table] if version is None else version)


@dataclass(frozen=True)
class PastWorkspace(Workspace):
    """A workspace whose lake is pinned.

    Args:
        root: The folder with `evenfall.toml`.
        lake_path: Where the lake lies.
        versions: Table → version.
    """

    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        """The lake as it was."""
        whole = super().lake
        return PastLake(whole.root, self.versions, copies_folder=whole.copies_folder)
