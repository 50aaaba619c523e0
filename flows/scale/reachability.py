"""Check that the Dask scheduler answers: before heavy packages are imported, and again before it gets work."""

from __future__ import annotations

import os
import socket
from typing import Final
from urllib.parse import urlsplit

from lake.errors import ConfigurationError, OutsideServiceError
from runtime.scale_settings import Scale

_KNOCK_SECONDS: Final = 3
_LOOPBACK_NAMES: Final = ("localhost", "::1")


def check_reachable(scale: Scale) -> None:
    """Check that a process listens at `[scale] address`; without an address there is nothing to check.

    Raises:
        ConfigurationError: Workers elsewhere could not reach the Prefect server that the environment names.
        OutsideServiceError: No process listens there.
    """
    if scale.address is None:
        return
    if (prefect := os.environ.get("PREFECT_API_URL")) is not None:
        refuse_prefect_of_this_machine(scale.address, prefect)
    where = urlsplit(scale.address)
    try:
        socket.create_connection((where.hostname or "", where.port or 0), timeout=_KNOCK_SECONDS).close()
    except OSError as error:
        raise no_answer(scale.address) from error


def refuse_prefect_of_this_machine(address: str, prefect: str) -> None:
    """Refuse a Prefect server on loopback for workers on other machines.

    Raises:
        ConfigurationError: The workers could not reach it.
    """
    if not _is_here(address) and _is_here(prefect):
        raise ConfigurationError(
            f"the workers of {address} cannot reach the Prefect server of this machine, {prefect}",
            remedy="Set PREFECT_API_URL to a Prefect server that this machine and all workers reach.",
        )


def no_answer(address: str) -> OutsideServiceError:
    """Return the error for a scheduler that does not answer."""
    return OutsideServiceError(
        f"the Dask scheduler at {address} does not answer",
        remedy="Start it and its workers, or correct [scale] address, and run again; nothing was changed.",
    )


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host in _LOOPBACK_NAMES or host.startswith("127.")
