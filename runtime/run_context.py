"""The context of one run: its settings, its workspace, its night, its clock and its log."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from lake.errors import ConfigurationError, EvenfallError
from lake.storage.release_format import refuse_newer, refuse_other_zone
from runtime.file_access import keep_private
from runtime.os_errors import translate_os_error
from runtime.progress import showing
from runtime.run_log import RunLog, peak_memory
from runtime.settings import Settings, load_settings
from runtime.tracking.tracking import Tracking
from runtime.workspace import Workspace
from wording.language import speak

ROOMS: Final = (
    "lake",
    "expectations",
    "features",
    "models",
    "segments",
    "engagement",
    "community",
    "wording",
    "outputs",
    "runtime",
    "pipeline",
    "flows",
)


@dataclass(frozen=True)
class RunContext:
    """What the steps of a run share.

    Args:
        workspace: The paths of the workspace, and its lock.
        settings: The configuration.
        tracking: The MLflow store.
        asked: The night that was asked for; None means the last full day in the data, which only intake determines.
        now: When the run began, in UTC.
        log: The structured log of the run.
        seconds: Step → wall-clock seconds, filled as the steps finish.
        counts: Step → its counts, such as rows, filled as the steps run.
        ended: The steps that ended without an error, in their order.
    """

    workspace: Workspace
    settings: Settings
    tracking: Tracking
    asked: date | None
    now: datetime
    log: RunLog
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    @property
    def as_of(self) -> date:
        """The night; to be read only after intake has determined it."""
        assert self.asked is not None, "the night is known only after intake"
        return self.asked

    @property
    def timezone(self) -> str:
        """The community's timezone."""
        return self.settings.community.timezone

    def on(self, as_of: date) -> RunContext:
        """Return the same run with its night resolved, and give its log the file of that night."""
        self.log.of(as_of)
        return replace(self, asked=as_of)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, int]]:
        """Show and log a step, and measure its time; yields a dictionary that the block may fill with counts."""
        began, ended = time.perf_counter(), "step failed"
        counted: dict[str, int] = {}
        self.counts[name] = counted
        self.log.tell("step began", step=name)
        try:
            with showing(name):
                yield counted
            ended = "step ended"
            self.ended.append(name)
        except Exception as error:
            # Here for all steps alike: every library reports a full disk or a refusing store in its own way.
            translated = None if isinstance(error, EvenfallError) else translate_os_error(error)
            if translated is None:
                raise
            raise translated from error
        finally:
            took = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            self.log.tell(ended, step=name, seconds=round(took, 3), **peak_memory(), **counted)


def open_run(folder: str | Path, as_of: str | date | None, *, now: datetime | None = None) -> RunContext:
    """Read a workspace's configuration and determine the night; from here on the community's language is spoken.

    Args:
        folder: The workspace.
        as_of: A date, its text as YYYY-MM-DD, or None for what `[run] as_of` says.
        now: The current time in UTC; None reads the clock.

    Raises:
        ConfigurationError: The configuration or the date is wrong, the night is not over yet, or a newer release wrote the lake.
        OutsideServiceError: The lake is in a bucket, and the object store does not answer.
    """
    root = Path(folder).expanduser().resolve()
    if "%" in str(root):
        raise ConfigurationError(
            f"the workspace's path holds a % sign: {root}", remedy="Delta Lake cannot store tables there; rename the folder."
        )
    settings = load_settings(root)
    speak(settings.community.language)
    clock = now or datetime.now(UTC)
    today = clock.astimezone(ZoneInfo(settings.community.timezone)).date()
    requested = settings.run.as_of if as_of is None else as_of
    night: date | None
    if requested == "latest":
        night = None
    elif requested == "yesterday":
        night = today - timedelta(days=1)
    else:
        night = _date(requested)
        if night >= today:
            raise ConfigurationError(
                f"the night of {night} is not over in {settings.community.timezone}, where today is {today}",
                remedy="Choose a day before today.",
            )
    keep_private(group_readable=settings.access.group_readable)
    workspace = Workspace(root, settings.lake.path, settings.access.group_readable)
    refuse_newer(workspace.lake.root)
    refuse_other_zone(workspace.lake.root, timezone=settings.community.timezone)
    return RunContext(workspace, settings, Tracking.of(root), night, clock, RunLog(workspace.logs))


def nights_between(folder: str | Path, first: str | date, last: str | date) -> list[date]:
    """Return every night from one day to another, both included.

    Args:
        folder: The workspace.
        first: The first night, as a date or as YYYY-MM-DD.
        last: The last night, likewise.

    Raises:
        ConfigurationError: As `open_run`, or the last is before the first.
    """
    begin, end = open_run(folder, first).as_of, open_run(folder, last).as_of
    if end < begin:
        raise ConfigurationError(f"the last night, {end}, is before the first, {begin}", remedy="Give --from the earlier day.")
    return [begin + timedelta(days=days) for days in range((end - begin).days + 1)]


def settings_hash(settings: Settings) -> str:
    """Return a hash of all settings, addresses of the data included; passwords cannot be read from it."""
    text = json.dumps(settings.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def code_hash(rooms: Sequence[str] = ROOMS) -> str:
    """Return a hash of the source files of some rooms; by default of all rooms that a night runs."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    files = (path for room in rooms for path in (root / room).rglob("*") if path.suffix in (".py", ".json", ".j2", ".css", ".po"))
    for path in sorted(files):
        # Relative paths: the same code has the same hash wherever it is installed.
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _date(text: str | date) -> date:
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is not a date", remedy="Write it as YYYY-MM-DD, such as 2011-08-31.") from None
