"""Matching of one member's id: defines when a text or a file names the member.

A long id is unmistakable and matches anywhere in the bytes. A shorter one such as `12347` matches as a whole word, but not inside
a random name such as that of a data file, which contains four given characters by chance. An id so short that it may be any
count, such as `7`, matches only as a whole value of the columns, fields and keys in `ID_COLUMNS`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, AnyStr, Final, Generic, Literal
from urllib.parse import quote

ID_COLUMNS: Final = frozenset({"member_id", "referrer_id", "target_member_id", "author_id"})
ERASED_TEXT: Final = "(erased)"
# Twelve given characters do not occur by chance, not even in the compressed bytes of a whole lake.
_UNMISTAKABLE_CHARACTERS: Final = 12
_SHORTEST_WORD: Final = 4
# One more than for words: years and many counts have four digits.
_SHORTEST_NUMBER: Final = 5
_WORD: Final = "[0-9A-Za-z_]"
# A UUID, and the ending of a Delta data file; statistics in footers may cut such names off after any character.
_RANDOM_NAME: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}(?:-[0-9a-f]{0,12}(?:-c[0-9]{3}(?![0-9A-Za-z_]))?)?"
)
_RANDOM_NAME_LENGTH: Final = 41

Kind = Literal["anywhere", "word", "value"]


@dataclass(frozen=True)
class IdMatcher:
    """The matcher of one member id.

    Args:
        member_id: The id as the community's systems write it.
        others: Other members' ids that contain this one, such as `anna-2` for `anna`; a match inside one of them does not count.
    """

    member_id: str
    others: frozenset[str] = frozenset()

    @cached_property
    def kind(self) -> Kind:
        """Return how the id matches: `anywhere` in the bytes, as a `word`, or only as a whole `value` of an id column."""
        if len(self.member_id) >= _UNMISTAKABLE_CHARACTERS:
            return "anywhere"
        shortest = _SHORTEST_NUMBER if self.is_number else _SHORTEST_WORD
        return "word" if len(self.member_id) >= shortest else "value"

    @property
    def is_number(self) -> bool:
        """Return whether the id consists of digits alone, like a count or a size."""
        return self.member_id.isdecimal()

    def in_text(self, text: str) -> bool:
        """Return whether a text names the member."""
        if self.kind == "value":
            return text == self.member_id
        return self.member_id in text and any(True for _ in self._in_text.matches(text))

    def in_bytes(self, data: bytes) -> bool:
        """Return whether the bytes contain a written form of the id; False for an id of kind `value`."""
        if self.kind == "value":
            return False
        return any(form.written in data and any(True for _ in form.matches(data)) for form in self._in_bytes)

    def in_json(self, value: Any, *, key: str = "") -> bool:
        """Return whether a parsed JSON value of field `key` names the member; JSON in texts is parsed, numbers never match."""
        if isinstance(value, dict):
            return any(self._as_key(name) or self.in_json(inner, key=name) for name, inner in value.items())
        if isinstance(value, list):
            return any(self.in_json(inner, key=key) for inner in value)
        # Everything Evenfall writes has ids as text, so that a number is a count.
        if not isinstance(value, str):
            return False
        if value[:1] in ("{", "[") and (inner := parse_json(value)) is not None:
            return self.in_json(inner, key=key)
        if self.kind == "value":
            return key in ID_COLUMNS and value == self.member_id
        return self.in_text(value)

    def redacted(self, text: str, *, by: str = ERASED_TEXT) -> str:
        """Return the text with every match replaced."""
        return text if self.kind == "value" else self._in_text.replaced(text, by)

    def redacted_bytes(self, data: bytes) -> bytes:
        """Return the bytes of a text file with every written form of the id replaced."""
        if self.kind != "value":
            for form in self._in_bytes:
                data = form.replaced(data, ERASED_TEXT.encode())
        return data

    def _as_key(self, name: str) -> bool:
        return self.kind != "value" and self.in_text(name)

    @cached_property
    def _in_text(self) -> _Form[str]:
        random = re.compile(_RANDOM_NAME) if self.kind == "word" else None
        return _Form(self.member_id, re.compile("".join(self._bounded(re.escape(self.member_id)))), self.others, random)

    @cached_property
    def _in_bytes(self) -> tuple[_Form[bytes], ...]:
        forms: dict[bytes, _Form[bytes]] = {}
        before, _, after = (part.encode() for part in self._bounded(""))
        others = [tuple(ways_of_writing(other)) for other in self.others]
        random = re.compile(_RANDOM_NAME.encode()) if self.kind == "word" else None
        # Form by form: inside a longer id that is written as JSON, this one is written as JSON, too.
        for index, written in enumerate(ways_of_writing(self.member_id)):
            pattern = re.compile(before + re.escape(written) + after)
            forms.setdefault(
                written, _Form(written, pattern, frozenset(forms_of_other[index] for forms_of_other in others), random)
            )
        return tuple(forms.values())

    def _bounded(self, inner: str) -> tuple[str, str, str]:
        r"""Return a pattern with its word boundaries: what must not precede it, the pattern, what must not follow it.

        `\b` is not enough for numbers: in `1,234.56`, `-234` and `v2.234` the digits are part of a longer number.
        """
        if self.kind == "anywhere":
            return "", inner, ""
        before, after = f"(?<!{_WORD})", f"(?!{_WORD})"
        if self.is_number:
            before, after = f"{before}(?<![0-9][.,])(?<![-+.])", f"{after}(?![.,][0-9])"
        return before, inner, after


class _Form(Generic[AnyStr]):
    """One written form of an id; it does not match inside another member's id or inside a random name."""

    written: AnyStr
    _pattern: re.Pattern[AnyStr]
    _others: frozenset[AnyStr]
    _random: re.Pattern[AnyStr] | None

    def __init__(
        self, written: AnyStr, pattern: re.Pattern[AnyStr], others: frozenset[AnyStr], random: re.Pattern[AnyStr] | None
    ) -> None:
        self.written = written
        self._pattern = pattern
        self._others = others
        self._random = random
        # Offset of this id in the other, and length of the other: few pairs, however many others there are. Each pair cuts one
        # piece out of the surroundings of a match, which is then looked up in the set of others.
        self._around = sorted({(other.index(written), len(other)) for other in others if written in other})

    def matches(self, data: AnyStr) -> Iterator[re.Match[AnyStr]]:
        """Yield the matches that name the member."""
        return (
            match
            for match in self._pattern.finditer(data)
            if not self._is_part_of_another(match.start(), data) and not self._is_in_random_name(match, data)
        )

    def replaced(self, data: AnyStr, by: AnyStr) -> AnyStr:
        """Return the data with every match replaced."""
        # From the end, so that the positions of earlier matches stay valid.
        for match in reversed(list(self.matches(data))):
            data = data[: match.start()] + by + data[match.end() :]
        return data

    def _is_part_of_another(self, at: int, data: AnyStr) -> bool:
        return any(at >= ahead and data[at - ahead : at - ahead + length] in self._others for ahead, length in self._around)

    def _is_in_random_name(self, match: re.Match[AnyStr], data: AnyStr) -> bool:
        if self._random is None:
            return False
        start = max(match.start() - _RANDOM_NAME_LENGTH, 0)
        surroundings = data[start : match.end() + _RANDOM_NAME_LENGTH]
        random_spans = (name.span() for name in self._random.finditer(surroundings))
        return any(start + first <= match.start() and match.end() <= start + last for first, last in random_spans)


def ways_of_writing(text: str) -> Iterator[bytes]:
    """Yield the written forms of a text, always in this order: plain, JSON, JSON in JSON, HTML and XML, CSV, URL, UTF-16."""
    in_json = json.dumps(text)[1:-1]
    texts = (
        text,
        in_json,
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(in_json)[1:-1],
        html.escape(text),
        html.escape(text, quote=False),
        text.replace('"', '""'),
        quote(text),
        quote(text, safe=""),
    )
    for written in texts:
        yield written.encode("utf-8", "surrogatepass")
    yield text.encode("utf-16-le", "surrogatepass")


def json_lines(data: bytes) -> Iterator[Any]:
    """Yield the value of a JSON document, or the values of a document with one value per line.

    Raises:
        ValueError: It is neither.
    """
    try:
        yield json.loads(data)
    except ValueError:
        for line in data.splitlines():
            if line.strip():
                yield json.loads(line)


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None
