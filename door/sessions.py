"""Who is in: sessions in memory, known to the browser by a cookie, and ended with the door."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Final

_TOKEN_BYTES: Final = 32


class Sessions:
    """The sessions of one run of the door.

    Args:
        hours: How long a session lasts.
        clock: Seconds that only grow.
    """

    def __init__(self, hours: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = hours * 3600.0
        self._clock = clock
        # By hash: what is in memory, or in a dump of it, opens nothing.
        self._ends: dict[str, float] = {}

    def begin(self) -> str:
        """Begin a session and return its secret, for the cookie."""
        now = self._clock()
        self._ends = {key: end for key, end in self._ends.items() if end > now}
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        self._ends[_key(secret)] = now + self._seconds
        return secret

    def is_known(self, secret: str) -> bool:
        """Return whether a session with this secret goes on."""
        return self._ends.get(_key(secret), 0.0) > self._clock()

    def end(self, secret: str) -> None:
        """End a session."""
        self._ends.pop(_key(secret), None)


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
