from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.anomalies import FEWEST_MEMBERS, _recurs, compare, find_anomalies
from community.figures import FIGURES_SCHEMA
from community.watched import WATCHED

FIRST = date(2025, 1, 1)
DAYS = 250
LAST = FIRST + timedelta(days=DAYS - 1)


def figures_of(values: dict[tuple[str, str], np.ndarray]) -> pl.DataFrame:
    parts = [
        pl.DataFrame(
            {
                "day": [FIRST + timedelta(days=n) for n in range(len(row))],
                "figure": [figure] * len(row),
                "dimension": [dimension] * len(row),
                "value": row,
            },
            schema=FIGURES_SCHEMA,
        )
        for (figure, dimension), row in values.items()
    ]
    return pl.concat(parts)


def weekly(seed: int, level: float, days: int = DAYS) -> np.ndarray:
    """Counts by chance around a level with quiet weekends."""
    weekdays = np.where(np.arange(days) % 7 >= 5, 0.6, 1.1)
    return np.random.default_rng(seed).poisson(level * weekdays).astype(float)


def anomalies(figures: pl.DataFrame, as_of: date = LAST):
    return find_anomalies(compare(figures, WATCHED, as_of=as_of), figures, WATCHED)


def test_a_fall_by_a_third_is_found_on_its_second_day_with_its_first_day_and_size() -> None:
    row = weekly(1, 300)
    row[-2:] *= 0.66
    (found,) = anomalies(figures_of({("dau", ""): row}))
    usual = row[-58:-2].reshape(8, 7).mean(axis=0)[:2].mean()
    assert (found.figure, found.direction, found.since) == ("dau", "less", LAST - timedelta(days=1))
    assert found.now == row[-2:].mean()
    assert found.usual == pytest.approx(usual, rel=0.08)


def test_weekends_growth_and_chance_are_no_anomaly() -> None:
    grows = np.linspace(1, 2, DAYS)
    values = {("dau", f"platform=p{n}" if n else ""): np.round(weekly(n, 200) * grows) for n in range(5)}
    values |= {("members", f"platform=p{n}"): np.full(DAYS, 900.0) for n in range(1, 5)}
    figures = figures_of(values)
    assert [one for n in range(20) for one in anomalies(figures, LAST - timedelta(days=n))] == []


def test_a_slow_week_that_no_single_day_would_tell_is_found() -> None:
    row = weekly(3, 60)
    row[-14:] = np.round(row[-14:] * 0.72)
    found = anomalies(figures_of({("dau", ""): row}))
    assert [one.direction for one in found] == ["less"]
    assert found[0].since <= LAST - timedelta(days=6)


def test_what_comes_every_month_is_usual() -> None:
    row = weekly(4, 200)
    for back in (0, 30, 61, 91, 122):
        row[DAYS - 1 - back] *= 2
    assert anomalies(figures_of({("dau", ""): row})) == ()
    row[[DAYS - 1 - back for back in (30, 61, 91, 122)]] /= 2
    assert len(anomalies(figures_of({("dau", ""): row}))) == 1


@pytest.mark.parametrize(
    ("days", "is_usual"), [((27, 58, 88), True), ((33, 64, 94), True), ((26, 57, 87), False), ((30,), False)]
)
def test_every_month_is_within_three_days_of_the_same_day(days: tuple[int, ...], *, is_usual: bool) -> None:
    row = weekly(4, 200)
    for back in (0, *days):
        row[DAYS - 1 - back] *= 2
    assert (anomalies(figures_of({("dau", ""): row})) == ()) is is_usual


def test_a_fall_within_a_good_month_is_not_told_as_a_rise() -> None:
    row = weekly(1, 300)
    row[-21:-1] = np.round(row[-21:-1] * 1.5)
    row[-1] = np.round(row[-1] * 0.3)
    assert anomalies(figures_of({("dau", ""): row})) == ()


@pytest.mark.parametrize(("before", "spread", "is_usual"), [(4.9, 1, False), (5, 1, True), (5, 2.6, False), (-9, 1, False)])
def test_earlier_months_have_to_be_half_as_far_and_beyond_chance(before: float, spread: float, *, is_usual: bool) -> None:
    differences = np.zeros(200)
    differences[[-1 - 30, -1 - 61]] = before
    assert _recurs(differences, 0.0, 10.0, spread) is is_usual


def test_a_retention_is_a_share_of_those_who_joined_so_many_days_before() -> None:
    figures = figures_of({("retention_d7", ""): np.full(DAYS, 0.5), ("new_members", ""): np.arange(1.0, DAYS + 1)})
    usual = compare(figures, WATCHED, as_of=LAST, days=DAYS)
    base = usual.base[usual.names.index(("retention_d7", ""))]
    assert base.tolist() == [0.0] * 7 + list(range(1, DAYS - 6))


