"""Sentences as text: the templates of a catalogue filled with values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from wording import numbers
from wording.catalogue import Catalogue
from wording.language import current


def fill(key: str, /, *, catalogue: Catalogue | None = None, currency: str | None = None, **values: Any) -> str:
    """Fill a template.

    Args:
        key: The template's key.
        catalogue: The language; None for the one that is spoken.
        currency: Of the amounts of money; None to leave it out.
        values: Its placeholders. Their formats: `number`, `digits:<after the point>`, `money`, `percent`, `day`, `short_day`,
            `ago` of days, `count:<noun>` with the number, `noun:<noun>` without, and `plural:<for one>|<for others>`.
    """
    return "".join(said + value for said, value in pieces(key, catalogue=catalogue, currency=currency, **values))


def pieces(
    key: str, /, *, catalogue: Catalogue | None = None, currency: str | None = None, **values: Any
) -> Iterator[tuple[str, str]]:
    """Fill a template and keep the catalogue's words apart from the values, which a page has to escape.

    Args:
        key: The template's key.
        catalogue: The language; None for the one that is spoken.
        currency: Of the amounts of money; None to leave it out.
        values: Its placeholders, as for `fill`.

    Yields:
        Words of the template, with the value that follows them; "" after the last.
    """
    spoken = catalogue or current()
    for said, value, spec in spoken.parts(key, values):
        yield said, "" if value is None else _formatted(value, spec, spoken, currency, values)


def name(slug: str, *, catalogue: Catalogue | None = None) -> str:
    """Name what goes by a slug, as in the middle of a sentence: `at risk`; one that the catalogue lacks loses underscores."""
    return (catalogue or current()).names.get(slug) or slug.replace("_", " ").strip()


def label(slug: str, *, catalogue: Catalogue | None = None) -> str:
    """Name what goes by a slug, as at the start of a line: `At risk`."""
    words = name(slug, catalogue=catalogue)
    return words[:1].upper() + words[1:]


def listing(items: Sequence[str], *, catalogue: Catalogue | None = None) -> str:
    """Join items: `a`, `a and b`, `a, b and c`."""
    if len(items) <= 1:
        return "".join(items)
    before = fill("listing.between", catalogue=catalogue).join(items[:-1])
    return fill("listing.last", catalogue=catalogue, items=before, last=items[-1])


def sentences(*said: str) -> str:
    """Put sentences one after the other, without those that say nothing."""
    return between("form.sentences").join(filter(None, said))


def between(key: str, *, catalogue: Catalogue | None = None) -> str:
    """Return what stands between two texts, of a template with `{before}` and `{after}`."""
    return fill(key, catalogue=catalogue, before="", after="")


def days_ago(days: int, *, catalogue: Catalogue | None = None) -> str:
    """Write an age: `today`, `yesterday`, `12 days ago`."""
    key = {0: "ago.today", 1: "ago.yesterday"}.get(days, "ago.whole_days")
    return fill(key, catalogue=catalogue, n=days)


def _formatted(value: Any, spec: str, catalogue: Catalogue, currency: str | None, values: Mapping[str, Any]) -> str:
    format_, _, argument = spec.partition(":")
    said: str
    match format_:
        case "":
            # Text that is safe for a page is a kind of `str` of its own, and has to stay one.
            said = value if isinstance(value, str) else str(value)
        case "digits":
            said = numbers.number(value, digits=int(argument))
        case "money":
            said = numbers.money(value, currency, catalogue=catalogue)
        case "ago":
            said = days_ago(value, catalogue=catalogue)
        case "plural":
            one, _, other = argument.partition("|")
            said = one if value == 1 else other
        case "count":
            said = numbers.count(value, catalogue.noun(argument, values), catalogue=catalogue)
        case "noun":
            said = numbers.plural(catalogue.noun(argument, values), value)
        case "number":
            said = numbers.number(value)
        case _:
            said = _OF_LANGUAGE[format_](value, catalogue=catalogue)
    return said


# Formats that need nothing but their value and the language.
_OF_LANGUAGE: Final[Mapping[str, Callable[..., str]]] = {
    "percent": numbers.percent,
    "day": numbers.day,
    "short_day": numbers.short_day,
}
