"""The doctor looks at the nights: how the last ones went, who is at work now, and what would run next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from flows.doctor.findings import Diagnosis, of_error, ok, problem, warning
from lake.contracts import ACTIVITY_TABLES
from lake.errors import EvenfallError, ExitCode
from lake.storage.release_format import FORMAT, read_format
from pipeline.intake.intake import last_full_day
from pipeline.late_night import late_night
from pipeline.past_runs import Ran, last_runs
from runtime.run_context import RunContext
from runtime.workspace import DEFAULT_LAKE_PATH, Workspace
from wording.numbers import plural
from wording.texts import fill

_SHOWN_RUNS: Final = 5
_LONGEST_RUN: Final = timedelta(hours=12)


def look_at_format(workspace: Workspace) -> Iterator[Diagnosis]:
    """Check that this release can work with the format of the lake."""
    written = read_format(workspace.lake.root)
    if written is None:
        yield ok("lake", "nothing has landed yet")
    elif written > FORMAT:
        yield problem(
            "lake",
            f"written by a newer release: format {written}, this one knows up to {FORMAT}",
            "Run the newer release.",
            exit_code=ExitCode.CONFIGURATION,
        )
    else:
        tables = workspace.lake.tables
        where = "" if workspace.lake.root == workspace.root / DEFAULT_LAKE_PATH else f"{workspace.lake.root}: "
        yield ok("lake", f"{where}format {written}; {len(tables)} tables: {', '.join(tables)}")


def look_at_holder(workspace: Workspace, *, now: datetime) -> Iterator[Diagnosis]:
    """Check whether a run has locked the workspace, and for how long."""
    holder, since = workspace.holder(), workspace.locked_since()
    if holder is None:
        yield ok("lock", "no run is going on")
    elif since is not None and now - since < _LONGEST_RUN:
        yield warning("lock", f"a run is going on: {holder}", "A night started now would end with 5; wait for it to finish.")
    else:
        yield problem(
            "lock", f"a run has been going on for long: {holder}", "If it hangs, end that process.", exit_code=ExitCode.BUSY
        )


def look_at_last_nights(workspace: Workspace) -> Iterator[Diagnosis]:
    """Check how the last runs ended. The newest decides the level; the others are listed."""
    ran = last_runs(workspace)
    if not ran:
        lists = sorted(path.name for path in workspace.lists.glob("[0-9]*")) if workspace.lists.exists() else []
        yield ok("last nights", f"no log yet; the newest lists are of {lists[-1]}" if lists else "none yet")
        return
    shown_runs = "\n".join(_line(one) for one in ran[:_SHOWN_RUNS])
    newest = ran[0]
    if newest.exit_code == 0 or (newest.exit_code is None and workspace.holder() is not None):
        yield ok("last nights", shown_runs)
    elif newest.exit_code is None:
        yield warning(
            "last nights", shown_runs, "The newest was killed, or the machine went down; run it again, nothing is half-done."
        )
    else:
        remedy = "docs/operations.md says what each exit code asks for; its log has the whole sentence. Then run it again."
        yield warning("last nights", shown_runs, remedy)


def look_at_tonight(run: RunContext, *, registry_answers: bool) -> Iterator[Diagnosis]:
    """Check which night would run now, and whether it would train.

    Args:
        run: The run of the next night.
        registry_answers: Whether MLflow answered before; if not, it is not asked again, because its client waits for long.
    """
    try:
        as_of, how = _next(run)
        yield ok("tonight", f"{as_of} ({how}); {_training(run, as_of) if registry_answers else 'the registry was not asked'}")
    except EvenfallError as error:
        yield of_error("tonight", error)


def look_for_a_late_night(run: RunContext) -> Iterator[Diagnosis]:
    """Check that the night that was due by the clock has run."""
    late = late_night(run)
    if late is not None:
        yield warning("late", late.says, fill("warning.late.remedy"))


def look_for_gaps(run: RunContext) -> Iterator[Diagnosis]:
    """Check that there are lists of the nights just before the one that is due."""
    lists = run.workspace.lists
    listed = sorted(path.name for path in lists.glob("[0-9]*") if (path / "receipt.json").exists()) if lists.exists() else []
    if run.asked is None or not listed:
        return
    newest = date.fromisoformat(listed[-1])
    missing = (run.asked - newest).days - 1
    if missing > 0:
        yield warning(
            "nights",
            f"the newest lists are of {newest}: {missing:,} nights before {run.asked} have none",
            f"Run `evenfall backfill --from {newest + timedelta(days=1)} --to {run.asked}` if they are wanted.",
        )


def _next(run: RunContext) -> tuple[date, str]:
    if run.asked is not None:
        origin = "yesterday" if run.settings.run.as_of == "yesterday" else "as [run] as_of says"
        return run.asked, origin
    if not any(run.workspace.lake.exists(table) for table in ACTIVITY_TABLES):
        return last_full_day(run.workspace.lake, [], timezone=run.timezone), "nothing has landed; the data may say another"
    return last_full_day(
        run.workspace.lake, [], timezone=run.timezone
    ), "the last full day landed; new files may bring a later one"


def _training(run: RunContext, as_of: date) -> str:
    """Return whether the night would train, as text, by the registry of models where there is one."""
    if not run.tracking.exists():
        return "it trains: there is no champion yet"
    newest = run.tracking.newest_training("churn", as_of=as_of)
    champion, value = (run.tracking.champion(purpose, as_of=as_of) for purpose in ("churn", "value"))
    if champion is None or newest is None:
        return "it trains: there is no champion yet"
    for scores in (champion, value):
        if scores is not None:
            scores.refuse_damage()
    due = newest + timedelta(days=run.settings.training.every_days)
    trains = "it trains" if due <= as_of else f"it does not train before {due}"
    return f"{champion.label} scores; last trained on {newest}, so {trains}"


def _line(one: Ran) -> str:
    how = "did not finish" if one.exit_code is None else f"exit {one.exit_code}"
    took = "" if one.seconds is None else f", {one.seconds:,.0f} s"
    warned = f", {one.warnings:,} {plural('warning', one.warnings)}" if one.warnings else ""
    at = datetime.fromisoformat(one.began).astimezone(UTC)
    return f"{one.purpose} {one.night}: began {at:%Y-%m-%d %H:%M} UTC{took}, {how}{warned}{f': {one.says}' if one.says else ''}"
