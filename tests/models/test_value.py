from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.baselines import past_rate_minor
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.evaluation import evaluate_value
from models.panel import empty_panel, spend_minor
from models.value import fit_value
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_panel

SETTINGS = PredictionSettings(rounds=30)
PANEL = make_panel()
SPLIT = final_split(cutoffs(4), horizon_days=HORIZON_DAYS)
MODEL = fit_value(PANEL, SPLIT, SETTINGS)
LATER = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1])
TONIGHT = features_only(LATER)


def test_it_ranks_better_than_the_past_rate_and_meets_the_total() -> None:
    predicted = {"model": MODEL.predict(TONIGHT).to_numpy(), "past": past_rate_minor(TONIGHT, horizon_days=HORIZON_DAYS)}
    figures = evaluate_value(spend_minor(LATER), predicted)
    assert MODEL.kind == "lightgbm"
    assert (figures["model"]["ngini"] or 0) > (figures["past"]["ngini"] or 0) + 0.05
    assert abs((figures["model"]["total_ratio"] or 0) - 1) < abs((figures["past"]["total_ratio"] or 0) - 1)


def test_expectations_are_finite_and_never_negative() -> None:
    expected = MODEL.predict(TONIGHT)
    assert expected.is_finite().all()
    assert (expected >= 0).all()
    assert MODEL.predict(TONIGHT.clear()).is_empty()


def test_a_prediction_depends_neither_on_other_rows_nor_on_their_order() -> None:
    shuffled = TONIGHT.sample(fraction=1, shuffle=True, seed=3)
    assert shuffled.with_columns(MODEL.predict(shuffled)).sort("member_id").equals(TONIGHT.with_columns(MODEL.predict(TONIGHT)))
    for start, length in ((0, 1), (17, 5), (100, 33), (399, 1)):
        assert MODEL.predict(TONIGHT[start : start + length]).equals(MODEL.predict(TONIGHT)[start : start + length])


def test_the_order_of_rows_and_later_cutoffs_leave_the_model_unchanged() -> None:
    is_later = pl.col("as_of") > cutoffs(4)[-1]
    changed = PANEL.with_columns(future_spend_minor=pl.when(is_later).then(10**9).otherwise("future_spend_minor"))
    assert fit_value(changed.sample(fraction=1, shuffle=True, seed=5), SPLIT, SETTINGS) == MODEL


def test_one_giant_order_does_not_rule_the_total() -> None:
    is_giant = (pl.col("as_of") == SPLIT.calibrate[0]) & (pl.col("member_no") == 0)
    with_giant = PANEL.with_columns(future_spend_minor=pl.when(is_giant).then(10**9).otherwise("future_spend_minor"))
    assert spend_minor(with_giant).sum() > 100 * spend_minor(PANEL).sum()
    assert fit_value(with_giant, SPLIT, SETTINGS).level == pytest.approx(MODEL.level, rel=0.05)


def test_one_giant_past_order_is_capped() -> None:
    giant = TONIGHT.head(1).with_columns(spend_365d=pl.lit(1e9))
    assert MODEL.predict(giant)[0] < 100 * spend_minor(PANEL).max()


def test_the_fewer_spenders_the_less_the_level_follows_them() -> None:
    known = PANEL.filter(pl.col("as_of").is_in(SPLIT.known))
    spenders = int((spend_minor(known) > 0).sum())
    free = fit_value(PANEL, SPLIT, SETTINGS.model_copy(update={"anchor_weight": 1}))
    assert free.predict(known).sum() == pytest.approx(spend_minor(known).sum(), rel=0.01)
    weight = spenders / (spenders + SETTINGS.anchor_weight) * (spenders + 1) / spenders
    assert MODEL.level == pytest.approx(free.level**weight)


def test_a_shared_cutoff_works_by_member_folds() -> None:
    model = fit_value(PANEL, final_split(cutoffs(1), horizon_days=HORIZON_DAYS), SETTINGS)
    assert model.kind == "lightgbm"
    assert 0.7 < model.level < 1.4


def test_too_few_spenders_fall_back_to_the_past_rate() -> None:
    few = PANEL.with_columns(future_spend_minor=pl.lit(0, dtype=pl.Int64))
    model = fit_value(few, SPLIT, SETTINGS)
    assert (model.kind, model.level) == ("past_rate", 1)
    assert "50 spenders" in model.why
    assert np.array_equal(model.predict(TONIGHT).to_numpy(), past_rate_minor(TONIGHT, horizon_days=HORIZON_DAYS))


@pytest.mark.parametrize("panel", [empty_panel(), make_panel(members=2, cutoff_count=1).head(1)])
def test_one_member_or_none_is_enough_not_to_fail(panel: pl.DataFrame) -> None:
    model = fit_value(panel, final_split(panel["as_of"].to_list(), horizon_days=HORIZON_DAYS), SETTINGS)
    assert model.kind == "past_rate"
    assert (model.predict(TONIGHT) >= 0).all()


def test_refunds_that_outweigh_spend_do_not_break_the_level() -> None:
    negative = PANEL.with_columns(future_spend_minor=-pl.col("future_spend_minor"))
    assert fit_value(negative, SPLIT, SETTINGS).level == 1
