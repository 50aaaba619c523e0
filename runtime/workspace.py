"""A workspace folder: its paths, and the lock by which only one run works in it at a time."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from lake.errors import ConfigurationError, WorkspaceBusyError
from lake.storage.delta import Lake
from lake.storage.storage import root_at
from runtime.file_access import close_to_others

DEFAULT_LAKE_PATH: Final = "lake"


@dataclass(frozen=True)
class Workspace:
    """The paths of one workspace, and its lock.

    Args:
        root: The folder with `evenfall.toml`.
        lake_path: Where the Delta tables are, from `[lake] path`.
        group_readable: Whether the group of the user that runs Evenfall may read it, from `[access] group_readable`.
    """

    root: Path
    lake_path: str = DEFAULT_LAKE_PATH
    group_readable: bool = False

    @property
    def lake(self) -> Lake:
        """The Delta tables, in this folder, in another or in a bucket."""
        return Lake(root_at(self.lake_path, below=self.root), copies_folder=self.state / "lake")

    @property
    def lists(self) -> Path:
        """One folder per night with the lists."""
        return self.root / "lists"

    @property
    def reports(self) -> Path:
        """One page per night, and the validation pages."""
        return self.root / "reports"

    @property
    def state(self) -> Path:
        """Internal files of Evenfall and Prefect; safe to delete between runs, except `erasure.key`."""
        return self.root / ".evenfall"

    @property
    def erasures(self) -> Path:
        """The register of erased members, as keyed hashes, and the certificates."""
        return self.root / "erasures"

    @property
    def logs(self) -> Path:
        """One file per night with its events, as JSON lines."""
        return self.root / "logs"

    def night(self, as_of: date) -> Path:
        """The folder of one night's lists."""
        return self.lists / as_of.isoformat()

    def report(self, as_of: date) -> Path:
        """One night's morning report."""
        return self.reports / f"{as_of.isoformat()}.html"

    def edition(self, as_of: date, period: str) -> Path:
        """The weekly or monthly edition of the report that ends with a night."""
        return self.reports / f"{as_of.isoformat()}.{period}.html"

    def validation_page(self, night: str) -> Path:
        """One night's validation page."""
        return self.reports / f"{night}-validation.html"

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Lock the workspace while the block runs.

        Raises:
            WorkspaceBusyError: Another run has locked it; the message says which.
            ConfigurationError: The folder cannot be written.
        """
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            # The operating system releases the lock of a process that dies, so that no stale lock remains.
            lock = FileLock(self.state / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise self._busy() from None
        except OSError as error:
            raise ConfigurationError(
                f"{self.root} cannot be written: {error.strerror}",
                remedy="Free space, or give the user that runs Evenfall the right to write there.",
            ) from error
        try:
            # Only after the lock is taken: the file must not name a run that did not get it.
            self._sign(purpose)
            close_to_others(self.root, group_readable=self.group_readable)
            yield
        finally:
            lock.release()

    def refuse_when_locked(self) -> None:
        """Fail as `locked` would, before heavy packages are imported.

        Raises:
            WorkspaceBusyError: Another run has locked the workspace.
        """
        if self.holder() is not None:
            raise self._busy()

    def holder(self) -> str | None:
        """Return which run has locked the workspace; None when none has."""
        # The lock file may stay after a run, so only an attempt to lock it tells whether a run goes on.
        if not (self.state / "lock").exists():
            return None
        try:
            with FileLock(self.state / "lock", timeout=0):
                return None
        except Timeout:
            return self._holder()

    def locked_since(self) -> datetime | None:
        """Return when the workspace was last locked, in UTC; None when that is not known."""
        try:
            return datetime.fromisoformat(json.loads((self.state / "holder.json").read_text(encoding="utf-8"))["since"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _sign(self, purpose: str) -> None:
        """Write which run has locked the workspace, for the messages of others."""
        holder = {
            "purpose": purpose,
            "process": os.getpid(),
            "machine": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (self.state / "holder.json").write_text(json.dumps(holder), encoding="utf-8")

    def _busy(self) -> WorkspaceBusyError:
        return WorkspaceBusyError(
            f"another run holds this workspace: {self._holder()}",
            remedy="Wait for it to finish, or end that process; its lock goes with it.",
        )

    def _holder(self) -> str:
        try:
            holder = json.loads((self.state / "holder.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return "it has not said who it is"
        return f"{holder['purpose']}, process {holder['process']} on {holder['machine']}, since {holder['since']}"
