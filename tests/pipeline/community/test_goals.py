"""Goals of the configuration are judged each night, remembered, logged and told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from community.figures import FIGURES_SCHEMA
from lake.errors import ConfigurationError
from pipeline.community.figures import FIGURES
from pipeline.community.goals import GOALS_HISTORY, goal_counts
from pipeline.community.metrics import morning_metrics
from pipeline.community.morning import judge_figures
from runtime.run_context import RunContext, open_run

FIRST = date(2024, 1, 1)
NIGHT = FIRST + timedelta(days=199)
LATER = NIGHT + timedelta(days=10)
SETTINGS = '[community]\nname = "Goals"\n[sources.events]\npath = "landing/*.csv"\n'
GOALS = """
[[goals]]
figure = "mau"
target = 900
by = 2024-12-31
name = "Many"
[[goals]]
figure = "mau"
target = 5000
by = 2024-12-31
tier = "gold"
[[goals]]
figure = "orders"
target = 5
by = 2024-12-31
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "landing").mkdir()
    (tmp_path / "evenfall.toml").write_text(SETTINGS + GOALS, encoding="utf-8")
    values = 1_000 + np.random.default_rng(1).normal(0, 10, 230)
    rows = [
        (FIRST + timedelta(days=n), "mau", dimension, value * factor)
        for n, value in enumerate(values)
        for dimension, factor in (("", 1.0), ("tier=gold", 0.1))
    ]
    figures = pl.DataFrame(rows, schema=FIGURES_SCHEMA, orient="row")
    open_run(tmp_path, NIGHT).workspace.lake.replace(FIGURES, figures)
    return tmp_path


def night(workspace: Path, as_of: date) -> RunContext:
    return open_run(workspace, as_of).on(as_of)


def test_a_night_run_twice_has_its_rows_once_and_later_nights_add_theirs(workspace: Path) -> None:
    run = night(workspace, NIGHT)
    judge_figures(run)
    lake = run.workspace.lake
    version, rows = lake.version(GOALS_HISTORY), lake.scan(GOALS_HISTORY).collect()
    judge_figures(run)
    assert lake.version(GOALS_HISTORY) == version
    later = judge_figures(night(workspace, LATER))
    assert later is not None
    stored = lake.scan(GOALS_HISTORY).collect()
    assert stored.filter(pl.col("as_of") == NIGHT).sort("goal").equals(rows.sort("goal"))
    assert stored.height == 2 * 3
    assert [list(one.chances) for one in later.goals] == [[NIGHT, LATER], [NIGHT, LATER], []]
    # A night that is filled in later knows nothing of those after it.
    again = judge_figures(run)
    assert again is not None
    assert [list(one.chances) for one in again.goals] == [[NIGHT], [NIGHT], []]


def test_a_target_that_is_changed_begins_a_history_of_its_own(workspace: Path) -> None:
    judge_figures(night(workspace, NIGHT))
    (workspace / "evenfall.toml").write_text(SETTINGS + GOALS.replace("900", "950"), encoding="utf-8")
    later = judge_figures(night(workspace, LATER))
    assert later is not None
    assert [list(one.chances) for one in later.goals] == [[LATER], [NIGHT, LATER], []]


def test_a_goal_that_is_taken_out_leaves_the_nights_before_alone(workspace: Path) -> None:
    judge_figures(night(workspace, NIGHT))
    (workspace / "evenfall.toml").write_text(SETTINGS, encoding="utf-8")
    later = judge_figures(night(workspace, LATER))
    assert later is not None
    assert later.goals == ()
    lake = open_run(workspace, LATER).workspace.lake
    assert lake.scan(GOALS_HISTORY).collect()["as_of"].unique().to_list() == [NIGHT]
    assert goal_counts(night(workspace, LATER)) == (0, 0)


def test_goals_are_metrics_and_are_counted_for_the_terminal(workspace: Path) -> None:
    run = night(workspace, NIGHT)
    morning = judge_figures(run)
    metrics = morning_metrics(morning)
    assert metrics["goals/many/chance"] > 0.9
    assert metrics["goals/mau_tier_gold/chance"] < 0.1
    assert metrics["goals/many/value"] == pytest.approx(1_000, rel=0.05)
    assert "goals/orders/value" not in metrics
    assert 0 <= metrics["health/index"] <= 100
    assert metrics["health/members"] == metrics["health/index"]
    assert morning_metrics(None) == {}
    assert goal_counts(run) == (1, 2)


def test_a_mistaken_goal_stops_the_run_with_its_remedy(workspace: Path) -> None:
    (workspace / "evenfall.toml").write_text(SETTINGS + GOALS.replace('"orders"', '"order"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="unknown figure 'order'; did you mean 'orders'") as refused:
        open_run(workspace, NIGHT)
    assert refused.value.exit_code == 2
