"""One member's id, and what it means that a text or a file names it.

An id that cannot be mistaken is looked for in every byte. One that other things may be called too, such as `12347`, counts
where it stands as a word of its own, but not inside a random name such as a data file's, where four characters turn up by chance.
One so short that it could be any count, such as `7`, counts only as a whole value where ids are kept: in columns, fields and
keys named in `ID_COLUMNS`.
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
_UNMISTAKABLE_CHARACTERS: Final = 12
_SHORTEST_WORD: Final = 4
_SHORTEST_NUMBER: Final = 5
_WORD: Final = "[0-9A-Za-z_]"
# What tools number their own things with, and the end of a data file's name; footers cut such names short.
_RANDOM_NAME: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}(?:-[0-9a-f]{0,12}(?:-c[0-9]{3}(?![0-9A-Za-z_]))?)?"
)
_RANDOM_NAME_LENGTH: Final = 41

Kind = Literal["anywhere", "word", "value"]


@dataclass(frozen=True)
class IdMatcher:
    """A member id to look for.

    Args:
        member_id: As the community's systems write it.
        others: Other members' ids that have this one inside, such as `anna-2` for `anna`: those are not this member.
    """

    member_id: str
    others: frozenset[str] = frozenset()

    @cached_property
    def kind(self) -> Kind:
        """How it is looked for: `anywhere` in the bytes, as a `word`, or only as a whole `value` where ids are kept."""
        if len(self.member_id) >= _UNMISTAKABLE_CHARACTERS:
            return "anywhere"
        shortest = _SHORTEST_NUMBER if self.is_number else _SHORTEST_WORD
        return "word" if len(self.member_id) >= shortest else "value"

    @property
    def is_number(self) -> bool:
        """Whether it is written in digits alone, like a count or a size."""
        return self.member_id.isdecimal()

    def in_text(self, text: str) -> bool:
        """Whether a text names the member."""
        if self.kind == "value":
            return text == self.member_id
        return self.member_id in text and any(True for _ in self._in_text.places(text))

    def in_bytes(self, data: bytes) -> bool:
        """Whether any written form of the id is in the bytes; never for an id that counts only as a whole value."""
        if self.kind == "value":
            return False
        return any(form.wanted in data and any(True for _ in form.places(data)) for form in self._in_bytes)

    def in_json(self, value: Any, *, key: str = "") -> bool:
        """Whether a parsed JSON value names the member, JSON inside texts included; numbers are no ids."""
        if isinstance(value, dict):
            return any(self._as_key(name) or self.in_json(inner, key=name) for name, inner in value.items())
        if isinstance(value, list):
            return any(self.in_json(inner, key=key) for inner in value)
        if not isinstance(value, str):
            return False
        if value[:1] in ("{", "[") and (inner := _parsed(value)) is not None:
            return self.in_json(inner, key=key)
        if self.kind == "value":
            return key in ID_COLUMNS and value == self.member_id
        return self.in_text(value)

    def redacted(self, text: str, *, by: str = ERASED_TEXT) -> str:
        """The text without the member's name."""
        return text if self.kind == "value" else self._in_text.replaced(text, by)

    def redacted_bytes(self, data: bytes) -> bytes:
        """The bytes of a text file without any written form of the id."""
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
        for way, wanted in enumerate(ways_of_writing(self.member_id)):
            pattern = re.compile(before + re.escape(wanted) + after)
            forms.setdefault(wanted, _Form(wanted, pattern, frozenset(written[way] for written in others), random))
        return tuple(forms.values())

    def _bounded(self, inner: str) -> tuple[str, str, str]:
        """The pattern between what may not stand beside a word, or beside a number that is part of a longer one."""
        if self.kind == "anywhere":
            return "", inner, ""
        before, after = f"(?<!{_WORD})", f"(?!{_WORD})"
        if self.is_number:
            before, after = f"{before}(?<![0-9][.,])(?<![-+.])", f"{after}(?![.,][0-9])"
        return before, inner, after


class _Form(Generic[AnyStr]):
    """One way of writing the id, found only where it is not a part of another member's, nor of a random name."""

    wanted: AnyStr
    _pattern: re.Pattern[AnyStr]
    _others: frozenset[AnyStr]
    _random: re.Pattern[AnyStr] | None

    def __init__(
        self, wanted: AnyStr, pattern: re.Pattern[AnyStr], others: frozenset[AnyStr], random: re.Pattern[AnyStr] | None
    ) -> None:
        self.wanted = wanted
        self._pattern = pattern
        self._others = others
        self._random = random
        # Where in which length of another id this one stands: a look at the surroundings tells, however many others there are.
        self._around = sorted({(other.index(wanted), len(other)) for other in others if wanted in other})

    def places(self, data: AnyStr) -> Iterator[re.Match[AnyStr]]:
        """Where the data name the member."""
        return (
            match
            for match in self._pattern.finditer(data)
            if not self._is_part_of_another(match.start(), data) and not self._is_in_random_name(match, data)
        )

    def replaced(self, data: AnyStr, by: AnyStr) -> AnyStr:
        """The data with every place replaced."""
        for match in reversed(list(self.places(data))):
            data = data[: match.start()] + by + data[match.end() :]
        return data

    def _is_part_of_another(self, at: int, data: AnyStr) -> bool:
        return any(at >= ahead and data[at - ahead : at - ahead + length] in self._others for ahead, length in self._around)

    def _is_in_random_name(self, match: re.Match[AnyStr], data: AnyStr) -> bool:
        if self._random is None:
            return False
        begins = max(match.start() - _RANDOM_NAME_LENGTH, 0)
        near = data[begins : match.end() + _RANDOM_NAME_LENGTH]
        spans = (name.span() for name in self._random.finditer(near))
        return any(begins + first <= match.start() and match.end() <= begins + last for first, last in spans)


def ways_of_writing(text: str) -> Iterator[bytes]:
    """Plain, as JSON, JSON in JSON, HTML and XML, CSV, in addresses, and in 16-bit text; always in this order."""
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
    """The values of a JSON document, or of one value a line.

    Raises:
        ValueError: It is neither.
    """
    try:
        yield json.loads(data)
    except ValueError:
        for line in data.splitlines():
            if line.strip():
                yield json.loads(line)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
