"""The starting model stands in where there is too little, helps where there is little, and is explained like any other."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.bundle import from_files, to_files
from models.churn import fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.evaluation import auc
from models.explained import explain_score
from models.panel import churn_rows, floats, outcomes
from models.peers import BAND, LEVEL, TYPICAL, describe_peers
from models.starting import FEATURES, fit_starting, starting_share, starting_trees
from pipeline.learning.starting_model import starting_model_for
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_panel

SETTINGS = PredictionSettings(rounds=20, search_budget=0)
SHIPPED = starting_model_for(SETTINGS)


def complete(panel: pl.DataFrame) -> pl.DataFrame:
    """Add the features that the starting model reads and the small panel lacks."""
    more = {"active_days_28d": pl.col("active_days_365d") // 13, "active_days_90d": pl.col("active_days_365d") // 4}
    rest = {name: pl.lit(None, dtype=pl.Float64) for name in FEATURES if name not in panel.columns}
    return panel.with_columns(**(rest | more))


FEW = complete(make_panel(members=40, cutoff_count=3))
SOME = complete(make_panel(members=60, cutoff_count=3))
MANY = complete(make_panel(members=400, cutoff_count=4, seed=3))
TONIGHT = features_only(complete(make_panel(members=60, cutoff_count=1, seed=9)))
FEW_SPLIT, MANY_SPLIT = (final_split(cutoffs(n), horizon_days=HORIZON_DAYS) for n in (3, 4))


def test_it_stands_in_where_there_is_too_little_at_the_level_of_the_own_outcomes() -> None:
    model = fit_churn(FEW, FEW_SPLIT, SETTINGS, starting=SHIPPED)
    assert model.kind == "starting"
    assert "learnt from other communities" in model.why
    newest = churn_rows(FEW, FEW_SPLIT.calibrate)
    assert floats(model.predict(newest)).mean() == pytest.approx(outcomes(newest).mean(), abs=0.02)
    assert (auc(outcomes(newest), floats(model.predict(newest))) or 0) > 0.7
    assert fit_churn(FEW, FEW_SPLIT, SETTINGS).kind == "recency"


def test_own_trees_join_it_from_a_quarter_of_what_they_need_alone() -> None:
    model = fit_churn(SOME, FEW_SPLIT, SETTINGS, starting=SHIPPED)
    assert (model.kind, model.starting_share) == ("lightgbm", 200 / 260)
    assert fit_churn(SOME, FEW_SPLIT, SETTINGS).kind == "recency"
    more_outcomes = SETTINGS.model_copy(update={"min_outcomes_to_learn": 200})
    refused = fit_churn(SOME, FEW_SPLIT, more_outcomes, starting=SHIPPED)
    assert refused.kind == "starting"
    assert "needs 50 members and 50 of each outcome" in refused.why


def test_it_helps_less_the_more_members_were_learnt_from() -> None:
    model = fit_churn(MANY, MANY_SPLIT, SETTINGS, starting=SHIPPED)
    assert (model.kind, model.starting_share) == ("lightgbm", starting_share(400)) == ("lightgbm", 200 / 600)
    assert starting_share(0) == 1
    assert starting_share(3_800) == 0.05
    assert starting_share(3_801) == 0
    alone = fit_churn(MANY, MANY_SPLIT, SETTINGS)
    assert (alone.starting, alone.starting_share) == (None, 0)
    assert model.starting is not None
    mixed = (1 - model.starting_share) * alone.log_odds(TONIGHT) + model.starting_share * model.starting.raw(TONIGHT)
    assert model.log_odds(TONIGHT) == pytest.approx(mixed)


@pytest.mark.parametrize(("panel", "split"), [(FEW, FEW_SPLIT), (MANY, MANY_SPLIT)])
def test_a_score_depends_on_no_other_row_and_survives_storage(panel: pl.DataFrame, split: object) -> None:
    model = fit_churn(panel, split, SETTINGS, starting=SHIPPED)  # type: ignore[arg-type]
    whole = model.predict(TONIGHT)
    for start, length in ((0, 1), (7, 5), (50, 10)):
        assert model.predict(TONIGHT[start : start + length]).equals(whole[start : start + length])
    read = from_files(to_files(model))
    assert read == model
    assert read.predict(TONIGHT).equals(whole)
    assert fit_churn(panel.sample(fraction=1, shuffle=True, seed=4), split, SETTINGS, starting=SHIPPED) == model  # type: ignore[arg-type]


@pytest.mark.parametrize(("panel", "split"), [(FEW, FEW_SPLIT), (MANY, MANY_SPLIT)])
def test_contributions_and_base_add_up_to_the_score(panel: pl.DataFrame, split: object) -> None:
    model = fit_churn(panel, split, SETTINGS, starting=SHIPPED)  # type: ignore[arg-type]
    assert model.trees is not None
    peers = describe_peers(TONIGHT, probability=model.predict(TONIGHT))
    typical = peers.filter(pl.col(BAND) == TYPICAL).drop(BAND, LEVEL)
    explainer = explain_score(model, model.trees.encoding.matrix(typical)[0])
    laid_out = model.trees.encoding.matrix(TONIGHT)
    assert explainer.score(laid_out) == pytest.approx(model.log_odds(TONIGHT), abs=1e-6)
    assert explainer.base + explainer.contributions(laid_out).sum(axis=1) == pytest.approx(model.log_odds(TONIGHT), abs=1e-4)
    assert len(set(explainer.features)) == len(explainer.features)


def test_what_is_learnt_at_one_scale_holds_at_another() -> None:
    # The same members, seen through a clock that runs thirteen times slower.
    days = ["days_since_last_activity", "gap_mean_days_365d", "tenure_days"]
    rows = churn_rows(complete(make_panel(members=300, cutoff_count=2, seed=5)), cutoffs(2))
    slow = rows.with_columns(pl.col(days) * 13, active_days_28d=pl.col("active_days_28d") / 13)
    text = fit_starting([(rows, HORIZON_DAYS)])
    as_learnt = starting_trees(text, rows, horizon_days=HORIZON_DAYS).raw(rows)
    assert starting_trees(text, slow, horizon_days=HORIZON_DAYS * 13).raw(slow) == pytest.approx(as_learnt)
    assert starting_trees(text, slow, horizon_days=HORIZON_DAYS).raw(slow) != pytest.approx(as_learnt)


def test_each_community_weighs_the_same() -> None:
    large, small = (churn_rows(complete(make_panel(members=members, cutoff_count=1)), cutoffs(1)) for members in (2_000, 200))
    all_leave, all_stay = (rows.with_columns(is_churned=pl.lit(value)) for rows, value in ((large, True), (small, False)))
    same = large.select(large.columns).with_columns(pl.col("is_churned"))
    text = fit_starting([(all_leave, HORIZON_DAYS), (all_stay, HORIZON_DAYS)])
    scores = starting_trees(text, same, horizon_days=HORIZON_DAYS).raw(same)
    # Between a tenth and nine tenths of the probability, although ten times as many rows say that members leave.
    assert abs(np.median(scores)) < 1


def test_an_unknown_night_later_changes_nothing() -> None:
    later = complete(make_panel(members=60, cutoff_count=4)).filter(pl.col("as_of") == cutoffs(4)[-1])
    moved = later.with_columns(as_of=pl.col("as_of") + timedelta(days=1), is_churned=~pl.col("is_churned"))
    model = fit_churn(FEW, FEW_SPLIT, SETTINGS, starting=SHIPPED)
    assert fit_churn(pl.concat([FEW, moved]), FEW_SPLIT, SETTINGS, starting=SHIPPED) == model
