"""Figures are read by one number a day, from what was known by then."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from community.figures import FIGURES_SCHEMA
from community.goals import kind_of
from community.health import FACTORS
from community.key_figures import KEY_FIGURES
from community.rates import AMOUNTS, COUNTS, RATE_FIGURES
from community.readings import BETTER_LOW, daily_values, read, reading_of
from community.watched import BAD_ANSWERS, WATCHED

FIRST = date(2024, 1, 1)


def figures(rows: list[tuple[int, str, str, float]]) -> pl.DataFrame:
    return pl.DataFrame([(FIRST + timedelta(days=n), *rest) for n, *rest in rows], schema=FIGURES_SCHEMA, orient="row")


def test_a_window_is_the_28_days_that_end_with_the_day() -> None:
    daily = np.arange(40.0)
    assert read(daily, "sum")[30] == sum(range(3, 31))
    assert read(daily, "mean")[30] == sum(range(3, 31)) / 28
    assert np.isnan(read(daily, "sum")[26])
    assert read(daily, "day").tolist() == daily.tolist()
    assert np.isnan(read(daily[:20], "sum")).all()


def test_a_count_without_a_row_is_zero_and_a_rate_keeps_its_last_value() -> None:
    rows = figures(
        [(1, "dau", "", 4), (3, "dau", "", 2), (3, "dau", "tier=gold", 9), (1, "stickiness", "", 0.5), (5, "dau", "", 7)]
    )
    until = FIRST + timedelta(days=4)
    assert daily_values(rows, "dau", "", until=until).tolist() == [4, 0, 2, 0]
    assert daily_values(rows, "dau", "tier=gold", until=until).tolist() == [9, 0]
    assert daily_values(rows, "stickiness", "", until=until).tolist() == [0.5] * 4
    for rate in ("first_answer_hours_30d", "nps_30d"):
        renamed = rows.with_columns(pl.col("figure").replace("stickiness", rate))
        assert daily_values(renamed, rate, "", until=until).tolist() == [0.5] * 4
    assert daily_values(rows, "mau", "", until=until).tolist() == []


def test_a_rate_that_has_ended_has_no_values() -> None:
    rows = figures([(0, "stickiness", "", 0.5)])
    assert len(daily_values(rows, "stickiness", "", until=FIRST + timedelta(days=27))) == 28
    assert len(daily_values(rows, "stickiness", "", until=FIRST + timedelta(days=28))) == 0


@pytest.mark.parametrize(
    ("figure", "reading"),
    [("mau", "day"), ("members", "day"), ("open_rate_30d", "day"), ("dau", "mean"), ("stickiness", "mean"), ("spend", "sum")],
)
def test_what_looks_back_is_read_as_it_is_people_of_a_day_as_a_mean_and_events_as_a_sum(figure: str, reading: str) -> None:
    assert reading_of(figure) == reading


def test_people_are_never_summed_over_days() -> None:
    summed = {figure for figure in (*COUNTS, *AMOUNTS, *RATE_FIGURES) if reading_of(figure) == "sum"}
    assert summed == {
        "new_members", "first_time_members", "resurrected_members", "lost_members", "messages", "orders", "feedback_answers",
        "spend", "refunds", "leaves", "reads", "shares", "comments", "first_answers",
    }  # fmt: skip
    assert {"lost_members", "refunds", "silent_share_30d"} <= set(BETTER_LOW)


def test_whatever_judges_a_figure_agrees_on_which_way_is_better_and_on_its_kind() -> None:
    low = set(BETTER_LOW)
    assert {name for name, key in KEY_FIGURES.items() if key.good < 0} == low & set(KEY_FIGURES)
    assert {name for name, how in WATCHED.items() if how.bad == "more"} == low & set(WATCHED) | {BAD_ANSWERS}
    measures = {one.figure: one.is_better_low for of_factor in FACTORS.values() for one in of_factor}
    assert {figure for figure, is_low in measures.items() if is_low} == low & set(measures)
    kinds = {name: "amount" if key.of == "money" else key.of for name, key in KEY_FIGURES.items()}
    assert kinds == {name: kind_of(name) for name in KEY_FIGURES}
