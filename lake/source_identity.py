"""Which source is which: what a source goes by, and which arrivals of the ledger are its own.

A source goes by its `name`, else by what it reads, never by its place in evenfall.toml. The ledger notes it with every arrival,
and the lake's records name their arrival: so a source that gets a name later keeps what it has brought.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake.errors import ConfigurationError
from lake.source_settings import SourceSettings

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

    def reads(self, path: str) -> bool:
        """Whether a path of the ledger is one of its files, or its query."""
        if self.settings.uri is not None:
            return path == QUERY
        return any(path == pattern or fnmatch.fnmatchcase(path, pattern) for pattern in self.settings.paths)


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
        identity = settings.name or (reading if times[reading] == 1 else f"{reading} {_digest(_mapping(settings))}")
        place = table if len(sources) == 1 else f"{table}[{number}]"
        label = place if settings.name is None else f"{table} {settings.name!r}"
        found.append(Source(table, number, identity, label, settings))
    twice = [identity for identity, count in Counter(source.identity for source in found).items() if count > 1]
    if twice:
        raise ConfigurationError(
            f"two sources of {table} go by {twice[0]!r}", remedy='Give each a name of its own, such as name = "shop".'
        )
    return tuple(found)


def match_ledger(ledger: pl.DataFrame, sources: Mapping[str, Sequence[Source]]) -> pl.DataFrame:
    """Let the arrivals of the ledger go by what their source goes by today.

    Args:
        ledger: One row per arrival.
        sources: Table → its configured sources.

    Returns:
        The same rows; `source` is today's identity, or what it was where no source of today has brought it.

    Raises:
        ConfigurationError: An unnamed source may or may not be one that the ledger knows under another path.
    """
    renamed: dict[tuple[str, str, str], str] = {}
    for table, of_table in sources.items():
        held = ledger.filter(pl.col("table") == table).select("source", "path").unique().sort("source", "path")
        renamed |= {(table, old, path): new for old, path, new in _matches(table, held, of_table)}
    if not renamed:
        return ledger
    rows = [(*key, identity) for key, identity in renamed.items()]
    matched = pl.DataFrame(rows, schema=["table", "source", "path", "identity"], orient="row")
    joined = ledger.join(matched, on=["table", "source", "path"], how="left", maintain_order="left")
    return joined.with_columns(source=pl.coalesce("identity", "source")).drop("identity")


def _matches(table: str, held: pl.DataFrame, sources: Sequence[Source]) -> list[tuple[str, str, str]]:
    """Held source, path and the identity that takes the place of the held one."""
    today = {source.identity for source in sources}
    matches: list[tuple[str, str, str]] = []
    paths: dict[str, list[str]] = {}
    for old, path in held.iter_rows():
        if old not in today:
            paths.setdefault(old, []).append(path)
    for old in [old for old in paths if _place(table, old) is not None]:
        matches += [(old, path, by.identity) for path in paths.pop(old) if (by := _reader(table, old, path, sources)) is not None]
    known = set(held["source"]) | {identity for _, _, identity in matches}
    unseen = [source for source in sources if source.identity not in known]
    for old, read in paths.items():
        by = _successor(old, read, unseen, is_only=len(sources) == 1 and len(known - today) == 1)
        if by is not None:
            matches += [(old, path, by.identity) for path in read]
            unseen.remove(by)
        elif doubtful := [source for source in unseen if not source.is_named]:
            raise _nameless(table, old, doubtful[0])
    return matches


def _reader(table: str, old: str, path: str, sources: Sequence[Source]) -> Source | None:
    """The source of today that reads a path which a ledger of the first release has under a place such as `orders[1]`."""
    if len(sources) == 1:
        return sources[0]
    place = _place(table, old)
    reading = [source for source in sources if source.reads(path)]
    same_place = [source for source in reading if source.number == place]
    return reading[0] if len(reading) == 1 else same_place[0] if same_place else None


def _successor(old: str, read: Sequence[str], unseen: Sequence[Source], *, is_only: bool) -> Source | None:
    """The source of today that is the one the ledger calls `old`, where that is certain."""
    same_reading = [source for source in unseen if _reading(source.settings) == old]
    same_files = [source for source in unseen if all(source.reads(path) for path in read)]
    for candidates in (same_reading, same_files, list(unseen) if is_only else []):
        if len(candidates) == 1:
            return candidates[0]
    return None


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


def _mapping(settings: SourceSettings) -> str:
    return repr((settings.where, sorted(settings.columns.items())))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
