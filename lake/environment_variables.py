"""`${NAME}` in a configured text: the environment's value, so that secrets stay out of files."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import quote

from lake.errors import ConfigurationError

VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expand_environment(text: str, *, name: str) -> str:
    """Replace each `${NAME}` by the environment's value.

    Between `://` and `@`, where user and password stand, characters that have a meaning in an address are encoded.

    Raises:
        ConfigurationError: The variable is not set.
    """
    first, last = text.find("://"), text.rfind("@")

    def value(match: re.Match[str]) -> str:
        content = os.environ.get(match[1])
        if content is None:
            raise ConfigurationError(
                f"{name}: the environment variable {match[1]} is not set", remedy=f"Set {match[1]} where Evenfall runs."
            )
        return quote(content, safe="") if -1 < first < match.start() < last else content

    return VARIABLE.sub(value, text)
