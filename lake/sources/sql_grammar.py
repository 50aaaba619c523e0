"""Reading an SQL expression by a list of what is allowed, and writing it anew for Polars.

Polars' own reader opens files where an expression holds a query. It never sees what a person wrote: what is not on the list is
refused here, and what is on it is written anew from its tokens. Names become `_column_0_`, `_column_1_`, …, so that
no name is a keyword, a pattern or a table to Polars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lake.sources.sql_names import (
    ALLOWED_FUNCTIONS,
    ALLOWED_TYPES,
    GIVE_NARROW,
    JSON_TYPES,
    LITERAL_TYPES,
    NARROW_PARTS,
    NORMAL_FORMS,
    OF_MANY_ROWS,
    OF_THE_CLOCK,
    OPERATORS,
    PARTS,
    UNITS,
    WIDE_TYPES,
)
from lake.sources.sql_tokens import Cursor, NotReadError, Token, tokens_of
from lake.sources.times import names_utc

DEEPEST: Final = 40
_FOREIGN_GROUP: Final = re.compile(r"'.*\$\{?\d.*'", re.DOTALL)
_READ_MOMENTS: Final = ("STRPTIME", "DATETIME", "TIMESTAMP")
_PLACE: Final = re.compile(r"\d{1,9}", re.ASCII)


class ManyRowsError(NotReadError):
    """The expression asks for other rows than its own."""


@dataclass(frozen=True)
class Step:
    """One step into a nested value: a field's name, or a place in a list (0 is the first), and whether the result is text."""

    key: str | int
    as_text: bool = False


