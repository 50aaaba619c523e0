"""`evenfall erase`: members go from everything the workspace holds, a certificate says so, and a search proves it.

The order makes it safe to be killed anywhere. The register remembers the members first, by keyed hashes, so that nothing comes
back meanwhile; the landed tables follow, then what is made from them, the lists and pages, and last the past versions of all
tables. Run again, it finishes what is left. Many members cost one search of all files, as one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeGuard

import polars as pl

from lake.contracts import TABLES
from lake.errors import ConfigurationError, DataError, EvenfallError, OutsideServiceError
from lake.member_index import scan_member_index
from lake.scratch import SCRATCH_PREFIX
from lake.sources.discovery import Export, discover
from lake.sources.mapping import map_export
from lake.storage.bucket import Bucket, Version
from lake.storage.delta import Lake
from lake.storage.storage import File
from lake.storage.versions import forget_past
from pipeline.erasure.certificate import Certificate, read_certificate, write_certificate
from pipeline.erasure.file_search import Searched, search
from pipeline.erasure.id_matcher import ID_COLUMNS
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.outputs import clean, erase_from_lists, other_files, own_files
from pipeline.erasure.register import Erasure, ErasureRegister, mask_of, read_register, with_key, write_register
from pipeline.erasure.tables import erase_derived, erase_landed
from pipeline.history.daily_rollups import update_rollups
from runtime.progress import say
from runtime.run_context import RunContext, open_run

_HASH_CHARACTERS: Final = 12


@dataclass
class _Exports:
    """The community's own files and queries, and which of them still name a member."""

    files: set[File] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    holding: list[str] = field(default_factory=list)
    not_searched: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Case:
    """One erasure: where, whom, what stands for each in names of files, and what people keep themselves."""

    night: RunContext
    matchers: IdMatchers
    masks: Mapping[str, str]
    exports: _Exports
    others: Searched

    @property
    def root(self) -> Path:
        return self.night.workspace.root

    def search(self) -> Searched:
        """Search what Evenfall has written."""
        return _search_own(self.night, self.matchers, self.exports)

    def shown(self, paths: Iterable[File]) -> tuple[str, ...]:
        """Files as they may be named: from the workspace on, or by where they lie elsewhere."""
        return tuple(str(path.relative_to(self.root) if _is_below(path, self.root) else path) for path in paths)


def erase(workspace: Path, members: str | Mapping[str, str], *, after_step: Callable[[str], None] = lambda _: None) -> list[str]:
    """Erase members and prove it; returns the lines to show.

    Args:
        workspace: The folder with `evenfall.toml`.
        members: The member, exactly as the lists call them; or member → how to speak of them, such as `line 3`.
        after_step: Told the name of each step once it is done.

    Raises:
        ConfigurationError: Nobody of them is known, or the key of the register is gone.
        DataError: The search still found an id; the certificate names the files.
        OutsideServiceError: A database could not be changed; run again.
        WorkspaceBusyError: A run is going on.
    """
    asked = {members: "this member"} if isinstance(members, str) else members
    night = open_run(workspace, None)
    with night.workspace.held("erase"):
        erased = read_register(night.workspace.root)
        matchers = IdMatchers.of(asked, known=scan_member_index(night.workspace.lake).select("member_id").collect()["member_id"])
        exports = _look_into_exports(night, matchers)
        others = search(other_files(night.workspace, without=exports.files), matchers)
        before = _search_own(night, matchers, exports)
        finished = {member: _finished_at(erased, member) for member in asked}
        known = before.named | others.named | exports.named | {member for member, held in finished.items() if held is not None}
        if not known:
            raise ConfigurationError(
                "nobody of that id is known in this workspace", remedy="Write the id exactly as in the lists or in the export."
            )
        done = {member: at for member, at in finished.items() if at and member not in before.named}
        told = [f"Not known here: {called}." for member, called in asked.items() if member not in known]
        told += [f"Erased on {at}, and nothing has come back: {asked[member]}." for member, at in done.items()]
        todo = sorted(known - done.keys())
        if not todo:
            return [*told, f"Searched {before.files:,} files, {before.bytes_unpacked:,} bytes unpacked."]
        erased = with_key(night.workspace.root, erased)
        masks = {member: mask_of(erased.hash_of(member)) for member in todo}
        return [*told, *_erase(_Case(night, matchers.only(todo), masks, exports, others), erased, after_step)]


def _finished_at(erased: ErasureRegister, member_id: str) -> str | None:
    """When a member was erased; empty while that is under way, None where nobody has begun."""
    line = erased.of(member_id) if erased.erasures else None
    return None if line is None else line.finished_at or ""


