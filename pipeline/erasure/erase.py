"""`evenfall erase`: remove members from everything in a workspace, prove it by a search, and write a certificate.

The order of the steps makes it safe to be killed at any point. The register stores the keyed hashes of the members first, so
that no export brings them back meanwhile; then the steps of `steps` follow. Run again, an erasure finishes what is left. The
search of all files is done once, however many members are erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lake.errors import ConfigurationError, DataError
from lake.member_index import scan_member_index
from pipeline.erasure.certificate import Certificate, read_certificate, write_certificate
from pipeline.erasure.file_search import search
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.outputs import other_files
from pipeline.erasure.register import Erasure, ErasureRegister, mask_of, read_register, with_key, write_register
from pipeline.erasure.steps import STEPS, ErasureCase
from pipeline.erasure.workspace_search import search_exports, search_own_files, unsearched_places
from runtime.progress import say
from runtime.run_context import open_run

_HASH_CHARACTERS: Final = 12


def erase(workspace: Path, members: str | Mapping[str, str], *, after_step: Callable[[str], None] = lambda _: None) -> list[str]:
    """Erase members and prove it; return the lines to show.

    Args:
        workspace: The folder with `evenfall.toml`.
        members: The member's id exactly as in the lists; or member → how messages refer to them, such as `line 3`.
        after_step: Called with the name of each step once it is done.

    Raises:
        ConfigurationError: None of the members is known, or the key of the register is missing.
        DataError: The search still found an id; the certificate names the files.
        OutsideServiceError: A database could not be changed; run the erasure again.
        WorkspaceBusyError: Another run holds the workspace.
    """
    descriptions = {members: "this member"} if isinstance(members, str) else members
    run = open_run(workspace, None)
    with run.workspace.locked("erase"):
        register = read_register(run.workspace.root)
        # From the index, which has everybody who ever had a row: an id inside a longer one must not match there.
        everybody = scan_member_index(run.workspace.lake).select("member_id").collect()["member_id"]
        matchers = IdMatchers.of(descriptions, known=everybody)
        exports = search_exports(run, matchers)
        others = search(other_files(run.workspace, without=exports.files), matchers)
        own = search_own_files(run, matchers, exports)
        finished_at = {member: _finished_at(register, member) for member in descriptions}
        # An erasure that died early has left no trace in files, only in the register: its members are known, too.
        registered = {member for member, at in finished_at.items() if at is not None}
        known = own.named | others.named | exports.named | registered
        if not known:
            raise ConfigurationError(
                "nobody of that id is known in this workspace", remedy="Write the id exactly as in the lists or in the export."
            )
        erased_before = {member: at for member, at in finished_at.items() if at and member not in own.named}
        lines = list(_skipped_lines(descriptions, known, erased_before))
        to_erase = sorted(known - erased_before.keys())
        if not to_erase:
            return [*lines, f"Searched {own.files:,} files, {own.bytes_unpacked:,} bytes unpacked."]
        register = with_key(run.workspace.root, register)
        masks = {member: mask_of(register.hash_of(member)) for member in to_erase}
        return [*lines, *_erase(ErasureCase(run, matchers.only(to_erase), masks, exports, others), register, after_step)]


def _skipped_lines(descriptions: Mapping[str, str], known: Set[str], erased_before: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each member who is not known here, and for each who was erased before."""
    yield from (f"Not known here: {description}." for member, description in descriptions.items() if member not in known)
    yield from (f"Erased on {at}, and nothing has come back: {descriptions[member]}." for member, at in erased_before.items())


def _finished_at(register: ErasureRegister, member_id: str) -> str | None:
    """Return when a member was erased: a time, an empty text while the erasure is unfinished, None if there is none."""
    line = register.of(member_id) if register.erasures else None
    return None if line is None else line.finished_at or ""


