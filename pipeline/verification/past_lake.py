"""A read-only lake at fixed versions: those that the receipt of a past night names, or those of this moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from urllib.parse import unquote

import polars as pl
from deltalake.exceptions import DeltaError

from lake.errors import OutsideServiceError
from lake.scratch import SCRATCH_PREFIX
from lake.storage.delta import DAY, Lake
from lake.storage.snapshots import Snapshot
from runtime.run_context import RunContext
from runtime.workspace import Workspace

_MOST_ATTEMPTS: Final = 20


@dataclass(frozen=True)
class PastLake(Lake):
    """A lake at fixed versions. A table without a version does not exist, and writes are discarded.

    Args:
        root: The lake's folder, or its prefix in a bucket.
        versions: Table → version.
    """

    versions: Mapping[str, int] = field(default_factory=dict)

    def exists(self, table: str) -> bool:
        """Return whether the table existed for the night."""
        return table in self.versions

    def replace_days(
        self,
        table: str,
        rows: pl.DataFrame,
        *,
        days: Collection[date],
        column: str = DAY,
        metadata: Mapping[str, Any] | None = None,
        may_add_columns: bool = False,
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
        """Return the tables whose version, or a data file of it, has been removed."""
        return [table for table in sorted(self.versions) if not self._is_whole(table)]

    def _is_whole(self, table: str) -> bool:
        try:
            files = sorted(self._paths(table))
        except (DeltaError, OSError):
            return False
        # The log may outlive its files: vacuum removes data files and leaves the log. Paths in the log are URL-encoded.
        return self.storage(table).has_files([unquote(path) for path in files])

    # The lake looks tables up by these two: everything that reads gets the pinned version without knowing of it.
    def _newest_snapshot(self, table: str) -> Snapshot | None:
        return self._snapshot(table) if self.exists(table) else None

    def _snapshot(self, table: str, version: int | None = None) -> Snapshot:
        return super()._snapshot(table, self.versions[table] if version is None else version)


@dataclass(frozen=True)
class PastWorkspace(Workspace):
    """A workspace whose lake is at fixed versions.

    Args:
        root: The folder with `evenfall.toml`.
        lake_path: The path of the lake.
        versions: Table → version.
    """

    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        """Return the lake at the fixed versions."""
        whole = super().lake
        return PastLake(whole.root, self.versions, copies_folder=whole.copies_folder)


def at_one_moment(run: RunContext) -> RunContext:
    """Return the run with every table of its lake at the version it has now, to read while others write; writes are discarded.

    Raises:
        OutsideServiceError: Tables change all the time.
    """
    lake = run.workspace.lake
    versions = _versions(lake)
    for _ in range(_MOST_ATTEMPTS):
        # The same twice in a row: there was a moment between the two at which all tables had these versions.
        again = _versions(lake)
        if again == versions:
            paths = run.workspace
            return replace(run, workspace=PastWorkspace(paths.root, paths.lake_path, paths.group_readable, versions=versions))
        versions = again
    raise OutsideServiceError(
        "the tables change faster than they can be read", remedy="Wait for the run to finish, and ask again."
    )


def _versions(lake: Lake) -> dict[str, int]:
    return {name: lake.version(name) for name in lake.tables if not name.startswith(SCRATCH_PREFIX)}
