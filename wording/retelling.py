"""Tell in the language that is spoken what was stored as a sentence in English.

Rules, findings and the gate's reasons are stored by past nights and with past models, so they are told again from their English:
the template that fits gives the values, and the template of the other language takes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Final

from wording.catalogue import Catalogue
from wording.english.stored import STORED
from wording.language import current

_FORMATTER: Final = Formatter()


def retold(text: str, *, catalogue: Catalogue | None = None) -> str:
    """Return a stored sentence in a language; one that fits no template stays as it is.

    Args:
        text: The sentence in English.
        catalogue: The language; None for the one that is spoken.
    """
    spoken = catalogue or current()
    if not spoken.stored:
        return text
    for english, pattern in _patterns().items():
        if fits := pattern.fullmatch(text):
            return _filled(spoken.stored[english], fits.groupdict(), spoken)
    return text


def _filled(template: str, values: Mapping[str, str], spoken: Catalogue) -> str:
    # A value may be a phrase of its own, such as a reason, or the name of a table.
    return template.format(**{name: spoken.names.get(value) or retold(value, catalogue=spoken) for name, value in values.items()})


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {template: _pattern(template) for template in STORED.values()}


def _pattern(template: str) -> re.Pattern[str]:
    parts = (re.escape(text) + ("" if name is None else f"(?P<{name}>.+?)") for text, name, _, _ in _FORMATTER.parse(template))
    return re.compile("".join(parts), re.DOTALL)
