from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lake.errors import DataError
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.leakage import refuse_churn_leaks, refuse_later_knowledge, refuse_value_leaks
from models.training import train_churn, train_value
from tests.models.panels import HORIZON_DAYS, cutoffs, make_panel

SETTINGS = PredictionSettings(rounds=5, search_budget=0)
PANEL = make_panel()
SPLIT = final_split(cutoffs(5), horizon_days=HORIZON_DAYS)
SPENT = pl.col("future_spend_minor")
LEFT = pl.col("is_churned")
CHURN_LEAKS = {
    "number": LEFT.cast(pl.Float64) * 10 + pl.col("member_no").mod(7),
    "flag": ~LEFT,
    "present_only_of_those_who_stay": pl.when(~LEFT).then(pl.col("tenure_days")),
    "text": pl.when(LEFT).then(pl.lit("closed")).otherwise(pl.format("open {}", pl.col("member_no").mod(3))),
}


def test_honest_features_pass() -> None:
    refuse_churn_leaks(PANEL, SPLIT, SETTINGS)
    refuse_value_leaks(PANEL, SPLIT, SETTINGS)


@pytest.mark.parametrize("leak", CHURN_LEAKS.values(), ids=CHURN_LEAKS)
def test_a_column_that_knows_who_leaves_stops_the_training_and_is_named(leak: pl.Expr) -> None:
    with pytest.raises(DataError, match="account_status") as stopped:
        train_churn(PANEL.with_columns(account_status=leak), horizon_days=HORIZON_DAYS, settings=SETTINGS)
    assert "region" not in stopped.value.what
    assert "leak_limit" in stopped.value.remedy


def test_a_column_that_knows_what_is_spent_stops_the_training_and_is_named() -> None:
    with pytest.raises(DataError, match=r"invoice_total \(nGini 1.000\)"):
        train_value(PANEL.with_columns(invoice_total=-SPENT), horizon_days=HORIZON_DAYS, settings=SETTINGS)


def test_people_can_say_that_a_telling_column_is_sound() -> None:
    sure = SETTINGS.model_copy(update={"leak_limit": 1.0})
    refuse_churn_leaks(PANEL.with_columns(account_status=~LEFT), SPLIT, sure)


def test_text_that_is_different_for_everybody_tells_nothing() -> None:
    refuse_churn_leaks(PANEL.with_columns(motto=pl.format("{}", "member_id")), SPLIT, SETTINGS)


def test_a_community_whose_silence_says_it_all_is_no_leak() -> None:
    random = np.random.default_rng(3)
    silence = pl.when(LEFT).then(40).otherwise(2) + pl.Series(random.integers(0, 3, PANEL.height))
    plain = PANEL.with_columns(days_since_last_activity=silence, active_days_365d=60 - silence)
    refuse_churn_leaks(plain, SPLIT, SETTINGS)


@pytest.mark.parametrize("members", [2, 20, 60])
def test_too_few_members_are_never_accused(members: int) -> None:
    few = make_panel(members=members).with_columns(account_status=~LEFT)
    refuse_churn_leaks(few, SPLIT, SETTINGS)
    refuse_value_leaks(few.filter(pl.col("member_no") < 40), SPLIT, SETTINGS)


def test_a_community_with_too_few_buyers_is_never_accused() -> None:
    few = pl.when(pl.col("member_no") < SETTINGS.min_outcomes_to_learn // 2).then(SPENT).otherwise(0)
    telling = PANEL.with_columns(future_spend_minor=few).with_columns(invoice_total=-SPENT)
    refuse_value_leaks(telling, SPLIT, SETTINGS)


def test_features_that_stay_the_same_without_the_future_pass_in_any_order_and_among_others() -> None:
    past = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1])
    refuse_later_knowledge(past.tail(300), past.drop("is_churned").sample(fraction=1, shuffle=True, seed=2))


@pytest.mark.parametrize("column", ["spend_90d", "region", "active_days_365d"])
def test_a_feature_that_changes_without_the_future_is_named(column: str) -> None:
    past = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1])
    one = pl.col("member_no") == 17
    changed = past.with_columns(pl.when(~one).then(pl.col(column)).alias(column))
    with pytest.raises(DataError, match=f"{column} of a past night"):
        refuse_later_knowledge(past, changed)
    with pytest.raises(DataError, match=f"{column} of a past night"):
        refuse_later_knowledge(changed, past)
