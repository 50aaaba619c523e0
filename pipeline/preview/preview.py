"""`evenfall preview`: show three rows of each source before and after mapping; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.contracts import TABLES, Table
from lake.errors import ConfigurationError, DataError, EvenfallError
from lake.sources.discovery import Export, discover
from pipeline.preview.text import render_trial
from pipeline.preview.trial import try_export
from runtime.alerting import without_secrets
from runtime.settings import Settings, load_settings
from runtime.settings_mistakes import nearest


@dataclass(frozen=True)
class SourcePreview:
    """The preview of one source.

    Args:
        text: The text for the terminal; it contains values of the export.
        exit_code: The exit code with which a night would stop because of this source; 0 if it would not stop.
    """

    text: str
    exit_code: int


def preview(workspace: Path, source: str | None, *, width: int) -> Iterator[SourcePreview]:
    """Yield previews of one source or of all, each from the first rows of its first file.

    Args:
        workspace: The folder with `evenfall.toml`.
        source: The name of a table, such as `orders`, or of a source; None for all.
        width: The number of columns of the terminal.

    Raises:
        ConfigurationError: The configuration is wrong, or there is no such source.
    """
    root = workspace.expanduser().resolve()
    settings = load_settings(root)
    configured = [name for name in TABLES if settings.table_sources(name)]
    # Names are collected on the way, for a suggestion where none fits.
    known_names, previewed = list(configured), 0
    for name in [source] if source in configured else configured:
        assert name is not None
        try:
            sources = _by_source(TABLES[name], settings, root)
        except EvenfallError as error:
            # Discovery failed for the whole table: it is reported where the table was asked for, and then the next table follows.
            if source in (None, name):
                previewed += 1
                yield _failure(name, error, settings)
            continue
        for exports in sources:
            first = exports[0]
            known_names.append(first.settings.name or first.label)
            if source in (None, name, first.label, first.settings.name, first.source):
                previewed += 1
                yield _preview_source(exports, settings, width)
    if not previewed:
        hint = nearest(str(source), list(dict.fromkeys(known_names)))
        raise ConfigurationError(f"there is no source {source!r}", remedy=f"Name a table or a source; {hint}.")


def _preview_source(exports: list[Export], settings: Settings, width: int) -> SourcePreview:
    try:
        trial = try_export(exports[0], timezone=settings.community.timezone)
    except EvenfallError as error:
        return _failure(exports[0].label, error, settings)
    text = without_secrets("\n".join(render_trial(trial, files=len(exports), width=width)), settings)
    has_good_rows = trial.bad_rows < trial.mapped_rows or not trial.mapped_rows
    return SourcePreview(f"{text}\n", 0 if has_good_rows else DataError.exit_code)


def _failure(source: str, error: EvenfallError, settings: Settings) -> SourcePreview:
    text = f"{source}: this cannot work\n  {error.what}\n  → {error.remedy}\n"
    return SourcePreview(without_secrets(text, settings), error.exit_code)


def _by_source(table: Table, settings: Settings, root: Path) -> list[list[Export]]:
    """Return the exports of each source, in the order of the configuration; of snapshots only the newest."""
    exports: dict[str, list[Export]] = {}
    for export in discover(table, settings.table_sources(table.name), root=root):
        if not export.is_superseded:
            exports.setdefault(export.source, []).append(export)
    return list(exports.values())
