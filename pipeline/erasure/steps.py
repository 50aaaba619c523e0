"""The steps of an erasure, in their order: each removes the members from one kind of place, and may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeGuard

from lake.contracts import TABLES
from lake.errors import OutsideServiceError
from lake.storage.bucket import Bucket
from lake.storage.storage import File
from lake.storage.versions import remove_past_versions
from pipeline.erasure.certificate import Certificate
from pipeline.erasure.file_search import SearchResult
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.outputs import clean, erase_from_lists
from pipeline.erasure.tables import erase_derived, erase_landed
from pipeline.erasure.workspace_search import ExportSearch, older_versions_of_lake, search_own_files
from pipeline.history.daily_rollups import update_rollups
from runtime.progress import say
from runtime.run_context import RunContext


@dataclass(frozen=True)
class ErasureCase:
    """One erasure in progress.

    Args:
        run: The run.
        matchers: The members to erase.
        masks: Member → the text that replaces the id in names of files.
        exports: The community's exports, searched.
        others: The search of the other files that people keep in the workspace.
    """

    run: RunContext
    matchers: IdMatchers
    masks: Mapping[str, str]
    exports: ExportSearch
    others: SearchResult

    @property
    def root(self) -> Path:
        """Return the folder of the workspace."""
        return self.run.workspace.root

    def search(self) -> SearchResult:
        """Search every file that Evenfall has written."""
        return search_own_files(self.run, self.matchers, self.exports)

    def shown(self, paths: Iterable[File]) -> tuple[str, ...]:
        """Return paths as text: relative to the workspace, or in full where they lie elsewhere."""
        return tuple(str(path.relative_to(self.root) if _is_below(path, self.root) else path) for path in paths)


def _is_below(path: File, root: Path) -> TypeGuard[Path]:
    return isinstance(path, Path) and path.is_relative_to(root)


def _erase_landed(case: ErasureCase, certificate: Certificate) -> Certificate:
    return certificate.plus(*erase_landed(case.run.workspace.lake, case.matchers, masks=case.masks))


def _update_rollups(case: ErasureCase, certificate: Certificate) -> Certificate:
    # The incremental way is right here: erasing rewrote the landed days, which their log shows as changed.
    if any(case.run.workspace.lake.exists(name) for name in TABLES):
        update_rollups(case.run)
    return certificate


def _erase_derived(case: ErasureCase, certificate: Certificate) -> Certificate:
    return certificate.plus(*erase_derived(case.run.workspace.lake, case.matchers))


def _erase_lists(case: ErasureCase, certificate: Certificate) -> Certificate:
    currency = case.run.settings.community.currency
    nights = erase_from_lists(
        case.run.workspace,
        case.matchers,
        currency=currency,
        certificate=certificate.name,
        community=case.run.settings.community.name,
    )
    return replace(certificate, nights=certificate.nights + nights)


def _erase_published(case: ErasureCase, certificate: Certificate) -> Certificate:
    """Remove the members from the database to which the lists are published.

    Raises:
        OutsideServiceError: The database did not answer; the erasure stays unfinished.
    """
    from lake.environment_variables import expand_environment
    from outputs.publishing.database import withdraw_members

    lists = case.run.settings.lists
    if lists.publish_uri is None:
        return certificate
    address = expand_environment(lists.publish_uri, name="[lists] publish_uri")
    try:
        rows = withdraw_members(address, table=lists.publish_table, member_ids=case.matchers.ids)
    except OutsideServiceError as error:
        raise OutsideServiceError(
            f"out of the lake and the lists, not out of the database they are published to: {error.what}",
            remedy=f"{error.remedy} The erasure is not finished before.",
            detail=error.detail,
        ) from error
    return replace(certificate, published_rows=certificate.published_rows + rows)


def _remove_past_versions(case: ErasureCase, certificate: Certificate) -> Certificate:
    """Remove the past versions of every table: data files and log entries, since statistics in the log contain ids."""
    removed = certificate.past
    lake = case.run.workspace.lake
    for table in lake.tables:
        removed += remove_past_versions(lake, table)
    return replace(certificate, past=removed)


def _remove_bucket_versions(case: ErasureCase, certificate: Certificate) -> Certificate:
    """Remove the versions that a bucket keeps of overwritten or deleted files of tables; no other object is touched."""
    lake = case.run.workspace.lake
    if not isinstance(lake.root, Bucket) or lake.root.keeps_versions() is False:
        return certificate
    try:
        versions = older_versions_of_lake(lake, lake.root)
        lake.root.remove_versions(versions)
    except OutsideServiceError as error:
        # The access key may lack this right. The erasure goes on without: the certificate names what is left.
        say(f"{error.what}: older versions of objects stay")
        return certificate
    return replace(certificate, bucket_versions=certificate.bucket_versions + len(versions))


def _clean_remaining_files(case: ErasureCase, certificate: Certificate) -> Certificate:
    """Clean every other file that still names a member: pages, caches, databases of tools."""
    lake = case.run.workspace.lake
    # Never edit files of tables, not even broken ones: what is left there was missed by an earlier step, and the proof says so.
    tables = {lake.path(table) for table in lake.tables}
    holding = (path for path in case.search().holding if isinstance(path, Path))
    clean((path for path in holding if not tables & set(path.parents)), case.matchers)
    return certificate


# Past versions go after every step that writes tables, since each write adds a version; files that name a member go last,
# since the search for them reads everything.
STEPS: Final[Mapping[str, Callable[[ErasureCase, Certificate], Certificate]]] = {
    "taking the member out of the landed tables": _erase_landed,
    "rolling up the days that changed": _update_rollups,
    "taking the member out of scores, tiers and the index": _erase_derived,
    "taking the member out of the lists": _erase_lists,
    "taking the member out of the database": _erase_published,
    "letting go of past versions": _remove_past_versions,
    "letting go of what the bucket keeps": _remove_bucket_versions,
    "cleaning pages and caches": _clean_remaining_files,
}