def _erase(case: _Case, erased: ErasureRegister, after_step: Callable[[str], None]) -> list[str]:
    erased, certificate = _begin(case, erased)
    for name, step in _STEPS.items():
        say(f"{name} …")
        certificate = step(case, certificate)
        write_certificate(case.root, certificate)
        after_step(name)
    say("searching every file of the workspace …")
    certificate = _proven(case, certificate)
    page = write_certificate(case.root, certificate)
    write_register(case.root, _with_lines(case, erased, certificate))
    if certificate.still_found:
        raise DataError(
            f"an id is still in {len(certificate.still_found)} files: {', '.join(certificate.still_found[:3])}",
            remedy=f"Remove it there and run the erasure again; all files are named in {page}.",
        )
    return list(_told(case, certificate, page))


def _begin(case: _Case, erased: ErasureRegister) -> tuple[ErasureRegister, Certificate]:
    """Remember the members before anything is touched; go on with the certificate of the same members where there is one."""
    hashes = tuple(sorted(erased.hash_of(member) for member in case.matchers.ids))
    lines = [line for member in case.matchers.ids if (line := erased.of(member)) is not None and line.finished_at is None]
    for name in sorted({line.certificate for line in lines if line.certificate is not None}):
        begun = read_certificate(case.root, name)
        if begun.member_hashes == hashes:
            return erased, replace(begun, resumed=True)
    now = _now()
    name = f"{now[:19].replace(':', '').replace('-', '')}-{hashes[0][:_HASH_CHARACTERS]}"
    certificate = Certificate(name=name, member_hashes=hashes, asked_at=now, resumed=bool(lines))
    write_certificate(case.root, certificate)
    erased = _with_lines(case, erased, certificate)
    write_register(case.root, erased)
    return erased, certificate


def _with_lines(case: _Case, erased: ErasureRegister, certificate: Certificate) -> ErasureRegister:
    """The register with what has become of the certificate's members; when one was first asked for stays."""
    for member in case.matchers.ids:
        held = erased.of(member)
        asked_at = held.asked_at if held is not None and held.finished_at is None else certificate.asked_at
        line = Erasure(erased.hash_of(member), asked_at, certificate.finished_at, certificate.name)
        erased = erased.with_erasure(line)
    return erased


def _out_of_landed(case: _Case, certificate: Certificate) -> Certificate:
    return certificate.plus(*erase_landed(case.night.workspace.lake, case.matchers, masks=case.masks))


def _out_of_rollups(case: _Case, certificate: Certificate) -> Certificate:
    night, lake = case.night, case.night.workspace.lake
    if any(lake.exists(name) for name in TABLES):
        update_rollups(night)
    return certificate


def _out_of_derived(case: _Case, certificate: Certificate) -> Certificate:
    return certificate.plus(*erase_derived(case.night.workspace.lake, case.matchers))


def _out_of_lists(case: _Case, certificate: Certificate) -> Certificate:
    currency = case.night.settings.community.currency
    nights = erase_from_lists(case.night.workspace, case.matchers, currency=currency, certificate=certificate.name)
    return replace(certificate, nights=certificate.nights + nights)


def _out_of_database(case: _Case, certificate: Certificate) -> Certificate:
    """Remove the members from the database the lists are published to."""
    from lake.sources.readers import expand_environment
    from outputs.publishing.database import withdraw_members

    lists = case.night.settings.lists
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


def _out_of_past(case: _Case, certificate: Certificate) -> Certificate:
    """Let go of the past versions of every table: files and log entries, whose statistics name members too."""
    removed = certificate.past
    lake = case.night.workspace.lake
    for table in lake.tables:
        removed += forget_past(lake, table)
    return replace(certificate, past=removed)


def _out_of_bucket(case: _Case, certificate: Certificate) -> Certificate:
    """Let go of what a bucket keeps of the tables' files that were overwritten or deleted; others' files are left alone."""
    lake = case.night.workspace.lake
    if not isinstance(lake.root, Bucket) or lake.root.keeps_versions() is False:
        return certificate
    try:
        versions = _ours(lake.root.older_versions(), lake)
        lake.root.forget_versions(versions)
    except OutsideServiceError as error:
        # Keys that may not do this are no reason to leave the erasure undone; the certificate names what is left.
        say(f"{error.what}: older versions of objects stay")
        return certificate
    return replace(certificate, bucket_versions=certificate.bucket_versions + len(versions))


def _ours(versions: Iterable[Version], lake: Lake) -> list[Version]:
    tables = set(lake.tables)
    return [
        version for version in versions if (table := version.name.split("/")[0]) in tables or table.startswith(SCRATCH_PREFIX)
    ]


def _out_of_leftovers(case: _Case, certificate: Certificate) -> Certificate:
    """Clean whatever else still names one of them: pages, caches, databases of tools."""
    lake = case.night.workspace.lake
    tables = {lake.path(table) for table in lake.tables}
    holding = (path for path in case.search().holding if isinstance(path, Path))
    clean((path for path in holding if not tables & set(path.parents)), case.matchers)
    return certificate


