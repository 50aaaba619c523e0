from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.history import History
from models.level import Level
from pipeline.leveling import Levels, apply_levels, measure_levels
from runtime.settings import Settings
from tests.features.builders import history_of

AS_OF = date(2024, 6, 30)
DAYS = 400
SETTINGS = {
    "sources": {"orders": {"path": "orders.csv", "columns": {"order_id": "id"}}},
    "churn": {"horizon_days": 28, "eligible_days": 90},
    "value": {"horizon_days": 56},
}


def community(*, future_seed: int, members: int = 60) -> History:
    """Members who order on some days; what happens after `AS_OF` depends on the seed."""
    past, future = np.random.default_rng(3), np.random.default_rng(future_seed)
    rows: list[Any] = []
    for number in range(1, members + 1):
        for after in range(-DAYS, 60):
            random = past if after <= 0 else future
            if random.random() < number / members / 20:
                rows.append((AS_OF + timedelta(days=after), number, "order", 1, int(random.integers(100, 9_000))))
    return history_of(daily=rows, members=[{"member_no": number} for number in range(1, members + 1)])


def settings_of(**changes: Any) -> Settings:
    return Settings.model_validate(SETTINGS | changes)


def test_nothing_after_the_night_moves_its_levels() -> None:
    levels = [measure_levels(settings_of(), community(future_seed=seed), AS_OF) for seed in (1, 2)]
    assert levels[0] == levels[1]
    assert levels[0].churn is not None
    assert levels[0].value is not None
    assert 0.2 < levels[0].churn.mean < 0.8


def test_a_community_without_orders_or_without_history_has_no_level_of_what_it_lacks() -> None:
    without_orders = replace(community(future_seed=1), available=frozenset({"events"}))
    assert measure_levels(settings_of(), without_orders, AS_OF).value is None
    assert measure_levels(settings_of(), history_of(), AS_OF) == Levels()
    assert measure_levels(settings_of(prediction={"level": "matured"}), community(future_seed=1), AS_OF) == Levels()


def test_predictions_are_moved_and_members_without_one_stay_without() -> None:
    scored = pl.DataFrame({"churn_probability": [0.2, None, 0.6], "expected_value": [10.0, 0.0, 50.0]})
    half, tenth = Level(0.5, 0.1, 0.0, 0.0, 1.0), Level(1_000.0, 0.1, 0.0, 0.0, 1.0)
    moved = apply_levels(scored, Levels(half, tenth))
    assert moved["churn_probability"].null_count() == 1
    assert moved["churn_probability"].mean() == pytest.approx((0.5 + 0.5) / 2, abs=0.01)
    assert moved["expected_value"].to_list() == pytest.approx([10.0 / 2, 0.0, 50.0 / 2])
    without_orders = scored.with_columns(pl.lit(None, pl.Float64).alias("expected_value"))
    assert apply_levels(without_orders, Levels(half, tenth))["expected_value"].null_count() == 3
    assert apply_levels(scored, Levels()).equals(scored)
