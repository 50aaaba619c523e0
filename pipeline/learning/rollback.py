"""Rollback: promote the champions that earlier nights used, when the present ones disappoint.

The receipts of published lists decide which model a night used: a model that was promoted but never scored a night has not been
tried in practice. Nights made later by `evenfall backfill` do not count, since nobody has worked with their lists.
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
class _Rollback:
    """The rollback of one purpose.

    Args:
        champion: The present champion.
        before: The version to promote.
        used_on: The last night that used this version.
    """

    champion: RegisteredModel
    before: RegisteredModel
    used_on: date


def roll_back(run: RunContext) -> list[str]:
    """Promote, for churn and value, the newest version that a night used and that is not the present champion.

    Where only one of the two has such a version, the other champion stays. Everything is checked before anything is promoted.

    Returns:
        One line per champion, to show.

    Raises:
        ConfigurationError: No night used another version of either model, or that version cannot be read.
        OutsideServiceError: The tracking store failed.
    """
    run.tracking.prepare()
    registered = {name: run.tracking.champion(name, as_of=run.as_of) for name in _PURPOSES}
    champions = {name: champion for name, champion in registered.items() if champion is not None}
    rollbacks = {name: rollback for name, champion in champions.items() if (rollback := _rollback(run, champion)) is not None}
    if not rollbacks:
        raise _nothing_before(run, list(champions.values()))
    for rollback in rollbacks.values():
        reason = f"rolled back by hand from {rollback.champion.label}"
        run.tracking.promote(rollback.before, as_of=run.as_of, reason=reason)
    return [_result_line(champion, rollbacks.get(name)) for name, champion in champions.items()]


def used_by_nights(workspace: Workspace, purpose: str, *, until: date) -> Iterator[tuple[date, int]]:
    """Yield each night with the version that scored it, the newest night first; nights made by a backfill are left out.

    Args:
        workspace: The workspace with the lists.
        purpose: `churn` or `value`.
        until: The last night to return.
    """
    for file in sorted(workspace.lists.glob(f"[0-9]*/{RECEIPT}"), reverse=True):
        as_of = date.fromisoformat(file.parent.name)
        label = json.loads(file.read_text(encoding="utf-8")).get("models", {}).get(purpose)
        if label is not None and as_of <= until and not _is_backfilled(workspace, as_of):
            yield as_of, int(label.rsplit("/", 1)[1])


def _rollback(run: RunContext, champion: RegisteredModel) -> _Rollback | None:
    versions = run.tracking.versions(champion.name)
    for as_of, version in used_by_nights(run.workspace, champion.name, until=run.as_of):
        if version != champion.version and version in versions:
            before = run.tracking.registered(champion.name, version=version)
            # Both raise for a version that cannot be read: better now than when the next night loads its champion.
            before.refuse_damage()
            from_files(before.files)
            return _Rollback(champion, before, as_of)
    return None


def _is_backfilled(workspace: Workspace, as_of: date) -> bool:
    """Return whether every completed run of the night was a backfill; a night without a log counts as run in its time."""
    file = workspace.logs / f"{as_of.isoformat()}.jsonl"
    if not file.exists():
        return False
    lines = list(read_log(file))
    # A run that failed published nothing, so that it does not count as a run of the night.
    completed = {line["run"] for line in lines if line["event"] == "run ended" and line.get("exit") == 0}
    purposes = {line.get("purpose") for line in lines if line["event"] == "run began" and line["run"] in completed}
    return "backfill" in purposes and "nightly" not in purposes


def _result_line(champion: RegisteredModel, rollback: _Rollback | None) -> str:
    if rollback is None:
        return f"champion {champion.label} stays: no night before it used another {champion.name} model"
    return f"champion {rollback.before.label}; rolled back from {champion.label}; last used by the night of {rollback.used_on}"


def _nothing_before(run: RunContext, champions: list[RegisteredModel]) -> ConfigurationError:
    present = " and ".join(champion.label for champion in champions) or "no model"
    return ConfigurationError(
        f"there is nothing to roll back to: {present} scored every night up to {run.as_of} that counts "
        "(promotions that no night used, and nights that a backfill made, do not)",
        remedy="Train another with `evenfall train`.",
    )
