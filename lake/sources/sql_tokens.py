"""Cutting an SQL expression into tokens, with no spelling that two readers could take differently.

Comments, escaped strings, dollar quotes and byte strings are refused, so that a token is what it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["word", "quoted", "text", "number", "operator", "end"]

MOST_TOKENS: Final = 5_000
_NUMBER: Final = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![\w$@#])", re.ASCII)
_WORD: Final = re.compile(r"[\w@#][\w@#$]*")
_TEXT: Final = re.compile(r"'((?:[^']|'')*)'")
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`')
_OPERATOR: Final = re.compile(
    r"#>>|->>|!~~\*|<=>|!~~|~~\*|!~\*|#>|->|<>|!=|<=|>=|==|\|\||::|//|~~|!~|~\*|\^@|[-+*/%=<>&|~(),.\[\]]"
)
_COMMENT: Final = re.compile(r"--|/\*|\*/")


class NotReadError(ValueError):
    """The text is no expression this product reads; the message says why and holds nothing but the text itself."""


@dataclass(frozen=True)
class Token:
    """A piece of an expression.

    Args:
        kind: What it is; `end` once, behind the last.
        text: A name without its quotes, a text without its quotes, anything else as written.
        place: Where it starts, counted from 0.
    """

    kind: Kind
    text: str
    place: int


def tokens_of(sql: str) -> list[Token]:
    """Cut an expression into tokens, `end` being the last.

    Raises:
        NotReadError: A comment, an unfinished quote, a character without a meaning, or more than `MOST_TOKENS` tokens.
    """
    tokens: list[Token] = []
    place = 0
    while place < len(sql):
        if sql[place].isspace():
            place += 1
            continue
        token, place = _token(sql, place)
        tokens.append(token)
        if len(tokens) > MOST_TOKENS:
            raise NotReadError(f"it has more than {MOST_TOKENS} words and signs")
    return [*tokens, Token("end", "", len(sql))]


def _token(sql: str, place: int) -> tuple[Token, int]:
    if _COMMENT.match(sql, place):
        raise NotReadError("comments are not read inside an expression (two minus signs begin one)")
    if found := _TEXT.match(sql, place):
        return Token("text", found[1].replace("''", "'"), place), found.end()
    if found := _QUOTED.match(sql, place):
        return Token("quoted", found[2] if found[1] is None else found[1].replace('""', '"'), place), found.end()
    if found := _OPERATOR.match(sql, place):
        # A number may start with its point: .5, but a.5 is no number.
        number = None if found[0] != "." or (place and re.match(r"[\w\"`\])]", sql[place - 1])) else _NUMBER.match(sql, place)
        kind: Kind = "operator" if number is None else "number"
        found = number or found
        return Token(kind, found[0], place), found.end()
    if found := _NUMBER.match(sql, place):
        return Token("number", found[0], place), found.end()
    if found := _WORD.match(sql, place):
        return Token("word", found[0], place), found.end()
    if sql[place] in "'\"`":
        raise NotReadError(f"the quote {sql[place]} at character {place + 1} is not closed")
    raise NotReadError(f"{sql[place]!r} at character {place + 1} has no meaning here")


class Cursor:
    """A place in the tokens of an expression, moved by taking what is expected there."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.place = 0

    @property
    def following(self) -> Token:
        """The token that stands here."""
        return self.tokens[self.place]

    def take(self) -> Token:
        """The token that stands here, moving behind it."""
        token = self.tokens[self.place]
        self.place += token.kind != "end"
        return token

    def is_at(self, *written: str, ahead: int = 0) -> bool:
        """Whether one of these words or signs stands here, or so many tokens ahead."""
        token = self.tokens[min(self.place + ahead, len(self.tokens) - 1)]
        return token.kind in ("word", "operator") and token.text.upper() in written

    def taken(self, *written: str) -> str | None:
        """The word or sign that stands here, if it is one of these, moving behind it; else None."""
        return self.take().text.upper() if self.is_at(*written) else None

    def expect(self, *written: str) -> str:
        """Take one of these words or signs.

        Raises:
            NotReadError: Something else stands here.
        """
        found = self.taken(*written)
        if found is None:
            raise self.unexpected(f"{' or '.join(written)} is missing")
        return found

    def expect_text(self, wanted: str) -> str:
        """Take a text in single quotes.

        Raises:
            NotReadError: Something else stands here.
        """
        if self.following.kind != "text":
            raise self.unexpected(f"{wanted} in single quotes is missing")
        return self.take().text

    def unexpected(self, wanted: str) -> NotReadError:
        """The error that says what is missing, and before what."""
        token = self.following
        if token.kind == "end":
            return NotReadError(f"{wanted} at its end")
        return NotReadError(f"{wanted} before `{token.text}` at character {token.place + 1}")
