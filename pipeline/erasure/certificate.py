"""The certificate of an erasure: what was removed, what was searched and what is left. It contains no member's id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from lake.storage.versions import Removed
from pipeline.erasure.durable_file import write_durably
from pipeline.erasure.register import FOLDER
from pipeline.erasure.tables import TableErasure

_FORMAT_VERSION: Final = 2
_HOW: Final = {
    "anywhere": "every byte of every file, and everything unpacked from them",
    "word": "every byte of every file, and everything unpacked from them, wherever the id stands as a word of its own",
    "value": "every place where ids are kept; the id is too short to be told from a count anywhere else",
}


@dataclass(frozen=True)
class Certificate:
    """The state and the result of one erasure; written from its first step on, so that a killed one can be resumed.

    Args:
        name: The name of its file, without ending.
        member_hashes: The keyed hash of each id.
        asked_at: The time of the request, ISO.
        finished_at: The time at which nothing was left, ISO; None while it is unfinished.
        resumed: Whether it was interrupted; the counts of the interrupted step may be too low.
        taken: The rows and values removed from each table.
        nights: The number of nights whose lists named a member.
        published_rows: Rows removed from the database to which the lists are published.
        past: Removed files of past versions of tables.
        bucket_versions: The number of older versions of objects removed from a bucket.
        looked_for: The kinds of search for the ids, each once: `anywhere`, `word`, `value`.
        files: The number of files searched.
        bytes_on_disk: The size of these files.
        bytes_unpacked: The bytes searched, unpacked content included.
        still_found: Files that still name a member.
        unreadable: Files that could not be unpacked; their bytes were searched as they are.
        exports_holding: The community's own files that name a member.
        not_searched: Places that could not be searched.
    """

    name: str
    member_hashes: tuple[str, ...]
    asked_at: str
    finished_at: str | None = None
    resumed: bool = False
    taken: tuple[TableErasure, ...] = ()
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

    def plus(self, *taken: TableErasure) -> Certificate:
        """Return the certificate with the counts of more tables added."""
        by_table = {more.table: more for more in self.taken}
        for more in taken:
            so_far = by_table.get(more.table, TableErasure(more.table, 0, 0))
            by_table[more.table] = TableErasure(more.table, so_far.rows + more.rows, so_far.values + more.values)
        return replace(self, taken=tuple(by_table.values()))


def write_certificate(root: Path, certificate: Certificate) -> Path:
    """Write a certificate as JSON and, once the search is done, as text; return the path of the text."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"format_version": _FORMAT_VERSION, **asdict(certificate)}
    write_durably(folder / f"{certificate.name}.json", (json.dumps(facts, indent=2) + "\n").encode())
    page = folder / f"{certificate.name}.txt"
    if certificate.looked_for:
        write_durably(page, ("\n".join(_lines(certificate)) + "\n").encode())
    return page


def read_certificate(root: Path, name: str) -> Certificate:
    """Read the certificate of an unfinished erasure."""
    content: dict[str, Any] = json.loads((root / FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    facts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    facts |= {"taken": tuple(TableErasure(**table) for table in content["taken"]), "past": Removed(**content["past"])}
    if facts.pop("format_version") == 1:
        # Format 1 had one certificate per member, and the kind of search as one text or null.
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
    for table in certificate.taken:
        yield f"  {table.table:16} {table.rows:>10,} rows {table.values:>10,} references or texts in others' rows"
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
