"""What was predicted is set against what happened, once the horizon is over."""

from __future__ import annotations

from datetime import timedelta

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
    report = (shop / "reports" / f"{LAST_DAY}.html").read_text()
    assert "Did it come true?" in report
    days = pl.col("at").str.slice(0, 10)
    week = (days > str(FIRST_NIGHT)) & (days <= str(FIRST_NIGHT + timedelta(days=7)))
    early = explored.lines.filter(week)
    returned = members["member_id"].is_in(early["customer"].unique().implode()).sum()
    assert "Before the truth is known" in report
    assert f"{returned} were active again within 7 days" in report