def _erase(case: ErasureCase, register: ErasureRegister, after_step: Callable[[str], None]) -> list[str]:
    """Run all steps, then search again; the certificate is written after each step, for an erasure that is resumed."""
    register, certificate = _begin(case, register)
    for name, step in STEPS.items():
        say(f"{name} …")
        certificate = step(case, certificate)
        write_certificate(case.root, certificate)
        after_step(name)
    say("searching every file of the workspace …")
    certificate = _with_proof(case, certificate)
    page = write_certificate(case.root, certificate)
    write_register(case.root, _with_certificate(case, register, certificate))
    if certificate.still_found:
        raise DataError(
            f"an id is still in {len(certificate.still_found)} files: {', '.join(certificate.still_found[:3])}",
            remedy=f"Remove it there and run the erasure again; all files are named in {page}.",
        )
    return list(_summary_lines(case, certificate, page))


def _begin(case: ErasureCase, register: ErasureRegister) -> tuple[ErasureRegister, Certificate]:
    """Write the members to the register before anything is removed; resume an unfinished erasure of the same members.

    Returns:
        The register, and the certificate to continue with.
    """
    hashes = tuple(sorted(register.hash_of(member) for member in case.matchers.ids))
    unfinished = [line for member in case.matchers.ids if (line := register.of(member)) is not None and line.finished_at is None]
    for name in sorted({line.certificate for line in unfinished if line.certificate is not None}):
        earlier = read_certificate(case.root, name)
        if earlier.member_hashes == hashes:
            return register, replace(earlier, resumed=True)
    now = _now()
    name = f"{now[:19].replace(':', '').replace('-', '')}-{hashes[0][:_HASH_CHARACTERS]}"
    certificate = Certificate(name=name, member_hashes=hashes, asked_at=now, resumed=bool(unfinished))
    # The certificate before the register: the register's lines name it, and a resumed erasure must be able to read it.
    write_certificate(case.root, certificate)
    register = _with_certificate(case, register, certificate)
    write_register(case.root, register)
    return register, certificate


def _with_certificate(case: ErasureCase, register: ErasureRegister, certificate: Certificate) -> ErasureRegister:
    """Return the register with the state of the certificate's members; the first request of an unfinished erasure stays."""
    for member in case.matchers.ids:
        line_before = register.of(member)
        asked_at = line_before.asked_at if line_before is not None and line_before.finished_at is None else certificate.asked_at
        line = Erasure(register.hash_of(member), asked_at, certificate.finished_at, certificate.name)
        register = register.with_erasure(line)
    return register


def _with_proof(case: ErasureCase, certificate: Certificate) -> Certificate:
    result = case.search()

    def masked(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(case.matchers.redacted(name, by=case.masks) for name in names)

    return replace(
        certificate,
        finished_at=None if result.holding else _now(),
        looked_for=case.matchers.kinds,
        files=result.files,
        bytes_on_disk=result.bytes_on_disk,
        bytes_unpacked=result.bytes_unpacked,
        still_found=masked(case.shown(result.holding)),
        unreadable=masked(case.shown(result.unreadable)),
        exports_holding=masked((*case.exports.holding, *case.shown(case.others.holding))),
        not_searched=(*case.exports.not_searched, *unsearched_places(case.run)),
    )


def _summary_lines(case: ErasureCase, certificate: Certificate, page: Path) -> Iterator[str]:
    rows, values = sum(table.rows for table in certificate.taken), sum(table.values for table in certificate.taken)
    members = "" if len(case.matchers.ids) == 1 else f"{len(case.matchers.ids):,} members, "
    yield f"Erased: {members}{rows:,} rows, {values:,} references in others' rows, the lists of {certificate.nights:,} nights."
    yield f"Searched {certificate.files:,} files, {certificate.bytes_unpacked:,} bytes unpacked: nothing is left."
    yield f"  certificate  {page}"
    naming_files = (*case.exports.holding, *case.shown(case.others.holding))
    if naming_files:
        yield "Still in files of yours, which Evenfall never edits; what they bring is left out from now on:"
        yield from (f"  {name}" for name in naming_files)
    yield from (f"  not searched: {name}" for name in certificate.not_searched)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
