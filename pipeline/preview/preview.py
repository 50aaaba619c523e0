"""`evenfall preview`: three rows of each source before and after mapping, without a night and without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.contracts import TABLES, Table
from lake.errors import ConfigurationError, DataError, EvenfallError
from lake.sources.discovery import Export, discover
from pipeline.preview.text import tell
from pipeline.preview.trial import try_export
from runtime.alerting import without_secrets
from runtime.settings import Settings, load_settings, nearest


@dataclass(frozen=True)
class Previewed:
    """What is to be said of one source.

    Args:
        text: For the terminal of whoever has the export; it shows values.
        exit_code: With which code a night would stop because of it; 0 when it would not.
    """

    text: str
    exit_code: int


def preview(workspace: Path, source: str | None, *, width: int) -> Iterator[Previewed]:
    """Try the mapping of one source or of all on the beginning of its first file.

    Args:
        workspace: The folder with `evenfall.toml`.
        source: A table, such as `orders`, or what a source is called; None for all.
        width: Columns of the terminal.

    Raises:
        ConfigurationError: The configuration is wrong, or there is no such source.
    """
    root = workspace.expanduser().resolve()
    settings = load_settings(root)
    configured = [name for name in TABLES if settings.table_sources(name)]
    known, shown = list(configured), 0
    for name in [source] if source in configured else configured:
        assert name is not None
        try:
            sources = _by_source(TABLES[name], settings, root)
        except EvenfallError as error:
            if source in (None, name):
                shown += 1
                yield _failure(name, error, settings)
            continue
        for exports in sources:
            first = exports[0]
            known.append(first.settings.name or first.label)
            if source in (None, name, first.label, first.settings.name, first.source):
                shown += 1
                yield _one(exports, settings, width)
    if not shown:
        hint = nearest(str(source), list(dict.fromkeys(known)))
        raise ConfigurationError(f"there is no source {source!r}", remedy=f"Name a table or a source; {hint}.")


def _one(exports: list[Export], settings: Settings, width: int) -> Previewed:
    try:
        tried = try_export(exports[0], timezone=settings.community.timezone)
    except EvenfallError as error:
        return _failure(exports[0].label, error, settings)
    text = without_secrets("\n".join(tell(tried, files=len(exports), width=width)), settings)
    fits = tried.bad_rows < tried.mapped_rows or not tried.mapped_rows
    return Previewed(f"{text}\n", 0 if fits else DataError.exit_code)


def _failure(called: str, error: EvenfallError, settings: Settings) -> Previewed:
    text = f"{called}: this cannot work\n  {error.what}\n  → {error.remedy}\n"
    return Previewed(without_secrets(text, settings), error.exit_code)


def _by_source(table: Table, settings: Settings, root: Path) -> list[list[Export]]:
    """What each source would bring, in their order; of snapshots only the newest."""
    exports: dict[str, list[Export]] = {}
    for export in discover(table, settings.table_sources(table.name), root=root):
        if not export.is_superseded:
            exports.setdefault(export.source, []).append(export)
    return list(exports.values())
