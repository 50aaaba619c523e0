"""`evenfall verify`: compute a past night again from the tables and models in its receipt, and compare the published lists.

Only a temporary folder is written. There are three answers: the night matches; it differs, with the places; or it cannot be
verified, with the reason: a member was erased since, its versions were removed by retention, or code, configuration or a model
has changed. A night whose lists come out the same matches, even if the code has changed.
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
from outputs.content_lists import CONTENT_LISTS
from outputs.lists import has_mark, write_lists
from outputs.sending import Format, formats_among
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
_PIECE_KEY: Final = "content_id"
_MOST_DIFFERENCES: Final = 20
_CSV_LIST: Final = "contact_list.csv"


@dataclass(frozen=True)
class Verdict:
    """The result of a verification.

    Args:
        answer: One of the three answers.
        lines: The lines to show; they contain no member's id.
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
    published_hashes = list_hashes(folder, receipt["lists"])
    tampered = sorted(name for name, digest in receipt["lists"].items() if published_hashes[name] != digest)
    past_workspace = _past_workspace(run, receipt)
    reason_not_verifiable = _reason_not_verifiable(run, receipt, past_workspace)
    champions = None if reason_not_verifiable else _champions(run, receipt)
    if past_workspace is None or champions is None:
        reason = reason_not_verifiable or "a model that scored it is no longer in the registry, or is not the same"
        tampered_lines = tuple(f"  {name} is not the file that the receipt vouches for" for name in tampered)
        return Verdict(
            "differs" if tampered else "cannot be verified", (f"{run.as_of} cannot be computed again: {reason}.", *tampered_lines)
        )
    with tempfile.TemporaryDirectory(prefix="evenfall-verify-") as temporary:
        # Whether a night was published with a byte-order mark is read from its file, unless somebody has changed that file.
        has_bom = run.settings.lists.bom if _CSV_LIST in tampered else has_mark(folder / _CSV_LIST)
        formats = formats_among(receipt["lists"])
        past_run = replace(run, workspace=past_workspace)
        computed_hashes = _compute(past_run, champions, Path(temporary), bom=has_bom, formats=formats)
        different = sorted(
            name for name in {*computed_hashes, *published_hashes} if computed_hashes.get(name) != published_hashes.get(name)
        )
        if not different:
            return Verdict("matches", (f"{run.as_of} matches: {len(computed_hashes)} lists, byte for byte.",))
        return _explain_difference(run, receipt, different, tampered, Path(temporary))


def _listed_night(run: RunContext, *, given: bool) -> RunContext:
    """Return the run of the night to verify; `given` is whether the user named it. Without a name the newest will do."""
    lists = run.workspace.lists
    if (given or run.asked is not None) and (run.workspace.night(run.as_of) / RECEIPT).exists():
        return run
    nights = sorted(path.parent.name for path in lists.glob(f"[0-9]*/{RECEIPT}"))
    if given or not nights:
        which = f"the night of {run.as_of}" if given else "any night"
        raise ConfigurationError(f"there are no lists of {which} to verify", remedy="Choose a night that has lists.")
    return run.on(date.fromisoformat(nights[-1]))


def _past_workspace(run: RunContext, receipt: Mapping[str, Any]) -> PastWorkspace | None:
    versions = receipt.get("tables")
    return None if versions is None else PastWorkspace(run.workspace.root, run.workspace.lake_path, versions=versions)


def _reason_not_verifiable(run: RunContext, receipt: Mapping[str, Any], past_workspace: PastWorkspace | None) -> str | None:
    # Checked first: after an erasure the old versions are gone, and retention would be blamed for it.
    if receipt.get(ERASURES_KEY):
        return "a member was erased since"
    if past_workspace is None:
        return "its receipt was written by an earlier release and names no versions"
    lake = past_workspace.lake
    assert isinstance(lake, PastLake)
    missing = lake.missing()
    if missing:
        kept = run.settings.retention.history_days
        return (
            f"it is past its keeping time of {kept} days ([retention] history_days): {', '.join(missing)} as they were are gone"
        )
    return None


def _champions(run: RunContext, receipt: Mapping[str, Any]) -> Champions | None:
    """Return the models that the receipt names; None when one is missing or has other files than then."""
    champions: dict[str, Champion[Any]] = {}
    for name, label in receipt["models"].items():
        try:
            registered = run.tracking.registered(name, version=int(label.rsplit("/", 1)[1]))
        except OutsideServiceError:
            return None
        if files_hash(registered.files) != receipt["model_files"][name]:
            return None
        champions[name] = Champion(from_files(registered.files), registered, "")
    return Champions(champions["churn"], champions.get("value"))


