"""Campaigns of a small club, counted by hand; wrong use is refused with what was meant."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.cli import main
from lake.errors import ConfigurationError
from pipeline.experiments import analyse_campaign, parse_shares
from runtime.run_context import RunContext
from tests.campaigns import NIGHT, NOW, club
from tests.forum import take_in
from tests.hillstrom import FILE as HILLSTROM
from tests.nights import evenfall
from tests.paths import ROOT

VISITS = """\
[community]
name = "Hillstrom"

[sources.members]
path = "landing/customers.csv"
[sources.contacts]
path = "landing/emails.csv"
[sources.events]
path = "landing/visits.csv"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return club(tmp_path_factory.mktemp("club"))


def in_a_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "experiment", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_member_counts_in_the_arm_of_the_first_contact(run: RunContext) -> None:
    result = analyse_campaign(run, "spring")
    assert (result.outcome, result.horizon_days, result.as_of, result.control) == ("returned", 14, NIGHT, "control")
    assert result.experiment.arms == {"control": 2, "mail": 3}
    assert result.experiment.rates == {"control": 1 / 2, "mail": 1}
    assert result.left_out == {"refused": 1, "not_matured": 1}
    assert result.several_arms == 1


def test_the_outcome_and_the_shares_are_those_asked_for(run: RunContext) -> None:
    # With five days the contact of 20 June has matured.
    spent = analyse_campaign(run, "spring", outcome="spent", horizon_days=5, shares="control=1,mail=2")
    assert spent.experiment.rates == {"control": 0, "mail": 20.5 / 4}
    assert spent.experiment.p_srm == pytest.approx(1)


def test_another_last_day_leaves_out_what_is_not_over_by_then(run: RunContext) -> None:
    assert analyse_campaign(run, "spring", as_of=date(2025, 7, 4)).left_out == {"refused": 1}


def test_any_arm_can_be_the_control(run: RunContext) -> None:
    assert analyse_campaign(run, "spring", control="MAIL").experiment.comparisons[0].arm == "control"


@pytest.mark.parametrize(
    ("campaign", "asked", "what", "remedy"),
    [
        ("sprng", {}, "no campaign 'sprng'; did you mean 'spring'", "campaign_id"),
        ("xyz", {}, "known: lonely, newsletter, pair, spring", "campaign_id"),
        ("newsletter", {}, "no arms: none of its 1 contacts", "Map `arm`"),
        ("pair", {}, "no arm 'control'; its arms are: a, b", "--control"),
        ("spring", {"control": "letter"}, "no arm 'letter'; its arms are: control, mail", "--control"),
        ("lonely", {}, "one arm, 'control'", "other arms"),
        ("spring", {"outcome": "likes"}, "no outcome 'likes'", "an event type"),
        ("spring", {"shares": "control=1,mial=4"}, "'mial' is no arm; did you mean 'mail'", "control=1,mail=1"),
        ("spring", {"horizon_days": 21}, "no two arms .* by 2025-06-30", "--horizon-days of 20 or less"),
        ("spring", {"as_of": date(2025, 6, 9)}, "no two arms", "Wait"),
    ],
)
def test_wrong_use_is_refused(run: RunContext, campaign: str, asked: dict[str, Any], what: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=what) as refused:
        analyse_campaign(run, campaign, **asked)
    assert remedy in refused.value.remedy


def test_the_longest_horizon_that_is_offered_works(run: RunContext) -> None:
    assert analyse_campaign(run, "spring", horizon_days=20).experiment.arms == {"control": 2, "mail": 3}


@pytest.mark.parametrize(
    "text",
    ["", "mail", *(f"mail={bad},control=1" for bad in ("x", "0", "-1", "inf", "nan")), "=1,control=1", "mail=1",
     "mail=1,mail=2,control=1", "mail=1,control=1,x=1"],
)  # fmt: skip
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--shares") as refused:
        parse_shares(text, ["control", "mail"])
    assert "control=1,mail=1" in refused.value.remedy


