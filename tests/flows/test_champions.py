"""Champions that cannot be used, and communities too small for one that learns."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.flows.communities import LAST_DAY, shop_lines, write_shop
from tests.flows.conftest import Run

NIGHT = LAST_DAY - timedelta(days=1)


def test_a_champion_in_the_format_of_another_version_is_replaced_and_the_night_says_so(run: Run, shop: Path) -> None:
    assert run("nightly", "--workspace", shop, "--as-of", NIGHT).code == 0
    bundles = list((shop / "mlartifacts").rglob("model.json"))
    assert len(bundles) == 2
    for bundle in bundles:
        bundle.write_text(bundle.read_text().replace('"format_version": 2', '"format_version": 1'))
    done = run("nightly", "--workspace", shop, "--as-of", LAST_DAY)
    assert done.code == 0, done.err
    for purpose in ("churn", "value"):
        assert f"{purpose}/1 was written in the format of another version of Evenfall" in done.err
        assert f"{purpose}/2 promoted" in done.err
    assert members_of(shop)["churn_model"].unique().to_list() == ["churn/2 (recency)"]
    back = run("train", "--workspace", shop, "--as-of", LAST_DAY, "--rollback")
    assert back.code == 2
    assert "format 1" in back.err
    assert "evenfall train" in back.err


@pytest.mark.parametrize(("customers", "kind"), [(1, "base rate"), (50, "recency")])
def test_a_small_community_gets_a_simple_rule_and_its_lists_say_which(
    run: Run, tmp_path: Path, customers: int, kind: str
) -> None:
    write_shop(tmp_path, shop_lines(customers=customers))
    done = run("nightly", "--workspace", tmp_path, "--as-of", LAST_DAY)
    assert done.code == 0, done.err
    assert "WARNING" not in done.err
    members = members_of(tmp_path)
    assert members.height == customers
    assert members["churn_model"].unique().to_list() == [f"churn/1 ({kind})"]
    assert members["value_model"].unique().to_list() == ["value/1 (past rate)"]
    assert members.filter("is_eligible")["churn_probability"].is_between(0, 1, closed="none").all()
    assert (members["expected_value"] >= 0).all()
    assert (tmp_path / "lists" / str(LAST_DAY) / "members.csv").read_text().count(f"churn/1 ({kind})") == customers
    assert "Too few" in (tmp_path / "reports" / f"{LAST_DAY}.html").read_text()


def members_of(workspace: Path) -> pl.DataFrame:
    return pl.read_parquet(workspace / "lists" / str(LAST_DAY) / "members.parquet")
