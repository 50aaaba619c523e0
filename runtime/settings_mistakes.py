"""Mistakes in `evenfall.toml` as sentences: which key, what was given, what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engagement.actions import Action
from lake.sources.source_settings import SourceSettings


def nearest(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """A hint for a misspelt word."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def describe_mistakes(error: ValidationError, raw: Mapping[str, Any], *, fields: Mapping[str, Any]) -> str:
    """Describe all mistakes, a sentence each, at the key the file has them.

    Args:
        error: What the validation found.
        raw: The content of the file.
        fields: The keys of the file that are known: key → its field.
    """
    mistakes = [_one_mistake(problem, raw, fields) for problem in error.errors(include_url=False)]
    return "; ".join(dict.fromkeys(mistakes))


def _one_mistake(problem: Any, raw: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    key = _key(problem["loc"], raw)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}{_hint(problem['loc'], fields)}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem.get("input")
    # An address may hold a key or a password.
    is_address = isinstance(given, str) and ("://" in given or problem["loc"] in {("alerts", "webhook"), ("alerts", "smtp")})
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) and not is_address else ""
    return f"{key}: {message}{shown}" if problem["loc"] else f"{message}{shown}"


def _key(loc: tuple[int | str, ...], raw: Mapping[str, Any]) -> str:
    """Write the key of a mistake; an action is called by its name, since nobody counts the actions of a file."""
    written = ""
    for part in loc:
        if isinstance(part, int):
            written += f"[{part + 1}]" if part else ""
        elif not part.startswith(("tuple[", "SourceSettings", "function-", "literal[", "date")):
            written += f".{part}" if written else part
    if loc[:1] == ("actions",) and len(loc) > 1 and isinstance(loc[1], int):
        action = raw["actions"][loc[1]]
        return f"`{written}` of action {action['name']!r}" if isinstance(action, dict) and "name" in action else f"`{written}`"
    return f"`{written}`"


def _hint(loc: tuple[int | str, ...], fields: Any) -> str:
    for part in loc[:-1]:
        if part in {"sources", "actions"}:
            fields = (SourceSettings if part == "sources" else Action).model_fields
            break
        model = fields[part].annotation if part in fields else None
        fields = getattr(model, "model_fields", {})
    if not fields:
        return ""
    return "; " + nearest(str(loc[-1]), [field.alias or name for name, field in fields.items()])
