"""A night on Dask workers: the same features, predictions, reasons and lists as in one process, whoever dies on the way."""

from __future__ import annotations

import json
import shutil
import signal
import warnings
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.compute import compute_features
from lake.errors import ConfigurationError
from lake.scratch import SCRATCH_PREFIX, drop_scratch_tables
from lake.simulate import simulate
from models.boosting import train_trees_here
from pipeline.execution.executor import LocalExecutor, sample_to_train_on
from pipeline.execution.partitions import (
    as_arrow,
    compute_partition_features,
    explain_partition,
    from_arrow,
    partitions_of,
    score_partition,
)
from pipeline.history.daily_rollups import CommunitySnapshot, take_snapshot
from pipeline.learning.champions import Champions
from pipeline.scoring import columns_for_segments
from pipeline.segmenting import segment_members
from runtime.memory import MemoryBudget
from runtime.run_context import RunContext, open_run
from runtime.tracking import promotions
from tests.flows.scale.workers import a_scheduler, dask_processes, during, is_growing, kill_a_worker, make_certificates, once
from tests.nights import Run

MEMBERS, DAYS, SEED = 400, 240, 11
SMALL_MODELS = "\n[prediction]\nmax_cutoffs = 3\nrounds = 20\n"
# Enough rows to share.
MANY_CUTOFFS = "\n[prediction]\nmax_cutoffs = 16\nstep_days = 7\nrounds = {rounds}\n"
IN_BUCKETS = '\n[scale]\nengine = "dask"\nbucket_members = 80\n'


