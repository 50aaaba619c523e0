"""Is the scheduler there? Asked before anything heavy is imported or started, and again before work is given to it."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from lake.errors import OutsideServiceError
from runtime.settings import Scale

_KNOCK_SECONDS: Final = 3


def check_reachable(scale: Scale) -> None:
    """See that somebody listens at `[scale] address`; without one there is nothing to see.

    Raises:
        OutsideServiceError: Nobody does.
    """
    if scale.address is None:
        return
    where = urlsplit(scale.address)
    try:
        socket.create_connection((where.hostname or "", where.port or 0), timeout=_KNOCK_SECONDS).close()
    except OSError as error:
        raise no_answer(scale.address) from error


def no_answer(address: str) -> OutsideServiceError:
    """What is told when the scheduler does not answer."""
    return OutsideServiceError(
        f"the Dask scheduler at {address} does not answer",
        remedy="Start it and its workers, or correct [scale] address, and run again; nothing was changed.",
    )
