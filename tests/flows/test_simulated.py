"""A community whose truth is known: probabilities come true, and the reasons name what drives its members away."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.nights import Run

pytestmark = pytest.mark.soak
RAISES = pl.col("contribution") > 0
# The features that tell of one driver, by how their names begin.
SILENCE = ("days_since_last_activity", "gap_now_to_mean", "days_since_last_login")
ACTIVITY = ("active_days", "active_weeks", "activity_count", "event_count", "login_count")
DEALINGS = ("distinct_event_types", "event_type_entropy", "given_count", "received_count", "distinct_people")
TENURE = ("tenure_days", "days_since_first_activity")


@pytest.mark.parametrize("seed", [2025, 7])
def test_in_a_community_whose_truth_is_known_probabilities_come_true_and_reasons_name_its_drivers(
    run: Run, tmp_path: Path, seed: int
) -> None:
    assert run("demo", "--workspace", tmp_path, "--seed", str(seed)).code == 0
    figures = tmp_path / "figures.json"
    done = run("backtest", "--workspace", tmp_path, "--cutoffs", 8, "--json", figures)
    assert done.code == 0, done.err
    churn = json.loads(figures.read_text())["summary"]["churn"]
    pooled = churn["calibration"]["everybody"]
    assert churn["cutoffs"] >= 6
    assert 0.9 < pooled["calibration_slope"] < 1.1
    assert pooled["ece"] < 0.03
    assert churn["wins"] == dict.fromkeys(churn["wins"], churn["cutoffs"])
    (night,) = (tmp_path / "lists").iterdir()
    check_reasons(pl.read_parquet(night / "members.parquet"), pl.read_parquet(tmp_path / "truth" / "members.parquet"))


def check_reasons(listed: pl.DataFrame, truth: pl.DataFrame) -> None:
    members = listed.filter("is_eligible").join(truth, on="member_id", validate="1:1")
    members = members.with_columns(declines=(pl.col("decline_from") <= pl.col("as_of")).fill_null(value=False))
    told = members.explode("reasons").unnest("reasons").drop_nulls("feature")

    # Who is drifting away is told so, and by what shows it.
    first = told.group_by("member_id", maintain_order=True).first()
    share = first.group_by(RAISES.alias("raises")).agg(pl.col("declines").mean())
    raising, lowering = (share.filter(raises=raises)["declines"][0] for raises in (True, False))
    assert raising > 5 * lowering
    drifting = members.filter("declines").height
    shown = told.filter(RAISES & pl.col("declines") & pl.any_horizontal(about(SILENCE), about(ACTIVITY)))
    assert shown["member_id"].n_unique() > 0.8 * drifting

    # Those who live with others in few ways and those who do in many are told apart as they truly are.
    varied = told.filter(about(DEALINGS)).group_by(RAISES.alias("raises")).agg(pl.col("diversity").mean(), pl.len())
    few, many = (varied.filter(raises=raises).to_dicts()[0] for raises in (True, False))
    assert min(few["len"], many["len"]) >= 10
    everybody = members["diversity"].to_numpy().mean()
    assert few["diversity"] < everybody - 0.1
    assert many["diversity"] > everybody + 0.1

    # Where the time since joining is named it speaks for staying: of those who are settled, and of those to whom all is new.
    settled = told.filter(about(TENURE))
    assert settled.height >= 10
    assert not settled.select(RAISES.any()).item()
    assert settled["declines"].to_numpy().mean() < members["declines"].to_numpy().mean()


def about(names: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(pl.col("feature").str.starts_with(name) for name in names)
