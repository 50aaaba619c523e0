"""The tokenizer of SQL expressions; it accepts only spellings that every SQL parser reads in the same way.

Comments, escaped strings, dollar quotes and byte strings are refused, so that Polars cannot read a token differently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["word", "quoted", "text", "number", "operator", "end"]

MAX_TOKENS: Final = 5_000
_NUMBER: Final = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![\w$@#])", re.ASCII)
_WORD: Final = re.compile(r"[\w@#][\w@#$]*")
_TEXT: Final = re.compile(r"'((?:[^']|'')*)'")
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`')
_OPERATOR: Final = re.compile(
    r"#>>|->>|!~~\*|<=>|!~~|~~\*|!~\*|#>|->|<>|!=|<=|>=|==|\|\||::|//|~~|!~|~\*|\^@|[-+*/%=<>&|~(),.\[\]]"
)
_COMMENT: Final = re.compile(r"--|/\*|\*/")


class NotReadError(ValueError):
    """The text is not an expression that is read here; the message says why and contains nothing but the text itself."""


@dataclass(frozen=True)
class Token:
    """One token of an expression.

    Args:
        kind: Its kind; `end` once, after the last token.
        text: A name or text without its quotes, anything else as written.
        position: The index of its first character.
    """

    kind: Kind
    text: str
    position: int


def tokenize(sql: str) -> list[Token]:
    """Return the tokens of an expression, `end` being the last.

    Raises:
        NotReadError: A comment, an unfinished quote, a character without a meaning, or more than `MAX_TOKENS` tokens.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(sql):
        if sql[position].isspace():
            position += 1
            continue
        token, position = _token(sql, position)
        tokens.append(token)
        if len(tokens) > MAX_TOKENS:
            raise NotReadError(f"it has more than {MAX_TOKENS} words and signs")
    return [*tokens, Token("end", "", len(sql))]


def _token(sql: str, position: int) -> tuple[Token, int]:
    # A comment could hide text from this tokenizer that Polars reads, or the other way round.
    if _COMMENT.match(sql, position):
        raise NotReadError("comments are not read inside an expression (two minus signs begin one)")
    if match := _TEXT.match(sql, position):
        return Token("text", match[1].replace("''", "'"), position), match.end()
    if match := _QUOTED.match(sql, position):
        return Token("quoted", match[2] if match[1] is None else match[1].replace('""', '"'), position), match.end()
    # Operators are tried before numbers, so that `a-1` has three tokens; the longest operators come first in the pattern.
    if match := _OPERATOR.match(sql, position):
        # A number may start with its point: .5, but a.5 is no number.
        number = (
            None if match[0] != "." or (position and re.match(r"[\w\"`\])]", sql[position - 1])) else _NUMBER.match(sql, position)
        )
        kind: Kind = "operator" if number is None else "number"
        match = number or match
        return Token(kind, match[0], position), match.end()
    if match := _NUMBER.match(sql, position):
        return Token("number", match[0], position), match.end()
    if match := _WORD.match(sql, position):
        return Token("word", match[0], position), match.end()
    if sql[position] in "'\"`":
        raise NotReadError(f"the quote {sql[position]} at character {position + 1} is not closed")
    raise NotReadError(f"{sql[position]!r} at character {position + 1} has no meaning here")


class Cursor:
    """A position in the tokens of an expression, which advances as tokens are taken."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.position = 0

    @property
    def following(self) -> Token:
        """Return the token at the position."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """Return the token at the position and advance; the last token, `end`, can be taken again and again."""
        token = self.tokens[self.position]
        self.position += token.kind != "end"
        return token

    def is_at(self, *texts: str, ahead: int = 0) -> bool:
        """Return whether the token at the position, or so many tokens ahead, is one of these words or operators."""
        token = self.tokens[min(self.position + ahead, len(self.tokens) - 1)]
        return token.kind in ("word", "operator") and token.text.upper() in texts

    def take_if(self, *texts: str) -> str | None:
        """Return the token and advance if it is one of these words or operators; else return None."""
        return self.take().text.upper() if self.is_at(*texts) else None

    def expect(self, *texts: str) -> str:
        """Take one of these words or operators.

        Raises:
            NotReadError: The next token is another one.
        """
        token_text = self.take_if(*texts)
        if token_text is None:
            raise self.unexpected(f"{' or '.join(texts)} is missing")
        return token_text

    def expect_text(self, wanted: str) -> str:
        """Take a text in single quotes.

        Raises:
            NotReadError: The next token is not a text.
        """
        if self.following.kind != "text":
            raise self.unexpected(f"{wanted} in single quotes is missing")
        return self.take().text

    def unexpected(self, wanted: str) -> NotReadError:
        """Return the error that says what is missing before the token at the position."""
        token = self.following
        if token.kind == "end":
            return NotReadError(f"{wanted} at its end")
        return NotReadError(f"{wanted} before `{token.text}` at character {token.position + 1}")
