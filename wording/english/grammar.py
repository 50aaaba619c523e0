"""How English forms its nouns."""

from __future__ import annotations

from typing import Final

from wording.catalogue import Noun

# A slug that ends like this says what happened and is no noun: "logged in", "video watched".
_NOT_A_NOUN: Final = ("ed", "ing", " in", " out", " up", " on", " off")


def plural_of(noun: str) -> str:
    """Form the plural of a regular noun: members, categories, searches."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def event_noun(slug: str) -> Noun:
    """Make a noun of an event type: comment, comments; what is no noun is quoted: “logged in” event, “logged in” events."""
    word = slug.replace("_", " ")
    if word.endswith(_NOT_A_NOUN) or not word[-1:].isalpha():
        return Noun(f"“{word}” event", f"“{word}” events")
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return Noun(word.removesuffix("s"), word)
    return Noun(word, plural_of(word))


def regular(*nouns: str) -> dict[str, Noun]:
    """Give nouns their regular plurals."""
    return {noun: Noun(noun, plural_of(noun)) for noun in nouns}
