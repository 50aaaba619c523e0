"""`evenfall doctor`: check what a night needs, one thing after another, and change nothing.

Checks are independent: one that fails does not keep the others from being reported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.doctor.bucket import look_at_bucket
from flows.doctor.findings import Diagnosis, of_error, ok, problem
from flows.doctor.machine import look_at_clock, look_at_disk, look_at_permissions, look_at_versions, utc_now
from flows.doctor.nights import (
    look_at_format,
    look_at_holder,
    look_at_last_nights,
    look_at_tonight,
    look_for_a_late_night,
    look_for_gaps,
)
from flows.doctor.security import review
from flows.doctor.services import look_at_alerts, look_at_mlflow, look_at_prefect, look_at_publication
from flows.doctor.sources import look_at_sources
from lake.errors import ConfigurationError, EvenfallError, ExitCode
from runtime.alerting import without_secrets
from runtime.run_context import RunContext, open_run
from runtime.settings import load_settings
from runtime.workspace import Workspace

Look = Callable[[], Iterator[Diagnosis]]


def examine(folder: Path, *, security: bool = False) -> list[Diagnosis]:
    """Check a workspace; as `examine_in_turn`, but returns all findings at the end."""
    return list(examine_in_turn(folder, security=security))


def examine_in_turn(folder: Path, *, security: bool = False) -> Iterator[Diagnosis]:
    """Check a workspace, and yield each finding as soon as it is known; slow checks come late.

    Args:
        folder: The folder with `evenfall.toml`.
        security: Check who else may read or change it, instead of whether a night would run.

    Yields:
        One finding per check, in the order in which a night would need the things checked.

    Raises:
        ConfigurationError: There is no such folder.
    """
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise ConfigurationError(f"there is no folder {root}", remedy="Name the workspace with --workspace.")
    if security:
        yield from review(root)
        return
    # Somebody waits at the terminal, and by default MLflow's client retries for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    for look in _looks(root):
        yield from _findings_of(look)


def _looks(root: Path) -> Iterator[Look]:
    workspace, now = _workspace(root), utc_now()
    yield look_at_versions
    yield lambda: _look_at_configuration(root)
    yield lambda: look_at_permissions(workspace)
    yield lambda: look_at_disk(workspace)
    yield lambda: look_at_bucket(workspace)
    yield lambda: look_at_format(workspace)
    yield lambda: look_at_holder(workspace, now=now)
    run = _night(root)
    if run is None:
        yield lambda: look_at_last_nights(workspace)
        return
    yield from _looks_at_night(run)


def _looks_at_night(run: RunContext) -> Iterator[Look]:
    workspace, settings = run.workspace, run.settings
    yield lambda: look_at_clock(workspace, settings, now=run.now)
    yield lambda: look_at_sources(workspace, settings)
    # Asked at once, because whether the last check may ask MLflow depends on the answer.
    mlflow = list(_findings_of(lambda: look_at_mlflow(run)))
    yield lambda: iter(mlflow)
    yield lambda: look_at_prefect(run)
    yield lambda: look_at_publication(run)
    yield lambda: look_at_alerts(run)
    yield lambda: look_at_last_nights(workspace)
    yield lambda: look_for_gaps(run)
    yield lambda: look_for_a_late_night(run)
    answers = all(finding.level != "problem" for finding in mlflow)
    yield lambda: look_at_tonight(run, registry_answers=answers)


def _findings_of(look: Look) -> Iterator[Diagnosis]:
    """Yield the findings of a check; an error of the check becomes a finding."""
    try:
        yield from look()
    except EvenfallError as error:
        yield of_error("workspace", error)
    except Exception as error:  # one failing check must not hide the others; the text of the error may hold anything
        yield problem(
            "doctor",
            f"could not look further here: {type(error).__name__}",
            "Look at the other lines first.",
            exit_code=ExitCode.BUG,
        )


def _look_at_configuration(root: Path) -> Iterator[Diagnosis]:
    settings = load_settings(root)
    sources = ", ".join(settings.sources)
    says = f"evenfall.toml can be read: {settings.community.name}; sources for {sources}"
    yield ok("configuration", without_secrets(says, settings))


def _workspace(root: Path) -> Workspace:
    """Return the workspace as configured, or with default paths where the configuration cannot be read."""
    try:
        return Workspace(root, load_settings(root).lake.path)
    except EvenfallError:
        return Workspace(root)


def _night(root: Path) -> RunContext | None:
    """Return the run of the next night; None where an earlier check has reported already why there is none."""
    try:
        return open_run(root, None)
    except EvenfallError:
        return None
