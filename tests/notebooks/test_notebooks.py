"""The notebooks run as scripts: what they show is what the lake, the lists and MLflow hold."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.member_index import scan_member_index
from notebooks import cohorts, effects, experiments, members, network
from tests.communities import LAST_DAY, shop_lines, write_shop
from tests.explored import FIRST_NIGHT, REFUSED, Explored

NOTEBOOKS = (members, network, cohorts, experiments, effects)


def opened(notebook: Any) -> tuple[str, dict[str, Any]]:
    """Run a notebook from top to bottom; its outputs as HTML and what its cells defined."""
    with warnings.catch_warnings():
        # Third parties' notices about their own future.
        warnings.simplefilter("ignore")
        outputs, defined = notebook.app.run()
    return "\n".join(getattr(output, "text", "") for output in outputs if output is not None), dict(defined)


def chosen_slowly(rows: list[dict[str, Any]], tiers: list[str], risks: list[str], groups: list[str], text: str) -> list[str]:
    """The members a filter keeps, one after the other in plain Python."""
    found = []
    for row in rows:
        words = [row["member_id"], *(reason["text"] for reason in row["reasons"] or [])]
        kinds = ((row["tier"], tiers), (row["churn_risk"], risks), (row["segment"], groups))
        if all(not wanted or kind in wanted for kind, wanted in kinds) and any(
            text.strip().lower() in one.lower() for one in words
        ):
            found.append(row["member_id"])
    return found


@pytest.mark.parametrize(
    ("tiers", "risks", "text"),
    [
        ([], [], ""),
        (["gold", "diamond"], [], ""),
        ([], ["high"], ""),
        (["regular"], ["medium", "low"], ""),
        ([], [], " C01 "),
        ([], [], "last order"),
        (["regular", "silver"], ["high"], "ORDER"),
        ([], [], "(.*"),
    ],
)
def test_the_filter_keeps_whom_reading_every_row_would_keep(
    workspace_here: Explored, tiers: list[str], risks: list[str], text: str
) -> None:
    listed = pl.read_parquet(workspace_here.root / "lists" / str(LAST_DAY) / "members.parquet")
    for groups in ([], sorted(listed["segment"].drop_nulls().unique())[:1]):
        chosen = members.choose(listed, tiers=tiers, risks=risks, groups=groups, text=text)
        assert chosen["member_id"].to_list() == chosen_slowly(listed.to_dicts(), tiers, risks, groups, text)


def test_the_app_opens_on_the_newest_night_with_everyone_the_most_valuable_first(workspace_here: Explored) -> None:
    shown, defined = opened(members)
    listed = pl.read_parquet(workspace_here.root / "lists" / str(LAST_DAY) / "members.parquet")
    assert defined["run"].as_of == LAST_DAY
    assert list(defined["nights"]) == [LAST_DAY, FIRST_NIGHT]
    assert defined["chosen"]["member_id"].to_list() == listed["member_id"].to_list()
    values = listed.filter("is_eligible")["member_value_score"].to_list()
    assert listed["member_value_score"].head(len(values)).to_list() == sorted(values, reverse=True)
    assert "Small shop: members" in shown


def test_who_refuses_profiling_shows_nothing_but_the_id(workspace_here: Explored) -> None:
    _, defined = opened(members)
    row = defined["chosen"].filter(pl.col("member_id") == REFUSED).row(0, named=True)
    assert {name for name, value in row.items() if value is not None} == {"as_of", "member_id", "is_eligible"}
    card = members.read_card(defined["run"], REFUSED)
    assert (card.scores, card.active_days, card.reasons, card.tier_moves) == ((), (), (), ())


def test_consent_withdrawn_after_a_night_blanks_the_member_on_that_night_too(
    explored: Explored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from pipeline.analysis import read_members
    from runtime.run_context import open_run

    root = tmp_path / "copy"
    shutil.copytree(explored.root, root)
    run = open_run(root, str(LAST_DAY))
    before = read_members(run).filter(pl.col("member_id") == "c010").row(0, named=True)
    assert before["tier"] is not None
    lake = run.workspace.lake
    refused = pl.when(pl.col("member_id") == "c010").then(pl.lit(value=False)).otherwise("can_profile").alias("can_profile")
    lake.replace("members", lake.scan("members").with_columns(refused).collect())
    after = read_members(run).filter(pl.col("member_id") == "c010").row(0, named=True)
    assert {name for name, value in after.items() if value is not None} == {"as_of", "member_id", "is_eligible"}
    assert after["is_eligible"] is False
    assert members.read_card(run, "c010").scores == ()


def test_the_download_is_the_selection_and_runs_no_formula(workspace_here: Explored) -> None:
    _, defined = opened(members)
    rows = list(csv.DictReader(io.StringIO(members.as_csv(defined["chosen"]).decode("utf-8-sig"))))
    assert [row["member_id"] for row in rows] == [
        f"'{member}" if member == "=1+1" else member for member in defined["chosen"]["member_id"]
    ]
    by_member = {row["member_id"]: row for row in rows}
    told = defined["chosen"].filter(pl.col("reasons").list.len() > 0).row(0, named=True)
    assert told["reasons"][0]["text"] in by_member[told["member_id"]]["reasons"]


def test_the_card_says_what_the_command_says(workspace_here: Explored) -> None:
    from pipeline.explain import explain

    _, defined = opened(members)
    member = defined["chosen"].filter("is_eligible")["member_id"][0]
    told = explain(workspace_here.root, member)
    shown = members.card_text(members.read_card(defined["run"], member))
    for line in told.splitlines():
        if line.startswith(("  + ", "  - ")):
            assert line[4:] in shown
    assert members.card_title(members.Card("<b>", LAST_DAY)).count("&lt;b&gt;") == 1


def test_a_community_in_which_nobody_responds_is_told_that_it_has_no_network(workspace_here: Explored) -> None:
    shown, defined = opened(network)
    assert "This night has no network: nobody responded to anybody in the 365 days before it" in shown
    assert "choice" not in defined


def test_retention_is_what_counting_by_hand_gives(workspace_here: Explored) -> None:
    _, defined = opened(cohorts)
    months_active = defaultdict(set)
    for customer, at in workspace_here.lines.select("customer", "at").iter_rows():
        months_active[customer].add((int(at[:4]), int(at[5:7])))
    end = LAST_DAY + timedelta(days=1)
    expected: dict[tuple[date, int], tuple[int, int]] = {}
    for customer, joined in workspace_here.joined.items():
        if customer == REFUSED:
            continue
        year, month = joined.year, joined.month
        since = 0
        while (year, month) < (end.year, end.month):
            counted, active = expected.get((joined.replace(day=1), since), (0, 0))
            expected[joined.replace(day=1), since] = (counted + 1, active + ((year, month) in months_active[customer]))
            year, month, since = (year + month // 12, month % 12 + 1, since + 1)
    found = {
        (joined, since): (counted, active)
        for joined, since, counted, active in defined["everyone"]
        .select("joined", "months_since", "members", "active")
        .iter_rows()
    }
    assert found == expected
    third = [counts for (_, since), counts in expected.items() if since == 3]
    curve = cohorts.mean_curve(defined["everyone"]).filter(pl.col("months_since") == 3)
    assert curve["retained"].item() == pytest.approx(sum(active for _, active in third) / sum(counted for counted, _ in third))


def test_experiments_show_every_model_at_every_cut_off_as_the_backtest_wrote_it(workspace_here: Explored) -> None:
    import mlflow

    shown, defined = opened(experiments)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{workspace_here.root / 'mlflow.db'}")
    found = client.get_experiment_by_name("backtests").experiment_id
    [parent] = [run for run in client.search_runs([found]) if "mlflow.parentRunId" not in run.data.tags]
    written = json.loads(Path(client.download_artifacts(parent.info.run_id, "backtest.json")).read_text())
    expected = {
        (date.fromisoformat(cutoff["as_of"]), purpose, metric, model): value
        for cutoff in written["cutoffs"]
        for purpose in ("churn", "value")
        for model, metrics in cutoff[purpose].items()
        for metric, value in metrics.items()
        if value is not None
    }
    rows = defined["backtests"].select("cutoff", "purpose", "metric", "model", "value").iter_rows()
    assert {row[:4]: pytest.approx(row[4]) for row in rows} == expected
    assert len(written["cutoffs"]) > 1
    wide = experiments.side_by_side(defined["tested"], by="cutoff")
    assert wide.columns[:2] == ["cutoff", "evenfall"]
    assert wide.height == len(written["cutoffs"])
    assert set(defined["newest"]["as_of"]) == {LAST_DAY, FIRST_NIGHT}
    assert "Small shop: experiments" in shown


def test_until_outcomes_are_known_the_effects_page_says_when_they_are(workspace_here: Explored) -> None:
    shown, defined = opened(effects)
    assert "Small shop: Did talking work?" in shown
    assert defined["newest"].has_answer == ("figures" in defined)


def test_a_history_has_every_decision_of_the_ledger(workspace_here: Explored) -> None:
    from pipeline.engagement.ledger import DECISION, read_ledger

    _, defined = opened(members)
    run = defined["run"]
    decided = read_ledger(run.workspace.lake, kind=DECISION)
    numbers = scan_member_index(run.workspace.lake).collect()
    counted = dict(decided.join(numbers, on="member_no").group_by("member_id").len().iter_rows())
    assert counted
    for member in (*list(counted)[:3], REFUSED):
        assert members.member_history(run, member).decisions.height == counted.get(member, 0)
    title = members.card_title(members.Card("m1", LAST_DAY), "<i>Ada</i>")
    assert "m1 · &lt;i&gt;Ada&lt;/i&gt;" in title


def test_an_effect_over_time_is_in_points_where_it_is_a_share(tmp_path: Path) -> None:
    from pipeline.engagement.effects import effects_over_time
    from tests.campaigns import NIGHT, club
    from tests.pipeline.engagement.ledgers import MATURED, record

    run = club(tmp_path)
    record(run)
    measured = effects_over_time(run.on(NIGHT))
    (point,) = effects.over_time(measured, "Save valuable").iter_rows(named=True)
    assert (point["as_of"], point["n_treated"], point["n_holdout"]) == (MATURED, 3, 2)
    effect = next(one.effect.effect for one in measured[0].actions if one.action == "save_valuable")
    assert point["effect"] == pytest.approx(100 * effect)
    assert effects.as_table(measured[0], currency="EUR").height == 1 + len(measured[0].actions)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.__name__)
def test_a_missing_workspace_is_told_in_a_sentence(notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["notebook", "--", "--workspace", str(tmp_path / "nowhere")])
    shown, _ = opened(notebook)
    assert f"Nothing to show: there is no evenfall.toml in {tmp_path / 'nowhere'}" in shown


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.__name__)
def test_a_workspace_without_any_night_says_what_to_run(notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shop(tmp_path, shop_lines(customers=2, days=40))
    monkeypatch.setattr("sys.argv", ["notebook", "--", "--workspace", str(tmp_path)])
    shown, _ = opened(notebook)
    assert f"evenfall nightly --workspace {tmp_path}" in shown
    assert not (tmp_path / "mlflow.db").exists()