def _compute(run: RunContext, champions: Champions, folder: Path, *, bom: bool, formats: tuple[Format, ...]) -> dict[str, str]:
    """Compute the lists by the function that computes every night, and write them to a folder; return file name → hash."""
    lists = compute_night(run, load_snapshot(run), champions, LocalExecutor())
    currency = run.settings.community.currency
    return write_lists(
        folder,
        members=lists.members,
        contacts=lists.contacts,
        changes=lists.changes,
        content=lists.content_lists,
        currency=currency,
        bom=bom,
        formats=formats,
        people=lists.people.lists,
        community=run.settings.community.name,
    )


def _explain_difference(
    run: RunContext, receipt: Mapping[str, Any], different: list[str], tampered: list[str], folder: Path
) -> Verdict:
    """Return the verdict for lists that differ: changed by somebody, or other results by other code or configuration.

    Args:
        run: The run of the night.
        receipt: The receipt of the night.
        different: The names of the lists that differ from what was computed.
        tampered: The names of the lists that differ from what the receipt has recorded.
        folder: The folder with the computed lists.
    """
    changed = [
        what
        for what, now, recorded in (
            ("the code", code_hash(), receipt["code"]),
            ("the configuration", settings_hash(run.settings), receipt["configuration"]),
        )
        if now != recorded
    ]
    if changed and not tampered:
        reason = " and ".join(changed)
        return Verdict("cannot be verified", (f"{run.as_of} comes out otherwise today: {reason} has changed since.",))
    # With other code a difference to the computed list proves nothing; a difference to the hash in the receipt does.
    names = tampered if changed else different
    places = [
        line for name in names for line in _describe_differences(name, run.workspace.night(run.as_of) / name, folder / name)
    ]
    return Verdict("differs", (f"{run.as_of} differs from what its tables and models give:", *places))


def _describe_differences(name: str, published: Path, computed: Path) -> Iterator[str]:
    """Yield a line on how a list differs: columns and numbers of rows, without any member's id."""
    if not published.exists() or not computed.exists():
        yield f"  {name}: {'missing' if not published.exists() else 'not among what is computed'}"
        return
    try:
        key = _PIECE_KEY if computed.stem in CONTENT_LISTS else _KEY
        computed_rows, published_rows = _read_as_text(computed, key=key), _read_as_text(published, key=key)
        differences = _differences(computed_rows, published_rows, key=key)
    except (pl.exceptions.PolarsError, OSError, ValueError, KeyError):
        yield f"  {name}: cannot be read as a list"
        return
    yield f"  {name}: {'; '.join(differences) or 'the same values, written in other bytes'}"


def _differences(computed: pl.DataFrame, published: pl.DataFrame, *, key: str) -> list[str]:
    differences = []
    for description, left, right in (("rows too many", published, computed), ("rows missing", computed, published)):
        rows = left.join(right, on=key, how="anti").height
        differences += [f"{rows:,} {description}"] if rows else []
    for description, left, right in (("columns too many", published, computed), ("columns missing", computed, published)):
        names = [name for name in left.columns if name not in right.columns]
        differences += [f"{description}: {', '.join(names)}"] if names else []
    pairs = computed.join(published, on=key, how="inner", suffix="|published")
    for name in computed.columns:
        if name != key and name in published.columns:
            rows = int(pairs.select(pl.col(name).ne_missing(pl.col(f"{name}|published")).sum()).item())
            differences += [f"{name} in {rows:,} rows"] if rows else []
    return differences[:_MOST_DIFFERENCES]


def _read_as_text(path: Path, *, key: str) -> pl.DataFrame:
    """Read a list with every value as text: one row per member or piece, the first where one is there twice."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path, hive_partitioning=False)
    elif path.suffix == ".csv":
        frame = pl.read_csv(path, infer_schema=False)
    elif path.suffix != ".xlsx":
        raise ValueError(f"{path.name} is no list")
    else:
        frame = pl.read_excel(path, infer_schema_length=0)
        # The headings in Excel are words for people; the id is always in the second column.
        frame = frame.rename({frame.columns[1]: key})
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    flat = frame.with_columns(pl.struct(name).struct.json_encode().alias(name) for name in nested)
    # As text, so that the three formats of a list can be compared in the same way.
    return flat.with_columns(pl.all().cast(pl.String)).unique(key, keep="first", maintain_order=True)
