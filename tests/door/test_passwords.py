"""The password of the door and the limit to trying it."""

from __future__ import annotations

import pytest

from door.passwords import PERIOD_SECONDS, TRIES, TRIES_OF_ALL, Password, Throttle, hash_password
from door.sessions import Sessions
from lake.errors import ConfigurationError

PASSWORD = "a long enough one"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_password_is_known_by_a_salted_argon2id_hash_alone() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert PASSWORD not in first
    assert Password(first).is_right(PASSWORD)
    assert not Password(first).is_right(PASSWORD + " ")
    assert not Password(first).is_right("x" * 2_000_000)


@pytest.mark.parametrize("password", ["", "short", "x" * 1_001])
def test_a_password_that_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{len(password)} characters"):
        hash_password(password)


def test_what_is_no_hash_is_refused_before_anybody_signs_in() -> None:
    with pytest.raises(ConfigurationError, match="no argon2 hash"):
        Password("$argon2id$nonsense")


def test_an_address_waits_after_five_tries_and_others_do_not() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(TRIES):
        assert throttle.wait_seconds("1.2.3.4") == 0
        throttle.note_try("1.2.3.4")
    assert 0 < throttle.wait_seconds("1.2.3.4") <= PERIOD_SECONDS + 1
    assert throttle.wait_seconds("5.6.7.8") == 0
    clock.now += PERIOD_SECONDS
    assert throttle.wait_seconds("1.2.3.4") == 0


def test_tries_from_many_addresses_are_limited_together() -> None:
    throttle = Throttle(Clock())
    for number in range(TRIES_OF_ALL):
        throttle.note_try(f"10.0.0.{number}")
    assert throttle.wait_seconds("192.168.0.1") > 0


def test_the_right_password_clears_the_tries_of_its_address_alone() -> None:
    throttle = Throttle(Clock())
    for address in ("1.2.3.4", "5.6.7.8"):
        for _ in range(TRIES):
            throttle.note_try(address)
    throttle.forget("1.2.3.4")
    assert throttle.wait_seconds("1.2.3.4") == 0
    assert throttle.wait_seconds("5.6.7.8") > 0


def test_a_session_ends_after_its_hours_or_when_it_is_ended() -> None:
    clock = Clock()
    sessions = Sessions(12, clock)
    first, second = sessions.begin(), sessions.begin()
    assert first != second
    assert sessions.is_known(first)
    sessions.end(first)
    assert not sessions.is_known(first)
    clock.now += 12 * 3600
    assert not sessions.is_known(second)
    assert not sessions.is_known("")
