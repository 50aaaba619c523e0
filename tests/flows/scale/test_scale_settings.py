"""What `[scale]` may say, and what a night answers when it is told of workers it cannot have."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lake.errors import ConfigurationError
from runtime.settings import load_settings
from tests.communities import SHOP
from tests.flows.scale.workers import free_port
from tests.nights import Run


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("workers = 3", "`workers` needs engine"),
        ('engine = "local"\nbucket_members = 10', "`bucket_members` needs engine"),
        ('engine = "ray"', "scale.engine"),
        ('engine = "dask"\naddress = "tcp://10.0.0.1:8786"\nworkers = 2', "`workers` is for a cluster here"),
        ('engine = "dask"\naddress = "10.0.0.1:8786"', "not the address of a scheduler"),
        ('engine = "dask"\naddress = "tls://10.0.0.1:8786"', "needs `tls_ca`, `tls_cert` and `tls_key`"),
        (
            'engine = "dask"\naddress = "tcp://h:8786"\ntls_ca = "a"\ntls_cert = "b"\ntls_key = "c"',
            "a tls:// address, and no other",
        ),
        ('engine = "dask"\ntls_ca = "a"', "`tls_ca` needs an address"),
        ('engine = "dask"\nworker_memory = "2 elephants"', "worker_memory"),
    ],
)
def test_an_option_that_means_nothing_with_the_engine_is_a_mistake(tmp_path: Path, section: str, told: str) -> None:
    (tmp_path / "evenfall.toml").write_text(f"{SHOP}\n[scale]\n{section}\n")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path)
    assert told in str(refused.value)


def elsewhere(shop: Path, more: str) -> None:
    with (shop / "evenfall.toml").open("a") as configuration:
        configuration.write(f'\n[scale]\nengine = "dask"\n{more}\n')


def test_without_dask_the_night_says_how_to_install_it(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere(shop, "")
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = run("nightly", "--workspace", shop, "--as-of", "2025-07-01")
    assert done.code == 2
    assert "evenfall[scale]" in done.err
    assert not (shop / "lake" / "orders").exists()


def test_a_scheduler_that_does_not_answer_stops_the_night_before_it_begins(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.scale.cluster._ANSWER_SECONDS", 1)
    elsewhere(shop, f'address = "tcp://127.0.0.1:{free_port()}"')
    done = run("nightly", "--workspace", shop, "--as-of", "2025-07-01")
    assert done.code == 4
    assert "does not answer" in done.err
    assert "Traceback" not in done.err
    assert not (shop / "lake" / "orders").exists()


def test_workers_elsewhere_need_a_prefect_server_they_can_reach(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    elsewhere(shop, 'address = "tcp://192.0.2.1:8786"')
    done = run("nightly", "--workspace", shop, "--as-of", "2025-07-01")
    assert done.code == 2
    assert "PREFECT_API_URL" in done.err
