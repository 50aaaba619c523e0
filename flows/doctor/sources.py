"""The doctor looks at the sources: are the files there, do the databases answer, and what of it would be new tonight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import polars as pl

from flows.doctor.findings import Finding, of_error, ok, warning
from flows.doctor.machine import shown_bytes
from flows.run.alerting import without_secrets
from flows.run.settings import Settings
from flows.run.workspace import Workspace
from lake.arrivals import read_arrivals
from lake.contracts import TABLES
from lake.databases import read_query
from lake.discovery import Export, discover
from lake.erased import read_erased
from lake.errors import EvenfallError
from lake.source_identity import identify
from lake.source_settings import SourceSettings

_GONE: Final = "its path matches no file now, and did before"
_ANSWER_SECONDS: Final = 30
_NS_PER_SECOND: Final = 1_000_000_000


def look_at_sources(workspace: Workspace, settings: Settings) -> Iterator[Finding]:
    """One finding per source: what it offers, and how much of that has not been taken in yet."""
    try:
        erased, ledger = read_erased(workspace.root), read_arrivals(workspace.lake)
    except EvenfallError as error:
        yield of_error("sources", error)
        return
    taken_in = _taken_in(ledger)
    for name, table in TABLES.items():
        for number, source in enumerate(settings.table_sources(name), start=1):
            about = name if len(settings.table_sources(name)) == 1 else f"{name}[{number}]"
            try:
                if source.uri is not None:
                    says = _ask(source, about, workspace)
                else:
                    (itself,) = identify(name, [source])
                    before = [path for of, _, path in taken_in if of == name and itself.reads(path)]
                    found = discover(table, [source], root=workspace.root, taken_in={itself.identity: before})
                    if not found and not source.optional:
                        yield warning(about, _GONE, "Look whether the export still runs; what arrived before is kept.")
                        continue
                    masked = [(erased.masked(export.path), export) for export in found]
                    says = f"{_told(found)}; {_standing(masked, about, taken_in)}"
                yield ok(about, without_secrets(says, settings))
            except EvenfallError as error:
                told = type(error)(without_secrets(error.what, settings), remedy=without_secrets(error.remedy, settings))
                yield of_error(about, told)


def _ask(source: SourceSettings, about: str, workspace: Workspace) -> str:
    """Run the query as far as its first row: the database, the password, the rights and the query itself are tried."""
    asked = (source.query or "").rstrip("; \n\t")
    first = f"SELECT count(*) AS found FROM (SELECT 1 FROM ({asked}\n) AS asked LIMIT 1) AS first"  # noqa: S608
    seconds = min(_ANSWER_SECONDS, source.query_timeout_seconds)
    tried = source.model_copy(update={"query": first, "query_timeout_seconds": seconds})
    has_rows = bool(read_query(tried, name=about, root=workspace.root).item())
    return "the database answers, and its query gives rows" if has_rows else "the database answers, but its query gives no rows"


def _told(exports: Sequence[Export]) -> str:
    if not exports:
        return "no file, and there may be none"
    newest = max(export.modified_ns for export in exports)
    changed_at = datetime.fromtimestamp(newest / _NS_PER_SECOND, UTC)
    files = f"{len(exports):,} file{'' if len(exports) == 1 else 's'}"
    return f"{files}, {shown_bytes(sum(export.size_bytes for export in exports))}, newest of {changed_at:%Y-%m-%d %H:%M} UTC"


def _taken_in(ledger: pl.DataFrame) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Table, source and path → size and time of change when it was last taken in."""
    rows = ledger.select("table", "source", "path", "size_bytes", "modified_ns").iter_rows()
    return {(table, source, path): (size, modified) for table, source, path, size, modified in rows}


def _standing(masked: Sequence[tuple[str, Export]], about: str, taken_in: dict[tuple[str, str, str], tuple[int, int]]) -> str:
    counts = {"new": 0, "touched since": 0, "taken in already": 0}
    for path, export in masked:
        held = taken_in.get((export.table.name, about, path))
        is_same = held == (export.size_bytes, export.modified_ns)
        counts["new" if held is None else "taken in already" if is_same else "touched since"] += 1
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
