from __future__ import annotations

from pathlib import Path

import pytest

from runtime.tracking.store_address import is_server, local_store_address, with_our_driver, without_password


def test_postgresql_is_reached_with_the_driver_that_is_installed() -> None:
    for written in ("postgresql://ann@host/models", "postgres://ann@host/models", "postgresql+psycopg://ann@host/models"):
        assert with_our_driver(written) == "postgresql+psycopg://ann@host/models"
    assert with_our_driver("http://host:5000") == "http://host:5000"


def test_only_a_server_chooses_where_artifacts_lie(tmp_path: Path) -> None:
    assert is_server("https://host")
    assert not is_server("postgresql+psycopg://host/models")
    assert not is_server(local_store_address(tmp_path))


@pytest.mark.parametrize(
    "uri", ["postgresql://ann:p%40ss%2Fword@host/models", "https://ann:p%40ss%2Fword@host", "postgresql://ann:p%40ss[@host/x"]
)
def test_a_password_is_never_shown(uri: str) -> None:
    told = without_password(f"cannot reach {uri}: p@ss/word was refused", uri=uri)
    assert "***@host" in told
    assert "p%40ss" not in told
    if "[" not in uri:
        assert "p@ss/word" not in told
