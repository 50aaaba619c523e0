"""Going back to the champions that nights really used, because the present ones disappoint.

What counts are the receipts of published lists: a model that was promoted and never scored a night has never been lived with.
Nights that `evenfall backfill` made later do not count either, since nobody has worked with their lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lake.errors import ConfigurationError
from models.bundle import from_files
from pipeline.receipt import RECEIPT
from runtime.run_context import RunContext
from runtime.run_log import read_log
from runtime.tracking.tracking import RegisteredModel
from runtime.workspace import Workspace

_PURPOSES = ("churn", "value")


@dataclass(frozen=True)
class _Return:
    """One model to go back to: from which version to which, and the night that used it last."""

    held: RegisteredModel
    before: RegisteredModel
    used_on: date


def roll_back(run: RunContext) -> list[str]:
    """Promote, for churn and value, the version that the latest night before the present champion used; one line for each.

    Where only one of the two has such a version, the other champion stays. All is checked before anything is promoted.

    Raises:
        ConfigurationError: No night used another version of either, or that version cannot be read.
        OutsideServiceError: The tracking store failed.
    """
    run.tracking.prepare()
    asked = {name: run.tracking.champion(name, as_of=run.as_of) for name in _PURPOSES}
    held = {name: champion for name, champion in asked.items() if champion is not None}
    returns = {name: found for name, champion in held.items() if (found := _return(run, champion)) is not None}
    if not returns:
        raise _nothing_before(run, list(held.values()))
    for one in returns.values():
        reason = f"rolled back by hand from {one.held.label}"
        run.tracking.promote(one.before, as_of=run.as_of, reason=reason)
    return [_told(champion, returns.get(name)) for name, champion in held.items()]


def used_by_nights(workspace: Workspace, purpose: str, *, until: date) -> Iterator[tuple[date, int]]:
    """Night → the version that scored it, the newest night first; nights made by a backfill are left out.

    Args:
        workspace: Whose lists.
        purpose: `churn` or `value`.
        until: The last night that is looked at.
    """
    for file in sorted(workspace.lists.glob(f"[0-9]*/{RECEIPT}"), reverse=True):
        as_of = date.fromisoformat(file.parent.name)
        label = json.loads(file.read_text(encoding="utf-8")).get("models", {}).get(purpose)
        if label is not None and as_of <= until and not _is_backfilled(workspace, as_of):
            yield as_of, int(label.rsplit("/", 1)[1])


def _return(run: RunContext, held: RegisteredModel) -> _Return | None:
    known = run.tracking.versions(held.name)
    for as_of, version in used_by_nights(run.workspace, held.name, until=run.as_of):
        if version != held.version and version in known:
            before = run.tracking.registered(held.name, version=version)
            before.refuse_damage()
            from_files(before.files)
            return _Return(held, before, as_of)
    return None


def _is_backfilled(workspace: Workspace, as_of: date) -> bool:
    """Whether every run that made the night's lists was a backfill; without a log a night counts as run in its time."""
    file = workspace.logs / f"{as_of.isoformat()}.jsonl"
    if not file.exists():
        return False
    lines = list(read_log(file))
    done = {line["run"] for line in lines if line["event"] == "run ended" and line.get("exit") == 0}
    purposes = {line.get("purpose") for line in lines if line["event"] == "run began" and line["run"] in done}
    return "backfill" in purposes and "nightly" not in purposes


def _told(held: RegisteredModel, found: _Return | None) -> str:
    if found is None:
        return f"champion {held.label} stays: no night before it used another {held.name} model"
    return f"champion {found.before.label}; rolled back from {held.label}; last used by the night of {found.used_on}"


def _nothing_before(run: RunContext, held: list[RegisteredModel]) -> ConfigurationError:
    present = " and ".join(champion.label for champion in held) or "no model"
    return ConfigurationError(
        f"there is nothing to roll back to: {present} scored every night up to {run.as_of} that counts "
        "(promotions that no night used, and nights that a backfill made, do not)",
        remedy="Train another with `evenfall train`.",
    )
