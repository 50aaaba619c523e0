"""Checks before a run starts: report mistakes before anything slow is imported or started.

Checked are the rights in the workspace, the mappings in the configuration, and, for runs that read them, the sources: whether
files exist and are readable, and whether the columns exist that expressions name. Only the first rows of a file are read, and
only the address of a database is checked. A run that would succeed is never stopped: where the first rows are not enough to
decide, the run itself decides.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from lake.arrivals import paths_by_source, read_arrivals
from lake.contracts import ACTIVITY_TABLES, TABLES, section_of
from lake.environment_variables import expand_environment
from lake.errors import ConfigurationError, DataError, OutsideServiceError
from lake.sources.discovery import Export, discover
from lake.sources.sample import Sample, read_sample
from lake.sources.source_identity import identify, match_ledger
from lake.sources.source_settings import SourceSettings
from lake.storage.bucket import Bucket
from lake.storage.delta import Lake
from pipeline.erasure.register import read_register
from pipeline.export_mapping import map_rows
from runtime.run_context import RunContext
from runtime.settings import Settings
from runtime.settings_mistakes import nearest
from runtime.workspace import Workspace

_HEADER_BYTES: Final = 64 * 1024
_HEADER_ROWS: Final = 1_000
_LARGEST_EXCEL_BYTES: Final = 256 * 1024
_DATABASES: Final = re.compile(r"sqlite:///|postgres(ql)?(\+\w+)?://")


def preflight(run: RunContext, *, writes: bool = False, sources: bool = False) -> bool:
    """Raise an error now for a run that cannot succeed.

    Args:
        run: The run that is about to start.
        writes: Whether the run writes to the workspace.
        sources: Whether the run reads the sources.

    Returns:
        Whether the sources offer a file that the ledger does not know; False where they are not read.

    Raises:
        ConfigurationError: A mapping, a path or a right is missing or wrong.
        DataError: A file to be ingested cannot be read in its format.
    """
    _check_rights(run.workspace, writes=writes)
    for name in TABLES:
        for source in run.settings.table_sources(name):
            _check_mapped_columns(name, source)
    return _check_sources(run) if sources else False


def refuse_empty(lake: Lake) -> None:
    """Raise an error for a command that needs data, if none has landed.

    Raises:
        DataError: The lake is empty.
    """
    if not any(lake.exists(table) for table in ACTIVITY_TABLES):
        raise DataError("the lake is empty", remedy="Run `evenfall nightly` first; it takes the data in.")


def inaccessible_paths(workspace: Workspace, *, writes: bool) -> list[Path]:
    """Return the existing paths of a workspace that this process may not read, or may not write if `writes`.

    Folders come first; the MLflow store inside the workspace is only checked when its folder is accessible.
    """
    needed = os.R_OK | (os.W_OK if writes else 0)
    lake = [] if isinstance(workspace.lake.root, Bucket) else [workspace.lake.root]
    folders = [workspace.root, *lake, workspace.lists]
    if writes:
        folders += [workspace.reports, workspace.logs, workspace.state]
    closed = [path for path in folders if path.exists() and not _has_rights(path, needed | os.X_OK)]
    store = workspace.root / "mlflow.db"
    # The store itself only if its folder is open: one cause, one message.
    return [*closed, store] if not closed and store.exists() and not _has_rights(store, needed) else closed


def _has_rights(path: Path, rights: int) -> bool:
    # `os.access` checks the real user by default; files are opened by the effective one.
    return os.access(path, rights, effective_ids=os.access in os.supports_effective_ids)


def _check_rights(workspace: Workspace, *, writes: bool) -> None:
    closed = inaccessible_paths(workspace, writes=writes)
    if closed:
        verb = "written" if writes else "read"
        raise ConfigurationError(
            f"{', '.join(map(str, closed))} cannot be {verb}", remedy="Give the user that runs Evenfall the right to do that."
        )


def _check_mapped_columns(name: str, source: SourceSettings) -> None:
    table = TABLES[name]
    for column in source.columns:
        if column not in table.columns:
            raise ConfigurationError(
                f"[sources.{section_of(name)}.columns]: `{column}` is not a column of {name}",
                remedy=f"Correct it; {nearest(column, list(table.columns))}.",
            )
    missing = [column for column in table.required if source.columns and column not in source.columns]
    if missing:
        raise ConfigurationError(
            f"[sources.{section_of(name)}.columns]: {name} needs the column `{missing[0]}`, and nothing maps to it",
            remedy=f'Add {missing[0]} = "…" with the column of your export, or an expression.',
        )


def _check_sources(run: RunContext) -> bool:
    ledger = read_arrivals(run.workspace.lake)
    # Also a check: matching raises for a source that needs a name because it cannot be matched with the ledger.
    sources = {name: identify(name, run.settings.table_sources(name)) for name in TABLES}
    ledger = match_ledger(ledger, sources, root=run.workspace.root)
    # A file that was ingested need not fit today's mapping. The size alone is compared: copying a file changes its time.
    sizes = {(table, path): size for table, path, size in ledger.select("table", "path", "size_bytes").iter_rows()}
    erased = read_register(run.workspace.root)
    is_any_new = False
    for name, table in TABLES.items():
        checked_sources: set[str] = set()
        # An object store that does not answer now may answer in the run, which retries.
        with suppress(OutsideServiceError):
            configured, paths_before = run.settings.table_sources(name), paths_by_source(ledger, name)
            for export in discover(table, configured, root=run.workspace.root, arrived_paths=paths_before):
                is_ingested = sizes.get((name, erased.masked(export.path))) == export.size_bytes
                is_any_new |= export.location is not None and not is_ingested
                if export.location is None:
                    _check_address(export)
                elif not export.is_superseded and export.source not in checked_sources and not is_ingested:
                    checked_sources.add(export.source)
                    _check_header(export, run.settings)
    return is_any_new


def _check_address(export: Export) -> None:
    assert export.settings.uri is not None
    if not _DATABASES.match(expand_environment(export.settings.uri, name=export.name)):
        raise ConfigurationError(
            f"{export.name}: `uri` is not the address of a SQLite file or a PostgreSQL database",
            remedy="Write it like sqlite:///folder/file.db or postgresql://user:${PASSWORD}@host/database.",
        )


def _check_header(export: Export, settings: Settings) -> None:
    """Map the first rows. A mapping that fails on them and also on an empty row fails on every row."""
    sample = _first_rows(export)
    if sample is None:
        return
    try:
        map_rows(sample.rows, export, timezone=settings.community.timezone)
    except ConfigurationError:
        if sample.is_whole:
            raise
        # A later line of JSON may have the missing key, but a later row of a table cannot have another column.
        if export.file_format != "jsonl":
            map_rows(sample.rows.clear(1), export, timezone=settings.community.timezone)


def _first_rows(export: Export) -> Sample | None:
    """Return the first rows of a file; None where reading them is slow, or where an error may only be due to the cut."""
    is_large = export.file_format == "xlsx" and export.size_bytes > _LARGEST_EXCEL_BYTES
    if is_large or not isinstance(export.location, Path):
        return None
    try:
        return read_sample(export, most_bytes=_HEADER_BYTES, most_rows=_HEADER_ROWS)
    except DataError:
        # A file that was read to its end is broken; one that was cut may only seem so.
        if export.size_bytes <= _HEADER_BYTES:
            raise
        return None
