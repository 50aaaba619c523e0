"""A scheduler that is absent, deaf or goes away is told within seconds and in words."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.scale.reachability import check_reachable
from lake.errors import ConfigurationError, OutsideServiceError
from pipeline.execution.executor import ClusterLostError
from runtime.scale_settings import Scale
from tests.communities import write_shop
from tests.flows.scale.workers import a_scheduler, free_port
from tests.nights import Run

SECONDS = 10


def within_seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_an_absent_scheduler_is_told_before_anything_starts(run: Run, tmp_path: Path) -> None:
    write_shop(tmp_path)
    with (tmp_path / "evenfall.toml").open("a") as configuration:
        configuration.write(f'\n[scale]\nengine = "dask"\naddress = "tcp://127.0.0.1:{free_port()}"\n')
    began = time.monotonic()
    done = run("nightly", "--workspace", tmp_path)
    assert time.monotonic() - began < SECONDS
    assert (done.code, "Traceback" in done.err) == (4, False)
    assert "the Dask scheduler at tcp://127.0.0.1" in done.err
    assert not (tmp_path / "lake").exists()


def test_a_cluster_here_has_nobody_to_knock_at() -> None:
    check_reachable(Scale(engine="dask"))
    check_reachable(Scale())


def test_workers_that_outlive_the_night_need_a_prefect_server_that_does(prefect_server: None) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.scale.cluster import cluster

    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(ConfigurationError, match=r"outlive the night.*\n.*Set PREFECT_API_URL"),
        cluster(Scale(engine="dask", address="tcp://127.0.0.1:1")),
    ):
        pass


def test_a_scheduler_that_stops_is_told_in_words_whatever_was_going_on(
    prefect_server: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from flows.scale.cluster import cluster

    def ask_a_deaf_one() -> None:
        with pytest.raises(OutsideServiceError, match="does not answer"), cluster(scale):
            pass

    def stop_it() -> None:
        with cluster(scale) as held:
            waiting: Any = held.client.submit(time.sleep, 60, pure=False)
            scheduler.send_signal(signal.SIGTERM)
            waiting.result()

    def lose_it() -> None:
        with pytest.raises(ClusterLostError, match="went away in the middle") as lost:
            stop_it()
        assert lost.value.exit_code == 4

    with a_scheduler(tmp_path) as (address, scheduler):
        scale = Scale(engine="dask", address=address)
        with cluster(scale) as held:
            held.client.wait_for_workers(1, timeout=60)
        scheduler.send_signal(signal.SIGSTOP)
        try:
            assert within_seconds(ask_a_deaf_one) < SECONDS
        finally:
            scheduler.send_signal(signal.SIGCONT)
        assert within_seconds(lose_it) < 2 * SECONDS
    assert "Traceback" not in capfd.readouterr().err
