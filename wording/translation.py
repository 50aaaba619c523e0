"""A language as the translation of English: the messages that have to be translated, and the catalogue that results.

A translation is a gettext file (`wording/locale/<language>.po`): `msgctxt` is the place of a message in the catalogue, `msgid`
the English and `msgstr` the other language, with placeholders of the same names. `flows/translations.py` keeps the file in step
with English.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from wording.catalogue import Catalogue, GroupWords, Kind, Noun
from wording.english import ENGLISH
from wording.english.event_types import EVENT_TYPES
from wording.english.stored import STORED

FOLDER: Final = "locale"


@dataclass(frozen=True)
class Source:
    """A message to translate.

    Args:
        context: Its place in the catalogue: the key of a sentence, or a kind and a key such as `noun/day`.
        text: The English.
        plural: The English of several, where it is a noun.
    """

    context: str
    text: str
    plural: str | None = None


def sources() -> Iterator[Source]:
    """Give every message of English, in the order of a translation's file."""
    for key, text in ENGLISH.sentences.items():
        yield Source(key, text)
    for key, noun in ENGLISH.nouns.items():
        yield Source(f"noun/{key}", noun.one, noun.many)
    for name, kind in ENGLISH.kinds.items():
        yield Source(f"kind/{name}", kind.noun.one, kind.noun.many)
        yield Source(f"kind/{name}/last", kind.last)
        yield Source(f"kind/{name}/never", kind.never)
    for kind_of, slugs in (("name", ENGLISH.names), ("topic", ENGLISH.topics), ("column", ENGLISH.columns)):
        for key, text in slugs.items():
            yield Source(f"{kind_of}/{key}", text)
    for column in ENGLISH.columns:
        yield Source(f"header/{column}", column)
    for slug in EVENT_TYPES:
        yield Source(f"event/{slug}", slug.replace("_", " "))
    yield from _of_groups(ENGLISH.groups)
    for key, text in STORED.items():
        yield Source(f"stored/{key}", text)


def _of_groups(words: GroupWords) -> Iterator[Source]:
    for habit, (much, little) in words.adjectives.items():
        yield Source(f"group/{habit}/much", much)
        if little is not None:
            yield Source(f"group/{habit}/little", little)
    for kind, noun in words.nouns.items():
        yield Source(f"group/noun/{kind}", noun)
    for name in _GROUP_TEXTS:
        yield Source(f"group/{name}", getattr(words, name))


_GROUP_TEXTS: Final = (
    "regulars",
    "plain_adjective",
    "plain_noun",
    "newcomers",
    "never_active",
    "away_for_a_year",
    "everyone",
)


def read(file: str) -> Catalog:
    """Read a translation's file, which lies in the package.

    Args:
        file: Its name, such as `zh_Hans.po`.
    """
    with files("wording").joinpath(FOLDER, file).open("rb") as lines:
        return read_po(lines)


def translated(file: str, *, language: str, tag: str) -> Catalogue:
    """Return the catalogue of a translation; what is not translated stays English, which a test does not let pass.

    Args:
        file: The name of its file.
        language: The language, as Babel knows it.
        tag: The language, as a page names it (BCP 47).
    """
    done = {str(message.context): message for message in read(file) if message.id and message.context and not message.fuzzy}
    english = {source.context: source for source in sources()}
    texts = {context: _text(done.get(context), source.text) for context, source in english.items()}
    sentences = {key: texts[key] for key in ENGLISH.sentences} | {"page.language": tag}
    nouns = {key: _noun(texts[f"noun/{key}"]) for key in ENGLISH.nouns}
    kinds = {
        name: Kind(_noun(texts[f"kind/{name}"]), texts[f"kind/{name}/last"], texts[f"kind/{name}/never"])
        for name in ENGLISH.kinds
    }
    events = {slug: texts[f"event/{slug}"] for slug in EVENT_TYPES}
    return Catalogue(
        sentences=sentences,
        nouns=nouns,
        kinds=kinds,
        event_noun=_event_noun(events),
        groups=_group_words(texts),
        columns={key: texts[f"column/{key}"] for key in ENGLISH.columns},
        topics={key: texts[f"topic/{key}"] for key in ENGLISH.topics},
        names={key: texts[f"name/{key}"] for key in ENGLISH.names},
        headers={key: texts[f"header/{key}"] for key in ENGLISH.columns},
        stored={text: texts[f"stored/{key}"] for key, text in STORED.items()},
        locale=language,
    )


def said_in(message: Message) -> str:
    """Return the translation of a message, the only form of a noun's; "" where there is none."""
    text = message.string
    return text if isinstance(text, str) else text[0] if text else ""


def _text(message: Message | None, english: str) -> str:
    return english if message is None else said_in(message) or english


def _noun(text: str) -> Noun:
    # One form: the languages that are here do not tell one from many.
    return Noun(text, text)


class _event_noun:  # noqa: N801 - a function that can be compared and copied
    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def __call__(self, slug: str) -> Noun:
        """Name an event type; one that nobody has translated is quoted."""
        return _noun(self.words.get(slug.lower().replace(" ", "_").replace("-", "_")) or f"“{slug.replace('_', ' ')}”")


def _group_words(texts: Mapping[str, str]) -> GroupWords:
    adjectives = {
        habit: (texts[f"group/{habit}/much"], None if little is None else texts[f"group/{habit}/little"])
        for habit, (_, little) in ENGLISH.groups.adjectives.items()
    }
    of_newcomers = {
        word
        for habit, words in ENGLISH.groups.adjectives.items()
        for english, word in zip(words, adjectives[habit], strict=True)
        if english in ENGLISH.groups.of_newcomers and word is not None
    }
    return GroupWords(
        adjectives=adjectives,
        nouns={kind: texts[f"group/noun/{kind}"] for kind in ENGLISH.groups.nouns},
        of_newcomers=frozenset(of_newcomers),
        **{name: texts[f"group/{name}"] for name in _GROUP_TEXTS},
    )


def traditional(simplified: Catalogue) -> Catalogue:
    """Return Chinese in traditional characters, with the words of Taiwan, made of the simplified one.

    Args:
        simplified: Chinese in simplified characters.
    """
    from opencc import OpenCC

    convert = OpenCC("s2twp").convert

    def of(texts: Mapping[str, str]) -> dict[str, str]:
        return {key: convert(text) for key, text in texts.items()}

    def noun(one: Noun) -> Noun:
        return _noun(convert(one.one))

    groups = simplified.groups
    event_noun = simplified.event_noun
    assert isinstance(event_noun, _event_noun)
    return replace(
        simplified,
        sentences=of(simplified.sentences) | {"page.language": "zh-Hant"},
        nouns={key: noun(one) for key, one in simplified.nouns.items()},
        kinds={key: Kind(noun(kind.noun), convert(kind.last), convert(kind.never)) for key, kind in simplified.kinds.items()},
        event_noun=_event_noun(of(event_noun.words)),
        groups=replace(
            groups,
            adjectives={
                habit: (convert(much), None if little is None else convert(little))
                for habit, (much, little) in groups.adjectives.items()
            },
            nouns=of(groups.nouns),
            of_newcomers=frozenset(map(convert, groups.of_newcomers)),
            **{name: convert(getattr(groups, name)) for name in _GROUP_TEXTS},
        ),
        columns=of(simplified.columns),
        topics=of(simplified.topics),
        names=of(simplified.names),
        headers=of(simplified.headers),
        stored=of(simplified.stored),
        locale="zh_Hant",
    )