def test_an_arm_may_have_an_equals_sign_and_spaces() -> None:
    assert parse_shares(" a=b = 0.5 , control=2", ["a=b", "control"]) == {"a=b": 0.5, "control": 2}


def test_the_command_writes_figures_and_tells_them(run: RunContext, tmp_path: Path) -> None:
    file, folder = tmp_path / "figures.json", run.workspace.root
    ended = evenfall("experiment", "spring", "--workspace", folder, "--json", file)
    assert (ended.code, ended.err) == (0, "")
    figures = json.loads(file.read_text())
    assert list(figures)[:6] == ["campaign", "arms", "p_srm", "outcome", "comparisons", "minimum_detectable_effect"]
    assert (figures["campaign"], figures["arms"], figures["outcome"]) == ("spring", {"control": 2, "mail": 3}, "returned")
    assert list(figures["comparisons"][0]) == [
        "arm", "control", "effect", "effect_unadjusted", "low", "high", "relative", "p"
    ]  # fmt: skip
    assert figures["comparisons"][0]["effect_unadjusted"] == 1 - 1 / 2
    assert "Campaign spring: who came back within 14 days" in ended.out
    assert "Left out: 1 member who may not be profiled." in ended.out


@pytest.mark.parametrize(
    "arguments",
    [["sprng"], ["pair"], [], ["spring", "--plan"], ["--plan", "--effect", "0"], ["--plan", "--shares", "control=1"],
     ["spring", "--effect", "1"], ["spring", "--horizon-days", "0"], ["spring", "--json", "/nowhere/figures.json"]],
)  # fmt: skip
def test_the_command_ends_with_2_for_wrong_use(run: RunContext, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["experiment", *arguments, "--workspace", str(run.workspace.root)])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_a_process_ends_with_2_and_says_what_was_meant(run: RunContext) -> None:
    ended = in_a_process("sprng", "--workspace", run.workspace.root)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("evenfall: there is no campaign 'sprng'; did you mean 'spring'?\n  → ")


@pytest.mark.skipif(not HILLSTROM.exists(), reason="the Hillstrom experiment is not here (EVENFALL_HILLSTROM)")
def test_the_womens_e_mail_of_hillstrom_brings_4_and_a_half_of_100_more_visits(tmp_path: Path) -> None:
    customers = pl.read_csv(HILLSTROM, infer_schema_length=None).with_row_index("n").with_columns(
        pl.format("customer {}", "n").alias("member_id")
    )  # fmt: skip
    (tmp_path / "landing").mkdir()
    (tmp_path / "evenfall.toml").write_text(VISITS, encoding="utf-8")
    customers.select("member_id").write_csv(tmp_path / "landing" / "customers.csv")
    arm = pl.col("segment").replace("No E-Mail", "control")
    customers.select("member_id", campaign_id=pl.lit("e-mail"), sent_at=pl.lit("2008-03-20"), arm=arm).write_csv(
        tmp_path / "landing" / "emails.csv"
    )
    # The file says whether, not when, a customer came within two weeks.
    day = pl.date(2008, 3, 20) + pl.duration(days=pl.col("n") % 15)
    customers.filter(pl.col("visit") == 1).select("member_id", event_type=pl.lit("visit"), occurred_at=day).write_csv(
        tmp_path / "landing" / "visits.csv"
    )
    take_in(tmp_path, night=date(2008, 4, 3), now=NOW)
    file = tmp_path / "figures.json"
    ended = evenfall(
        "experiment", "e-mail", "--workspace", tmp_path, "--outcome", "visit", "--horizon-days", "14", "--json", file
    )
    assert ended.code == 0, ended.err
    figures = json.loads(file.read_text())
    womens = {one["arm"]: one for one in figures["comparisons"]}["Womens E-Mail"]
    assert sum(figures["arms"].values()) == 64_000
    assert womens["effect"] == pytest.approx(0.0452, abs=5e-5)
    assert 0.037 < womens["low"] < womens["high"] < 0.053
    assert figures["p_srm"] > 0.05
