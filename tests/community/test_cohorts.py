"""Weekly cohorts beside a slow obvious count, and cut at the night."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from community.cohorts import weekly_cohorts

AS_OF = date(2026, 3, 1)
WEEKS = 4
MEMBER = st.integers(0, 5)
AGO = st.integers(-5, 40)


@given(st.dictionaries(MEMBER, AGO, max_size=6), st.sets(st.tuples(MEMBER, AGO), max_size=30))
def test_cohorts_are_what_counting_by_hand_gives(joined: dict[int, int], active: set[tuple[int, int]]) -> None:
    def frame(rows: list[tuple[int, int]]) -> pl.DataFrame:
        days = [(member, AS_OF - timedelta(days=ago)) for member, ago in rows]
        return pl.DataFrame(days, schema={"member_no": pl.Int32, "day": pl.Date}, orient="row")

    found = weekly_cohorts(frame(list(joined.items())), frame(list(active)), as_of=AS_OF, weeks=WEEKS)
    expected = []
    for cohort in reversed(range(WEEKS)):
        members = {member for member, ago in joined.items() if ago >= 0 and ago // 7 == cohort}
        for since in range(cohort + 1):
            came = {member for member, ago in active if ago >= 0 and ago // 7 == cohort - since and member in members}
            if members:
                first = AS_OF - timedelta(days=7 * cohort + 6)
                expected.append((first, since, len(members), len(came), len(came) / len(members)))
    assert found.rows() == expected
