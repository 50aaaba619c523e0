"""The certificate of an erasure: what was removed, what was searched, what is left. It names nobody."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from lake.storage.versions import Removed
from pipeline.erasure.register import FOLDER
from pipeline.erasure.tables import Taken

_FORMAT_VERSION: Final = 2
_HOW: Final = {
    "anywhere": "every byte of every file, and everything unpacked from them",
    "word": "every byte of every file, and everything unpacked from them, wherever the id stands as a word of its own",
    "value": "every place where ids are kept; the id is too short to be told from a count anywhere else",
}


@dataclass(frozen=True)
class Certificate:
    """What became of one erasure; written from its first step on, so that a killed one can be finished.

    Args:
        name: Its name, without ending.
        member_hashes: The keyed hash of each id.
        asked_at: When it was asked for, ISO.
        finished_at: When nothing was left, ISO; None while it is under way.
        resumed: Whether it was interrupted; counts of the step that was, may be short.
        taken: What was taken out of each table.
        nights: Nights whose lists named one of them.
        published_rows: Rows removed from the database the lists are published to.
        past: Files of past versions of tables that were removed.
        bucket_versions: Older versions of objects that were removed from a bucket that keeps them.
        looked_for: How the ids were looked for, each way once.
        files: Files searched.
        bytes_on_disk: Their sizes.
        bytes_unpacked: What was searched, unpacked.
        still_found: Files that still name one of them.
        unreadable: Files that could not be unpacked; their bytes were searched as they are.
        exports_holding: The community's own files that name one of them.
        not_searched: What could not be searched from here.
    """

    name: str
    member_hashes: tuple[str, ...]
    asked_at: str
    finished_at: str | None = None
    resumed: bool = False
    taken: tuple[Taken, ...] = ()
    nights: int = 0
    published_rows: int = 0
    past: Removed = field(default_factory=Removed)
    bucket_versions: int = 0
    looked_for: tuple[str, ...] = ()
    files: int = 0
    bytes_on_disk: int = 0
    bytes_unpacked: int = 0
    still_found: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    exports_holding: tuple[str, ...] = ()
    not_searched: tuple[str, ...] = ()

    def plus(self, *taken: Taken) -> Certificate:
        """With more taken out of tables."""
        held = {one.table: one for one in self.taken}
        for one in taken:
            before = held.get(one.table, Taken(one.table, 0, 0))
            held[one.table] = Taken(one.table, before.rows + one.rows, before.values + one.values)
        return replace(self, taken=tuple(held.values()))


def write_certificate(root: Path, certificate: Certificate) -> Path:
    """Write it as JSON and, once the search is done, as text; returns where people read it."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"format_version": _FORMAT_VERSION, **asdict(certificate)}
    _replace(folder / f"{certificate.name}.json", json.dumps(facts, indent=2) + "\n")
    page = folder / f"{certificate.name}.txt"
    if certificate.looked_for:
        _replace(page, "\n".join(_lines(certificate)) + "\n")
    return page


def read_certificate(root: Path, name: str) -> Certificate:
    """Read one that was begun."""
    held: dict[str, Any] = json.loads((root / FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    facts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in held.items()}
    facts |= {"taken": tuple(Taken(**one) for one in held["taken"]), "past": Removed(**held["past"])}
    if facts.pop("format_version") == 1:
        # The releases before wrote one for each member, with how the id was looked for as a single word or null.
        facts["member_hashes"] = (facts.pop("member_hash"),)
        facts["looked_for"] = tuple(filter(None, (facts["looked_for"],)))
    return Certificate(**facts)


def _lines(certificate: Certificate) -> Iterator[str]:
    yield "Certificate of erasure"
    yield ""
    for title, member_hash in zip_longest(("Members (keyed hash)",), certificate.member_hashes, fillvalue=""):
        yield f"{title:<22}{member_hash}"
    yield f"Asked for             {certificate.asked_at}"
    yield f"Result                {'nothing left' if certificate.finished_at else 'STILL FOUND, see below'}"
    yield f"Finished              {certificate.finished_at or 'not yet'}"
    if certificate.resumed:
        yield "                      interrupted and resumed; counts of the interrupted step may be short"
    yield ""
    yield "Taken out"
    for one in certificate.taken:
        yield f"  {one.table:16} {one.rows:>10,} rows {one.values:>10,} references or texts in others' rows"
    yield f"  {'lists':16} {certificate.nights:>10,} nights"
    yield f"  {'database':16} {certificate.published_rows:>10,} rows"
    yield f"  {'past versions':16} {certificate.past.files:>10,} files {certificate.past.bytes:>10,} bytes"
    if certificate.bucket_versions:
        yield f"  {'in the bucket':16} {certificate.bucket_versions:>10,} older versions of objects"
    yield ""
    yield "Searched"
    yield from (f"  {_HOW[way]}" for way in certificate.looked_for)
    on_disk, unpacked = f"{certificate.bytes_on_disk:,}", f"{certificate.bytes_unpacked:,}"
    yield f"  {certificate.files:,} files, {on_disk} bytes on disk, {unpacked} bytes unpacked"
    yield from _named("Still found in", certificate.still_found)
    yield from _named("Could not be unpacked; searched as they are", certificate.unreadable)
    yield from _named("The community's own files that name a member; never edited", certificate.exports_holding)
    yield from _named("Not searched", certificate.not_searched)
    yield ""
    yield "Kept: sums over members (matured predictions, groups, counts of the ledger) and models, which hold no member's rows."


def _named(title: str, names: tuple[str, ...]) -> Iterator[str]:
    if names:
        yield ""
        yield title
        yield from (f"  {name}" for name in names)


def _replace(path: Path, text: str) -> None:
    """Write a small file durably, all or nothing."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
