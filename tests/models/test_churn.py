from __future__ import annotations

import polars as pl
import pytest

from models.calibration import calibrate
from models.churn import fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.evaluation import evaluate_churn
from models.panel import empty_panel, outcomes
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_buyers, make_panel

SETTINGS = PredictionSettings(rounds=30)
PANEL = make_panel()
SPLIT = final_split(cutoffs(4), horizon_days=HORIZON_DAYS)
MODEL = fit_churn(PANEL, SPLIT, SETTINGS)
TONIGHT = features_only(PANEL.filter(pl.col("as_of") == cutoffs(5)[-1]))


def test_it_ranks_and_is_calibrated_on_a_later_cutoff() -> None:
    later = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1])
    figures = evaluate_churn(outcomes(later), {"model": MODEL.predict(later).to_numpy()})["model"]
    assert MODEL.kind == "lightgbm"
    assert (figures["auc"] or 0) > 0.85
    assert figures["calibration_slope"] == pytest.approx(1, abs=0.35)
    assert figures["calibration_intercept"] == pytest.approx(0, abs=0.35)


def test_every_row_gets_a_probability_even_without_any_feature_known() -> None:
    probability = MODEL.predict(TONIGHT)
    assert probability.len() == TONIGHT.height
    assert probability.is_between(0, 1, closed="none").all()
    assert MODEL.predict(TONIGHT.select("member_id")).is_between(0, 1, closed="none").all()
    assert MODEL.predict(TONIGHT.clear()).is_empty()


def test_a_prediction_depends_neither_on_other_rows_nor_on_their_order() -> None:
    shuffled = TONIGHT.sample(fraction=1, shuffle=True, seed=3)
    assert shuffled.with_columns(MODEL.predict(shuffled)).sort("member_id").equals(TONIGHT.with_columns(MODEL.predict(TONIGHT)))
    for start, length in ((0, 1), (17, 5), (100, 33), (399, 1)):
        assert MODEL.predict(TONIGHT[start : start + length]).equals(MODEL.predict(TONIGHT)[start : start + length])


def test_column_order_and_unknown_columns_do_not_matter() -> None:
    other = TONIGHT.select(reversed(TONIGHT.columns)).with_columns(novelty=pl.lit(1))
    assert MODEL.predict(other).equals(MODEL.predict(TONIGHT))


@pytest.mark.parametrize(("num_threads", "rounds"), [(1, 30), (2, 3)])
def test_the_same_rows_in_any_order_and_with_any_threads_give_the_same_model(num_threads: int, rounds: int) -> None:
    # Few rounds where threads are many: on a busy machine they wait for each other.
    few = SETTINGS.model_copy(update={"rounds": rounds})
    again = fit_churn(PANEL.sample(fraction=1, shuffle=True, seed=7), SPLIT, few.model_copy(update={"num_threads": num_threads}))
    once = fit_churn(PANEL, SPLIT, few)
    assert again.trees == once.trees
    assert again.calibration == once.calibration


def test_rows_of_later_cutoffs_leave_the_model_unchanged() -> None:
    is_later = pl.col("as_of") > cutoffs(4)[-1]
    scrambled = PANEL.with_columns(
        days_since_last_activity=pl.when(is_later).then(999.0).otherwise("days_since_last_activity"),
        is_churned=pl.when(is_later).then(~pl.col("is_churned")).otherwise("is_churned"),
        region=pl.when(is_later).then(pl.lit("elsewhere")).otherwise("region"),
    )
    assert not scrambled.equals(PANEL)
    assert fit_churn(scrambled, SPLIT, SETTINGS) == MODEL


def test_training_rows_do_change_the_model() -> None:
    is_trained = pl.col("as_of") == SPLIT.train[0]
    changed = PANEL.with_columns(is_churned=pl.when(is_trained).then(~pl.col("is_churned")).otherwise("is_churned"))
    assert fit_churn(changed, SPLIT, SETTINGS).trees != MODEL.trees


def test_a_shared_cutoff_is_calibrated_on_members_left_out() -> None:
    split = final_split(cutoffs(1), horizon_days=HORIZON_DAYS)
    model = fit_churn(PANEL, split, SETTINGS)
    later = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1])
    figures = evaluate_churn(outcomes(later), {"model": model.predict(later).to_numpy()})["model"]
    assert split.calibrates_by_member_folds
    assert figures["calibration_slope"] == pytest.approx(1, abs=0.35)
    assert model.trees is not None
    seen = PANEL.filter(pl.col("as_of") == split.train[0])
    assert model.calibration.slope < calibrate(model.trees.raw(seen), outcomes(seen)).slope


