"""What changed in the figures: every case of sign, size and surprise; and parts that add up to the whole."""

from __future__ import annotations

from datetime import date, timedelta
from math import isclose

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.breakdown import parts_of_count, parts_of_rate
from community.figure_changes import FigureChange, figure_changes
from community.key_figures import KEY_FIGURES, period_figures
from community.rates import FIGURES_SCHEMA

LAST = date(2026, 3, 1)
COUNTS = st.integers(0, 1000)


def daily(*figures: tuple[str, str, list[float]]) -> pl.DataFrame:
    """Figures of consecutive days that end with `LAST`: name, dimension and a value per day."""
    rows = [
        (LAST - timedelta(days=len(values) - 1 - n), figure, dimension, value)
        for figure, dimension, values in figures
        for n, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA, orient="row")


def weekly(*weeks: float) -> list[float]:
    """Seven days a week, each a seventh of the week's sum."""
    return [week / 7 for week in weeks for _ in range(7)]


def change_of(figures: pl.DataFrame, figure: str, *, smallest_group: int = 1) -> FigureChange:
    (found,) = (one for one in figure_changes(figures, last=LAST, smallest_group=smallest_group) if one.figure == figure)
    return found


QUIET = [700.0, 707.0] * 6


@pytest.mark.parametrize(
    ("weeks", "surprise", "size", "is_bad"),
    [
        ([700], "unknown", "small", False),
        ([0, 0], "nothing", "small", False),
        ([700, 690], "steady", "small", False),
        ([2, 0], "steady", "small", False),
        ([0, 700], "began", "small", False),
        ([700, 0], "ended", "small", True),
        ([700, 1000], "unproven", "small", False),
        ([700, 500], "unproven", "small", True),
        ([700, 1500], "unproven", "large", False),
        ([700, 300], "unproven", "large", True),
        ([*QUIET, 500], "unusual", "small", True),
        ([*QUIET, 900], "unusual", "small", False),
        ([*QUIET, 1500], "unusual", "large", False),
        ([*QUIET, 300], "unusual", "large", True),
        ([*([400, 800] * 6), 400], "usual", "large", False),
        ([*([400, 800] * 6), 1150], "usual", "small", False),
        ([*([400, 800] * 6), 0], "ended", "small", True),
    ],
)
def test_a_change_is_told_by_sign_size_and_surprise(weeks: list[float], surprise: str, size: str, is_bad: bool) -> None:
    change = change_of(daily(("new_members", "", weekly(*weeks))), "new_members")
    assert (change.surprise, change.size, change.is_bad) == (surprise, size, is_bad)
    assert (change.rank > 0) == (surprise in {"began", "ended", "unproven", "unusual"})


def test_more_of_what_is_better_less_of_is_bad() -> None:
    figures = daily(("lost_members", "", weekly(*QUIET, 900)), ("messages", "", weekly(*QUIET, 900)))
    assert change_of(figures, "lost_members").is_bad
    assert not change_of(figures, "messages").is_bad


@given(st.dictionaries(st.text(max_size=3), st.tuples(COUNTS, COUNTS), max_size=5), st.tuples(COUNTS, COUNTS))
def test_the_parts_of_a_count_add_up_to_its_change(groups: dict[str, tuple[int, int]], rest: tuple[int, int]) -> None:
    whole = tuple(sum(one[n] for one in groups.values()) + rest[n] for n in (0, 1))
    parts = parts_of_count(groups, (whole[0], whole[1]))
    assert sum(part.rate + part.mix for part in parts) == whole[0] - whole[1]
    assert {part.value for part in parts} == {*groups, None}


# Above and below the line.
FRACTION = st.tuples(st.integers(0, 100), st.integers(1, 100)).map(lambda pair: (min(pair), max(pair)))
MAYBE = st.one_of(FRACTION, st.just((0, 0)))


@given(st.dictionaries(st.text(max_size=3), st.tuples(MAYBE, MAYBE), max_size=5), st.tuples(FRACTION, FRACTION))
def test_the_parts_of_a_rate_add_up_to_its_change(groups: dict[str, tuple], rest: tuple) -> None:  # type: ignore[type-arg]
    whole = tuple(tuple(sum(one[n][m] for one in [*groups.values(), rest]) for m in (0, 1)) for n in (0, 1))
    parts = parts_of_rate(groups, whole)  # type: ignore[arg-type]
    change = whole[0][0] / whole[0][1] - whole[1][0] / whole[1][1]
    assert isclose(sum(part.rate + part.mix for part in parts), change, abs_tol=1e-12)


def test_groups_that_overlap_are_not_divided() -> None:
    assert parts_of_rate({"a": ((1, 8), (1, 8)), "b": ((1, 8), (1, 8))}, ((2, 10), (2, 10))) == ()


