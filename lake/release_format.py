"""The format a lake is written in, so that an older release stops before it harms what a newer one wrote.

`lake/format.json` holds one number. A lake without it is of format 1: the release that began to write the number changed
nothing else. A change that today's tables cannot follow by themselves raises the number, and migrates or says what to do.
"""

from __future__ import annotations

import json
from typing import Final

from lake.errors import ConfigurationError
from lake.places import Root, place_of

FORMAT: Final = 1
FORMAT_FILE: Final = "format.json"
_KEY: Final = "lake_format"


def read_format(lake: Root) -> int | None:
    """The format a lake was written in; None before anything was.

    Args:
        lake: The lake's folder, or its place in a bucket.

    Raises:
        ConfigurationError: The file does not say a number.
        OutsideServiceError: The object store does not answer.
    """
    file, place = lake / FORMAT_FILE, place_of(lake)
    try:
        written = json.loads(place.read(FORMAT_FILE))[_KEY]
    except (FileNotFoundError, NotADirectoryError):
        return None if place.is_empty() else FORMAT
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", remedy="Give the user that runs Evenfall the right to read it."
        ) from error
    except (ValueError, KeyError, TypeError):
        raise _damaged(file) from None
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise _damaged(file)
    return written


def refuse_newer(lake: Root) -> None:
    """Stop before touching a lake that a newer release wrote.

    Raises:
        ConfigurationError: It did, or the file that says so is damaged.
    """
    written = read_format(lake)
    if written is not None and written > FORMAT:
        raise ConfigurationError(
            f"{lake} was written by a newer release of Evenfall: format {written}, and this one knows up to {FORMAT}",
            remedy="Run the newer release again, or restore a copy of the workspace from before it ran; nothing was changed.",
        )


def mark_format(lake: Root) -> None:
    """Write which format the lake is in, all or nothing; one that says so already is left alone."""
    place = place_of(lake)
    try:
        place.read(FORMAT_FILE)
    except FileNotFoundError:
        place.write(FORMAT_FILE, f"{json.dumps({_KEY: FORMAT})}\n".encode())


def _damaged(file: Root) -> ConfigurationError:
    return ConfigurationError(
        f"{file} does not say which format the lake is in",
        remedy=f'Restore it from a copy; of this release it reads {{"{_KEY}": {FORMAT}}}.',
    )
