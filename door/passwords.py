"""The password of the door: an argon2 hash, and a limit to how often somebody may try."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from lake.errors import ConfigurationError

SHORTEST_PASSWORD: Final = 12
TRIES: Final = 5
TRIES_OF_ALL: Final = 50
PERIOD_SECONDS: Final = 300.0
_LONGEST_PASSWORD: Final = 1_000


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with a salt of its own.

    Args:
        password: The password.

    Raises:
        ConfigurationError: It is too short to be safe on a network, or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise ConfigurationError(
            f"the password has {len(password)} characters", remedy=f"Use {SHORTEST_PASSWORD} to {_LONGEST_PASSWORD:,} characters."
        )
    hashed: str = PasswordHasher().hash(password)
    return hashed


class Password:
    """A password that is known by its hash alone.

    Args:
        password_hash: Its argon2 hash.

    Raises:
        ConfigurationError: That is no argon2 hash.
    """

    def __init__(self, password_hash: str) -> None:
        self._hash = password_hash
        # A verification takes 64 MiB: many at once would be a way to fill the memory.
        self._one_at_a_time = threading.Lock()
        try:
            extract_parameters(password_hash)
        except InvalidHashError:
            raise ConfigurationError(
                "[door] password_hash is no argon2 hash", remedy="Make one with `evenfall up --hash-password`."
            ) from None

    def is_right(self, given: str) -> bool:
        """Return whether what was given is the password."""
        return len(given) <= _LONGEST_PASSWORD and self._matches(given)

    def _matches(self, given: str) -> bool:
        with self._one_at_a_time:
            try:
                return bool(PasswordHasher().verify(self._hash, given))
            except VerificationError:
                return False


class Throttle:
    """How many tries without success there were lately, by address and from everywhere.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: list[tuple[float, str]] = []

    def wait_seconds(self, address: str) -> int:
        """Return how long an address has to wait before its next try; 0 when it may try now."""
        now = self._clock()
        self._tries = [(at, whose) for at, whose in self._tries if now - at < PERIOD_SECONDS]
        own = [at for at, whose in self._tries if whose == address]
        every = [at for at, _ in self._tries]
        until = [times[-most] + PERIOD_SECONDS for times, most in ((own, TRIES), (every, TRIES_OF_ALL)) if len(times) >= most]
        return max((int(end - now) + 1 for end in until), default=0)

    def note_try(self, address: str) -> None:
        """Count a try before it is judged, so that many at once are counted, too."""
        self._tries.append((self._clock(), address))

    def forget(self, address: str) -> None:
        """Take back the tries of an address that had the right password."""
        self._tries = [(at, whose) for at, whose in self._tries if whose != address]
