"""What comes after a night, or arrives after it, changes nothing of it; a column that knows the outcome stops the training."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.compute import compute_features
from features.history import SeenHistory
from lake.storage.delta import Lake
from pipeline.history.daily_rollups import load_history
from tests.communities import LAST_DAY, SHOP, shop_lines, until, write_shop
from tests.nights import Run, succeed

NIGHT = LAST_DAY - timedelta(days=30)
HORIZON = timedelta(days=28)
# So few customers make a model only where few are enough.
TRAINED = SHOP + "\n[prediction]\nmin_members_to_learn = 20\nmin_outcomes_to_learn = 5\nmin_rows_per_leaf = 5\nrounds = 20\n"
WITH_MEMBERS = '\n[sources.members]\npath = "landing/members.csv"\n[sources.members.columns]\nmember_id = "customer"\n'


def later_lines_changed() -> pl.DataFrame:
    """The shop's export up to the night, and after it another one: orders lost, swapped, dearer, and new customers."""
    lines = shop_lines()
    later = lines.join(until(lines, NIGHT), on=lines.columns, how="anti").sort("order", "quantity", "price")
    kept = later.gather_every(3)
    scrambled = kept.with_columns(
        customer=pl.Series(kept["customer"].reverse()), quantity=pl.col("quantity") * 50, order=pl.format("s{}", "order")
    )
    strangers = kept.with_columns(customer=pl.format("x{}", "customer"), order=pl.format("x{}", "order"))
    return pl.concat([until(lines, NIGHT), scrambled, strangers])


def published(workspace: Path, night: date) -> dict[str, bytes]:
    folder = workspace / "lists" / night.isoformat()
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "receipt.json"}


def features_of(workspace: Path, night: date) -> pl.DataFrame:
    history = load_history(Lake(workspace / "lake"), timezone="Europe/Berlin", as_of=night)
    # The number of a member is the order of arrival.
    return compute_features(history, as_of=night).drop("member_no")


@pytest.fixture(scope="module")
def without_future(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that ends with its night; nobody changes it."""
    folder = tmp_path_factory.mktemp("without_future")
    write_shop(folder, until(shop_lines(), NIGHT), configuration=TRAINED)
    succeed("nightly", "--workspace", folder, "--as-of", NIGHT)
    return folder


def test_whatever_is_dated_after_the_night_leaves_features_scores_and_lists_bit_for_bit_the_same(
    run: Run, without_future: Path, tmp_path: Path
) -> None:
    write_shop(tmp_path, later_lines_changed(), configuration=TRAINED)
    done = run("nightly", "--workspace", tmp_path, "--as-of", NIGHT)
    assert done.code == 0, done.err
    assert Lake(tmp_path / "lake").row_count("orders") > Lake(without_future / "lake").row_count("orders")
    members = pl.read_parquet(tmp_path / "lists" / str(NIGHT) / "members.parquet")
    assert members["churn_probability"].drop_nulls().n_unique() > 20
    assert not members["member_id"].str.starts_with("x").any()
    assert features_of(tmp_path, NIGHT).equals(features_of(without_future, NIGHT))
    assert published(tmp_path, NIGHT) == published(without_future, NIGHT)


def test_whatever_arrives_after_the_run_leaves_the_published_night_bit_for_bit_the_same(
    run: Run, without_future: Path, tmp_path: Path
) -> None:
    shop = shutil.copytree(without_future, tmp_path / "shop")
    early = until(shop_lines(), NIGHT)
    late = early.with_columns(pl.format("late{}", "order").alias("order"), pl.col("quantity") * 9).gather_every(4)
    lists, scores = published(shop, NIGHT), scores_of(shop, NIGHT)
    pl.concat([late, later_lines_changed()]).unique("order").sort("at").write_csv(shop / "landing" / "orders2.csv")
    done = run("nightly", "--workspace", shop, "--as-of", NIGHT + timedelta(days=1))
    assert done.code == 0, done.err
    assert "late" in Lake(shop / "lake").scan("orders").collect()["order_id"].str.head(4)
    assert published(shop, NIGHT) == lists
    assert scores_of(shop, NIGHT).equals(scores)


def scores_of(workspace: Path, night: date) -> pl.DataFrame:
    return Lake(workspace / "lake").scan("scores").filter(pl.col("as_of") == night).collect().sort("member_id")


def test_a_column_of_the_source_that_knows_who_left_stops_the_training_and_is_named(run: Run, tmp_path: Path) -> None:
    lines = until(shop_lines(), NIGHT)
    ordered_lately = pl.col("at").max().str.slice(0, 10) > str(NIGHT - HORIZON)
    account = pl.when(ordered_lately).then(pl.lit("open")).otherwise(pl.lit("closed"))
    write_shop(tmp_path, lines, configuration=TRAINED + WITH_MEMBERS + 'region = "account"\n')
    lines.group_by("customer").agg(account=account).sort("customer").write_csv(tmp_path / "landing" / "members.csv")
    done = run("nightly", "--workspace", tmp_path, "--as-of", NIGHT)
    assert done.code == 3, done.out + done.err
    assert "region (AUC 1.000) alone tells who will leave" in done.err
    assert "leak_limit" in done.err
    assert not (tmp_path / "lists" / str(NIGHT)).exists()


def test_features_that_look_past_their_cut_off_stop_the_training_and_are_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(tmp_path, configuration=TRAINED)
    monkeypatch.setattr("features.compute.cut", _cut_that_forgets_to_cut)
    done = run("nightly", "--workspace", tmp_path, "--as-of", NIGHT)
    assert done.code == 3, done.out + done.err
    assert re.search(r"(\w+, ){4}\w+ and \d+ more of a past night would be different without the days after it", done.err)


def _cut_that_forgets_to_cut(history: Any, as_of: date) -> SeenHistory:
    return SeenHistory(history.members, history.daily, history.ties, history.available, history.event_types, as_of=as_of)
