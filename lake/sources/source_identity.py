"""The identity of sources, and which arrivals of the ledger belong to which source.

The identity of a source is its `name`, else what it reads, never its position in evenfall.toml. The ledger records it with every
arrival, and the lake's records have the id of their arrival: so a source that gets a name later keeps its records.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from lake.errors import ConfigurationError
from lake.sources.source_settings import SourceSettings
from lake.storage.bucket import SCHEME, matches_pattern

QUERY: Final = "query"
_DIGEST_CHARACTERS: Final = 12


@dataclass(frozen=True)
class Source:
    """One configured source and its identity.

    Args:
        table: The name of its table.
        number: Its position among the table's sources, from 1; only for messages and ledgers of the first release.
        identity: Its identity in the ledger: its name, else what it reads.
        label: Its name in messages.
        settings: Its section of evenfall.toml.
    """

    table: str
    number: int
    identity: str
    label: str
    settings: SourceSettings

    @property
    def is_named(self) -> bool:
        """Return whether evenfall.toml gives it a name."""
        return self.settings.name is not None

    def reads(self, path: str, root: Path) -> bool:
        """Return whether a path of the ledger is one of its files, or its query."""
        if self.settings.uri is not None:
            return path == QUERY
        return any(could_match(pattern, path, root) for pattern in self.settings.paths)


def identify(table: str, sources: Sequence[SourceSettings]) -> tuple[Source, ...]:
    """Return the sources of a table with their identities, in their order.

    Raises:
        ConfigurationError: Two sources have the same identity.
    """
    # Named sources are left out: two sources may read the same file if at least one has a name.
    times = Counter(_what_it_reads(settings) for settings in sources if settings.name is None)
    identified = []
    for number, settings in enumerate(sources, start=1):
        reading = _what_it_reads(settings)
        # Two sources may read the same file with different filters or columns: then these are part of the identity.
        identity = settings.name or (reading if times[reading] == 1 else _with_mapping(settings))
        section = table if len(sources) == 1 else f"{table}[{number}]"
        label = section if settings.name is None else f"{table} {settings.name!r}"
        identified.append(Source(table, number, identity, label, settings))
    duplicates = [identity for identity, count in Counter(source.identity for source in identified).items() if count > 1]
    if duplicates:
        raise ConfigurationError(
            f"two sources of {table} go by {duplicates[0]!r}", remedy='Give each a name of its own, such as name = "shop".'
        )
    return tuple(identified)


def could_match(pattern: str, path: str, root: Path) -> bool:
    """Return whether a pattern matches a path of the ledger, whether or not the file still exists.

    Args:
        pattern: A path pattern of a source.
        path: A path as the ledger has it.
        root: The workspace, to which relative paths refer.
    """
    if not pattern.startswith(SCHEME):
        # The ledger has paths below the workspace relative to it.
        here = Path(pattern)
        pattern = str(here.relative_to(root)) if here.is_relative_to(root) else str(here)
    return path == pattern or matches_pattern(path.split("/"), pattern.split("/"))


def match_ledger(ledger: pl.DataFrame, sources: Mapping[str, Sequence[Source]], *, root: Path) -> pl.DataFrame:
    """Return the ledger with the current identities of its sources.

    Args:
        ledger: One row per arrival.
        sources: Table → its configured sources.
        root: The workspace, to which relative paths refer.

    Returns:
        The same rows; `source` is the current identity, or the recorded one where no configured source is the same.

    Raises:
        ConfigurationError: An unnamed source may or may not be the same as one that the ledger has under another path.
    """
    renamed: dict[tuple[str, str, str], str] = {}
    for table, table_sources in sources.items():
        recorded = ledger.filter(pl.col("table") == table).select("source", "path").unique().sort("source", "path")
        renamed |= {(table, old, path): new for old, path, new in _matches(table, recorded, table_sources, root)}
    if not renamed:
        return ledger
    rows = [(*key, identity) for key, identity in renamed.items()]
    matched = pl.DataFrame(rows, schema=["table", "source", "path", "identity"], orient="row")
    joined = ledger.join(matched, on=["table", "source", "path"], how="left", maintain_order="left")
    return joined.with_columns(source=pl.coalesce("identity", "source")).drop("identity")


def _matches(table: str, recorded: pl.DataFrame, sources: Sequence[Source], root: Path) -> list[tuple[str, str, str]]:
    """Return recorded source, path and current identity, for the arrivals of which the identity has changed."""
    current = {source.identity for source in sources}
    matches: list[tuple[str, str, str]] = []
    paths: dict[str, list[str]] = {}
    for old, path in recorded.iter_rows():
        if old not in current:
            paths.setdefault(old, []).append(path)
    # The first release recorded positions such as `orders[2]`, so the source is found by what it reads.
    for old in [old for old in paths if _recorded_position(table, old) is not None]:
        readers = ((path, _source_that_reads(table, old, path, sources, root)) for path in paths.pop(old))
        matches += [(old, path, source.identity) for path, source in readers if source is not None]
    known = set(recorded["source"]) | {identity for _, _, identity in matches}
    unseen = [source for source in sources if source.identity not in known]
    successors = _successors(paths, unseen, root, is_only=len(sources) == 1 and len(known - current) == 1)
    for old, old_paths in paths.items():
        if old in successors:
            matches += [(old, path, successors[old].identity) for path in old_paths]
        # Guessing wrongly would retire or duplicate the records of a source, so the night stops instead.
        elif candidates := [source for source in unseen if not source.is_named and source not in successors.values()]:
            raise _unnamed_source_error(table, old, candidates[0])
    return matches


def _source_that_reads(table: str, old: str, path: str, sources: Sequence[Source], root: Path) -> Source | None:
    """Return the configured source that reads a path which a ledger of the first release has under `orders[1]` or the like."""
    if len(sources) == 1 and old == table:
        return sources[0]
    position = _recorded_position(table, old)
    reading = [source for source in sources if source.reads(path, root)]
    # Where several sources could have read it, the recorded position decides.
    same_position = [source for source in reading if source.number == position]
    return reading[0] if len(reading) == 1 else same_position[0] if same_position else None


def _successors(paths: Mapping[str, Sequence[str]], unseen: Sequence[Source], root: Path, *, is_only: bool) -> dict[str, Source]:
    """Return the configured source that is the same as a recorded one, by recorded identity, where that is certain."""
    successors: dict[str, Source] = {}
    for old in paths:
        # First, what it reads is unchanged: it only has a name now, or another source with the same file was added or removed.
        same = [source for source in unseen if old in (_what_it_reads(source.settings), _with_mapping(source.settings))]
        if len(same) == 1 and same[0] not in successors.values():
            successors[old] = same[0]
    remaining = [source for source in unseen if source not in successors.values()]
    # A query with another text is another source: there are no files by which it could be recognised.
    of_files = [source for source in remaining if source.settings.uri is None]
    candidates_by_identity = {
        old: [s for s in of_files if all(s.reads(path, root) for path in read)]
        for old, read in paths.items()
        if old not in successors
    }
    # Second, a pattern that matches every recorded path, if neither the pattern nor the recorded source has another partner.
    for old, candidates in candidates_by_identity.items():
        if len(candidates) == 1 and sum(candidates[0] in others for others in candidates_by_identity.values()) == 1:
            successors[old] = candidates[0]
    # Third, the table had one source and has one unnamed source now: its path has changed.
    if is_only and paths and not successors and len(remaining) == 1 and not remaining[0].is_named:
        successors[next(iter(paths))] = remaining[0]
    return successors


def _unnamed_source_error(table: str, old: str, source: Source) -> ConfigurationError:
    return ConfigurationError(
        f"{source.label} reads {_what_it_reads(source.settings)!r}, and no source of {table} goes by {old!r} any more: "
        "it cannot be told whether they are the same source",
        remedy=f"Give it a name: name = {old!r} if it is the same source; any other name if it is a new one.",
    )


def _recorded_position(table: str, old: str) -> int | None:
    """Return the position that a ledger of the first release recorded for a source, such as 2 for `orders[2]`; else None."""
    if old == table:
        return 1
    match = re.fullmatch(rf"{table}\[(\d+)\]", old)
    return int(match[1]) if match else None


def _what_it_reads(settings: SourceSettings) -> str:
    if settings.uri is not None:
        return f"{QUERY} {_digest(f'{settings.uri} {settings.query}')}"
    return ", ".join(settings.paths)


def _with_mapping(settings: SourceSettings) -> str:
    mapping = (
        settings.where,
        sorted(settings.columns.items()),
        *([sorted(settings.figures.items())] if settings.figures else []),
    )
    return f"{_what_it_reads(settings)} {_digest(repr(mapping))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
