from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.absence import PERIOD_DAYS, Absence, absence_factor, absence_trend
from tests.features.builders import AS_OF

SCHEMA = {"event_date": pl.Date, "member_no": pl.Int32, "n": pl.Int32}


@pytest.mark.parametrize(
    ("made", "factor"), [([], 0), ([0, 0], 0), ([7], 1), ([1, 1, 1, 1], 2), ([5, 3, 2], 1), ([4, 3, 3], 2), ([1, 1, 1], 2)]
)
def test_it_is_the_fewest_people_who_make_half(made: list[int], factor: int) -> None:
    assert absence_factor(made) == factor


@given(st.lists(st.integers(0, 50), max_size=12))
def test_so_many_people_make_half_and_one_fewer_do_not(made: list[int]) -> None:
    factor, most_first = absence_factor(made), sorted(made, reverse=True)
    assert sum(most_first[:factor]) * 2 >= sum(made)
    assert factor == 0 or sum(most_first[: factor - 1]) * 2 < sum(made)


def test_periods_end_with_the_night_and_nothing_after_it_counts() -> None:
    rows = [
        (AS_OF, 1, 3),
        (AS_OF - timedelta(days=PERIOD_DAYS - 1), 2, 1),
        (AS_OF - timedelta(days=2 * PERIOD_DAYS), 3, 2),
        (AS_OF - timedelta(days=2 * PERIOD_DAYS), 4, 2),
    ]
    trend = absence_trend(pl.DataFrame(rows, schema=SCHEMA, orient="row"), as_of=AS_OF)
    periods = [AS_OF - timedelta(days=ago * PERIOD_DAYS) for ago in (2, 1, 0)]
    assert trend == (Absence(periods[0], 1, 2, 4), Absence(periods[1], 0, 0, 0), Absence(periods[2], 1, 2, 4))
    later = pl.DataFrame([*rows, (AS_OF + timedelta(days=1), 9, 99)], schema=SCHEMA, orient="row")
    assert absence_trend(later, as_of=AS_OF) == trend


def test_nothing_contributed_has_no_trend() -> None:
    assert absence_trend(pl.DataFrame(schema=SCHEMA), as_of=AS_OF) == ()
