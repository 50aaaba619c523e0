"""A second language for tests: the catalogue of English with every word replaced by one that English cannot hold."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

from wording.catalogue import Catalogue, Noun
from wording.english import ENGLISH

WORD = "ж"
NOUN = Noun(WORD, WORD)


def foreign(template: str) -> str:
    """Keep the placeholders and replace the words between them."""
    return "".join(
        (WORD if text.strip() else text) + ("" if name is None else f"{{{name}{_format(spec or '')}}}")
        for text, name, spec, _ in Formatter().parse(template)
    )


def _format(spec: str) -> str:
    return f":plural:{WORD}|{WORD}" if spec.startswith("plural:") else spec and f":{spec}"


OTHER = Catalogue(
    sentences={key: foreign(template) for key, template in ENGLISH.sentences.items()},
    nouns=dict.fromkeys(ENGLISH.nouns, NOUN),
    kinds={name: replace(kind, noun=NOUN, last=WORD, never=WORD) for name, kind in ENGLISH.kinds.items()},
    event_noun=lambda _: NOUN,
    groups=replace(
        ENGLISH.groups,
        adjectives=dict.fromkeys(ENGLISH.groups.adjectives, (WORD, None)),
        nouns=dict.fromkeys(ENGLISH.groups.nouns, WORD),
        plain_adjective=WORD,
        plain_noun=WORD,
    ),
    columns={},
    topics=dict.fromkeys(ENGLISH.topics, WORD),
    names=dict.fromkeys(ENGLISH.names, WORD),
)