def test_the_days_that_are_judged_are_no_part_of_what_they_are_judged_by() -> None:
    row = weekly(3, 60, days=100)
    row[-14:] = np.round(row[-14:] * 0.6)
    assert len(anomalies(figures_of({("dau", ""): row}), FIRST + timedelta(days=99))) == 1


def test_what_would_have_been_usual_goes_on_with_the_trend() -> None:
    grows = np.linspace(1, 3, DAYS)
    row = np.round(weekly(2, 300) * grows)
    row[-3:] = np.round(row[-3:] * 0.5)
    (found,) = anomalies(figures_of({("dau", ""): row}))
    assert found.usual == pytest.approx(2 * found.now, rel=0.05)


def test_money_that_never_varied_has_no_usual() -> None:
    spend = np.full(DAYS, 100.0)
    for last in (100.0, 0.0):
        spend[-1] = last
        assert anomalies(figures_of({("spend", ""): spend})) == ()


def test_a_share_has_a_usual_from_four_weeks_after_it_began() -> None:
    answers, bad = np.full(DAYS, 40.0), np.full(DAYS, 0.2)
    answers[:100] = 0
    usual = compare(figures_of({("bad_answers", ""): bad, ("judged_answers", ""): answers}), WATCHED, as_of=LAST, days=DAYS)
    known = np.flatnonzero(np.isfinite(usual.usual[usual.names.index(("bad_answers", ""))]))
    assert known.tolist() == list(range(128, DAYS))


@pytest.mark.parametrize(("days", "found"), [(250, 1), (90, 1), (69, 0)])
def test_a_rate_of_30_days_is_told_by_its_change_within_a_week_once_eight_weeks_of_changes_are_known(
    days: int, found: int
) -> None:
    row = 0.3 + np.random.default_rng(1).normal(0, 0.004, days)
    row[-7:] -= 0.1
    last = FIRST + timedelta(days=days - 1)
    told = anomalies(figures_of({("open_rate_30d", ""): row}), last)
    assert [(one.figure, one.now, one.usual) for one in told] == [("open_rate_30d", row[-1], row[-8])] * found
    assert all(one.since == last - timedelta(days=6) for one in told)


def test_a_group_of_few_members_is_not_looked_at() -> None:
    row = weekly(5, 40)
    row[-3:] = 0
    for members, found in ((FEWEST_MEMBERS - 1, 0), (FEWEST_MEMBERS, 1)):
        groups = {("dau", "source=ads"): row, ("members", "source=ads"): np.full(DAYS, float(members))}
        assert len(anomalies(figures_of(groups))) == found


def test_a_share_is_judged_by_what_it_is_a_share_of() -> None:
    answers = weekly(6, 40)
    bad = np.random.default_rng(6).binomial(answers.astype(int), 0.2) / np.maximum(answers, 1)
    # Four times the answers with the same share: a survey, not a burst.
    answers[-1] *= 4
    quiet = {("bad_answers", ""): bad, ("judged_answers", ""): answers}
    assert [one.figure for one in anomalies(figures_of(quiet))] == []
    bad[-2:] = 0.7
    assert [one.figure for one in anomalies(figures_of(quiet | {("bad_answers", ""): bad}))] == ["bad_answers"]


def test_days_without_anything_below_the_line_are_no_anomaly_of_a_share_that_grows() -> None:
    answers, bad = np.full(DAYS, 40_000.0), np.linspace(0.1, 0.6, DAYS)
    for quiet_days in (1, 3, 7):
        answers[-quiet_days:], bad[-quiet_days:] = 0, 0
        assert anomalies(figures_of({("bad_answers", ""): bad, ("judged_answers", ""): answers})) == ()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 40))
def test_nothing_after_the_night_changes_what_it_says(seed: int, cut: int) -> None:
    row = weekly(seed, 80)
    row[-50:-40] *= 0.5
    figures, night = figures_of({("dau", ""): row, ("new_members", ""): weekly(seed + 1, 5)}), LAST - timedelta(days=cut)
    known = figures.filter(pl.col("day") <= night)
    alone = find_anomalies(compare(known, WATCHED, as_of=night), known, WATCHED)
    assert find_anomalies(compare(figures, WATCHED, as_of=night), figures, WATCHED) == alone
    later = compare(figures, WATCHED, as_of=LAST, days=600).until(night)
    assert [one.figure for one in find_anomalies(later, known, WATCHED)] == [one.figure for one in alone]


def test_what_came_a_year_before_is_usual() -> None:
    row = weekly(7, 200, days=430)
    last = FIRST + timedelta(days=429)
    row[-3:] = np.round(row[-3:] * 0.3)
    assert len(anomalies(figures_of({("dau", ""): row}), last)) == 1
    row[-3 - 364 : -364] = np.round(row[-3 - 364 : -364] * 0.4)
    assert anomalies(figures_of({("dau", ""): row}), last) == ()