def test_too_few_members_fall_back_to_recency() -> None:
    model = fit_churn(make_panel(members=60), SPLIT, SETTINGS)
    assert model.kind == "recency"
    assert "200 members" in model.why
    assert model.predict(TONIGHT).n_unique() > 10
    assert model.predict(TONIGHT).is_between(0, 1, closed="none").all()


@pytest.mark.parametrize("churned", [True, False])
def test_one_outcome_only_falls_back_to_the_base_rate(churned: bool) -> None:
    known = PANEL.with_columns(is_churned=pl.lit(churned)).filter(pl.col("as_of").is_in(cutoffs(4)))
    model = fit_churn(known, SPLIT, SETTINGS)
    rate = ((known.height if churned else 0) + 1) / (known.height + 2)
    assert model.kind == "base_rate"
    assert model.predict(TONIGHT).unique().to_list() == [pytest.approx(rate)]


def test_a_single_member_is_enough_not_to_fail() -> None:
    alone = make_panel(members=2, cutoff_count=1).head(1)
    model = fit_churn(alone, final_split(cutoffs(1), horizon_days=HORIZON_DAYS), SETTINGS)
    assert model.kind == "base_rate"
    assert 0 < model.predict(alone)[0] < 1


def test_without_any_outcome_it_guesses_from_silence_and_says_so() -> None:
    model = fit_churn(empty_panel(), final_split([], horizon_days=HORIZON_DAYS), SETTINGS)
    assert model.kind == "prior"
    assert "guess" in model.why
    members = pl.DataFrame({"days_since_last_activity": [0, 90], "gap_mean_days_365d": [7.0, 7.0]})
    assert model.predict(members).to_list() == pytest.approx([7 / (7 + 28), 97 / (97 + 28)])


def test_features_that_say_nothing_still_give_a_model() -> None:
    constant = PANEL.select(
        "as_of", "member_no", "member_id", "is_eligible", "is_churned", "future_spend_minor", same=pl.lit(1.0)
    )
    probability = fit_churn(constant, SPLIT, SETTINGS).predict(TONIGHT)
    assert probability.n_unique() == 1


def test_importance_names_the_features() -> None:
    assert MODEL.trees is not None
    importance = MODEL.trees.importance()
    assert importance["feature"][0] == "days_since_last_activity"
    assert importance["gain_share"].sum() == pytest.approx(1)


BUYERS = make_buyers()
OF_BUYERS = fit_churn(BUYERS, SPLIT, SETTINGS)


def test_where_people_only_buy_the_trees_are_averaged_with_buy_till_you_die() -> None:
    assert OF_BUYERS.trees is not None
    assert OF_BUYERS.silence is not None
    share = SETTINGS.lifetime_share
    averaged = (1 - share) * OF_BUYERS.trees.raw(BUYERS) + share * OF_BUYERS.silence.log_odds(BUYERS)
    assert OF_BUYERS.log_odds(BUYERS) == pytest.approx(averaged)
    assert MODEL.silence is None
    assert fit_churn(BUYERS.with_columns(event_count_365d=pl.lit(3)), SPLIT, SETTINGS).silence is None


def test_where_people_only_buy_the_level_leans_on_what_buy_till_you_die_expects_of_tonight() -> None:
    assert OF_BUYERS.silence is not None
    newest = BUYERS.filter(pl.col("as_of").is_in(SPLIT.calibrate)).sort("member_id")
    buyers = newest.filter(pl.col("first_order_age_days").is_not_null())
    expected, happened = OF_BUYERS.silence.lifetime.silence(buyers).mean(), outcomes(newest).mean()
    assert abs(expected - happened) > 0.05
    predicted = OF_BUYERS.predict(buyers).mean()
    assert abs(predicted - expected) < abs(predicted - happened)
    assert min(expected, happened) < predicted < max(expected, happened)


def test_without_buying_the_level_is_that_of_the_newest_outcomes() -> None:
    newest = PANEL.filter(pl.col("as_of").is_in(SPLIT.calibrate))
    assert MODEL.predict(newest).mean() == pytest.approx(outcomes(newest).mean(), abs=0.01)


def test_the_model_learns_from_every_known_cutoff_those_next_to_the_calibration_included() -> None:
    close = final_split(cutoffs(4), horizon_days=2 * HORIZON_DAYS)
    between = close.known[-2]
    assert between not in (*close.train, *close.calibrate)
    known = PANEL.filter(pl.col("as_of").is_in(close.known))
    assert fit_churn(known, close, SETTINGS).trees != fit_churn(known.filter(pl.col("as_of") != between), close, SETTINGS).trees
