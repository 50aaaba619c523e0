"""The catalogue of a language: its sentences as templates, its nouns, and the words for kinds of activity.

A template is text with placeholders, `{name}` or `{name:format}`: `away for {days:count:day}`. The formats are those of
`wording.texts` for values and of `wording.columns` for columns. A second language is a second catalogue with the same keys,
made of a translation's file (`wording.translation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Final

_FORMATTER: Final = Formatter()


@dataclass(frozen=True)
class Noun:
    """A noun in singular and plural: "message from us", "messages from us"."""

    one: str
    many: str


@dataclass(frozen=True)
class Kind:
    """The words for a kind of activity: how it is counted, the last one, and none so far."""

    noun: Noun
    last: str
    never: str


@dataclass(frozen=True)
class GroupWords:
    """The words that names of behaviour groups are made of.

    Args:
        adjectives: Habit → what a group is called that has much of it, and little of it (None: says nothing).
        nouns: Kind of activity → the group that does most of it.
        regulars: Template for the group of a kind that has no noun here.
        plain_adjective: Where nothing sets the group apart.
        plain_noun: Where no activity does.
        newcomers: The noun for those who are new.
        of_newcomers: Adjectives that only repeat `newcomers`.
        never_active: The group of those who never did anything.
        away_for_a_year: The group of those without activity in a year.
        everyone: All others, where they are one group.
    """

    adjectives: Mapping[str, tuple[str, str | None]]
    nouns: Mapping[str, str]
    regulars: str
    plain_adjective: str
    plain_noun: str
    newcomers: str
    of_newcomers: frozenset[str]
    never_active: str
    away_for_a_year: str
    everyone: str


@dataclass(frozen=True)
class Catalogue:
    """A language.

    Args:
        sentences: Key → template.
        nouns: Key → noun.
        kinds: Kind of activity → its words, for the kinds that are no event types.
        event_noun: Makes a noun of the slug of an event type.
        groups: What behaviour groups are called.
        columns: Column of a list → what it means.
        topics: Template, or habit of a feature without one → what a reason is about.
        names: Slug of a tier, stage, risk, table, model or measure → what it is called in the middle of a sentence.
        headers: Column of a list → what it is called at the head of a table for people; a column without one by its own name.
        stored: English template of what was stored as a sentence → the template in this language (`wording.retelling`).
        locale: The language as Babel knows it, which has its names of months and weekdays.
    """

    sentences: Mapping[str, str]
    nouns: Mapping[str, Noun]
    kinds: Mapping[str, Kind]
    event_noun: Callable[[str], Noun]
    groups: GroupWords
    columns: Mapping[str, str]
    topics: Mapping[str, str]
    names: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    locale: str = "en"

    def kind(self, name: str) -> Kind:
        """Return the words for a kind of activity; those of an event type are made from its slug."""
        noun = self.event_noun(name)
        last, never = (self.sentences[key].format(noun=noun) for key in ("kind.last", "kind.never"))
        return self.kinds.get(name) or Kind(noun, last, never)

    def noun(self, name: str, values: Mapping[str, Any]) -> Noun:
        """Look up a noun by its key, or among the values of a template."""
        value = values.get(name)
        return value if isinstance(value, Noun) else self.nouns[name]

    def parts(self, key: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
        """Split a template into texts, each followed by the value of its placeholder (None after the last) and its format."""
        for text, name, spec, _ in _FORMATTER.parse(self.sentences[key]):
            yield text, None if name is None else _FORMATTER.get_field(name, (), values)[0], spec or ""
