"""The parser of SQL expressions: accepts only what is on a list of allowed syntax, and writes it again for Polars.

Polars' own parser opens files if an expression contains a query, so it never sees the text that a person wrote: anything not on
the list is refused here, and the rest is written again from its tokens. Columns become `_column_0_`, `_column_1_`, …, so that
Polars cannot take a name for a keyword, a pattern or a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lake.sources.sql_names import (
    AGGREGATE_FUNCTIONS,
    ALLOWED_FUNCTIONS,
    ALLOWED_TYPES,
    CLOCK_FUNCTIONS,
    JSON_TYPES,
    LITERAL_TYPES,
    NARROW_FUNCTIONS,
    NARROW_PARTS,
    NORMAL_FORMS,
    OPERATORS,
    PARTS,
    UNITS,
    WIDE_TYPES,
)
from lake.sources.sql_paths import Path, Step
from lake.sources.sql_tokens import Cursor, NotReadError, Token, tokenize
from lake.sources.times import names_utc

MAX_DEPTH: Final = 40
_DOLLAR_GROUP: Final = re.compile(r"'.*\$\{?\d.*'", re.DOTALL)
_TIME_PARSING_FUNCTIONS: Final = ("STRPTIME", "DATETIME", "TIMESTAMP")
_INDEX: Final = re.compile(r"\d{1,9}", re.ASCII)


class ManyRowsError(NotReadError):
    """The expression depends on other rows than its own."""


@dataclass(frozen=True)
class ParsedExpression:
    """An allowed expression.

    Args:
        sql: The expression for Polars, with `_column_0_` for the first path.
        paths: The paths it reads, each once.
        is_path: Whether it is only a path.
    """

    sql: str
    paths: tuple[Path, ...]
    is_path: bool


def column_name(number: int) -> str:
    """Return the column name that stands for a path in `ParsedExpression.sql`."""
    return f"_column_{number}_"


def read_expression(sql: str) -> ParsedExpression:
    """Parse an expression over one row.

    Raises:
        NotReadError: It is not an expression, or contains something that is not allowed.
        ManyRowsError: It counts, sums or ranks rows.
    """
    tokens = tokenize(sql)
    try:
        parts = _Parser(tokens).parse()
    except NotReadError:
        # The general message would say that an operator is missing; a query deserves its own.
        if any(token.kind == "word" and token.text.upper() == "SELECT" for token in tokens[:-2]):
            raise NotReadError("a query (SELECT) is not read inside an expression") from None
        raise
    positions = {path: position for position, path in enumerate(dict.fromkeys(part for part in parts if isinstance(part, Path)))}
    texts = (f'"{column_name(positions[part])}"' if isinstance(part, Path) else part for part in parts)
    return ParsedExpression(" ".join(texts), tuple(positions), is_path=_is_path(parts))


Part = str | Path
Parts = tuple[Part, ...]


class _Parser(Cursor):
    """A recursive-descent parser in one pass.

    It checks syntax only and keeps the order of the tokens, so operator precedence is left to Polars' parser.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self.depth = 0

    def parse(self) -> Parts:
        """Parse all tokens as one expression."""
        parts = self._expression()
        if self.is_at("OVER", "FILTER", "WITHIN"):
            raise ManyRowsError(f"{self.following.text} asks for other rows")
        if self.following.kind != "end":
            raise self.unexpected("an operator is missing")
        return parts

    def _expression(self, *, until: str = "") -> Parts:
        """Parse operands joined by operators; `until` is a word that ends the expression, such as AND after BETWEEN."""
        # A limit of our own, before deep nesting exhausts Python's stack here or Polars' stack later.
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotReadError(f"it is nested more than {MAX_DEPTH} times")
        parts = self._operand()
        while not self.is_at(until):
            if self.is_at(*OPERATORS):
                operator = self.take().text.upper()
                parts = (*parts, "=" if operator == "==" else operator, *self._operand())
            elif predicate := self._predicate():
                parts = (*parts, *predicate)
            else:
                break
        self.depth -= 1
        return parts

    def _predicate(self) -> Parts:
        """Parse a predicate after an operand: IS NULL, IN (…), BETWEEN, NOT LIKE; returns () where there is none."""
        if keyword := self.take_if("ISNULL", "NOTNULL"):
            return ("IS NULL" if keyword == "ISNULL" else "IS NOT NULL",)
        if self.take_if("IS"):
            return self._predicate_after_is()
        if self.is_at("NOT") and self.is_at("IN", "BETWEEN", "LIKE", "ILIKE", "RLIKE", "REGEXP", ahead=1):
            self.take()
            keyword = self.take_if("LIKE", "ILIKE", "RLIKE", "REGEXP")
            return ("NOT", keyword, *self._operand()) if keyword else ("NOT", *self._predicate())
        if self.take_if("IN"):
            self.expect("(")
            return ("IN", "(", *self._comma_separated(")", least=1), ")")
        if self.take_if("BETWEEN"):
            low = self._expression(until="AND")
            self.expect("AND")
            return ("BETWEEN", *low, "AND", *self._operand())
        return ()

    def _predicate_after_is(self) -> Parts:
        negated = ("NOT",) if self.take_if("NOT") else ()
        if keyword := self.take_if("NULL", "TRUE", "FALSE"):
            return ("IS", *negated, keyword)
        self.expect("DISTINCT")
        self.expect("FROM")
        return ("IS", *negated, "DISTINCT FROM", *self._operand())

    def _operand(self) -> Parts:
        signs: list[str] = []
        while sign := self.take_if("+", "-", "NOT"):
            signs.append(sign)
        parts = self._primary()
        while extended := self._postfix(parts):
            parts = extended
        return (*signs, *parts)

    def _primary(self) -> Parts:
        kind = self.following.kind
        if kind == "text":
            return (_text(self.take().text),)
        if kind == "number":
            return (self.take().text,)
        if kind == "word":
            return self._word()
        if kind == "quoted":
            return (self._path(),)
        if self.take_if("("):
            parts = self._expression()
            self.expect(")")
            # Parentheses around a column are dropped, since arrows may follow a path only.
            return parts if _is_path(parts) else ("(", *parts, ")")
        if self.take_if("["):
            return ("[", *self._comma_separated("]"), "]")
        raise self.unexpected("a column, a value or a function is missing")

    def _word(self) -> Parts:
        word, following = self.following.text.upper(), self.tokens[self.position + 1]
        if following.kind == "operator" and following.text == "(" and word != "CASE":
            return self._function()
        # `DATE '2024-01-31'` is a literal, while `date` alone is a column of that name.
        if following.kind == "text" and word in LITERAL_TYPES:
            return self._typed_literal()
        # A column may be called case.
        if word == "CASE" and _can_begin_operand(following):
            return self._case()
        if word in ("TRUE", "FALSE", "NULL"):
            return (self.take().text.upper(),)
        return (self._path(),)

    def _typed_literal(self) -> Parts:
        kind, text = self.take().text.upper(), self.take().text
        unit = self.take_if(*UNITS) if kind == "INTERVAL" else None
        return (kind, _text(f"{text} {unit.lower()}" if unit else text))

    def _case(self) -> Parts:
        self.expect("CASE")
        parts: list[Part] = ["CASE", *(() if self.is_at("WHEN") else self._expression())]
        while True:
            parts += [self.expect("WHEN"), *self._expression(), self.expect("THEN"), *self._expression()]
            if not self.is_at("WHEN"):
                break
        if self.take_if("ELSE"):
            parts += ["ELSE", *self._expression()]
        return (*parts, self.expect("END"))

    def _comma_separated(self, closing: str, *, least: int = 0) -> Parts:
        """Parse expressions separated by commas and take the closing sign."""
        if not least and self.take_if(closing):
            return ()
        parts = list(self._expression())
        while self.expect(",", closing) == ",":
            parts += [",", *self._expression()]
        return tuple(parts)

    def _path(self) -> Path:
        names = [self.take().text]
        while self.take_if("."):
            if self.following.kind not in ("word", "quoted"):
                raise self.unexpected("a field's name is missing")
            names.append(self.take().text)
        return Path(tuple(names))

    def _postfix(self, parts: Parts) -> Parts:
        """Parse what may follow an operand: arrows, a cast, an index, AT TIME ZONE.

        Returns:
            The operand with it; () where nothing follows.
        """
        if self.is_at("->", "->>", "#>", "#>>"):
            return (self._arrow_path(parts),)
        if self.take_if("::"):
            return parts if self._is_json(parts) else (*parts, "::", self._type())
        if self.take_if("["):
            inside = self._expression()
            self.expect("]")
            return (*parts, "[", *inside, "]")
        if self.is_at("AT") and self.is_at("TIME", ahead=1):
            self.take()
            self.take()
            self.expect("ZONE")
            return (*parts, "AT TIME ZONE", _text(self.expect_text("a zone")))
        return ()

    def _arrow_path(self, parts: Parts) -> Path:
        arrow, (path, *more) = self.take().text, parts
        # Arrows are evaluated by `lake.sources.nested`, not by Polars, so they need a column to start from.
        if more or not isinstance(path, Path):
            raise NotReadError(f"{arrow} follows a column and nothing else")
        keys = self._keys(arrow)
        steps = [*(Step(key) for key in keys[:-1]), Step(keys[-1], as_text=arrow.endswith(">>"))]
        return Path(path.names, (*path.steps, *steps))

    def _keys(self, arrow: str) -> list[str | int]:
        if self.following.kind == "number" and _INDEX.fullmatch(self.following.text):
            return [int(self.take().text)]
        text = self.expect_text("a field")
        # `#>` takes PostgreSQL's path of several keys, '{a,0,b}'.
        if not arrow.startswith("#"):
            return [text]
        return [int(key) if _INDEX.fullmatch(key) else key for key in map(str.strip, text.strip("{}").split(","))]

    def _is_json(self, parts: Parts) -> bool:
        """Return whether a cast to JSON follows, and take its type; it is dropped, since arrows work on text columns too."""
        return _is_path(parts) and self.take_if(*JSON_TYPES) is not None

    def _type(self) -> str:
        word = self.following.text
        name = self.take_if(*ALLOWED_TYPES)
        if name is None:
            raise NotReadError(f"`{word}` is no type that values are cast to; text in JSON is read with column ->> 'field'")
        if name == "DOUBLE" and self.take_if("PRECISION"):
            name = "DOUBLE PRECISION"
        sizes: list[str] = []
        if self.take_if("("):
            while not sizes or self.expect(",", ")") == ",":
                if self.following.kind != "number" or not _INDEX.fullmatch(self.following.text):
                    raise self.unexpected("a whole number is missing")
                sizes.append(self.take().text)
        unsigned = " UNSIGNED" if self.take_if("UNSIGNED") else ""
        # 64 bits instead of a narrow type, in which arithmetic would wrap around.
        return WIDE_TYPES.get(name) or name + (f"({', '.join(sizes)})" if sizes else "") + unsigned

    def _function(self) -> Parts:
        spelling = self.take().text
        name = spelling.upper()
        # Checked before the list of allowed functions, for a clearer message than "there is no function".
        if name in AGGREGATE_FUNCTIONS:
            raise ManyRowsError(f"{name} asks for other rows")
        if name in CLOCK_FUNCTIONS:
            raise NotReadError(f"{name} gives another value every time; an expression depends on its row alone")
        if name not in ALLOWED_FUNCTIONS:
            raise NotReadError(f"there is no function `{spelling}` here")
        self.expect("(")
        if name in ("CAST", "TRY_CAST", "SAFE_CAST"):
            return self._cast(name)
        special: dict[str, Callable[[], Parts]] = {
            "EXTRACT": self._extract, "TRIM": self._trim, "POSITION": self._position, "SUBSTRING": self._substring,
            "NORMALIZE": self._normalize,
        }  # fmt: skip
        # Polars panics on some functions without arguments; only PI has none.
        arguments = special[name]() if name in special else self._comma_separated(")", least=name != "PI")
        # Polars reads $1 as a group; other databases write \1 and take $1 literally, so neither meaning is assumed.
        if name == "REGEXP_REPLACE" and any(isinstance(part, str) and _DOLLAR_GROUP.fullmatch(part) for part in arguments[2:]):
            raise NotReadError(r"REGEXP_REPLACE names a group \1, not $1 ('\\1' inside double quotes of TOML)")
        if name in _TIME_PARSING_FUNCTIONS and len(arguments) > 1 and isinstance(pattern := arguments[-1], str):
            # Only a literal pattern can be checked; it is the last argument.
            arguments = (*arguments[:-1], _with_zone(pattern))
        # Polars returns these as Int8 to Int32, in which arithmetic wraps around: cast to 64 bits.
        part = str(arguments[0]).strip("'").upper().rstrip("S") if name in ("EXTRACT", "DATE_PART") else ""
        is_narrow = name in NARROW_FUNCTIONS or part in NARROW_PARTS
        parts = (name, "(", *arguments, ")")
        return ("CAST", "(", *parts, "AS", "BIGINT", ")") if is_narrow else parts

    def _cast(self, name: str) -> Parts:
        parts = self._expression(until="AS")
        self.expect("AS")
        parts = parts if self._is_json(parts) else (name, "(", *parts, "AS", self._type(), ")")
        self.expect(")")
        return parts

    def _extract(self) -> Parts:
        part = self.take().text.upper()
        if part not in PARTS:
            raise NotReadError(f"`{part}` is no part of a date or time")
        self.expect("FROM")
        return (part, "FROM", *self._comma_separated(")", least=1))

    def _trim(self) -> Parts:
        side = (
            (self.take().text.upper(),) if self.is_at("BOTH", "LEADING", "TRAILING") and not self.is_at(")", ",", ahead=1) else ()
        )
        what = () if self.take_if("FROM") else self._expression()
        if side or self.is_at("FROM"):
            if what:
                self.expect("FROM")
            return (*side, *what, "FROM", *self._comma_separated(")", least=1))
        self.expect(")")
        return what

    def _position(self) -> Parts:
        what = self._expression(until="IN")
        self.expect("IN")
        return (*what, "IN", *self._comma_separated(")", least=1))

    def _substring(self) -> Parts:
        parts = self._expression()
        while word := self.take_if("FROM", "FOR", ","):
            parts = (*parts, word, *self._expression())
        self.expect(")")
        return parts

    def _normalize(self) -> Parts:
        parts = self._expression()
        if self.take_if(","):
            parts = (*parts, ",", self.expect(*NORMAL_FORMS))
        self.expect(")")
        return parts


def _can_begin_operand(token: Token) -> bool:
    """Return whether a token can begin an operand; after the word CASE, anything else means a column of that name."""
    return token.kind not in ("end", "operator") or token.text in ("(", "+", "-", "[")


def _is_path(parts: Parts) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Path)


def _with_zone(pattern: str) -> str:
    """Return a strptime pattern whose zone Polars does not ignore: it silently skips a literal Z and %Z.

    Raises:
        NotReadError: The pattern names a zone in a way that cannot be translated.
    """
    if "%Z" in pattern:
        raise NotReadError(
            "%Z reads names of zones, which several zones share; read an offset with %z, or one zone by `timezone`"
        )
    pattern = re.sub(r"%:?z|(?<=%[SfTM])Z(?='$)", "%#z", pattern)
    if names_utc(pattern):
        raise NotReadError(
            "a time with UTC or GMT written behind it is read by `date_format`, or without it and `timezone = 'UTC'`"
        )
    return pattern


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
