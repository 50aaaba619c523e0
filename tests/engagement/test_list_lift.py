"""Whether those whom a night chose left, told apart by what happened to them."""

from __future__ import annotations

import polars as pl
import pytest

from engagement.actions import POSTED, Action, plain_ranking
from engagement.list_lift import for_risk, list_lift

# Four of ten left.
OUTCOMES = pl.DataFrame(
    {
        "member_no": range(1, 11),
        "churn_probability": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1],
        "is_churned": [True, False, True, True, False, False, True, False, False, False],
    }
)


def chosen(rows: list[tuple[int, str, bool]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={"member_no": pl.Int64, "arm": pl.String, "is_contacted": pl.Boolean}, orient="row")
    day = pl.when(pl.col("is_contacted")).then(pl.date(2026, 1, 2))
    return frame.select("member_no", "arm", contacted_on=day)


def test_held_out_and_contacted_members_are_told_apart() -> None:
    rows = [(1, "win_back", False), (3, "all", False), (2, "listed", True), (4, "listed", True), (5, "listed", False)]
    assert list_lift(OUTCOMES, chosen([*rows, (99, "listed", True)])) == {
        "all.n": 5, "all.predicted": pytest.approx((0.9 + 0.8 + 0.7 + 0.6 + 0.5) / 5),
        "all.happened": 3 / 5, "all.lift": pytest.approx(3 / 5 / 0.4),
        "held_out.n": 2, "held_out.predicted": pytest.approx((0.9 + 0.7) / 2),
        "held_out.happened": 1.0, "held_out.lift": 1 / 0.4,
        "contacted.n": 2, "contacted.predicted": pytest.approx((0.8 + 0.6) / 2),
        "contacted.happened": 1 / 2, "contacted.lift": pytest.approx(1 / 2 / 0.4),
        "not_contacted.n": 1, "not_contacted.predicted": 0.5, "not_contacted.happened": 0.0, "not_contacted.lift": 0.0,
    }  # fmt: skip


def test_nobody_chosen_has_no_figures_and_where_nobody_left_there_is_no_lift() -> None:
    assert list_lift(OUTCOMES, chosen([])) == {}
    stayed = OUTCOMES.with_columns(is_churned=pl.lit(value=False))
    assert list_lift(stayed, chosen([(1, "listed", False)]))["all.lift"] is None


def test_only_actions_judged_by_returning_are_for_risk() -> None:
    thanks = Action(name="thanks", message="-", audience="TRUE", outcome=POSTED)
    assert for_risk([thanks, plain_ranking()]) == [plain_ranking().name]
