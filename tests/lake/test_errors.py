"""An error says what, shows the value, gives the remedy and carries its exit code."""

import pickle

import pytest

from lake.errors import ConfigurationError, DataError, EvenfallError, OutsideServiceError, WorkspaceBusyError, first_line

KINDS = {EvenfallError: 1, ConfigurationError: 2, DataError: 3, OutsideServiceError: 4, WorkspaceBusyError: 5}


@pytest.mark.parametrize(("kind", "exit_code"), KINDS.items(), ids=lambda kind: getattr(kind, "__name__", kind))
def test_every_kind_has_its_exit_code_and_survives_a_trip_between_processes(kind: type[EvenfallError], exit_code: int) -> None:
    error = kind("no file x.csv", remedy="Put it back.")
    assert error.exit_code == exit_code
    assert str(error) == "no file x.csv\n  → Put it back."
    sent = pickle.loads(pickle.dumps(error))
    assert (type(sent), str(sent), sent.remedy) == (kind, str(error), "Put it back.")


def test_of_what_a_library_says_the_first_line_is_told_or_its_kind() -> None:
    assert first_line(ValueError("\n first\nsecond")) == "first"
    assert first_line(KeyError()) == "KeyError"
    assert (len(first_line("x" * 400)), len(first_line("x" * 400, most=None))) == (300, 400)
