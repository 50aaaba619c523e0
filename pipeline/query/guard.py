"""The guard of `evenfall sql`: one SELECT, and only functions that compute on what they are given.

Polars SQL has table functions such as `read_csv`, which open files and addresses. So a name before a parenthesis must be in the
list of allowed functions, and Polars gets the query written again from the tokens that the guard has read, so that both read the
same.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import pairwise
from typing import Final

from lake.errors import ConfigurationError
from lake.sources.sql_names import AGGREGATE_FUNCTIONS, ALLOWED_FUNCTIONS, ALLOWED_TYPES, CLOCK_FUNCTIONS
from lake.sources.sql_tokens import NotReadError, Token, tokenize

_BEGINNINGS: Final = ("SELECT", "WITH")
_FUNCTIONS: Final = ALLOWED_FUNCTIONS | AGGREGATE_FUNCTIONS | CLOCK_FUNCTIONS | {"COLUMNS"}
# Words of the grammar that a parenthesis may follow.
_WORDS: Final = frozenset({
    "ALL", "AND", "ANY", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "EXCEPT", "EXCLUDE", "EXISTS", "FILTER", "FROM",
    "GROUP", "HAVING", "ILIKE", "IN", "INTERSECT", "JOIN", "LIKE", "LIMIT", "NOT", "OFFSET", "ON", "OR", "OVER", "PARTITION",
    "RENAME", "SELECT", "SETS", "THEN", "UNION", "USING", "VALUES", "WHEN", "WHERE", "WITHIN",
})  # fmt: skip
_ALLOWED: Final = _FUNCTIONS | _WORDS | ALLOWED_TYPES
_MANUAL: Final = "docs/sql.md says what a query may hold."


def read_query(sql: str) -> list[Token]:
    """Return the tokens of a query that may run.

    Raises:
        ConfigurationError: It is no single SELECT, or calls something that is not in the list of functions.
    """
    try:
        tokens = tokenize(sql.strip().removesuffix(";"))[:-1]
    except NotReadError as error:
        raise ConfigurationError(f"the query is not read here: {error}", remedy=f"Write one SELECT; {_MANUAL}") from None
    if not tokens or tokens[0].kind != "word" or tokens[0].text.upper() not in _BEGINNINGS:
        begins = f"it begins with `{tokens[0].text}`" if tokens else "it is empty"
        raise ConfigurationError(
            f"the query is no SELECT: {begins}", remedy=f"Write one SELECT; nothing is ever written. {_MANUAL}"
        )
    for token, following in pairwise(tokens):
        if (following.kind, following.text) == ("operator", "("):
            _refuse_unknown_call(token)
    return tokens


def written_again(tokens: list[Token]) -> str:
    """Return the query with each token apart from the next, so that no parser can read two of them as one."""
    return " ".join(map(_written, tokens))


def nearest(name: str, known: list[str]) -> str:
    """Return the names that were most likely meant, as the beginning of a remedy; empty where none is similar."""
    folded = {one.casefold(): one for one in known}
    close = get_close_matches(name.casefold(), list(folded), n=3)
    return f"Did you mean {' or '.join(f'`{folded[one]}`' for one in close)}? " if close else ""


def _refuse_unknown_call(token: Token) -> None:
    is_called = token.kind == "quoted" or (token.kind == "word" and token.text.upper() not in _ALLOWED)
    if is_called:
        raise ConfigurationError(
            f"`{token.text}(` at character {token.position + 1} is no function that a query may call; "
            "none that opens files or addresses is",
            remedy=f"{nearest(token.text, sorted(_FUNCTIONS))}{_MANUAL}",
        )


def _written(token: Token) -> str:
    if token.kind == "text":
        return "'" + token.text.replace("'", "''") + "'"
    return '"' + token.text.replace('"', '""') + '"' if token.kind == "quoted" else token.text
