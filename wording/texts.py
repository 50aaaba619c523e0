"""Sentences as text: the templates of a catalogue filled with values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wording import numbers
from wording.catalogue import Catalogue
from wording.english import ENGLISH


def fill(key: str, /, *, catalogue: Catalogue = ENGLISH, currency: str | None = None, **values: Any) -> str:
    """Fill a template.

    Args:
        key: The template's key.
        catalogue: The language.
        currency: Of the amounts of money; None to leave it out.
        values: Its placeholders. Their formats: `number`, `money`, `count:<noun>` with the number, `noun:<noun>` without,
            and `plural:<for one>|<for others>`.
    """
    parts = catalogue.parts(key, values)
    return "".join(
        text + ("" if value is None else _formatted(value, spec, catalogue, currency, values)) for text, value, spec in parts
    )


def _formatted(value: Any, spec: str, catalogue: Catalogue, currency: str | None, values: Mapping[str, Any]) -> str:
    name, _, argument = spec.partition(":")
    match name:
        case "number":
            return numbers.number(value)
        case "money":
            return numbers.money(value, currency)
        case "plural":
            one, _, other = argument.partition("|")
            return one if value == 1 else other
        case "count":
            return numbers.count(value, catalogue.noun(argument, values))
        case "noun":
            return numbers.plural(catalogue.noun(argument, values), value)
        case _:
            return str(value)