def test_a_rate_that_changes_by_who_there_are_is_told_from_one_that_changes_by_what_they_do() -> None:
    """In both, the whole falls from 50 % to 30 %."""
    (do, _, _) = parts_of_rate({"a": ((5, 50), (25, 50)), "b": ((25, 50), (25, 50))}, ((30, 100), (50, 100)))
    assert do.value == "a"
    assert (do.rate, do.mix) == pytest.approx((-0.2, 0.0))
    # The fewer there are of those with 90 %.
    are = parts_of_rate({"a": ((18, 20), (45, 50)), "b": ((12, 80), (5, 50))}, ((30, 100), (50, 100)))
    assert sum(part.mix for part in are) == pytest.approx(-0.2325)
    assert are[0].rate == 0


def grouped(small: float) -> pl.DataFrame:
    """New members fall by 200 a week, all of it among those of ios; `small` members are of the watch."""
    quiet, ios = [float(week) for week in QUIET], [week / 2 for week in QUIET]
    return daily(
        ("new_members", "", weekly(*quiet, 500)),
        ("new_members", "platform=ios", weekly(*ios, 150)),
        ("new_members", "platform=web", weekly(*ios, 350)),
        ("members", "", [10_000.0]),
        ("members", "platform=ios", [4000.0]),
        ("members", "platform=web", [6000.0 - small]),
        ("members", "platform=watch", [small]),
    )


def test_a_change_lies_in_the_group_where_most_of_it_is() -> None:
    change = change_of(grouped(0), "new_members")
    assert change.driver is not None
    assert (change.driver.dimension, change.driver.value, change.driver.is_mix) == ("platform", "ios", False)
    assert (round(change.driver.now), round(change.driver.before)) == (150, 354)


def test_a_small_group_names_no_cause() -> None:
    figures = grouped(0).with_columns(
        value=pl.when(pl.col("figure") == "members", pl.col("dimension") == "platform=ios").then(3.0).otherwise("value")
    )
    assert change_of(figures, "new_members", smallest_group=3).driver is not None
    assert change_of(figures, "new_members", smallest_group=4).driver is None


def test_a_change_that_is_spread_as_the_members_are_lies_in_no_group() -> None:
    half = [week / 2 for week in QUIET]
    figures = daily(
        ("new_members", "", weekly(*QUIET, 500)),
        ("new_members", "tier=gold", weekly(*half, 250)),
        ("new_members", "tier=regular", weekly(*half, 250)),
        *(("members", of, [500.0]) for of in ("tier=gold", "tier=regular")),
        ("members", "", [1000.0]),
    )
    assert change_of(figures, "new_members").driver is None


def test_nothing_after_the_night_changes_what_it_says() -> None:
    figures = daily(("new_members", "", weekly(*QUIET, 500)), ("dau", "", weekly(*QUIET, 700)))
    later = figures.with_columns(pl.col("day") + timedelta(days=7), value=pl.lit(9.0))
    both = pl.concat([figures, later.filter(pl.col("day") > LAST)])
    assert figure_changes(both, last=LAST) == figure_changes(figures, last=LAST)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 50), min_size=70, max_size=70), st.lists(st.integers(0, 50), min_size=70, max_size=70))
def test_a_period_is_what_its_days_add_up_to(buyers: list[int], repeated: list[int]) -> None:
    """By the slow obvious way: over lists."""
    again = [min(pair) for pair in zip(buyers, repeated, strict=True)]
    rates = [a / n if n else 0.0 for a, n in zip(again, buyers, strict=True)]
    figures = daily(
        ("buyers", "", [float(n) for n in buyers]), ("repeat_rate", "", rates), ("orders", "", [float(n) for n in buyers]),
        ("dau", "", [float(n) for n in buyers]), ("wau", "", [float(n) for n in buyers]),
    )  # fmt: skip
    found = {
        (figure, period): of if over is None else of / over
        for figure, _, period, of, over in period_figures(figures, last=LAST, days=7, periods=9).iter_rows()
    }
    for period in range(9):
        week = slice(70 - 7 * (period + 1), 70 - 7 * period)
        assert found["orders", period] == sum(buyers[week])
        assert found["dau", period] == pytest.approx(sum(buyers[week]) / 7)
        assert found["wau", period] == buyers[week][-1]
        if sum(buyers[week]):
            assert found["repeat_rate", period] == pytest.approx(sum(again[week]) / sum(buyers[week]))
    assert max(period for _, period in found) == 8


def test_every_rate_has_something_below_the_line() -> None:
    for name, key in KEY_FIGURES.items():
        assert ("rate" in key.how) == (key.over is not None) == (key.of in {"share", "score"}), name
