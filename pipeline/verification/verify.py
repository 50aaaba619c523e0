"""`evenfall verify`: a past night computed again from the tables and models its receipt names, beside what was published.

Nothing is written but a temporary folder. Three answers: the night matches; it differs, and where; or it cannot be verified,
and why: a member was erased since, its versions are past their keeping time, or code, configuration or a model has changed.
A night that comes out the same although the code has changed matches all the same.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from lake.errors import ConfigurationError, OutsideServiceError
from models.bundle import files_hash, from_files
from outputs.lists import has_mark, write_lists
from pipeline.erasure.outputs import ERASURES_KEY, list_hashes
from pipeline.execution.executor import LocalExecutor
from pipeline.history.daily_rollups import load_snapshot
from pipeline.learning.champions import Champion, Champions
from pipeline.night import compute_night
from pipeline.receipt import RECEIPT
from pipeline.verification.past_lake import PastLake, PastWorkspace
from runtime.run_context import RunContext, code_hash, open_run, settings_hash

Answer = Literal["matches", "differs", "cannot be verified"]
_KEY: Final = "member_id"
_LISTED: Final = 20
_MARKED: Final = "contact_list.csv"


@dataclass(frozen=True)
class Verdict:
    """What came out of a verification.

    Args:
        answer: Which of the three.
        lines: The sentences to show; no member is named.
    """

    answer: Answer
    lines: tuple[str, ...]


def verify(workspace: Path, as_of: str | None) -> Verdict:
    """Compute a past night again and compare its lists with those in the workspace.

    Args:
        workspace: The folder with `evenfall.toml`.
        as_of: The night; by default what `[run] as_of` says, or the newest that has lists.

    Raises:
        ConfigurationError: There are no lists of that night.
        OutsideServiceError: The tracking store failed.
    """
    run = _listed_night(open_run(workspace, as_of), given=as_of is not None)
    folder = run.workspace.night(run.as_of)
    receipt: dict[str, Any] = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
    on_disk = list_hashes(folder, receipt["lists"])
    tampered = sorted(name for name, digest in receipt["lists"].items() if on_disk[name] != digest)
    past = _past(run, receipt)
    why_not = _why_not(run, receipt, past)
    champions = None if why_not else _champions(run, receipt)
    if past is None or champions is None:
        reason = why_not or "a model that scored it is no longer in the registry, or is not the same"
        told = tuple(f"  {name} is not the file that the receipt vouches for" for name in tampered)
        return Verdict(
            "differs" if tampered else "cannot be verified", (f"{run.as_of} cannot be computed again: {reason}.", *told)
        )
    with tempfile.TemporaryDirectory(prefix="evenfall-verify-") as temporary:
        # A night is published with the mark or without it: only its receipt can say that somebody has changed that since.
        marked = run.settings.lists.bom if _MARKED in tampered else has_mark(folder / _MARKED)
        again = _compute(replace(run, workspace=past), champions, Path(temporary), bom=marked)
        different = sorted(name for name in {*again, *on_disk} if again.get(name) != on_disk.get(name))
        if not different:
            return Verdict("matches", (f"{run.as_of} matches: {len(again)} lists, byte for byte.",))
        return _differing(run, receipt, different, tampered, Path(temporary))


def _listed_night(run: RunContext, *, given: bool) -> RunContext:
    lists = run.workspace.lists
    if (given or run.asked is not None) and (run.workspace.night(run.as_of) / RECEIPT).exists():
        return run
    nights = sorted(path.parent.name for path in lists.glob(f"[0-9]*/{RECEIPT}"))
    if given or not nights:
        which = f"the night of {run.as_of}" if given else "any night"
        raise ConfigurationError(f"there are no lists of {which} to verify", remedy="Choose a night that has lists.")
    return run.on(date.fromisoformat(nights[-1]))


def _past(run: RunContext, receipt: Mapping[str, Any]) -> PastWorkspace | None:
    versions = receipt.get("tables")
    return None if versions is None else PastWorkspace(run.workspace.root, run.workspace.lake_path, versions=versions)


def _why_not(run: RunContext, receipt: Mapping[str, Any], past: PastWorkspace | None) -> str | None:
    if receipt.get(ERASURES_KEY):
        return "a member was erased since"
    if past is None:
        return "its receipt was written by an earlier release and names no versions"
    lake = past.lake
    assert isinstance(lake, PastLake)
    gone = lake.missing()
    if gone:
        kept = run.settings.retention.history_days
        return f"it is past its keeping time of {kept} days ([retention] history_days): {', '.join(gone)} as they were are gone"
    return None


def _champions(run: RunContext, receipt: Mapping[str, Any]) -> Champions | None:
    """The models the receipt names; None when one is gone or is not what it was."""
    found: dict[str, Champion[Any]] = {}
    for name, label in receipt["models"].items():
        try:
            registered = run.tracking.registered(name, version=int(label.rsplit("/", 1)[1]))
        except OutsideServiceError:
            return None
        if files_hash(registered.files) != receipt["model_files"][name]:
            return None
        found[name] = Champion(from_files(registered.files), registered, "")
    return Champions(found["churn"], found.get("value"))


def _compute(run: RunContext, champions: Champions, folder: Path, *, bom: bool) -> dict[str, str]:
    """The lists of the night, computed as the night does, written into a folder; returns their hashes."""
    lists = compute_night(run, load_snapshot(run), champions, LocalExecutor())
    currency = run.settings.community.currency
    return write_lists(folder, members=lists.members, contacts=lists.contacts, currency=currency, bom=bom)


def _differing(run: RunContext, receipt: Mapping[str, Any], different: list[str], tampered: list[str], folder: Path) -> Verdict:
    """Tell a list that was changed from a night that today's code or configuration would make otherwise."""
    changed = [
        what
        for what, now, then in (
            ("the code", code_hash(), receipt["code"]),
            ("the configuration", settings_hash(run.settings), receipt["configuration"]),
        )
        if now != then
    ]
    if changed and not tampered:
        reason = " and ".join(changed)
        return Verdict("cannot be verified", (f"{run.as_of} comes out otherwise today: {reason} has changed since.",))
    # With other code only what the receipt itself vouches for can be told from tampering.
    told = tampered if changed else different
    where = [line for name in told for line in _where(name, run.workspace.night(run.as_of) / name, folder / name)]
    return Verdict("differs", (f"{run.as_of} differs from what its tables and models give:", *where))


