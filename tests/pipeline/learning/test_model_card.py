"""The card of a champion: the figures of its training, for whom it is good, and where it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.history import History
from models.churn import ChurnModel
from models.config import PredictionSettings
from models.evaluation import auc
from models.training import OURS, Trained, train_churn, train_value
from outputs.report.model_card import CardSlices, ModelCard, render_model_card
from pipeline.learning.card_files import show_cards
from pipeline.learning.model_card import member_slices, model_card
from pipeline.stored_nights import TIERS_TABLE, store_night
from runtime.run_context import RunContext, open_run
from runtime.tracking.pages import read_page
from tests.communities import LAST_DAY, write_shop
from tests.explored import FIRST_NIGHT, Explored
from tests.models.panels import HORIZON_DAYS, cutoffs, make_panel
from wording.language import speaking

SETTINGS = PredictionSettings(rounds=20, min_members_to_learn=50, min_outcomes_to_learn=20)
PANEL = make_panel()
EMPTY = pl.LazyFrame()
HISTORY = History(EMPTY, EMPTY, EMPTY, frozenset({"orders", "members", "members.region"}), ())


@pytest.fixture
def shop(tmp_path: Path) -> RunContext:
    write_shop(tmp_path)
    return open_run(tmp_path, LAST_DAY)


@pytest.fixture(scope="module")
def churn() -> Trained[ChurnModel]:
    return train_churn(PANEL, horizon_days=HORIZON_DAYS, settings=SETTINGS)


def by_kind(card: ModelCard) -> dict[str, CardSlices]:
    return {group.kind: group for group in card.slices}


def test_the_card_draws_those_still_here_and_those_gone_and_the_level_of_everybody(
    shop: RunContext, churn: Trained[ChurnModel]
) -> None:
    card = model_card(shop, "churn", churn, PANEL, HISTORY)
    drawn = [drawing for _, drawing in card.charts]
    assert ["Still here" in drawing for drawing in drawn] == [True, True, False]
    assert card.calibration is not None
    assert card.calibration["population"].unique(maintain_order=True).to_list() == ["still_here", "gone"]
    assert card.calibration["n"].sum() == churn.predictions.height
    # A training of an earlier release has the curves of everybody alone.
    earlier = replace(churn, curves={name: churn.curves[name] for name in ("roc", "precision_recall", "calibration", "lift")})
    assert ["Still here" in drawing for _, drawing in model_card(shop, "churn", earlier, PANEL, HISTORY).charts] == [False, False]


def test_the_card_has_the_figures_of_the_training_and_of_each_region(shop: RunContext, churn: Trained[ChurnModel]) -> None:
    card = model_card(shop, "churn", churn, PANEL, HISTORY)
    assert {measure.name: measure.values[OURS] for measure in card.measures} == churn.metrics[OURS]
    assert card.models == tuple(churn.metrics)
    tested = churn.predictions.join(PANEL.select("as_of", "member_no", "region"), on=["as_of", "member_no"])
    for row in by_kind(card)["region"].rows:
        own = tested.filter(pl.col("region") == row["slice"])
        assert row["n"] == own.height > 0
        assert row["auc"] == pytest.approx(auc(own["actual"].to_numpy(), own[OURS].to_numpy()))
    # One member of no region known would be a figure about one person.
    assert sum(int(row["n"] or 0) for row in by_kind(card)["region"].rows) == churn.predictions.height - 1 == card.members - 1
    assert {part.name: part.rows for part in card.parts} == churn.rows
    assert sum(share for _, share in card.habits) == pytest.approx(1, abs=0.05)
    assert card.habits == tuple(sorted(card.habits, key=lambda habit: -habit[1]))
    page = render_model_card(card)
    assert "m00001" not in page
    assert page == render_model_card(card)


def test_tiers_are_those_of_the_last_night_up_to_the_test_cut_off(shop: RunContext, churn: Trained[ChurnModel]) -> None:
    test = churn.evaluation.test[0]
    none = model_card(shop, "churn", churn, PANEL, HISTORY)
    assert "tier" not in by_kind(none)
    for night, gold_until in ((test - timedelta(days=1), 100), (test + timedelta(days=1), 300)):
        tier = pl.when(pl.col("member_no") < gold_until).then(pl.lit("gold")).otherwise(pl.lit("regular"))
        members = PANEL.filter(pl.col("as_of") == test).select("member_no")
        rows = members.select(pl.lit(night).alias("as_of"), "member_no", tier=tier, tier_since=pl.lit(night))
        store_night(shop.workspace.lake, TIERS_TABLE, rows, night)
    with_tiers = by_kind(model_card(shop, "churn", churn, PANEL, HISTORY))["tier"]
    assert [(row["slice"], row["n"]) for row in with_tiers.rows] == [("Gold", 100), ("Regular", 300)]


def test_a_group_that_is_far_off_is_named_among_the_limits(shop: RunContext, churn: Trained[ChurnModel]) -> None:
    is_north = PANEL.filter(pl.col("as_of").is_in(churn.evaluation.test)).sort("member_id")["region"].eq_missing("north")
    predictions = churn.predictions.with_columns(
        pl.when(pl.lit(is_north)).then(pl.col("actual") * 0 + 0.99).otherwise(pl.col("actual").mean()).alias(OURS)
    )
    limits = model_card(shop, "churn", replace(churn, predictions=predictions), PANEL, HISTORY).limits
    assert any(limit.startswith("north (by region): 99") for limit in limits), limits


def test_settings_are_named_in_words_and_whole_numbers_written_as_numbers(shop: RunContext, churn: Trained[ChurnModel]) -> None:
    with speaking("zh"):
        card = model_card(shop, "churn", churn, PANEL, HISTORY)
        page = render_model_card(card)
    assert "学习率 <code" in page
    assert (card.settings["max_training_rows"], card.settings["seed"]) == ("1,000,000", str(SETTINGS.seed))
    assert card.settings["starting_model"] == ("是" if SETTINGS.starting_model else "否")


def test_a_value_card_is_in_currency_units(shop: RunContext) -> None:
    trained = train_value(PANEL, horizon_days=HORIZON_DAYS, settings=SETTINGS)
    card = model_card(shop, "value", trained, PANEL, HISTORY)
    assert card.happened == pytest.approx(trained.predictions["actual"].to_numpy().mean() / 100)
    tested = trained.predictions.join(PANEL.select("as_of", "member_no", "region"), on=["as_of", "member_no"])
    for row in by_kind(card)["region"].rows:
        spent = tested.filter(pl.col("region") == row["slice"])["actual"].to_numpy()
        assert row["happened"] == pytest.approx(spent.mean() / 100)
    assert "€" in render_model_card(card)


def test_a_training_without_a_past_to_measure_on_has_a_card_that_says_so(shop: RunContext) -> None:
    panel = make_panel(cutoff_count=1)
    card = model_card(shop, "churn", train_churn(panel, horizon_days=HORIZON_DAYS, settings=SETTINGS), panel, HISTORY)
    assert (card.members, card.measures, card.slices) == (0, (), ())
    assert "It has not been measured yet" in render_model_card(card)


def test_slices_are_as_of_the_cut_off() -> None:
    rows = pl.DataFrame(
        {
            "as_of": [date(2025, 3, 1)] * 3,
            "member_no": [1, 2, 3],
            "days_since_last_activity": [27, 28, None],
            "tenure_days": [27, 59, None],
        }
    )
    tiers = pl.DataFrame({"member_no": [2, 9], "tier": ["gold", "silver"]})
    assert member_slices(rows, tiers, horizon_days=28).to_dict(as_series=False) == {
        "presence": ["still_here", "gone", "gone"],
        "tier": [None, "gold", None],
        "tenure": ["new", "first_year", None],
        "cohort": ["2025 Q1", "2025 Q1", None],
    }


def test_the_workspace_shows_the_cards_of_its_champions_and_never_those_of_earlier_ones(
    explored: Explored, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(explored.root, LAST_DAY)
    champion = run.tracking.champion("churn", as_of=LAST_DAY)
    earlier = run.tracking.champion("churn", as_of=FIRST_NIGHT)
    assert champion is not None
    assert earlier is not None
    page = explored.root / "reports" / "model-card-churn.html"
    shown = page.read_text(encoding="utf-8")
    assert f"<!-- {champion.label} since " in shown
    assert shown.startswith(str(read_page(run.tracking, champion, "model-card.html")).rstrip())
    assert not any(customer in shown for customer in explored.lines["customer"].unique())
    try:
        page.write_text(f"kept\n<!-- {champion.label} since {LAST_DAY} -->\n", encoding="utf-8")
        show_cards(run, [champion])
        show_cards(run.on(FIRST_NIGHT), [replace(earlier, name="churn", version=champion.version + 1)])
        assert page.read_text(encoding="utf-8").startswith("kept")
        page.write_text(f"kept\n<!-- churn/99 since {FIRST_NIGHT} -->\n", encoding="utf-8")
        show_cards(run, [champion])
        assert f"<!-- {champion.label} since {LAST_DAY} -->" in page.read_text(encoding="utf-8")
        monkeypatch.setattr("pipeline.learning.card_files.read_page", lambda *_: None)
        show_cards(run, [replace(champion, version=champion.version + 1)])
        assert not page.exists()
    finally:
        page.write_text(shown, encoding="utf-8")


def test_the_card_of_a_section_of_cutoffs_names_them_all(shop: RunContext, churn: Trained[ChurnModel]) -> None:
    card = model_card(shop, "churn", churn, PANEL, HISTORY)
    assert {cutoff for part in card.parts for cutoff in part.cutoffs} <= set(cutoffs(5))
    assert {part.cutoffs for part in card.parts if part.name == "final_train"} == {churn.final.train}
