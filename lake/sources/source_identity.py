"""Which source is which: what a source goes by, and which arrivals of the ledger are its own.

A source goes by its `name`, else by what it reads, never by its place in evenfall.toml. The ledger notes it with every arrival,
and the lake's records name their arrival: so a source that gets a name later keeps what it has brought.
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
    """One configured source and what it goes by.

    Args:
        table: Name of the table it feeds.
        number: Its place among the table's sources, from 1; for messages and for ledgers of the first release alone.
        identity: What the ledger calls it: its name, else what it reads.
        label: What messages call it.
        settings: Its section of evenfall.toml.
    """

    table: str
    number: int
    identity: str
    label: str
    settings: SourceSettings

    @property
    def is_named(self) -> bool:
        """Whether evenfall.toml gives it a name."""
        return self.settings.name is not None

    def reads(self, path: str, root: Path) -> bool:
        """Whether a path of the ledger is one of its files, or its query."""
        if self.settings.uri is not None:
            return path == QUERY
        return any(could_find(pattern, path, root) for pattern in self.settings.paths)


def identify(table: str, sources: Sequence[SourceSettings]) -> tuple[Source, ...]:
    """Say what each source of a table goes by, in their order.

    Raises:
        ConfigurationError: Two sources go by the same.
    """
    times = Counter(_reading(settings) for settings in sources if settings.name is None)
    found = []
    for number, settings in enumerate(sources, start=1):
        reading = _reading(settings)
        # Two sources may read one file, each with a filter or columns of its own.
        identity = settings.name or (reading if times[reading] == 1 else _with_mapping(settings))
        place = table if len(sources) == 1 else f"{table}[{number}]"
        label = place if settings.name is None else f"{table} {settings.name!r}"
        found.append(Source(table, number, identity, label, settings))
    twice = [identity for identity, count in Counter(source.identity for source in found).items() if count > 1]
    if twice:
        raise ConfigurationError(
            f"two sources of {table} go by {twice[0]!r}", remedy='Give each a name of its own, such as name = "shop".'
        )
    return tuple(found)


def could_find(pattern: str, path: str, root: Path) -> bool:
    """Whether a path as arrivals keep it was found by a pattern, or could have been."""
    if not pattern.startswith(SCHEME):
        # Arrivals write paths below the workspace relative to it.
        here = Path(pattern)
        pattern = str(here.relative_to(root)) if here.is_relative_to(root) else str(here)
    return path == pattern or matches_pattern(path.split("/"), pattern.split("/"))


def match_ledger(ledger: pl.DataFrame, sources: Mapping[str, Sequence[Source]], *, root: Path) -> pl.DataFrame:
    """Let the arrivals of the ledger go by what their source goes by today.

    Args:
        ledger: One row per arrival.
        sources: Table → its configured sources.
        root: The workspace, where relative paths start.

    Returns:
        The same rows; `source` is today's identity, or what it was where no source of today has brought it.

    Raises:
        ConfigurationError: An unnamed source may or may not be one that the ledger knows under another path.
    """
    renamed: dict[tuple[str, str, str], str] = {}
    for table, of_table in sources.items():
        held = ledger.filter(pl.col("table") == table).select("source", "path").unique().sort("source", "path")
        renamed |= {(table, old, path): new for old, path, new in _matches(table, held, of_table, root)}
    if not renamed:
        return ledger
    rows = [(*key, identity) for key, identity in renamed.items()]
    matched = pl.DataFrame(rows, schema=["table", "source", "path", "identity"], orient="row")
    joined = ledger.join(matched, on=["table", "source", "path"], how="left", maintain_order="left")
    return joined.with_columns(source=pl.coalesce("identity", "source")).drop("identity")


def _matches(table: str, held: pl.DataFrame, sources: Sequence[Source], root: Path) -> list[tuple[str, str, str]]:
    """Held source, path and the identity that takes the place of the held one."""
    today = {source.identity for source in sources}
    matches: list[tuple[str, str, str]] = []
    paths: dict[str, list[str]] = {}
    for old, path in held.iter_rows():
        if old not in today:
            paths.setdefault(old, []).append(path)
    for old in [old for old in paths if _place(table, old) is not None]:
        found = ((path, _reader(table, old, path, sources, root)) for path in paths.pop(old))
        matches += [(old, path, by.identity) for path, by in found if by is not None]
    known = set(held["source"]) | {identity for _, _, identity in matches}
    unseen = [source for source in sources if source.identity not in known]
    successors = _successors(paths, unseen, root, is_only=len(sources) == 1 and len(known - today) == 1)
    for old, read in paths.items():
        if old in successors:
            matches += [(old, path, successors[old].identity) for path in read]
        elif doubtful := [source for source in unseen if not source.is_named and source not in successors.values()]:
            raise _nameless(table, old, doubtful[0])
    return matches


def _reader(table: str, old: str, path: str, sources: Sequence[Source], root: Path) -> Source | None:
    """The source of today that reads a path which a ledger of the first release has under a place such as `orders[1]`."""
    if len(sources) == 1 and old == table:
        return sources[0]
    place = _place(table, old)
    reading = [source for source in sources if source.reads(path, root)]
    same_place = [source for source in reading if source.number == place]
    return reading[0] if len(reading) == 1 else same_place[0] if same_place else None


def _successors(paths: Mapping[str, Sequence[str]], unseen: Sequence[Source], root: Path, *, is_only: bool) -> dict[str, Source]:
    """What the ledger calls a source → the source of today that is the same, where that is certain."""
    found: dict[str, Source] = {}
    for old in paths:
        same = [source for source in unseen if old in (_reading(source.settings), _with_mapping(source.settings))]
        if len(same) == 1 and same[0] not in found.values():
            found[old] = same[0]
    left = [source for source in unseen if source not in found.values()]
    # A query is another query when its text is: it has no files by which it could be known.
    of_files = [source for source in left if source.settings.uri is None]
    reads = {
        old: [s for s in of_files if all(s.reads(path, root) for path in read)] for old, read in paths.items() if old not in found
    }
    for old, by in reads.items():
        if len(by) == 1 and sum(by[0] in others for others in reads.values()) == 1:
            found[old] = by[0]
    if is_only and paths and not found and len(left) == 1 and not left[0].is_named:
        found[next(iter(paths))] = left[0]
    return found


def _nameless(table: str, old: str, source: Source) -> ConfigurationError:
    return ConfigurationError(
        f"{source.label} reads {_reading(source.settings)!r}, and no source of {table} goes by {old!r} any more: "
        "it cannot be told whether they are the same source",
        remedy=f"Give it a name: name = {old!r} if it is the same source; any other name if it is a new one.",
    )


def _place(table: str, old: str) -> int | None:
    """The place that a ledger of the first release noted for a source, such as 2 for `orders[2]`."""
    if old == table:
        return 1
    found = re.fullmatch(rf"{table}\[(\d+)\]", old)
    return int(found[1]) if found else None


def _reading(settings: SourceSettings) -> str:
    if settings.uri is not None:
        return f"{QUERY} {_digest(f'{settings.uri} {settings.query}')}"
    return ", ".join(settings.paths)


def _with_mapping(settings: SourceSettings) -> str:
    return f"{_reading(settings)} {_digest(repr((settings.where, sorted(settings.columns.items()))))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
