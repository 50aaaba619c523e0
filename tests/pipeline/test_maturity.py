"""What was predicted is set against what happened, once the horizon is over."""

from __future__ import annotations

import polars as pl
import pytest

from lake.storage.delta import Lake
from tests.communities import LAST_DAY
from tests.explored import FIRST_NIGHT, Explored


def test_predictions_whose_horizon_is_over_are_set_against_what_happened(explored: Explored) -> None:
    shop = explored.root
    matured = Lake(shop / "lake").scan("matured").collect()
    assert matured["as_of"].unique().to_list() == [FIRST_NIGHT]
    members = pl.read_parquet(shop / "lists" / str(FIRST_NIGHT) / "members.parquet").filter("is_eligible")
    later = explored.lines.filter(pl.col("at").str.slice(0, 10) > str(FIRST_NIGHT))["customer"].unique()
    happened = 1 - members["member_id"].is_in(later.implode()).mean()
    churn = dict(matured.filter(pl.col("purpose") == "churn").select("metric", "value").iter_rows())
    assert churn["n"] == members.height
    assert churn["happened"] == pytest.approx(happened)
    assert churn["predicted"] == pytest.approx(members["churn_probability"].mean())
    assert "Did it come true?" in (shop / "reports" / f"{LAST_DAY}.html").read_text()


def test_the_list_of_a_matured_night_is_set_against_everybody_by_what_happened_to_its_members(explored: Explored) -> None:
    folder = explored.root / "lists" / str(FIRST_NIGHT)
    members = pl.read_parquet(folder / "members.parquet").filter("is_eligible")
    later = explored.lines.filter(pl.col("at").str.slice(0, 10) > str(FIRST_NIGHT))["customer"].unique()
    left = members.select("member_id", "churn_probability", left=~pl.col("member_id").is_in(later.implode()))
    listed = pl.read_csv(folder / "contact_list.csv", infer_schema=False).select(pl.col("member_id").str.strip_prefix("'"))
    own = left.join(listed, on="member_id")
    churn = dict(Lake(explored.root / "lake").scan("matured").filter(pl.col("purpose") == "churn").collect()[:, 2:].iter_rows())
    # The shop has no contacts, and all default actions it can judge are judged by whether members return.
    assert churn["list.not_contacted.n"] == own.height > 0
    assert churn["list.not_contacted.happened"] == pytest.approx(own["left"].mean())
    assert churn["list.not_contacted.predicted"] == pytest.approx(own["churn_probability"].mean())
    assert churn["list.not_contacted.lift"] == pytest.approx(own["left"].mean() / left["left"].mean())
    assert churn["list.all.n"] == churn["list.not_contacted.n"] + churn.get("list.held_out.n", 0)
    assert "list.contacted.n" not in churn
    assert "Those chosen for contact" in (explored.root / "reports" / f"{LAST_DAY}.html").read_text()
