"""The format a lake is written in, so that an older release stops before it harms what a newer one wrote.

`lake/format.json` holds one number. A lake without it is of format 1: the release that began to write the number changed
nothing else. A change that today's tables cannot follow by themselves raises the number, and migrates or says what to do.

Beside it stands the zone in which the lake counts its days: the day of a record is stored with it, so days of two zones must
not come together. A lake that does not say it yet is told it by the next night.
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
    """The format a lake was written in; None before anything was.

    Args:
        lake: The lake's folder, or its place in a bucket.

    Raises:
        ConfigurationError: The file does not say a number.
        OutsideServiceError: The object store does not answer.
    """
    held = _read(lake)
    if held is None:
        return None if storage_of(lake).is_empty() else FORMAT
    written = held.get(_KEY)
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise _damaged(lake / FORMAT_FILE)
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


def refuse_other_zone(lake: Root, *, timezone: str) -> None:
    """Stop before days of two zones come together in one lake.

    Args:
        lake: The lake's folder, or its place in a bucket.
        timezone: The zone that decides days now.

    Raises:
        ConfigurationError: The lake counts its days in another zone.
    """
    zone = (_read(lake) or {}).get(_ZONE, timezone)
    if zone != timezone:
        raise ConfigurationError(
            f"the lake counts days in {zone}, and [community] timezone now says {timezone}",
            remedy=f'Set timezone = "{zone}" again. To count days anew, name a new folder under [lake] path, with the exports '
            "at hand: the next night reads all of them (docs/operations.md). Nothing was changed.",
        )


def mark_format(lake: Root, *, timezone: str) -> None:
    """Write which format the lake is in and where it counts its days, all or nothing; what it says already is left alone."""
    held = _read(lake) or {}
    marked = {_KEY: FORMAT, _ZONE: timezone} | held
    if marked != held:
        storage_of(lake).write(FORMAT_FILE, f"{json.dumps(marked)}\n".encode())


def _read(lake: Root) -> dict[str, Any] | None:
    """What the file says; None where there is none."""
    file = lake / FORMAT_FILE
    try:
        held = json.loads(storage_of(lake).read(FORMAT_FILE))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", remedy="Give the user that runs Evenfall the right to read it."
        ) from error
    except ValueError:
        raise _damaged(file) from None
    if not isinstance(held, dict):
        raise _damaged(file)
    return held


def _damaged(file: Root) -> ConfigurationError:
    return ConfigurationError(
        f"{file} does not say which format the lake is in",
        remedy=f'Restore it from a copy; of this release it reads {{"{_KEY}": {FORMAT}}}.',
    )
