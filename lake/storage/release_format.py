"""The format of a lake, so that an older release stops before it damages what a newer one wrote.

`lake/format.json` contains one number. A lake without it is of format 1: the release that introduced the number changed nothing
else. A change that existing tables cannot follow by themselves raises the number, and migrates or says what to do.

The file also contains the timezone of the lake's days: the day of a record is stored, so days of two timezones must not be mixed.
In a lake without a recorded timezone the next night records it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from lake.errors import ConfigurationError
from lake.storage.storage import Root, storage_of

FORMAT: Final = 1
FORMAT_FILE: Final = "format.json"
_KEY: Final = "lake_format"
_ZONE: Final = "timezone"


def read_format(lake: Root) -> int | None:
    """Return the format of a lake; None for an empty one.

    Args:
        lake: The lake's folder or bucket prefix.

    Raises:
        ConfigurationError: The file does not contain a number of 1 or more.
        OutsideServiceError: The object store does not answer.
    """
    recorded = _read(lake)
    if recorded is None:
        return None if storage_of(lake).is_empty() else FORMAT
    number = recorded.get(_KEY)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise _damaged_error(lake / FORMAT_FILE)
    return number


def refuse_newer(lake: Root) -> None:
    """Refuse a lake that a newer release wrote.

    Raises:
        ConfigurationError: A newer release wrote it, or its format file is damaged.
    """
    number = read_format(lake)
    if number is not None and number > FORMAT:
        raise ConfigurationError(
            f"{lake} was written by a newer release of Evenfall: format {number}, and this one knows up to {FORMAT}",
            remedy="Run the newer release again, or restore a copy of the workspace from before it ran; nothing was changed.",
        )


def refuse_other_zone(lake: Root, *, timezone: str) -> None:
    """Refuse a lake whose days were computed in another timezone.

    Args:
        lake: The lake's folder or bucket prefix.
        timezone: The configured timezone.

    Raises:
        ConfigurationError: The lake's days are those of another timezone.
    """
    zone = (_read(lake) or {}).get(_ZONE, timezone)
    if zone != timezone:
        raise ConfigurationError(
            f"the lake counts days in {zone}, and [community] timezone now says {timezone}",
            remedy=f'Set timezone = "{zone}" again. To count days anew, name a new folder under [lake] path, with the exports '
            "at hand: the next night reads all of them (docs/operations.md). Nothing was changed.",
        )


def mark_format(lake: Root, *, timezone: str) -> None:
    """Record the lake's format and timezone atomically; values that are recorded already are kept."""
    recorded = _read(lake) or {}
    content = {_KEY: FORMAT, _ZONE: timezone} | recorded
    if content != recorded:
        storage_of(lake).write(FORMAT_FILE, f"{json.dumps(content)}\n".encode())


def _read(lake: Root) -> dict[str, Any] | None:
    """Return the content of the format file; None if there is no file."""
    file = lake / FORMAT_FILE
    try:
        recorded = json.loads(storage_of(lake).read(FORMAT_FILE))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", remedy="Give the user that runs Evenfall the right to read it."
        ) from error
    except ValueError:
        raise _damaged_error(file) from None
    if not isinstance(recorded, dict):
        raise _damaged_error(file)
    return recorded


def _damaged_error(file: Root) -> ConfigurationError:
    return ConfigurationError(
        f"{file} does not say which format the lake is in",
        remedy=f'Restore it from a copy; of this release it reads {{"{_KEY}": {FORMAT}}}.',
    )
