"""A cluster of workers on this machine: who may reach it, and the trees its workers grow together, whoever dies on the way."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from models.boosting import TrainingData, Trees, make_trees, train_trees_here
from models.config import PredictionSettings
from models.encoding import Encoding
from runtime.scale_settings import Scale
from tests.flows.scale.workers import PATIENCE_SECONDS, dask_processes, is_growing, kill_a_worker, once


@pytest.fixture(scope="module")
def executor(prefect_server: None) -> Iterator[Any]:
    """A cluster of two workers on this machine, for all who look at it."""
    from flows.scale.cluster import cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with cluster(Scale(engine="dask", workers=2)) as held:
            yield held


def test_trees_grown_by_the_crew_are_the_same_each_time_and_as_good_as_those_of_one_process(executor: Any) -> None:
    from sklearn.metrics import roc_auc_score

    from flows.scale.distributed_training import train_trees_on

    random = np.random.default_rng(5)
    laid_out = random.normal(size=(6_000, 8)).astype(np.float32)
    laid_out[:, 7] = random.integers(0, 3, 6_000)
    log_odds = laid_out[:, 0] + laid_out[:, 1] * (laid_out[:, 7] == 1)
    outcome = (random.random(6_000) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)
    encoding = Encoding(tuple("abcdefgh"), {"h": ("x", "y", "z")})
    settings = PredictionSettings(rounds=40)
    weight = np.linspace(0.5, 1, 6_000)

    def grown(**how: Any) -> Trees:
        return make_trees(settings, objective="binary", **how).fit(laid_out, outcome, encoding, weight=weight)

    together, again, apart = (
        grown(train_trees=train_trees_on(executor.client)),
        grown(train_trees=train_trees_on(executor.client)),
        grown(),
    )
    assert (together.machines, apart.machines) == (2, 1)
    assert together == again
    assert "127.0.0.1" not in together.text
    scores = [roc_auc_score(outcome, trees.raw_matrix(laid_out)) for trees in (together, apart)]
    assert scores[0] > 0.7
    assert scores[0] == pytest.approx(scores[1], abs=0.02)
    # The start is part of what is learnt: without it, value would begin from nothing.
    data = TrainingData(laid_out, outcome, None, np.full(6_000, 2.0), [])
    started = train_trees_on(executor.client)(dict(make_trees(settings, objective="binary").parameters), 5, data)
    assert Trees(started, encoding).raw_matrix(laid_out).mean() < -0.1


def test_a_lesson_too_small_to_share_is_learnt_in_one_process(executor: Any) -> None:
    from flows.scale.distributed_training import train_trees_on

    random = np.random.default_rng(5)
    data = TrainingData(random.normal(size=(900, 3)).astype(np.float32), (random.random(900) < 0.5).astype(float), None, None, [])
    parameters = make_trees(PredictionSettings(), objective="binary").parameters
    assert train_trees_on(executor.client)(parameters, 5, data) == train_trees_here(parameters, 5, data)


def test_a_cluster_here_listens_on_loopback_only_and_lets_no_stranger_in(executor: Any) -> None:
    from distributed import Client, Security

    here = psutil.Process()
    everyone = [here, *(process for process in here.children(recursive=True) if "spawn_main" in " ".join(process.cmdline()))]
    assert len(dask_processes()) >= 2
    listening = {
        connection.laddr.ip
        for process in everyone
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    address = executor.client.scheduler.address
    assert address.startswith("tls://127.0.0.1:")
    with pytest.raises(OSError, match=r"(?i)timed out|certificate|handshake"):
        Client(address, security=Security.temporary(), timeout=3, set_as_default=False)


@pytest.mark.soak
def test_a_worker_killed_while_trees_grow_is_replaced_and_the_trees_are_grown_again(executor: Any) -> None:
    from flows.scale.distributed_training import train_trees_on

    random = np.random.default_rng(5)
    laid_out = random.normal(size=(40_000, 20)).astype(np.float32)
    data = TrainingData(laid_out, (random.random(40_000) < 0.5).astype(float), None, None, [])
    parameters, rounds, train_trees = (
        make_trees(PredictionSettings(), objective="binary").parameters,
        300,
        train_trees_on(executor.client),
    )
    undisturbed = train_trees(parameters, rounds, data)
    with once(lambda: is_growing(executor.client), do=kill_a_worker) as seen:
        grown = train_trees(parameters, rounds, data)
    assert seen.done is not None, "no worker was killed in the middle"
    # With both workers back, or with the one that is left.
    assert grown in (undisturbed, train_trees_here(parameters, rounds, data))
    executor.client.wait_for_workers(2, timeout=PATIENCE_SECONDS)
