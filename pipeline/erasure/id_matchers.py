"""Matching of several members' ids at once: one pass over a text or a file, however many members there are.

One pattern of all ids finds candidates. The `IdMatcher` of each member then decides, so that several members match exactly as
one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from typing import Any, Final, Self

import polars as pl

from pipeline.erasure.id_matcher import ERASED_TEXT, ID_COLUMNS, IdMatcher, parse_json, ways_of_writing

# A pattern is compiled once per column. Beyond this number of ids compiling costs more than Aho-Corasick search without one.
_MOST_IN_A_PATTERN: Final = 500
# Compressed pages are random bytes, which contain shorter ids by chance.
_SHORTEST_IN_NOISE: Final = 6


class IdMatchers:
    """The matchers of several members.

    Args:
        matchers: One matcher per member.
    """

    def __init__(self, matchers: Iterable[IdMatcher]) -> None:
        self._by_id = {matcher.member_id: matcher for matcher in matchers}

    @classmethod
    def of(cls, ids: Iterable[str], *, known: pl.Series) -> Self:
        """Build matchers that do not match inside other members' longer ids.

        Args:
            ids: The members to match.
            known: The ids of all members.
        """
        member_ids = list(ids)
        longer_ids = known.filter(
            known.str.contains_any(member_ids) & ~known.is_in(pl.Series(member_ids, dtype=pl.String).implode())
        )
        # One member to erase may be a part of another one's id, and must not be found where only the other is named.
        others = [*longer_ids, *member_ids]
        return cls(
            IdMatcher(member, frozenset(other for other in others if member in other and other != member))
            for member in member_ids
        )

    @property
    def ids(self) -> list[str]:
        """Return the ids of the members."""
        return list(self._by_id)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of the matchers, each once, sorted."""
        return tuple(sorted({matcher.kind for matcher in self._by_id.values()}))

    @cached_property
    def values(self) -> frozenset[str]:
        """Return the ids that match only as a whole value of an id column."""
        return frozenset(member for member, matcher in self._by_id.items() if matcher.kind == "value")

    @cached_property
    def words(self) -> tuple[IdMatcher, ...]:
        """Return the matchers of all other members, which match in texts and bytes."""
        return tuple(matcher for matcher in self._by_id.values() if matcher.kind != "value")

    def only(self, ids: Iterable[str]) -> IdMatchers:
        """Return the matchers of some of the members."""
        return IdMatchers(self._by_id[member] for member in ids)

    @cached_property
    def by_length(self) -> Mapping[bool, IdMatchers]:
        """Split the words: True for ids long enough to search for in compressed pages, False for shorter ones."""
        return {
            is_long: IdMatchers(matcher for matcher in self.words if (len(matcher.member_id) >= _SHORTEST_IN_NOISE) is is_long)
            for is_long in (True, False)
        }

    def in_bytes(self, data: bytes) -> Iterator[str]:
        """Yield the members of whose ids the bytes contain a written form."""
        if self.words and self._bytes.search(data) is not None:
            yield from (matcher.member_id for matcher in self.words if matcher.in_bytes(data))

    def in_text(self, text: str) -> Iterator[str]:
        """Yield the members whom a text names."""
        if self.words and self._texts.search(text) is not None:
            yield from (matcher.member_id for matcher in self.words if matcher.in_text(text))

    def may_be_in(self, text: str) -> bool:
        """Return whether a text contains an id literally; False means that it names nobody."""
        return self._all.search(text) is not None

    def in_json(self, value: Any, *, key: str = "") -> Iterator[str]:
        """Yield the members whom a parsed JSON value of the field `key` names; JSON in texts is parsed, numbers never match."""
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from self.in_text(name)
                yield from self.in_json(inner, key=name)
        elif isinstance(value, list):
            for inner in value:
                yield from self.in_json(inner, key=key)
        elif isinstance(value, str):
            inner = parse_json(value) if value[:1] in ("{", "[") else None
            if inner is not None:
                yield from self.in_json(inner, key=key)
                return
            if key in ID_COLUMNS and value in self.values:
                yield value
            yield from self.in_text(value)

    def named_in(self, texts: pl.Series) -> pl.Series:
        """Return for each text whether it names a member; False for null."""
        if not self.words:
            return pl.Series([False]).new_from_index(0, texts.len())
        candidates = texts.filter(texts.to_frame("text").select(self.near(pl.col("text"))).to_series()).unique()
        naming = [text for text in candidates if any(True for _ in self.in_text(text))]
        return texts.is_in(pl.Series(naming, dtype=pl.String).implode()).fill_null(value=False)

    def near(self, texts: pl.Expr, *, values: bool = False) -> pl.Expr:
        """Return a filter for texts that contain an id literally, as candidates; `values` includes ids of kind `value`."""
        ids = self.ids if values else [matcher.member_id for matcher in self.words]
        # Both ways only find candidates, so that they need not agree on word boundaries.
        if len(ids) > _MOST_IN_A_PATTERN:
            return texts.str.contains_any(ids).fill_null(value=False)
        return texts.str.contains("|".join(map(pl.escape_regex, ids)) or "$^").fill_null(value=False)

    def redacted(self, text: str, *, by: Mapping[str, str] | None = None) -> str:
        """Return the text with every match replaced by the member's text in `by`, or else by `ERASED_TEXT`."""
        for member in list(self.in_text(text)):
            text = self._by_id[member].redacted(text, by=ERASED_TEXT if by is None else by[member])
        return text

    def redacted_bytes(self, data: bytes) -> bytes:
        """Return the bytes of a text file with every written form of the ids replaced."""
        for member in list(self.in_bytes(data)):
            data = self._by_id[member].redacted_bytes(data)
        return data

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        # Patterns need text to be escaped and joined: Latin-1 maps every byte to one character and back.
        forms = {form for matcher in self.words for form in ways_of_writing(matcher.member_id)}
        return re.compile(_alternatives(sorted(form.decode("latin-1") for form in forms)).encode("latin-1"))

    @cached_property
    def _texts(self) -> re.Pattern[str]:
        return re.compile(_alternatives(sorted(matcher.member_id for matcher in self.words)))

    @cached_property
    def _all(self) -> re.Pattern[str]:
        return re.compile(_alternatives(sorted(self._by_id)))


def _alternatives(words: list[str]) -> str:
    """Build a pattern for any of the sorted words, with common beginnings factored out.

    `re` tries the alternatives one after the other at every position; factored out, few of them are tried.
    """
    pairs = zip(words[0], words[-1], strict=False)
    shared = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    rests = [word[len(shared) :] for word in words]
    if "" in rests:
        return re.escape(shared)
    groups: dict[str, list[str]] = {}
    for rest in rests:
        groups.setdefault(rest[0], []).append(rest)
    inner = "|".join(_alternatives(group) for group in groups.values())
    return f"{re.escape(shared)}(?:{inner})"
