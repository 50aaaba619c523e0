"""The language that is spoken: its catalogue is the one that sentences are made with where none is handed over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Final, Literal, TypeAlias, get_args

from wording.catalogue import Catalogue
from wording.english import ENGLISH

Language: TypeAlias = Literal["en", "zh", "zh-Hant"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
# A context variable, so that two threads may speak two languages; a process that is started has to be told.
_SPOKEN: Final[ContextVar[Language]] = ContextVar("language", default="en")


@cache
def catalogue_of(language: Language) -> Catalogue:
    """Return the catalogue of a language; it is read once a process.

    Args:
        language: A language.
    """
    if language == "en":
        return ENGLISH
    # Here, because whoever speaks English alone needs neither Babel's reader nor OpenCC.
    from wording import translation

    simplified = translation.translated("zh_Hans.po", language="zh", tag="zh-Hans")
    return simplified if language == "zh" else translation.traditional(simplified)


def current() -> Catalogue:
    """Return the catalogue of the language that is spoken."""
    return catalogue_of(_SPOKEN.get())


def spoken() -> Language:
    """Return the language that is spoken."""
    return _SPOKEN.get()


def speak(language: Language) -> None:
    """Speak a language from here on, in this thread and in the tasks that it starts.

    Args:
        language: A language.
    """
    _SPOKEN.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak a language within a block.

    Args:
        language: A language.
    """
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)