def _where(name: str, published: Path, computed: Path) -> Iterator[str]:
    """Which columns differ in how many rows, without naming anybody."""
    if not published.exists() or not computed.exists():
        yield f"  {name}: {'missing' if not published.exists() else 'not among what is computed'}"
        return
    try:
        ours, theirs = _texts(computed), _texts(published)
        places = _differences(ours, theirs)
    except (pl.exceptions.PolarsError, OSError, ValueError, KeyError):
        yield f"  {name}: cannot be read as a list"
        return
    yield f"  {name}: {'; '.join(places) or 'the same values, written in other bytes'}"


def _differences(ours: pl.DataFrame, theirs: pl.DataFrame) -> list[str]:
    places = []
    for what, one, other in (("rows too many", theirs, ours), ("rows missing", ours, theirs)):
        rows = one.join(other, on=_KEY, how="anti").height
        places += [f"{rows:,} {what}"] if rows else []
    for what, one, other in (("columns too many", theirs, ours), ("columns missing", ours, theirs)):
        names = [name for name in one.columns if name not in other.columns]
        places += [f"{what}: {', '.join(names)}"] if names else []
    both = ours.join(theirs, on=_KEY, how="inner", suffix="|published")
    for name in ours.columns:
        if name != _KEY and name in theirs.columns:
            rows = int(both.select(pl.col(name).ne_missing(pl.col(f"{name}|published")).sum()).item())
            places += [f"{name} in {rows:,} rows"] if rows else []
    return places[:_LISTED]


def _texts(path: Path) -> pl.DataFrame:
    """A list with every value as text, one row per member."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path, hive_partitioning=False)
    elif path.suffix == ".csv":
        frame = pl.read_csv(path, infer_schema=False)
    else:
        frame = pl.read_excel(path, infer_schema_length=0)
        # Excel shows people headings in words; the lists have one id column, the second.
        frame = frame.rename({frame.columns[1]: _KEY})
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    flat = frame.with_columns(pl.struct(name).struct.json_encode().alias(name) for name in nested)
    return flat.with_columns(pl.all().cast(pl.String)).unique(_KEY, keep="first", maintain_order=True)
