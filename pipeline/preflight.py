"""Ask first, start later: what can be known to be wrong is told before anything heavy is imported or started.

Asked are the rights in the workspace, the mappings as far as the configuration shows them, and, for what reads them, the
sources: are their files there and readable, and do the columns exist that the expressions name. Of a file its first rows are
read. A database is asked only when the night asks it; only its address is looked at. A run that would succeed is never refused:
where the beginning of a file cannot tell, the night does.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import polars as pl

from lake.arrivals import paths_by_source, read_arrivals
from lake.contracts import ACTIVITY_TABLES, TABLES
from lake.errors import ConfigurationError, DataError, OutsideServiceError
from lake.sources.databases import expand_environment
from lake.sources.discovery import Export, discover
from lake.sources.mapping import map_export
from lake.sources.sample import Sample, read_sample
from lake.sources.source_identity import identify, match_ledger
from lake.sources.source_settings import SourceSettings
from lake.storage.bucket import Bucket
from lake.storage.delta import Lake
from pipeline.erasure.register import read_register
from runtime.run_context import RunContext
from runtime.settings import Settings, nearest
from runtime.workspace import Workspace

_HEADER_BYTES: Final = 64 * 1024
_HEADER_ROWS: Final = 1_000
_LARGEST_EXCEL_BYTES: Final = 256 * 1024
_DATABASES: Final = re.compile(r"sqlite:///|postgres(ql)?(\+\w+)?://")


def preflight(night: RunContext, *, writes: bool = False, sources: bool = False) -> bool:
    """Stop what cannot succeed, at once.

    Args:
        night: The run that is about to begin.
        writes: Whether it writes to the workspace.
        sources: Whether it reads the sources.

    Returns:
        Whether the sources offer a file that the ledger does not know; False where they are not read.

    Raises:
        ConfigurationError: A mapping, a path or a right is missing or wrong.
        DataError: A file that is to be taken in cannot be read as what it should be.
    """
    _ask_rights(night.workspace, writes=writes)
    for name in TABLES:
        for source in night.settings.table_sources(name):
            _ask_mapped_columns(name, source)
    return _ask_sources(night) if sources else False


def refuse_empty(lake: Lake) -> None:
    """Stop what needs data, where none has landed.

    Raises:
        DataError: The lake is empty.
    """
    if not any(lake.exists(table) for table in ACTIVITY_TABLES):
        raise DataError("the lake is empty", remedy="Run `evenfall nightly` first; it takes the data in.")


def closed_to_us(workspace: Workspace, *, writes: bool) -> list[Path]:
    """What is there and may not be read, or not be written where that is needed."""
    needed = os.R_OK | (os.W_OK if writes else 0)
    lake = [] if isinstance(workspace.lake.root, Bucket) else [workspace.lake.root]
    folders = [workspace.root, *lake, workspace.lists]
    if writes:
        folders += [workspace.reports, workspace.logs, workspace.state]
    closed = [path for path in folders if path.exists() and not _may(path, needed | os.X_OK)]
    store = workspace.root / "mlflow.db"
    return [*closed, store] if not closed and store.exists() and not _may(store, needed) else closed


def _may(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def _ask_rights(workspace: Workspace, *, writes: bool) -> None:
    closed = closed_to_us(workspace, writes=writes)
    if closed:
        how = "written" if writes else "read"
        raise ConfigurationError(
            f"{', '.join(map(str, closed))} cannot be {how}", remedy="Give the user that runs Evenfall the right to do that."
        )


def _ask_mapped_columns(name: str, source: SourceSettings) -> None:
    table = TABLES[name]
    for column in source.columns:
        if column not in table.columns:
            raise ConfigurationError(
                f"[sources.{name}.columns]: `{column}` is not a column of {name}",
                remedy=f"Correct it; {nearest(column, list(table.columns))}.",
            )
    missing = [column for column in table.required if source.columns and column not in source.columns]
    if missing:
        raise ConfigurationError(
            f"[sources.{name}.columns]: {name} needs the column `{missing[0]}`, and nothing maps to it",
            remedy=f'Add {missing[0]} = "…" with the column of your export, or an expression.',
        )


def _ask_sources(night: RunContext) -> bool:
    ledger = read_arrivals(night.workspace.lake)
    # A source of which it cannot be told whether it is new needs a name.
    sources = {name: identify(name, night.settings.table_sources(name)) for name in TABLES}
    ledger = match_ledger(ledger, sources, root=night.workspace.root)
    # What has not changed need not fit today's mapping; a file that was only touched has another time and the same size.
    sizes = {(table, path): size for table, path, size in ledger.select("table", "path", "size_bytes").iter_rows()}
    erased = read_register(night.workspace.root)
    is_any_new = False
    for name, table in TABLES.items():
        asked: set[str] = set()
        # What an object store does not answer now it may answer the night, which asks again.
        with suppress(OutsideServiceError):
            configured, before = night.settings.table_sources(name), paths_by_source(ledger, name)
            for export in discover(table, configured, root=night.workspace.root, taken_in=before):
                is_held = sizes.get((name, erased.masked(export.path))) == export.size_bytes
                is_any_new |= export.location is not None and not is_held
                if export.location is None:
                    _ask_address(export)
                elif not export.is_superseded and export.source not in asked and not is_held:
                    asked.add(export.source)
                    _ask_header(export, night.settings)
    return is_any_new


def _ask_address(export: Export) -> None:
    assert export.settings.uri is not None
    if not _DATABASES.match(expand_environment(export.settings.uri, name=export.name)):
        raise ConfigurationError(
            f"{export.name}: `uri` is not the address of a SQLite file or a PostgreSQL database",
            remedy="Write it like sqlite:///folder/file.db or postgresql://user:${PASSWORD}@host/database.",
        )


def _ask_header(export: Export, settings: Settings) -> None:
    """Map the first rows; what fails there and on a row without values fails on every row."""
    sample = _first_rows(export)
    if sample is None:
        return
    try:
        _map(sample.rows, export, settings)
    except ConfigurationError:
        if sample.is_whole:
            raise
        # A later line of JSON may bring the key that is missing; a later row of a table brings no column.
        if export.file_format != "jsonl":
            _map(sample.rows.clear(1), export, settings)


def _map(rows: pl.DataFrame, export: Export, settings: Settings) -> None:
    zone = export.settings.timezone or settings.community.timezone
    map_export(rows, table=export.table, settings=export.settings, name=export.name, timezone=zone)


def _first_rows(export: Export) -> Sample | None:
    """The first rows of a file; None where they do not come cheap, or only the whole file can tell what is wrong."""
    is_large = export.file_format == "xlsx" and export.size_bytes > _LARGEST_EXCEL_BYTES
    if is_large or not isinstance(export.location, Path):
        return None
    try:
        return read_sample(export, most_bytes=_HEADER_BYTES, most_rows=_HEADER_ROWS)
    except DataError:
        if export.size_bytes <= _HEADER_BYTES:
            raise
        return None
