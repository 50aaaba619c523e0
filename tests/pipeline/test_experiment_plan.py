"""A plan by the past of a small shop: its mean, what the window before tells, and who enters."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.errors import ConfigurationError
from pipeline.experiment_plan import plan_experiment
from runtime.run_context import RunContext, open_run
from tests.campaigns import NOW, club
from tests.communities import LAST_DAY, shop_lines, write_shop
from tests.forum import take_in
from tests.nights import evenfall

DAY = LAST_DAY - timedelta(days=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    take_in(folder, night=DAY, now=NOW.replace(month=8))
    return open_run(folder, None, now=NOW.replace(month=8))


def test_the_past_is_that_of_the_members_active_before_the_newest_window(run: RunContext) -> None:
    planned = plan_experiment(run, outcome="spent", horizon_days=14, members_per_day=5)
    lines = shop_lines().with_columns(day=pl.col("at").str.slice(0, 10).str.to_date())
    cut = DAY - timedelta(days=14)
    active = lines.filter(pl.col("day").is_between(cut - timedelta(days=89), cut))["customer"].unique()
    spent = (
        pl.DataFrame({"customer": active})
        .join(lines.filter(pl.col("day").is_between(cut, DAY, closed="right")), on="customer", how="left")
        .group_by("customer")
        .agg(spent=(pl.col("quantity") * pl.col("price")).sum())
    )
    assert planned.members == active.len()
    assert planned.past.mean == pytest.approx(spent["spent"].mean())
    assert planned.past.variance == pytest.approx(spent["spent"].var())
    assert 0 < planned.past.correlation < 1
    assert planned.plan.effect == pytest.approx(planned.past.mean / 10)
    assert planned.plan.days == pytest.approx(2 * planned.plan.members_per_arm / 5 + 14, abs=1)


def test_without_contacts_those_first_active_of_late_enter(run: RunContext) -> None:
    assert plan_experiment(run, horizon_days=14, effect=0.1, as_of=date(2025, 1, 31)).past.members_per_day > 1
    assert plan_experiment(run, horizon_days=14, effect=0.1).plan.days is None


def test_where_contacts_are_sent_their_receivers_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.experiment_plan._FEWEST_MEMBERS", 2)
    # m0 to m7 had a contact in the 28 days.
    assert plan_experiment(club(tmp_path), horizon_days=14, effect=0.1).past.members_per_day == 8 / 28


def test_too_little_past_is_refused(run: RunContext) -> None:
    with pytest.raises(ConfigurationError, match="too few to plan by"):
        plan_experiment(run, horizon_days=300)
    with pytest.raises(ConfigurationError, match="no outcome 'login'"):
        plan_experiment(run, outcome="login")


def test_an_outcome_that_never_occurs_needs_an_effect(tmp_path: Path) -> None:
    # Everybody ordered until a day, and nobody after it.
    lines = shop_lines().filter(pl.col("at").str.slice(0, 10) <= "2025-03-01")
    last = pl.DataFrame([("o99999", "c999", "2025-03-16 10:00:00", 1, 1.0)], schema=lines.schema, orient="row")
    write_shop(tmp_path, pl.concat([lines, last]))
    take_in(tmp_path, night=date(2025, 3, 15), now=NOW)
    run = open_run(tmp_path, None, now=NOW)
    with pytest.raises(ConfigurationError, match="did not occur") as refused:
        plan_experiment(run, horizon_days=14)
    assert "--effect" in refused.value.remedy
    assert plan_experiment(run, horizon_days=14, effect=0.1).plan.members_per_arm is None


def test_the_command_writes_the_plan(run: RunContext, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    asked = ("--workspace", run.workspace.root, "--effect", "0.1", "--members-per-day", "20", "--json", file)
    ended = evenfall("experiment", "--plan", *asked)
    assert (ended.code, ended.err) == (0, "")
    figures = json.loads(file.read_text())
    assert figures["horizon_days"] == 28
    assert figures["members_per_day"] == 20
    assert list(figures["smallest_effects"]) == ["7", "14", "28", "56", "91", "182"]
    assert "An effect of +10.0 points" in ended.out
