"""The doctor checks the machine: rights, disk space, versions of packages, and the clock."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from flows.doctor.findings import Diagnosis, ok, problem, warning
from lake.arrivals import read_arrivals
from lake.contracts import ACTIVITY_TABLES
from lake.errors import ExitCode
from lake.storage.bucket import Bucket
from pipeline.preflight import inaccessible_paths
from runtime.settings import Settings
from runtime.workspace import Workspace

_MIB: Final = 1024**2
_GIB: Final = 1024**3
_LEAST_FREE_BYTES: Final = 256 * _MIB
_ROOMY_BYTES: Final = 2 * _GIB
_OLDEST_PYTHON: Final = (3, 11)
_MAIN_LIBRARIES: Final = (
    "polars",
    "deltalake",
    "pyarrow",
    "pandas",
    "numpy",
    "scikit-learn",
    "lightgbm",
    "great-expectations",
    "mlflow",
    "prefect",
    "fastapi",
    "sqlalchemy",
    "pydantic-settings",
)
_LOCK: Final = Path(__file__).parent.parent.parent / "requirements.lock"
_PIN: Final = re.compile(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?==[^\\]+)", re.MULTILINE)


def look_at_permissions(workspace: Workspace) -> Iterator[Diagnosis]:
    """Check that everything can be written that a night writes."""
    closed = inaccessible_paths(workspace, writes=True)
    if closed:
        yield problem(
            "permissions",
            f"cannot be written: {', '.join(map(str, closed))}",
            "Give the user that runs Evenfall the right to write there.",
            exit_code=ExitCode.CONFIGURATION,
        )
    else:
        yield ok("permissions", f"{workspace.root} can be written")


def look_at_disk(workspace: Workspace) -> Iterator[Diagnosis]:
    """Check that there is disk space for another night, which may rewrite many days while old versions stay for a time."""
    is_here = not isinstance(workspace.lake.root, Bucket)
    free = shutil.disk_usage(_on_disk(workspace)).free
    lake = sum(file.size_bytes for file in workspace.lake.storage().files()) if is_here else 0
    says = f"{shown_bytes(free)} free; the lake takes {shown_bytes(lake)}" if is_here else f"{shown_bytes(free)} free"
    if free < max(_LEAST_FREE_BYTES, lake // 10):
        yield problem("disk", says, "Free space, or shorten [retention] history_days.", exit_code=ExitCode.OUTSIDE_SERVICE)
    elif free < max(_ROOMY_BYTES, lake):
        yield warning("disk", says, "Free space soon: a night that rewrites many days may need as much again as the lake takes.")
    else:
        yield ok("disk", says)


def _on_disk(workspace: Workspace) -> Path:
    """Return the folder whose disk fills up: that of the lake once it exists."""
    root = workspace.lake.root
    return root if isinstance(root, Path) and root.is_dir() else workspace.root


def look_at_versions() -> Iterator[Diagnosis]:
    """Check that Python and the main libraries have the versions that the lock pins and the tests ran with."""
    python = platform.python_version()
    if tuple(map(int, platform.python_version_tuple()[:2])) < _OLDEST_PYTHON:
        yield problem(
            "versions", f"Python {python} is too old", "Install Python 3.11 or newer.", exit_code=ExitCode.CONFIGURATION
        )
        return
    pinned, here = _pinned(), {name: _installed(name) for name in _MAIN_LIBRARIES}
    absent = [name for name, installed in here.items() if installed is None]
    other = [
        f"{name} {installed} (pinned {pinned[name]})"
        for name, installed in here.items()
        if installed and pinned.get(name, installed) != installed
    ]
    if absent:
        yield problem("versions", f"not installed: {', '.join(absent)}", "Run `make setup`.", exit_code=ExitCode.CONFIGURATION)
    if other:
        yield warning(
            "versions", f"other than pinned: {', '.join(other)}", "Run `make setup`; the tests ran with the pinned ones."
        )
    if not absent and not other:
        compared = "as pinned" if pinned else "installed; no requirements.lock here to compare them with"
        yield ok("versions", f"Python {python}; {len(here)} main libraries {compared}: {_shortly(here)}")


def look_at_clock(workspace: Workspace, settings: Settings, *, now: datetime) -> Iterator[Diagnosis]:
    """Check the clock: which day it is for the community, and that it has not gone back since anything arrived.

    Args:
        workspace: The workspace.
        settings: Its settings, for the timezone.
        now: The current time in UTC.
    """
    local = now.astimezone(ZoneInfo(settings.community.timezone))
    says = f"{now:%Y-%m-%d %H:%M} UTC; in {settings.community.timezone} it is {local:%Y-%m-%d %H:%M}"
    lake = workspace.lake
    arrived = read_arrivals(lake).select(pl.col("arrived_at").max()).item()
    newest = max((day for table in ACTIVITY_TABLES for day in lake.days(table)), default=None)
    if arrived is not None and arrived > now:
        yield problem(
            "clock",
            f"{says}; but data arrived at {arrived:%Y-%m-%d %H:%M} UTC already",
            "Set this machine's clock; otherwise good rows count as lying in the future.",
            exit_code=ExitCode.CONFIGURATION,
        )
    elif newest is not None and newest > local.date():
        yield warning("clock", f"{says}; but the newest data is of {newest}", "Check the clock, and the source's timezone.")
    else:
        yield ok("clock", says + ("" if newest is None else f"; the newest data is of {newest}"))


def shown_bytes(size: int) -> str:
    """Return a size in bytes as text for people."""
    for unit, factor in (("GB", _GIB), ("MB", _MIB), ("kB", 1024)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size} bytes"


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def _pinned() -> dict[str, str]:
    """Return library → version, from the lines of the lock for this Python; empty without a lock."""
    from packaging.requirements import Requirement

    lines = _PIN.findall(_LOCK.read_text(encoding="utf-8")) if _LOCK.exists() else []
    requirements = (Requirement(line.strip()) for line in lines if line.startswith(_MAIN_LIBRARIES))
    applicable = [one for one in requirements if one.marker is None or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in applicable}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _shortly(here: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {here[name]}" for name in ("polars", "deltalake", "lightgbm", "mlflow", "prefect"))
