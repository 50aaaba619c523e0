from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.cohorts import WEEKS_FOLLOWED, as_cohorts, cohort_figures, sunday_of, weeks_following

# A Thursday: 2024 ends within an ISO week of 2025.
FIRST = date(2024, 11, 28)
SPAN = 60

members = st.dictionaries(st.integers(1, 5), st.integers(0, SPAN))
presences = st.sets(st.tuples(st.integers(1, 5), st.integers(0, SPAN)), max_size=40)


def day_of(n: int) -> date:
    return FIRST + timedelta(days=n)


@given(members, presences)
def test_a_cohort_is_followed_by_the_weeks_in_which_its_members_are_active(
    joined: dict[int, int], seen: set[tuple[int, int]]
) -> None:
    sundays = sorted({sunday_of(day_of(n)) for n in range(SPAN + 1)})
    active = {(member, sunday_of(day_of(n))) for member, n in seen}
    schema = {"member_no": pl.Int32, "sunday": pl.Date}
    figures = cohort_figures(
        pl.DataFrame(sorted(active), schema=schema, orient="row"),
        pl.DataFrame(
            {"member_no": list(joined), "day": [day_of(n) for n in joined.values()]},
            schema={"member_no": pl.Int32, "day": pl.Date},
        ),
        sundays,
    )
    slow = []
    for week in sorted({sunday_of(day_of(n)) for n in joined.values()}):
        cohort = {member for member, n in joined.items() if sunday_of(day_of(n)) == week}
        for sunday in sundays:
            if sunday >= week:
                share = sum((member, sunday) in active for member in cohort) / len(cohort)
                slow.append((week - timedelta(days=6), (sunday - week).days // 7, len(cohort), pytest.approx(share)))
    assert as_cohorts(figures).rows() == slow
    dimensions = {sunday_of(day_of(n)).strftime("cohort=%G-W%V") for n in joined.values()}
    assert set(figures["dimension"]) == dimensions


def test_a_cohort_is_followed_for_a_year() -> None:
    weeks = weeks_following(FIRST, FIRST + timedelta(days=3_000))
    assert (len(weeks), weeks[0]) == (WEEKS_FOLLOWED + 1, date(2024, 12, 1))
    assert weeks_following(FIRST, FIRST) == []