@dataclass(frozen=True)
class Path:
    """A column, or a value nested in one.

    Args:
        names: The column's name; more than one when names were joined by points, which a column's own name may contain.
        steps: What follows, by arrows.
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return ".".join(self.names) + "".join(f" {'->>' if step.as_text else '->'} {step.key!r}" for step in self.steps)


@dataclass(frozen=True)
class ParsedExpression:
    """An expression that is allowed.

    Args:
        sql: For Polars, with `_column_0_` for the first path.
        paths: What it reads of a row, each once.
        alone: Whether it is a path and nothing else.
    """

    sql: str
    paths: tuple[Path, ...]
    alone: bool


def column_name(place: int) -> str:
    """The name under which Polars sees a path."""
    return f"_column_{place}_"


def read_expression(sql: str) -> ParsedExpression:
    """Read an expression over one row.

    Raises:
        NotReadError: It is none, or holds something that is not on the list.
        ManyRowsError: It counts, sums or ranks rows.
    """
    tokens = tokens_of(sql)
    try:
        parts = _Reader(tokens).whole()
    except NotReadError:
        if any(token.kind == "word" and token.text.upper() == "SELECT" for token in tokens[:-2]):
            raise NotReadError("a query (SELECT) is not read inside an expression") from None
        raise
    places = {path: place for place, path in enumerate(dict.fromkeys(part for part in parts if isinstance(part, Path)))}
    written = (f'"{column_name(places[part])}"' if isinstance(part, Path) else part for part in parts)
    return ParsedExpression(" ".join(written), tuple(places), alone=_is_path(parts))


Part = str | Path
Parts = tuple[Part, ...]


class _Reader(Cursor):
    """One pass over the tokens; Polars' reader decides what binds more tightly, in the same order of tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self.depth = 0

    def whole(self) -> Parts:
        """The expression, up to the end of the tokens."""
        parts = self._expression()
        if self.is_at("OVER", "FILTER", "WITHIN"):
            raise ManyRowsError(f"{self.following.text} asks for other rows")
        if self.following.kind != "end":
            raise self.unexpected("an operator is missing")
        return parts

    def _expression(self, *, until: str = "") -> Parts:
        """Operands joined by operators; `until` names a word that belongs to what stands around, as AND does after BETWEEN."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotReadError(f"it is nested more than {DEEPEST} times")
        parts = self._operand()
        while not self.is_at(until):
            if self.is_at(*OPERATORS):
                operator = self.take().text.upper()
                parts = (*parts, "=" if operator == "==" else operator, *self._operand())
            elif test := self._test():
                parts = (*parts, *test)
            else:
                break
        self.depth -= 1
        return parts

    def _test(self) -> Parts:
        """What may follow an operand besides an operator: IS NULL, IN (…), BETWEEN, NOT LIKE; nothing where nothing does."""
        if found := self.taken("ISNULL", "NOTNULL"):
            return ("IS NULL" if found == "ISNULL" else "IS NOT NULL",)
        if self.taken("IS"):
            return self._is_test()
        if self.is_at("NOT") and self.is_at("IN", "BETWEEN", "LIKE", "ILIKE", "RLIKE", "REGEXP", ahead=1):
            self.take()
            found = self.taken("LIKE", "ILIKE", "RLIKE", "REGEXP")
            return ("NOT", found, *self._operand()) if found else ("NOT", *self._test())
        if self.taken("IN"):
            self.expect("(")
            return ("IN", "(", *self._listed(")", least=1), ")")
        if self.taken("BETWEEN"):
            low = self._expression(until="AND")
            self.expect("AND")
            return ("BETWEEN", *low, "AND", *self._operand())
        return ()

    def _is_test(self) -> Parts:
        negated = ("NOT",) if self.taken("NOT") else ()
        if found := self.taken("NULL", "TRUE", "FALSE"):
            return ("IS", *negated, found)
        self.expect("DISTINCT")
        self.expect("FROM")
        return ("IS", *negated, "DISTINCT FROM", *self._operand())

    def _operand(self) -> Parts:
        signs: list[str] = []
        while found := self.taken("+", "-", "NOT"):
            signs.append(found)
        parts = self._primary()
        while more := self._followed(parts):
            parts = more
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
        if self.taken("("):
            parts = self._expression()
            self.expect(")")
            return parts if _is_path(parts) else ("(", *parts, ")")
        if self.taken("["):
            return ("[", *self._listed("]"), "]")
        raise self.unexpected("a column, a value or a function is missing")

    def _word(self) -> Parts:
        word, following = self.following.text.upper(), self.tokens[self.place + 1]
        if following.kind == "operator" and following.text == "(" and word != "CASE":
            return self._function()
        if following.kind == "text" and word in LITERAL_TYPES:
            return self._typed_literal()
        if word == "CASE" and _may_go_on(following):
            return self._case()
        if word in ("TRUE", "FALSE", "NULL"):
            return (self.take().text.upper(),)
        return (self._path(),)

    def _typed_literal(self) -> Parts:
        kind, text = self.take().text.upper(), self.take().text
        unit = self.taken(*UNITS) if kind == "INTERVAL" else None
        return (kind, _text(f"{text} {unit.lower()}" if unit else text))

    def _case(self) -> Parts:
        self.expect("CASE")
        parts: list[Part] = ["CASE", *(() if self.is_at("WHEN") else self._expression())]
        while True:
            parts += [self.expect("WHEN"), *self._expression(), self.expect("THEN"), *self._expression()]
            if not self.is_at("WHEN"):
                break
        if self.taken("ELSE"):
            parts += ["ELSE", *self._expression()]
        return (*parts, self.expect("END"))

    def _listed(self, closing: str, *, least: int = 0) -> Parts:
        """Expressions between commas, up to and with the closing sign."""
        if not least and self.taken(closing):
            return ()
        parts = list(self._expression())
        while self.expect(",", closing) == ",":
            parts += [",", *self._expression()]
        return tuple(parts)

    def _path(self) -> Path:
        names = [self.take().text]
        while self.taken("."):
            if self.following.kind not in ("word", "quoted"):
                raise self.unexpected("a field's name is missing")
            names.append(self.take().text)
        return Path(tuple(names))

    def _followed(self, parts: Parts) -> Parts:
        """The operand with what follows it: a step into a nested value, a cast, a place in a list; nothing where nothing does."""
        if self.is_at("->", "->>", "#>", "#>>"):
            return (self._stepped(parts),)
        if self.taken("::"):
            return parts if self._is_json(parts) else (*parts, "::", self._type())
        if self.taken("["):
            inside = self._expression()
            self.expect("]")
            return (*parts, "[", *inside, "]")
        if self.is_at("AT") and self.is_at("TIME", ahead=1):
            self.take()
            self.take()
            self.expect("ZONE")
            return (*parts, "AT TIME ZONE", _text(self.expect_text("a zone")))
        return ()

    def _stepped(self, parts: Parts) -> Path:
        arrow, (path, *more) = self.take().text, parts
        if more or not isinstance(path, Path):
            raise NotReadError(f"{arrow} follows a column and nothing else")
        keys = self._keys(arrow)
        steps = [*(Step(key) for key in keys[:-1]), Step(keys[-1], as_text=arrow.endswith(">>"))]
        return Path(path.names, (*path.steps, *steps))

    def _keys(self, arrow: str) -> list[str | int]:
        if self.following.kind == "number" and _PLACE.fullmatch(self.following.text):
            return [int(self.take().text)]
        text = self.expect_text("a field")
        if not arrow.startswith("#"):
            return [text]
        return [int(key) if _PLACE.fullmatch(key) else key for key in map(str.strip, text.strip("{}").split(","))]

    def _is_json(self, parts: Parts) -> bool:
        """Whether the cast is one to JSON, which a column that is stepped into needs not."""
        return _is_path(parts) and self.taken(*JSON_TYPES) is not None

    def _type(self) -> str:
        word = self.following.text
        name = self.taken(*ALLOWED_TYPES)
        if name is None:
            raise NotReadError(f"`{word}` is no type that values are cast to; text in JSON is read with column ->> 'field'")
        if name == "DOUBLE" and self.taken("PRECISION"):
            name = "DOUBLE PRECISION"
        sizes: list[str] = []
        if self.taken("("):
            while not sizes or self.expect(",", ")") == ",":
                if self.following.kind != "number" or not _PLACE.fullmatch(self.following.text):
                    raise self.unexpected("a whole number is missing")
                sizes.append(self.take().text)
        unsigned = " UNSIGNED" if self.taken("UNSIGNED") else ""
        return WIDE_TYPES.get(name) or name + (f"({', '.join(sizes)})" if sizes else "") + unsigned

    def _function(self) -> Parts:
        written = self.take().text
        name = written.upper()
        if name in OF_MANY_ROWS:
            raise ManyRowsError(f"{name} asks for other rows")
        if name in OF_THE_CLOCK:
            raise NotReadError(f"{name} gives another value every time; an expression depends on its row alone")
        if name not in ALLOWED_FUNCTIONS:
            raise NotReadError(f"there is no function `{written}` here")
        self.expect("(")
        if name in ("CAST", "TRY_CAST", "SAFE_CAST"):
            return self._cast(name)
        special: dict[str, Callable[[], Parts]] = {
            "EXTRACT": self._extract, "TRIM": self._trim, "POSITION": self._position, "SUBSTRING": self._substring,
            "NORMALIZE": self._normalize,
        }  # fmt: skip
        # Without arguments some functions make Polars panic.
        arguments = special[name]() if name in special else self._listed(")", least=name != "PI")
        if name == "REGEXP_REPLACE" and any(isinstance(part, str) and _FOREIGN_GROUP.fullmatch(part) for part in arguments[2:]):
            raise NotReadError(r"REGEXP_REPLACE names a group \1, not $1 ('\\1' inside double quotes of TOML)")
        if name in _READ_MOMENTS and len(arguments) > 1 and isinstance(pattern := arguments[-1], str):
            arguments = (*arguments[:-1], _with_zone(pattern))
        part = str(arguments[0]).strip("'").upper().rstrip("S") if name in ("EXTRACT", "DATE_PART") else ""
        is_narrow = name in GIVE_NARROW or part in NARROW_PARTS
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
        return (part, "FROM", *self._listed(")", least=1))

    def _trim(self) -> Parts:
        side = (
            (self.take().text.upper(),) if self.is_at("BOTH", "LEADING", "TRAILING") and not self.is_at(")", ",", ahead=1) else ()
        )
        what = () if self.taken("FROM") else self._expression()
        if side or self.is_at("FROM"):
            if what:
                self.expect("FROM")
            return (*side, *what, "FROM", *self._listed(")", least=1))
        self.expect(")")
        return what

    def _position(self) -> Parts:
        what = self._expression(until="IN")
        self.expect("IN")
        return (*what, "IN", *self._listed(")", least=1))

    def _substring(self) -> Parts:
        parts = self._expression()
        while word := self.taken("FROM", "FOR", ","):
            parts = (*parts, word, *self._expression())
        self.expect(")")
        return parts

    def _normalize(self) -> Parts:
        parts = self._expression()
        if self.taken(","):
            parts = (*parts, ",", self.expect(*NORMAL_FORMS))
        self.expect(")")
        return parts


def _may_go_on(token: Token) -> bool:
    """Whether an operand may follow CASE; where an operator does, a column of that name is meant."""
    return token.kind not in ("end", "operator") or token.text in ("(", "+", "-", "[")


def _is_path(parts: Parts) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Path)


def _with_zone(pattern: str) -> str:
    """The pattern of a time, so that the zone it names counts: Polars passes over a written Z and over %Z without a word."""
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
