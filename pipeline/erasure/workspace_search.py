"""Search a whole workspace for members: the community's exports, and every file that Evenfall has written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from lake.contracts import TABLES
from lake.errors import EvenfallError, OutsideServiceError
from lake.scratch import SCRATCH_PREFIX
from lake.sources.discovery import Export, discover
from lake.storage.bucket import Bucket, Version
from lake.storage.delta import Lake
from lake.storage.storage import File
from pipeline.erasure.file_search import SearchResult, search
from pipeline.erasure.id_matcher import ID_COLUMNS
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.outputs import own_files
from pipeline.export_mapping import map_rows
from runtime.run_context import RunContext


@dataclass
class ExportSearch:
    """The result of searching the community's exports, which an erasure reads and never edits.

    Args:
        files: The files of the exports.
        named: The members whom at least one export names.
        holding: The paths of the exports that name a member.
        not_searched: The sources that could not be searched, each with the reason.
    """

    files: set[File] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    holding: list[str] = field(default_factory=list)
    not_searched: list[str] = field(default_factory=list)


def search_own_files(run: RunContext, matchers: IdMatchers, exports: ExportSearch) -> SearchResult:
    """Search every file that Evenfall has written; exports below these folders are left out.

    Args:
        run: The run.
        matchers: The members.
        exports: The exports, searched before.
    """
    return search(own_files(run.workspace, without=exports.files), matchers)


def search_exports(run: RunContext, matchers: IdMatchers) -> ExportSearch:
    """Search the exports of all configured sources; a source that cannot be read is noted, and stops nothing."""
    exports = ExportSearch()
    for name, table in TABLES.items():
        sources = run.settings.table_sources(name)
        for number, source in enumerate(sources, start=1):
            try:
                discovered = discover(table, [source], root=run.workspace.root)
            except EvenfallError as error:
                exports.not_searched.append(f"{name}[{number}]: {error.what}")
                continue
            for export in discovered:
                _search_export(export, run, matchers, exports)
    return exports


def _search_export(export: Export, run: RunContext, matchers: IdMatchers, exports: ExportSearch) -> None:
    if export.location is None:
        exports.not_searched.append(f"{export.source}: the query of a database")
        return
    # Even if it cannot be read: an export below the workspace is never taken for a file of Evenfall.
    exports.files.add(export.location)
    wanted = set(matchers.ids)
    try:
        # Mapped as a night would map it: an export may write the id in another form, such as without a prefix.
        rows, _ = export.read()
        mapped = map_rows(rows, export, timezone=run.timezone).rows
        ids = pl.Series(list(wanted), dtype=pl.String).implode()
        named = {
            member for column in ID_COLUMNS & set(mapped.columns) for member in mapped[column].filter(mapped[column].is_in(ids))
        }
    except EvenfallError:
        named = set()
    # The bytes are searched only for members not known from an export yet: the search is the slowest part of an erasure.
    if not named or wanted - exports.named - named:
        named |= search([export.location], matchers).named
    exports.named |= named
    if named and export.path not in exports.holding:
        exports.holding.append(export.path)


def older_versions_of_lake(lake: Lake, bucket: Bucket) -> list[Version]:
    """Return the older versions of objects of the lake's tables that a bucket keeps; other people's objects are left out."""
    tables = set(lake.tables)
    return [
        version
        for version in bucket.older_versions()
        if (table := version.name.split("/")[0]) in tables or table.startswith(SCRATCH_PREFIX)
    ]


def unsearched_places(run: RunContext) -> Iterator[str]:
    """Yield where copies may remain that cannot be searched: older versions in a bucket, a foreign MLflow store, backups."""
    lake = run.workspace.lake
    if isinstance(lake.root, Bucket) and (keeps_versions := lake.root.keeps_versions()) is not False:
        is_ours = not keeps_versions or _may_have_older_versions(lake, lake.root)
        objects = "older versions of objects" if is_ours else "older versions of exports"
        keeps = "keeps" if keeps_versions else "may keep (it does not say)"
        yield (
            f"{objects}, which the bucket {lake.root.name} {keeps}: nothing is promised of "
            "them until a lifecycle rule of the bucket has removed them"
        )
    if not run.tracking.is_own:
        yield "the MLflow store named by MLFLOW_TRACKING_URI (runs and models name no member)"
    if run.settings.lists.publish_uri is not None:
        yield "backups of the database the lists are published to"


def _may_have_older_versions(lake: Lake, bucket: Bucket) -> bool:
    try:
        return bool(older_versions_of_lake(lake, bucket))
    except OutsideServiceError:
        # Without the right to list versions nobody can tell; a certificate must not claim that there are none.
        return True
