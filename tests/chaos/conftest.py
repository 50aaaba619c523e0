from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.driver import Driver, running_driver


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """One process with everything imported, for all nights of these tests."""
    with running_driver(tmp_path_factory.mktemp("driver")) as one:
        yield one
