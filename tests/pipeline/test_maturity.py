"""What was predicted is set against what happened, once the horizon is over."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from lake.storage.delta import Lake
from pipeline.history.daily_rollups import load_snapshot
from pipeline.matured_slices import _known_of_members, matured_nights, slices_of_night
from pipeline.verification.past_lake import at_one_moment
from runtime.run_context import open_run
from runtime.settings import Community
from tests.communities import LAST_DAY
from tests.explored import FIRST_NIGHT, REFUSED, Explored


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
    assert "How sure tonight’s predictions are" in report
    assert f"{returned} were active again within 7 days" in report


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
    # Of few members a report shows nothing.
    is_shown = "Those chosen for contact" in (explored.root / "reports" / f"{LAST_DAY}.html").read_text()
    assert is_shown == (own.height >= Community().smallest_group)


def test_the_slices_of_a_matured_night_are_those_of_its_members_alone_and_nothing_is_written(explored: Explored) -> None:
    run = open_run(explored.root, None)
    assert matured_nights(run) == [FIRST_NIGHT]
    before = {path: path.stat().st_mtime_ns for path in explored.root.rglob("*") if path.is_file()}
    known = _known_of_members(load_snapshot(at_one_moment(run).on(LAST_DAY)).history, FIRST_NIGHT)
    orders = explored.lines.select(member_id="customer", day=pl.col("at").str.slice(0, 10).str.to_date())
    last = orders.filter(pl.col("day") <= FIRST_NIGHT).group_by("member_id").agg(pl.col("day").max())
    index = run.workspace.lake.scan("member_index").collect()
    by_member = dict(known.join(index, on="member_no").select("member_id", "days_since_last_activity").iter_rows())
    assert last.height > 50
    for member_id, day in last.iter_rows():
        assert member_id == REFUSED or by_member[member_id] == (FIRST_NIGHT - day).days
    sliced = slices_of_night(run, FIRST_NIGHT)
    # 59 members are too few to be divided by anything.
    assert sliced.is_empty()
    assert {path: path.stat().st_mtime_ns for path in explored.root.rglob("*") if path.is_file()} == before


def test_a_larger_night_is_divided(explored: Explored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.slices.FEWEST_MEMBERS", 5)
    run = open_run(explored.root, None)
    sliced = slices_of_night(run, FIRST_NIGHT)
    members = pl.read_parquet(explored.root / "lists" / str(FIRST_NIGHT) / "members.parquet").filter("is_eligible")
    later = explored.lines.filter(pl.col("at").str.slice(0, 10) > str(FIRST_NIGHT))["customer"].unique()
    left = members.with_columns(left=~pl.col("member_id").is_in(later.implode()))
    tiers = sliced.filter((pl.col("kind") == "tier") & (pl.col("slice") != "other"))
    assert tiers.height > 0
    for row in tiers.to_dicts():
        own = left.filter(pl.col("tier") == row["slice"])
        assert (row["n"], row["happened"]) == (own.height, pytest.approx(own["left"].mean()))
        assert row["predicted"] == pytest.approx(own["churn_probability"].mean())
