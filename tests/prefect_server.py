"""One Prefect server for every night that a test process runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One Prefect server and one Great Expectations for all nights of this process: their own would take minutes."""
    from runtime.environment import prepare_environment

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
            prepare_environment(tmp_path_factory.getbasetemp())
            import great_expectations  # noqa: F401
            from prefect.testing.utilities import prefect_test_harness

            with prefect_test_harness(server_startup_timeout=180):
                yield
