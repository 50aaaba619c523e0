"""Several members' ids, looked for at once: one pass over a text or a file, however many they are.

What is found by the one pattern of all ids is judged by the `IdMatcher` of each, so that many are found exactly as one is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from typing import Any, Final, Self

import polars as pl

from pipeline.erasure.id_matcher import ERASED_TEXT, ID_COLUMNS, IdMatcher, ways_of_writing

# Beyond so many the pattern is dearer to compile, once for every column, than to do without.
_MOST_IN_A_PATTERN: Final = 500
# Compressed pages are noise: so short a word would turn up in them by chance.
_SHORTEST_IN_NOISE: Final = 6


class IdMatchers:
    """Members to look for.

    Args:
        matchers: One for each member.
    """

    def __init__(self, matchers: Iterable[IdMatcher]) -> None:
        self._by_id = {matcher.member_id: matcher for matcher in matchers}

    @classmethod
    def of(cls, ids: Iterable[str], *, known: pl.Series) -> Self:
        """Tell members apart from all others whose ids have theirs inside.

        Args:
            ids: The members.
            known: Every id there is.
        """
        wanted = list(ids)
        longer = known.filter(known.str.contains_any(wanted) & ~known.is_in(pl.Series(wanted, dtype=pl.String).implode()))
        others = [*longer, *wanted]
        return cls(IdMatcher(member, frozenset(one for one in others if member in one and one != member)) for member in wanted)

    @property
    def ids(self) -> list[str]:
        """Whom it looks for."""
        return list(self._by_id)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """How they are looked for, each way once."""
        return tuple(sorted({matcher.kind for matcher in self._by_id.values()}))

    @cached_property
    def values(self) -> frozenset[str]:
        """The ids that count only as a whole value where ids are kept."""
        return frozenset(member for member, matcher in self._by_id.items() if matcher.kind == "value")

    @cached_property
    def words(self) -> tuple[IdMatcher, ...]:
        """The members whose ids are looked for in texts and bytes."""
        return tuple(matcher for matcher in self._by_id.values() if matcher.kind != "value")

    def only(self, ids: Iterable[str]) -> IdMatchers:
        """The same for some of them."""
        return IdMatchers(self._by_id[member] for member in ids)

    @cached_property
    def by_length(self) -> Mapping[bool, IdMatchers]:
        """The words apart: True for those long enough to be looked for in compressed pages, which are noise."""
        return {
            is_long: IdMatchers(matcher for matcher in self.words if (len(matcher.member_id) >= _SHORTEST_IN_NOISE) is is_long)
            for is_long in (True, False)
        }

    def in_bytes(self, data: bytes) -> Iterator[str]:
        """The members whose ids are in the bytes, in any written form."""
        if self.words and self._bytes.search(data) is not None:
            yield from (matcher.member_id for matcher in self.words if matcher.in_bytes(data))

    def in_text(self, text: str) -> Iterator[str]:
        """The members whom a text names."""
        if self.words and self._texts.search(text) is not None:
            yield from (matcher.member_id for matcher in self.words if matcher.in_text(text))

    def may_be_in(self, text: str) -> bool:
        """Whether a text is worth a closer look."""
        return self._all.search(text) is not None

    def in_json(self, value: Any, *, key: str = "") -> Iterator[str]:
        """The members whom a parsed JSON value names, JSON inside texts included; numbers are no ids."""
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from self.in_text(name)
                yield from self.in_json(inner, key=name)
        elif isinstance(value, list):
            for inner in value:
                yield from self.in_json(inner, key=key)
        elif isinstance(value, str):
            inner = _parsed(value) if value[:1] in ("{", "[") else None
            if inner is not None:
                yield from self.in_json(inner, key=key)
                return
            if key in ID_COLUMNS and value in self.values:
                yield value
            yield from self.in_text(value)

    def named_in(self, texts: pl.Series) -> pl.Series:
        """Whether each text names one of them as a word of it; a null names nobody."""
        if not self.words:
            return pl.Series([False]).new_from_index(0, texts.len())
        near = texts.filter(texts.to_frame("text").select(self.near(pl.col("text"))).to_series()).unique()
        naming = [text for text in near if any(True for _ in self.in_text(text))]
        return texts.is_in(pl.Series(naming, dtype=pl.String).implode()).fill_null(value=False)

    def near(self, texts: pl.Expr, *, values: bool = False) -> pl.Expr:
        """Whether texts hold an id literally, to be judged more closely; with `values` those that count only as such, too."""
        wanted = self.ids if values else [matcher.member_id for matcher in self.words]
        if len(wanted) > _MOST_IN_A_PATTERN:
            return texts.str.contains_any(wanted).fill_null(value=False)
        return texts.str.contains("|".join(map(pl.escape_regex, wanted)) or "$^").fill_null(value=False)

    def redacted(self, text: str, *, by: Mapping[str, str] | None = None) -> str:
        """The text without any of them; `by` says what stands for each."""
        for member in list(self.in_text(text)):
            text = self._by_id[member].redacted(text, by=ERASED_TEXT if by is None else by[member])
        return text

    def redacted_bytes(self, data: bytes) -> bytes:
        """The bytes of a text file without any written form of their ids."""
        for member in list(self.in_bytes(data)):
            data = self._by_id[member].redacted_bytes(data)
        return data

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        forms = {form for matcher in self.words for form in ways_of_writing(matcher.member_id)}
        return re.compile(_any_of(sorted(form.decode("latin-1") for form in forms)).encode("latin-1"))

    @cached_property
    def _texts(self) -> re.Pattern[str]:
        return re.compile(_any_of(sorted(matcher.member_id for matcher in self.words)))

    @cached_property
    def _all(self) -> re.Pattern[str]:
        return re.compile(_any_of(sorted(self._by_id)))


def _any_of(words: list[str]) -> str:
    """A pattern of any of the sorted words, beginnings that they share written once: an alternative costs time at every place."""
    pairs = zip(words[0], words[-1], strict=False)
    shared = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    rests = [word[len(shared) :] for word in words]
    if "" in rests:
        return re.escape(shared)
    groups: dict[str, list[str]] = {}
    for rest in rests:
        groups.setdefault(rest[0], []).append(rest)
    inner = "|".join(_any_of(group) for group in groups.values())
    return f"{re.escape(shared)}(?:{inner})"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
