"""Champions that cannot be used, and communities too small for one that learns."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.communities import LAST_DAY, shop_lines, write_shop
from tests.nights import NIGHT, Finished, FirstNight, Run


def test_a_champion_in_the_format_of_another_version_is_replaced_and_the_night_says_so(run: Run, begun: Path) -> None:
    shop = begun
    bundles = list((shop / "mlartifacts").rglob("model.json"))
    assert len(bundles) == 2
    for bundle in bundles:
        bundle.write_text(bundle.read_text().replace('"format_version": 2', '"format_version": 1'))
    # Versions that an earlier release registered carry no hash of their files.
    with closing(sqlite3.connect(shop / "mlflow.db")) as store, store:
        assert store.execute("DELETE FROM model_version_tags WHERE key = 'files'").rowcount == 2
    done = run("nightly", "--workspace", shop, "--as-of", LAST_DAY)
    assert done.code == 0, done.err
    for purpose in ("churn", "value"):
        assert f"{purpose}/1 was written in the format of another version of Evenfall" in done.err
        assert f"{purpose}/2 promoted" in done.err
    assert members_of(shop, LAST_DAY)["churn_model"].unique().to_list() == ["churn/2 (starting)"]
    back = run("train", "--workspace", shop, "--as-of", LAST_DAY, "--rollback")
    assert back.code == 2
    assert "format 1" in back.err
    assert "evenfall train" in back.err


def lose(bundle: Path) -> None:
    shutil.rmtree(bundle.parents[1])


def cut_short(bundle: Path) -> None:
    text = (bundle / "model.json").read_bytes()
    (bundle / "model.json").write_bytes(text[: len(text) // 2])


def change_a_digit(bundle: Path) -> None:
    # Still a model, and another one: nothing but its hash tells.
    text = (bundle / "model.json").read_text()
    changed = re.sub(r'("intercept": -?\d)', r"\g<1>7", text, count=1)
    assert changed != text
    (bundle / "model.json").write_text(changed)


def overwrite(bundle: Path) -> None:
    (bundle / "model.json").write_bytes(bytes(range(256)))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (change_a_digit, "its files were changed"),
        pytest.param(lose, "its files are gone", marks=pytest.mark.soak),
        pytest.param(cut_short, "its files were changed", marks=pytest.mark.soak),
        pytest.param(overwrite, "a file in it is not text", marks=pytest.mark.soak),
    ],
)
def test_a_damaged_champion_stops_the_night_and_a_training_takes_its_place(
    run: Run, begun: Path, break_it: Callable[[Path], None], told: str
) -> None:
    asked = ("--workspace", begun, "--as-of", NIGHT)
    listed = (begun / "lists" / str(NIGHT) / "members.parquet").read_bytes()
    for bundle in list((begun / "mlartifacts" / "churn").rglob("bundle")):
        break_it(bundle)
    for stopped in (run("nightly", *asked), run("doctor", "--workspace", begun)):
        assert stopped.code == 2, stopped.out + stopped.err
        assert f"the model churn/1 is damaged: {told}" in stopped.out + stopped.err
        assert "`evenfall train`" in stopped.out + stopped.err
    assert (begun / "lists" / str(NIGHT) / "members.parquet").read_bytes() == listed
    healed = run("train", *asked)
    assert healed.code == 0, healed.err
    assert "churn/2 promoted: churn/1 was damaged" in healed.err
    done = run("nightly", *asked)
    assert done.code == 0, done.err
    assert members_of(begun, NIGHT)["churn_model"].unique().to_list() == ["churn/2 (with starting)"]
    same = pl.col("churn_probability", "expected_value")
    assert members_of(begun, NIGHT).select(same).equals(pl.read_parquet(listed).select(same))


def test_a_shop_of_sixty_gets_own_trees_beside_the_starting_model_and_its_lists_say_so(first_night: FirstNight) -> None:
    check_simple_rule(first_night.shop, NIGHT, first_night.done, customers=60, kind="with starting")


@pytest.mark.parametrize("customers", [1, pytest.param(8, marks=pytest.mark.soak)])
@pytest.mark.parametrize(
    ("more", "kind"),
    [("", "starting"), pytest.param("\n[prediction]\nstarting_model = false\n", "base rate", marks=pytest.mark.soak)],
)
def test_a_handful_of_customers_gets_the_starting_model_and_its_lists_say_so(
    run: Run, tmp_path: Path, customers: int, more: str, kind: str
) -> None:
    write_shop(tmp_path, shop_lines(customers=customers))
    with (tmp_path / "evenfall.toml").open("a") as file:
        file.write(more)
    done = run("nightly", "--workspace", tmp_path, "--as-of", LAST_DAY)
    assert done.code == 0, done.err
    check_simple_rule(tmp_path, LAST_DAY, done, customers=customers, kind=kind)


def check_simple_rule(workspace: Path, night: date, done: Finished, *, customers: int, kind: str) -> None:
    assert "WARNING" not in done.err
    members = members_of(workspace, night)
    assert members.height == customers
    assert members["churn_model"].unique().to_list() == [f"churn/1 ({kind})"]
    assert members["value_model"].unique().to_list() == ["value/1 (past rate)"]
    assert members.filter("is_eligible")["churn_probability"].is_between(0, 1, closed="none").all()
    assert (members["expected_value"] >= 0).all()
    assert (workspace / "lists" / str(night) / "members.csv").read_text().count(f"churn/1 ({kind})") == customers
    assert "Too few" in (workspace / "reports" / "model-card-churn.html").read_text()


def members_of(workspace: Path, night: date) -> pl.DataFrame:
    return pl.read_parquet(workspace / "lists" / str(night) / "members.parquet")