_STEPS: Final[Mapping[str, Callable[[_Case, Certificate], Certificate]]] = {
    "taking the member out of the landed tables": _out_of_landed,
    "rolling up the days that changed": _out_of_rollups,
    "taking the member out of scores, tiers and the index": _out_of_derived,
    "taking the member out of the lists": _out_of_lists,
    "taking the member out of the database": _out_of_database,
    "letting go of past versions": _out_of_past,
    "letting go of what the bucket keeps": _out_of_bucket,
    "cleaning pages and caches": _out_of_leftovers,
}


def _proven(case: _Case, certificate: Certificate) -> Certificate:
    found = case.search()

    def masked(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(case.matchers.redacted(name, by=case.masks) for name in names)

    return replace(
        certificate,
        finished_at=None if found.holding else _now(),
        looked_for=case.matchers.kinds,
        files=found.files,
        bytes_on_disk=found.bytes_on_disk,
        bytes_unpacked=found.bytes_unpacked,
        still_found=masked(case.shown(found.holding)),
        unreadable=masked(case.shown(found.unreadable)),
        exports_holding=masked((*case.exports.holding, *case.shown(case.others.holding))),
        not_searched=(*case.exports.not_searched, *_elsewhere(case.night)),
    )


def _told(case: _Case, certificate: Certificate, page: Path) -> Iterator[str]:
    rows, values = sum(one.rows for one in certificate.taken), sum(one.values for one in certificate.taken)
    who = "" if len(case.matchers.ids) == 1 else f"{len(case.matchers.ids):,} members, "
    yield f"Erased: {who}{rows:,} rows, {values:,} references in others' rows, the lists of {certificate.nights:,} nights."
    yield f"Searched {certificate.files:,} files, {certificate.bytes_unpacked:,} bytes unpacked: nothing is left."
    yield f"  certificate  {page}"
    still = (*case.exports.holding, *case.shown(case.others.holding))
    if still:
        yield "Still in files of yours, which Evenfall never edits; what they bring is left out from now on:"
        yield from (f"  {name}" for name in still)
    yield from (f"  not searched: {name}" for name in certificate.not_searched)


def _search_own(night: RunContext, matchers: IdMatchers, exports: _Exports) -> Searched:
    """Search what Evenfall has written."""
    return search(own_files(night.workspace, without=exports.files), matchers)


def _look_into_exports(night: RunContext, matchers: IdMatchers) -> _Exports:
    """Which exports bring the members: read and mapped as a night would, since they may write the id in their own way."""
    exports = _Exports()
    for name, table in TABLES.items():
        sources = night.settings.table_sources(name)
        for number, source in enumerate(sources, start=1):
            try:
                found = discover(table, [source], root=night.workspace.root)
            except EvenfallError as error:
                exports.not_searched.append(f"{name}[{number}]: {error.what}")
                continue
            for export in found:
                _look_into(export, night, matchers, exports)
    return exports


def _look_into(export: Export, night: RunContext, matchers: IdMatchers, exports: _Exports) -> None:
    if export.location is None:
        exports.not_searched.append(f"{export.source}: the query of a database")
        return
    exports.files.add(export.location)
    wanted = set(matchers.ids)
    try:
        rows, _ = export.read()
        zone = export.settings.timezone or night.timezone
        mapped = map_export(rows, table=export.table, settings=export.settings, name=export.name, timezone=zone).rows
        ids = pl.Series(list(wanted), dtype=pl.String).implode()
        named = {one for column in ID_COLUMNS & set(mapped.columns) for one in mapped[column].filter(mapped[column].is_in(ids))}
    except EvenfallError:
        named = set()
    if not named or wanted - exports.named - named:
        named |= search([export.location], matchers).named
    exports.named |= named
    if named and export.path not in exports.holding:
        exports.holding.append(export.path)


def _elsewhere(night: RunContext) -> list[str]:
    """Where Evenfall writes outside the workspace, and what a bucket may keep of what was removed."""
    places = []
    root = night.workspace.lake.root
    if isinstance(root, Bucket) and (keeps := root.keeps_versions()) is not False:
        kept = (
            "older versions of objects" if not keeps or _keeps_ours(night.workspace.lake, root) else "older versions of exports"
        )
        places.append(
            f"{kept}, which the bucket {root.name} {'keeps' if keeps else 'may keep (it does not say)'}: nothing is promised of "
            "them until a lifecycle rule of the bucket has removed them"
        )
    if not night.tracking.is_own:
        places.append("the MLflow store named by MLFLOW_TRACKING_URI (runs and models name no member)")
    if night.settings.lists.publish_uri is not None:
        places.append("backups of the database the lists are published to")
    return places


def _keeps_ours(lake: Lake, root: Bucket) -> bool:
    """Whether older versions of the lake's own files are left, as far as the bucket will say."""
    try:
        return bool(_ours(root.older_versions(), lake))
    except OutsideServiceError:
        return True


def _is_below(path: File, root: Path) -> TypeGuard[Path]:
    return isinstance(path, Path) and path.is_relative_to(root)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
