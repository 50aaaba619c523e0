"""The doctor checks the sources: whether files exist and databases answer, and what would be new tonight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import polars as pl

from flows.doctor.findings import Diagnosis, of_error, ok, problem, warning
from flows.doctor.machine import shown_bytes
from lake.arrivals import read_arrivals
from lake.contracts import TABLES
from lake.errors import EvenfallError, ExitCode
from lake.sources.databases import read_query
from lake.sources.discovery import Export, discover
from lake.sources.source_identity import identify, match_ledger
from lake.sources.source_settings import SourceSettings
from pipeline.erasure.register import read_register
from pipeline.preview.trial import try_export
from runtime.alerting import without_secrets
from runtime.settings import Settings
from runtime.workspace import Workspace
from wording.numbers import plural

_GONE: Final = "its path matches no file now, and did before"
_ANSWER_SECONDS: Final = 30
_NS_PER_SECOND: Final = 1_000_000_000


def look_at_sources(workspace: Workspace, settings: Settings) -> Iterator[Diagnosis]:
    """Yield one finding per source: what it offers, how much is new, and whether its mapping fits the first new rows."""
    try:
        configured = {name: identify(name, settings.table_sources(name)) for name in TABLES}
        erased, ledger = (
            read_register(workspace.root),
            match_ledger(read_arrivals(workspace.lake), configured, root=workspace.root),
        )
    except EvenfallError as error:
        yield of_error("sources", error)
        return
    taken_in = _taken_in(ledger)
    for name, table in TABLES.items():
        for source in configured[name]:
            about, source_settings = source.label, source.settings
            try:
                before = [path for of, by, path in taken_in if (of, by) == (name, source.identity)]
                exports = discover(table, [source_settings], root=workspace.root, arrived_paths={source.identity: before})
                if source_settings.uri is not None:
                    offers, has_rows = _ask(source_settings, about, workspace)
                    coming = exports if has_rows else []
                else:
                    if not exports and not source_settings.optional:
                        yield warning(about, _GONE, "Look whether the export still runs; what arrived before is kept.")
                        continue
                    masked = [(erased.masked(export.path), export) for export in exports]
                    offers = f"{_summary(exports)}; {_standing(masked, source.identity, taken_in)}"
                    new = (export for path, export in masked if not _is_unchanged(path, export, source.identity, taken_in))
                    coming = [export for export in new if not export.is_superseded]
                yield _without_secrets(_validated(about, offers, coming, settings), settings)
            except EvenfallError as error:
                yield _without_secrets(of_error(about, error), settings)


def _validated(about: str, offers: str, coming: Sequence[Export], settings: Settings) -> Diagnosis:
    """Try the mapping on the first export that the next night would read, as `evenfall preview` does."""
    if not coming:
        return ok(about, offers)
    first = coming[0]
    if first.location is None:
        # Somebody waits at the terminal, so that a slow query is given up sooner than in a night.
        seconds = min(_ANSWER_SECONDS, first.settings.query_timeout_seconds)
        first = replace(first, settings=first.settings.model_copy(update={"query_timeout_seconds": seconds}))
    trial = try_export(first, timezone=settings.community.timezone)
    rows, bad = trial.mapped_rows, trial.bad_rows
    if not bad:
        return ok(about, f"{offers}; {rows:,} tried, all fit" if rows else offers)
    rules = ", ".join(f"{rule} {len(numbers):,}" for rule, numbers in trial.bad.items())
    says = f"{offers}\nof {rows:,} rows tried, {bad:,} do not fit: {rules}"
    remedy = f"`evenfall preview {about}` shows them; correct the mapping or the export."
    if bad == rows:
        return problem(about, says, remedy, exit_code=ExitCode.DATA)
    if bad > settings.validation.limits(trial.table.name).max_bad_share * rows:
        return warning(about, says, remedy)
    return ok(about, says)


def _without_secrets(finding: Diagnosis, settings: Settings) -> Diagnosis:
    return replace(finding, says=without_secrets(finding.says, settings), remedy=without_secrets(finding.remedy, settings))


def _ask(source: SourceSettings, about: str, workspace: Workspace) -> tuple[str, bool]:
    """Run the query up to its first row, which tests the database, the password, the rights and the query.

    Returns:
        What to say, and whether there are rows.
    """
    query = (source.query or "").rstrip("; \n\t")
    # A line end after the query, because it may end with a comment.
    first = f"SELECT count(*) AS found FROM (SELECT 1 FROM ({query}\n) AS asked LIMIT 1) AS first"  # noqa: S608
    seconds = min(_ANSWER_SECONDS, source.query_timeout_seconds)
    tried = source.model_copy(update={"query": first, "query_timeout_seconds": seconds})
    has_rows = bool(read_query(tried, name=about, root=workspace.root).item())
    says = "the database answers, and its query gives rows" if has_rows else "the database answers, but its query gives no rows"
    return says, has_rows


def _summary(exports: Sequence[Export]) -> str:
    if not exports:
        return "no file, and there may be none"
    newest = max(export.modified_ns for export in exports)
    changed_at = datetime.fromtimestamp(newest / _NS_PER_SECOND, UTC)
    files = f"{len(exports):,} {plural('file', len(exports))}"
    return f"{files}, {shown_bytes(sum(export.size_bytes for export in exports))}, newest of {changed_at:%Y-%m-%d %H:%M} UTC"


def _taken_in(ledger: pl.DataFrame) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return table, source and path → size in bytes and time of change (ns) when it was last taken in."""
    rows = ledger.select("table", "source", "path", "size_bytes", "modified_ns").iter_rows()
    return {(table, source, path): (size, modified) for table, source, path, size, modified in rows}


def _standing(masked: Sequence[tuple[str, Export]], identity: str, taken_in: dict[tuple[str, str, str], tuple[int, int]]) -> str:
    counts = {"new": 0, "touched since": 0, "taken in already": 0}
    for path, export in masked:
        is_known = (export.table.name, identity, path) in taken_in
        is_same = _is_unchanged(path, export, identity, taken_in)
        counts["new" if not is_known else "taken in already" if is_same else "touched since"] += 1
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _is_unchanged(path: str, export: Export, identity: str, taken_in: dict[tuple[str, str, str], tuple[int, int]]) -> bool:
    return taken_in.get((export.table.name, identity, path)) == (export.size_bytes, export.modified_ns)