@pytest.fixture(scope="module")
def alone(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A community that does everything there are features for, after a night in one process; nobody changes it."""
    from flows.cli import main
    from flows.scaffold import DEMO_CONFIGURATION

    folder = tmp_path_factory.mktemp("alone")
    (folder / "evenfall.toml").write_text(DEMO_CONFIGURATION + SMALL_MODELS, encoding="utf-8")
    simulate(folder, seed=SEED, members=MEMBERS, days=DAYS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(SystemExit) as ended:
            main(["nightly", "--workspace", str(folder)])
    assert ended.value.code == 0
    return folder


@pytest.fixture
def community(alone: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "community"
    shutil.copytree(alone, folder)
    return folder


def night_of(workspace: Path) -> RunContext:
    return open_run(workspace, the_night(workspace).isoformat())


def the_night(workspace: Path) -> date:
    return date.fromisoformat(max(path.name for path in (workspace / "lists").iterdir()))


def list_bytes(workspace: Path) -> dict[str, bytes]:
    folder = workspace / "lists" / the_night(workspace).isoformat()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "receipt.json"}


def trained(run: RunContext) -> Champions:
    from models.bundle import from_files
    from pipeline.learning.champions import Champion

    champions = {}
    for purpose in ("churn", "value"):
        registered = run.tracking.champion(purpose, as_of=run.as_of)
        assert registered is not None
        champions[purpose] = Champion(from_files(registered.files), registered, "")
    return Champions(champions["churn"], champions["value"])


def grounded(run: RunContext) -> tuple[CommunitySnapshot, Any]:
    from flows.scale.dask_executor import _write_inputs

    snapshot = take_snapshot(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    return snapshot, _write_inputs(run.workspace.lake, run, snapshot)


# All in one, and five of them, the last one smaller.
@pytest.mark.parametrize("bucket_members", [1_000_000, 97])
def test_features_predictions_and_reasons_by_the_bucket_are_those_of_everybody_at_once(
    community: Path, bucket_members: int
) -> None:
    from flows.scale.dask_executor import _model_files, _peers

    run = night_of(community)
    snapshot, inputs = grounded(run)
    champions = trained(run)
    assert champions.churn.model.kind == "lightgbm"
    computed = LocalExecutor().compute_features(run, snapshot)
    features = computed.rows.collect()
    partitions = list(partitions_of(features["member_no"].sort(), bucket_members=bucket_members))
    shapes = [compute_partition_features(inputs, partition) for partition in partitions]
    assert sum(rows for rows, _ in shapes) == features.height
    ours = pl.concat([run.workspace.lake.scan(partition.features).collect() for partition in partitions]).sort("member_id")
    assert_frame_equal(ours, features, check_exact=True)

    models = _model_files(run, champions)
    scored = LocalExecutor().score(run, computed, champions)
    ours = pl.concat([from_arrow(score_partition(inputs, partition, models, scored.columns)) for partition in partitions])
    assert_frame_equal(ours.sort("member_id"), scored, check_exact=True)

    eligible = scored.filter("is_eligible")
    peers = as_arrow(_peers(champions.churn.model, eligible.lazy(), probability=eligible["churn_probability"]))
    probabilities = as_arrow(scored.select("member_no", "churn_probability"))
    explained_parts = [explain_partition(inputs, partition, models, peers, probabilities) for partition in partitions]
    ours = pl.concat([from_arrow(part) for part in explained_parts])
    explained = LocalExecutor().explain(run, computed, scored, champions)
    expected = explained.filter("is_eligible").select("member_no", "reasons")
    assert expected["reasons"].list.len().sum() > 0
    assert_frame_equal(ours.sort("member_no"), expected.sort("member_no"), check_exact=True)


def test_one_process_with_little_memory_scores_a_few_members_at_a_time_to_the_same_bytes(
    community: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = night_of(community)
    snapshot = take_snapshot(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    champions = trained(run)
    features = LocalExecutor().compute_features(run, snapshot)
    at_once = LocalExecutor().score(run, features, champions)
    monkeypatch.setattr(MemoryBudget, "members", 37)
    few = LocalExecutor().compute_features(run, snapshot)
    assert_frame_equal(few.rows.collect(), features.rows.collect(), check_exact=True)
    assert_frame_equal(LocalExecutor().score(run, few, champions), at_once, check_exact=True)


def test_of_a_larger_community_every_so_many_th_member_is_learnt_from(community: Path) -> None:
    run = night_of(community)
    snapshot = take_snapshot(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    features = LocalExecutor().compute_features(run, snapshot)
    everybody = sample_to_train_on(run, snapshot.history, features, train_trees_here)
    assert everybody.history is snapshot.history
    assert everybody.tonight.collect().height == features.members
    fewer = run.settings.prediction.model_copy(update={"learning_members": features.members // 3})
    settings = run.settings.model_copy(update={"prediction": fewer})
    some = sample_to_train_on(replace(run, settings=settings), snapshot.history, features, train_trees_here)
    chosen = some.tonight.collect()["member_no"]
    every = min(chosen)
    assert every >= 3
    assert set(chosen % every) == {0}
    assert 0 < len(chosen) <= features.members // 3
    for rows in (some.history.members, some.history.daily):
        assert set(rows.collect()["member_no"]) <= set(chosen)
    as_of = run.as_of - timedelta(days=60)
    theirs = compute_features(some.history, as_of=as_of)
    of_all = compute_features(snapshot.history, as_of=as_of).filter(pl.col("member_no").is_in(chosen.implode()))
    assert theirs.height > 0
    assert_frame_equal(theirs, of_all, check_exact=True)


def test_segments_come_out_the_same_from_the_columns_a_crew_returns(community: Path) -> None:
    run = night_of(community)
    snapshot = take_snapshot(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    scored = LocalExecutor().score(run, LocalExecutor().compute_features(run, snapshot), trained(run))
    few = scored.select(columns_for_segments(scored.columns, run))
    assert few.width < scored.width / 2
    segmented = segment_members(run, scored)
    assert_frame_equal(segment_members(run, few), segmented.select(pl.col(few.columns), pl.exclude(scored.columns)))


def test_a_past_night_does_not_read_the_totals_of_a_newer_one(community: Path) -> None:
    newest = night_of(community)
    run = newest.on(date.fromordinal(newest.as_of.toordinal() - 30))
    snapshot, inputs = grounded(run)
    features = LocalExecutor().compute_features(run, snapshot).rows.collect()
    (partition,) = partitions_of(features["member_no"].sort(), bucket_members=MEMBERS)
    compute_partition_features(inputs, partition)
    assert_frame_equal(run.workspace.lake.scan(partition.features).collect(), features, check_exact=True)
    drop_scratch_tables(run.workspace.lake)
    assert not [name for name in run.workspace.lake.tables if name.startswith(SCRATCH_PREFIX)]


def test_a_worker_that_sees_another_lake_or_runs_another_release_says_so(community: Path) -> None:
    run = night_of(community)
    _, inputs = grounded(run)
    (partition,) = partitions_of(pl.Series([1]), bucket_members=1)
    with pytest.raises(ConfigurationError, match="does not see the lake"):
        compute_partition_features(replace(inputs, mark="of another night"), partition)
    with pytest.raises(ConfigurationError, match="another release"):
        compute_partition_features(replace(inputs, code="other code"), partition)


def test_with_a_worker_killed_midway_the_night_has_the_same_lists(run: Run, community: Path) -> None:
    expected = list_bytes(community)
    shutil.rmtree(community / "lists")
    with (community / "evenfall.toml").open("a") as configuration:
        configuration.write(IN_BUCKETS)
    with during(community, tables=1, do=kill_a_worker) as seen:
        done = run("nightly", "--workspace", community)
    assert done.code == 0, done.err
    assert 0 < seen.tables < MEMBERS // 80 - 1, "the worker was not killed in the middle"
    assert seen.killed is not None
    assert list_bytes(community) == expected
    lake = night_of(community).workspace.lake
    assert not [name for name in lake.tables if name.startswith(SCRATCH_PREFIX)]
    receipt = json.loads((community / "lists" / the_night(community).isoformat() / "receipt.json").read_text())
    assert receipt["trained_by"] == {"churn": "one process", "value": "one process"}
    assert not dask_processes(), "workers outlived the night"


@pytest.mark.soak
def test_a_scheduler_that_goes_away_midway_ends_the_night_with_4_and_the_next_run_completes(run: Run, community: Path) -> None:
    expected = list_bytes(community)
    shutil.rmtree(community / "lists")
    plain = (community / "evenfall.toml").read_text()
    with a_scheduler(community.parent) as (address, scheduler):
        (community / "evenfall.toml").write_text(f'{plain}{IN_BUCKETS}address = "{address}"\n')
        with during(community, tables=2, do=lambda: scheduler.send_signal(signal.SIGKILL)):
            done = run("nightly", "--workspace", community)
    assert done.code == 4, done.err
    assert "went away" in done.err
    assert "Traceback" not in done.err
    (community / "evenfall.toml").write_text(plain)
    assert run("nightly", "--workspace", community).code == 0
    assert list_bytes(community) == expected


@pytest.mark.soak
def test_what_a_crew_trained_is_verified_in_one_process(run: Run, community: Path) -> None:
    plain = (community / "evenfall.toml").read_text().replace(SMALL_MODELS, MANY_CUTOFFS.format(rounds=30))
    (community / "evenfall.toml").write_text(plain + IN_BUCKETS)
    assert run("train", "--workspace", community, "--promote").code == 0
    assert run("nightly", "--workspace", community).code == 0
    receipt = json.loads((community / "lists" / the_night(community).isoformat() / "receipt.json").read_text())
    assert receipt["trained_by"]["churn"] == "2 Dask workers"
    (community / "evenfall.toml").write_text(plain)
    done = run("verify", "--workspace", community, "--as-of", the_night(community))
    assert done.code == 0, done.out
    assert "matches" in done.out


@pytest.mark.soak
def test_a_training_that_loses_a_worker_each_time_leaves_nothing_half_done(
    run: Run, community: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.scale import distributed_training as growing

    train_trees, killed = growing._train_trees, []

    def grow_and_lose(client: Any, *given: Any) -> str:
        with once(lambda: is_growing(client), do=kill_a_worker) as seen:
            try:
                return train_trees(client, *given)
            finally:
                killed.append(seen.done)

    plain = (community / "evenfall.toml").read_text().replace(SMALL_MODELS, MANY_CUTOFFS.format(rounds=400))
    (community / "evenfall.toml").write_text(plain + IN_BUCKETS)
    with monkeypatch.context() as patch:
        patch.setattr(growing, "_train_trees", grow_and_lose)
        done = run("train", "--workspace", community, "--promote")
    assert any(killed), "no worker was killed in the middle"
    # One that is left alone grows them itself; lost again and again, the training gives up in words.
    assert done.code in (0, 4), done.err
    assert "Traceback" not in done.err
    assert not dask_processes(), "workers outlived the training"
    again = run("train", "--workspace", community, "--promote")
    assert again.code == 0, again.err
    assert run("nightly", "--workspace", community).code == 0
    assert [churn.version for churn in versions_of(community, "churn") if promotions.DECISION not in churn.tags] == []


def versions_of(workspace: Path, name: str) -> list[Any]:
    with night_of(workspace).tracking.client() as client:
        return list(client.search_model_versions(f"name = '{name}'"))


@pytest.mark.soak
def test_a_scheduler_with_an_authority_of_its_own_gives_the_same_lists_and_lets_no_stranger_in(run: Run, community: Path) -> None:
    expected = list_bytes(community)
    shutil.rmtree(community / "lists")
    plain = (community / "evenfall.toml").read_text()
    ours, strange = make_certificates(community.parent / "ours"), make_certificates(community.parent / "strange")
    with a_scheduler(community.parent, tls=ours) as (address, _):
        assert address.startswith("tls://")
        for papers, code in ((strange, 4), (ours, 0)):
            written = "".join(f'tls_{name} = "{file}"\n' for name, file in papers.items())
            (community / "evenfall.toml").write_text(f'{plain}{IN_BUCKETS}address = "{address}"\n{written}')
            done = run("nightly", "--workspace", community)
            assert done.code == code, done.err
            assert "Traceback" not in done.err
            assert (community / "lists").exists() == (code == 0)
    assert list_bytes(community) == expected
