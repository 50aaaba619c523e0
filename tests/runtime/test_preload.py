"""While packages are imported nobody looks for garbage; afterwards it is looked for again, whatever happened."""

from __future__ import annotations

import atexit
import gc
import sys

import pytest

from runtime.preload import importing


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was frozen, in a process that has not read MLflow."""
    frozen: list[str] = []
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append("now"))
    monkeypatch.setattr(atexit, "register", lambda _: frozen.append("at the end"))
    return frozen


def test_garbage_is_not_looked_for_while_packages_are_imported(frozen: list[str]) -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert frozen == ["at the end", "now"]


def test_garbage_is_looked_for_again_after_a_mistake(frozen: list[str]) -> None:
    with pytest.raises(ValueError, match="wrong path"), importing():
        raise ValueError("wrong path")
    assert gc.isenabled()
    assert frozen == ["at the end"]


def test_a_process_that_has_imported_everything_goes_on_as_it_was(frozen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", pytest)
    with importing():
        assert gc.isenabled()
    assert frozen == []
