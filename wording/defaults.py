"""Texts that a configuration has as `evenfall init` wrote them, told in the language that is spoken.

A community may change its language after its file was written, and a report may have an edition in another language. What
operators have changed is theirs and stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from wording.catalogue import Catalogue
from wording.english import ENGLISH
from wording.language import catalogue_of, current

_NAMES: Final = ("init.level.", "badge.")
# As the files of earlier versions have them.
_FORMER: Final = {"Regular": "init.level.second"}


def default_name(text: str) -> str:
    """Return the name of a default level or badge in the language that is spoken; any other text stays as it is.

    Args:
        text: The name in any language.
    """
    catalogue = current()
    # Whose names are English and who speaks English needs no other catalogue.
    if text.isascii() and catalogue is ENGLISH:
        return text
    key = _english_keys().get(text) if text.isascii() else _translated_keys().get(text)
    return text if key is None else catalogue.sentences[key]


@cache
def _english_keys() -> Mapping[str, str]:
    return {**_FORMER, **_names_of(ENGLISH)}


@cache
def _translated_keys() -> Mapping[str, str]:
    return {**_names_of(catalogue_of("zh-Hant")), **_names_of(catalogue_of("zh"))}


def _names_of(catalogue: Catalogue) -> dict[str, str]:
    return {text: key for key, text in catalogue.sentences.items() if key.startswith(_NAMES)}
