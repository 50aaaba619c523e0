from __future__ import annotations

import psycopg
import pytest

from lake.environment_variables import expand_environment


def test_a_password_comes_from_the_environment_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss/w%rd:?")
    monkeypatch.setenv("SHOP_HOST", "db.example:5433")
    expanded = expand_environment("postgresql://ann:${SHOP_PASSWORD}@${SHOP_HOST}/shop", name="orders (query)")
    assert expanded == "postgresql://ann:p%40ss%2Fw%25rd%3A%3F@db.example:5433/shop"
    assert psycopg.conninfo.conninfo_to_dict(expanded)["password"] == "p@ss/w%rd:?"
