"""The benchmark of prediction: its windows, its intervals and its page say what a slow obvious computation says."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from benchmarks.prediction import run as bench
from benchmarks.prediction.datasets import Community
from benchmarks.prediction.differences import Predicted, differences_at, mean_differences
from benchmarks.prediction.goals import goals
from benchmarks.prediction.page import page
from benchmarks.prediction.panels import panel_of
from benchmarks.prediction.rivals import matured, predict_rivals
from benchmarks.prediction.windows import WINDOWS, plain_windows
from models.bootstrap import draw_weights, paired_difference
from models.evaluation import auc
from tests.models.panels import HORIZON_DAYS, cutoffs, make_panel
from tests.paths import ROOT

AS_OF = date(2024, 3, 31)
COMMUNITY = Community("tiny", "Tiny", (HORIZON_DAYS,), seed=1)
ACTIVITY = {"member_id": pl.String(), "event_date": pl.Date(), "kind": pl.String(), "amount_minor": pl.Int64()}
rows_of_activity = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "never known"]),
        # Mostly the first and last days of windows.
        st.sampled_from([-1, 0, 6, 7, 27, 28, 89, 90, 364, 365, 400]).map(lambda age: AS_OF - timedelta(days=age)),
        st.sampled_from([("post", None), ("read", None), ("order", 250), ("order", 0), ("order", -100)]),
    ),
    max_size=30,
)


@given(rows_of_activity)
def test_windows_are_what_one_counts_row_by_row(rows: list[tuple[str, date, tuple[str, int | None]]]) -> None:
    activity = pl.DataFrame([(who, day, *what) for who, day, what in rows], schema=ACTIVITY, orient="row")
    joined = pl.DataFrame({"member_id": ["a"], "joined_on": [AS_OF - timedelta(days=40)]})
    found = plain_windows(activity, joined, pl.DataFrame({"as_of": [AS_OF] * 2, "member_id": ["b", "a"]}))
    assert found["member_id"].to_list() == ["b", "a"]
    for row in found.iter_rows(named=True):
        theirs = [(what, (AS_OF - day).days) for who, day, what in rows if who == row["member_id"] and day <= AS_OF]
        done = [(kind, age) for (kind, amount), age in theirs if (amount or 0) >= 0]
        for days in WINDOWS:
            assert row[f"done_{days}d"] == sum(age < days for _, age in done)
            assert row[f"active_days_{days}d"] == len({age for _, age in done if age < days})
        if any(kind == "order" for _, _, (kind, _) in rows):
            assert row["orders_365d"] == sum(kind == "order" and age < 365 for kind, age in done)
            assert row["spend_365d"] == sum(amount or 0 for (_, amount), age in theirs if age < 365) / 100
        assert row["kinds_90d"] == len({kind for kind, age in done if age < 90})
        assert row["days_since_last"] == min((age for _, age in done), default=None)
        assert row["tenure_days"] == max([*(age for _, age in theirs), *([40] if row["member_id"] == "a" else [])], default=0)


def predicted(seed: int, members: range) -> Predicted:
    random = np.random.default_rng(seed)
    actual = (random.random(len(members)) < 0.5).astype(float)
    models = {name: actual * weight + random.random(len(members)) for name, weight in (("evenfall", 0.8), ("x", 0.4), ("y", 0.0))}
    return Predicted(pl.Series([f"m{number:03}" for number in members]), actual, models)


@given(st.integers(0, 1_000), st.integers(1, 40))
@settings(max_examples=20)
def test_the_interval_at_one_cutoff_is_the_paired_difference(seed: int, members: int) -> None:
    one = predicted(seed, range(members))
    found = differences_at(one, "evenfall", metric="auc", draws=20, seed=3)
    for rival in ("x", "y"):
        expected = paired_difference(one.actual, one.models["evenfall"], one.models[rival], metric="auc", seed=3, draws=20)
        assert [found[rival].estimate, found[rival].lower, found[rival].upper, found[rival].draws] == pytest.approx(
            [expected.estimate, expected.lower, expected.upper, expected.draws], nan_ok=True
        )


def test_the_mean_lead_draws_members_with_all_their_rows_and_cutoffs_as_well() -> None:
    several = [predicted(1, range(12)), predicted(2, range(5, 25)), predicted(3, range(3, 30))]
    draws, seed = 40, 9
    found = mean_differences(several, "evenfall", metric="auc", draws=draws, seed=seed)["x"]
    names = sorted({name for one in several for name in one.member_ids})
    chosen = np.random.default_rng([seed, 1]).multinomial(3, [1 / 3] * 3, size=draws)
    leads = []
    for counts, times in zip(np.concatenate(list(draw_weights(len(names), seed=seed, draws=draws))), chosen, strict=True):
        often = dict(zip(names, counts.astype(int), strict=True))
        gaps = [_lead_of(one, [often[name] for name in one.member_ids]) for one in several]
        drawn = [gap for gap, repeats in zip(gaps, times, strict=True) for _ in range(repeats) if gap is not None]
        leads += [float(np.mean(drawn))] if drawn else []
    whole = [_lead_of(one, [1] * one.actual.size) for one in several]
    assert found.estimate == pytest.approx(np.mean([gap for gap in whole if gap is not None]))
    assert [found.lower, found.upper] == pytest.approx(np.quantile(leads, [0.025, 0.975]).tolist())


def _lead_of(one: Predicted, repeats: list[int]) -> float | None:
    actual, ours, theirs = (np.repeat(values, repeats) for values in (one.actual, one.models["evenfall"], one.models["x"]))
    figures = auc(actual, ours), auc(actual, theirs)
    return None if figures[0] is None or figures[1] is None else figures[0] - figures[1]


def windows_of(panel: pl.DataFrame) -> pl.DataFrame:
    return panel.select(
        "as_of",
        "member_id",
        done_28d=pl.col("active_days_365d"),
        days_since_last="days_since_last_activity",
        tenure_days="tenure_days",
    ).with_columns(pl.exclude("as_of", "member_id").fill_null(0))


def test_rivals_learn_nothing_of_outcomes_that_were_open_on_the_night() -> None:
    panel, days = make_panel(cutoff_count=6), cutoffs(6)
    known = matured(days, days[3], horizon_days=HORIZON_DAYS)
    assert known == days[:3]
    turned = panel.with_columns(
        is_churned=pl.when(pl.col("as_of").is_in(known)).then("is_churned").otherwise(~pl.col("is_churned")),
        future_spend_minor=pl.when(pl.col("as_of").is_in(known)).then("future_spend_minor").otherwise(7),
    )
    for purpose in ("churn", "value"):
        before, after = (
            predict_rivals(rows, windows_of(panel), days[3], purpose, horizon_days=HORIZON_DAYS) for rows in (panel, turned)
        )
        assert set(before) == ({"lightgbm", "logistic"} if purpose == "churn" else {"lightgbm"})
        assert all(np.array_equal(before[name], after[name]) for name in before)


def keep_panel(plan: bench.Plan, community: str) -> pl.DataFrame:
    """Put a small panel where the benchmark keeps those it has made."""
    panel, path = make_panel(members=260, cutoff_count=6), plan.store.panels / f"{community}_28"
    panel.write_parquet(path.with_suffix(".parquet"))
    windows_of(panel).write_parquet(path.with_name(f"{community}_28_plain.parquet"))
    facts = {"community": community, "horizon_days": 28, "eligible_days": 90, "night": "2024-07-01", "first_day": "2023-01-01"}
    path.with_suffix(".json").write_text(json.dumps(facts))
    path.with_name(f"{community}_28_levels.json").write_text("{}")
    return panel


def test_the_command_measures_in_processes_of_their_own(tmp_path: Path) -> None:
    keep_panel(bench.Plan(tmp_path / "results", cutoffs=1, draws=20, full=False), "fastlane")
    command = [
        sys.executable,
        "-m",
        "benchmarks.prediction",
        "--only",
        "fastlane",
        "--horizon",
        "28",
        "--cutoffs",
        "1",
        "--alone",
    ]
    command += ["--draws", "20", "--workers", "2", "--results", str(tmp_path / "results"), "--page", str(tmp_path / "page.md")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "## fastlane, 28 days\n\n1 cut-offs, " in (tmp_path / "page.md").read_text()


def test_the_page_says_what_the_predictions_come_to_and_a_second_run_measures_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = bench.Plan(tmp_path, cutoffs=3, draws=30, full=False, starts=False)
    panel = keep_panel(plan, "tiny")
    told = bench.measure_data_set(plan, COMMUNITY, HORIZON_DAYS)
    assert told.cutoffs == tuple(day.isoformat() for day in cutoffs(6)[-3:])
    here = next(part for part in told.parts if part.population == "still_here")
    # The same by hand, from the stored predictions and the panel.
    areas: dict[str, list[float]] = {"evenfall": [], "recency": [], "lightgbm": []}
    misses = []
    for day in told.cutoffs:
        predictions = plan.store.predictions("tiny_28", "churn", day)
        silence = panel.filter(pl.col("as_of") == date.fromisoformat(day)).select("member_id", "days_since_last_activity")
        active = predictions.join(silence.filter(pl.col("days_since_last_activity") < HORIZON_DAYS), on="member_id")
        for model, of_model in areas.items():
            of_model.append(float(roc_auc_score(active["actual"], active[model])))
        misses.append(float(np.mean(predictions["evenfall"].to_numpy() - predictions["actual"].to_numpy())))
    rows = {row.model: row for row in here.rows}
    for model, of_model in areas.items():
        assert rows[model].means["auc"] == pytest.approx(np.mean(of_model))
    recency = rows["recency"].lead
    assert recency is not None
    assert recency.estimate == pytest.approx(np.mean(areas["evenfall"]) - np.mean(areas["recency"]))
    everybody = next(part for part in told.parts if (part.purpose, part.population) == ("churn", "all"))
    assert everybody.misses == pytest.approx(misses)
    judged = {goal.says: goal for goal in goals({told.title: told.parts})}
    close = sum(abs(miss) <= 0.05 for miss in misses)
    assert judged["mean probability within .05 of what happened"].found == f"{close} of 3, {close / 3:.1%}"

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(bench, "measure_cutoff", refuse)
    again = bench.measure_data_set(plan, COMMUNITY, HORIZON_DAYS)
    first, second = (
        page([one], not_run={"Lost": "its data are not here"}, command="x", machine={}, minutes=1.0) for one in (told, again)
    )
    assert first == second
    assert f"| evenfall | {np.mean(areas['evenfall']):.3f} |".replace("0.", ".") in first
    assert "- Lost: its data are not here" in first
    # A run killed while it wrote a line measures that cut-off again, and that one alone.
    lines = plan.store.figures / "tiny_28.jsonl"
    lines.write_text(lines.read_text()[:-10])
    assert len(plan.store.read("tiny_28")) == 5


def test_a_panel_agrees_with_evenfalls_own_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.prediction.panels.SIMULATED_MEMBERS", 80)
    monkeypatch.setattr("benchmarks.prediction.panels.SIMULATED_DAYS", 180)
    found = panel_of(COMMUNITY, 28, tmp_path, max_cutoffs=3, progress=lambda _: None)
    both = found.rows.join(found.windows, on=["as_of", "member_id"], suffix="_plain")
    assert both.height == found.rows.height == found.windows.height
    assert found.rows["as_of"].n_unique() == 3
    # Refunds are no activity here; nobody else's figures may differ.
    bought = both.filter(pl.col("refund_spend_lifetime") == 0)
    assert bought.height > 50
    for days in WINDOWS:
        assert (bought[f"active_days_{days}d"] == bought[f"active_days_{days}d_plain"]).all()
        assert (both[f"spend_{days}d"] - both[f"spend_{days}d_plain"]).abs().max() < 0.001  # type: ignore[operator]
    assert (both["tenure_days"] == both["tenure_days_plain"]).all()
