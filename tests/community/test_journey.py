from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community import journey
from community.journey import ANSWERED, JOINED, POSTED, READ, STAYED, funnel, retention_by, stages_seen, way_of_members

AS_OF = date(2025, 6, 30)
NEWEST = AS_OF - timedelta(days=55)
ALL = frozenset({READ, POSTED, ANSWERED})


def joined(*rows: tuple[int, int | None]) -> pl.DataFrame:
    """Members and how many days before the newest day of the cohort they joined; None where it is not known."""
    known = [(member, None if ago is None else NEWEST - timedelta(days=ago)) for member, ago in rows]
    return pl.DataFrame(known, schema={"member_no": pl.Int32, "joined_on": pl.Date}, orient="row")


def days(*rows: tuple[int, int, str], ago: int = 0) -> pl.LazyFrame:
    """Members, days after joining (who joined `ago` days before the newest day), and kinds."""
    known = [(member, NEWEST + timedelta(days=after - ago), kind) for member, after, kind in rows]
    return pl.DataFrame(known, schema={"member_no": pl.Int32, "event_date": pl.Date, "kind": pl.String}, orient="row").lazy()


def test_each_stage_is_told_within_the_first_28_days_and_staying_in_the_28_after() -> None:
    done = days(
        (1, 0, READ),
        (1, 27, POSTED),
        (1, 27, ANSWERED),
        (1, 28, "other"),
        (2, 28, POSTED),
        (2, 55, READ),
        (3, 5, POSTED),
        (3, 4, ANSWERED),
        (3, 40, ANSWERED),
        (4, -1, POSTED),
        (4, 56, READ),
    )
    way = way_of_members(joined((1, 0), (2, 0), (3, 0), (4, 0), (5, None)), done, as_of=AS_OF)
    flags = {row["member_no"]: [row[name] for name in (READ, POSTED, ANSWERED, STAYED)] for row in way.iter_rows(named=True)}
    assert flags == {
        1: [True, True, True, True],
        2: [False, False, False, True],
        # The answer came before the first post; an answer in the second month is nothing of the member's own.
        3: [True, True, False, False],
        4: [False, False, False, False],
    }


def test_a_stage_that_nobody_reached_cannot_be_told_and_writing_is_no_proof_of_reading() -> None:
    way = way_of_members(joined((1, 0), (2, 0)), days((1, 0, POSTED), (2, 30, READ)), as_of=AS_OF)
    assert way[READ].to_list() == [True, False]
    assert stages_seen(way) == {POSTED}
    assert stages_seen(way_of_members(joined((1, 0)), days((1, 0, READ)), as_of=AS_OF)) == {READ}


def test_who_joined_too_late_to_be_followed_is_in_no_cohort() -> None:
    assert way_of_members(joined((1, -1), (2, 0)), days(), as_of=AS_OF)["member_no"].to_list() == [2]


def cohort(numbers: range, *, ago: int, wrote: int, answered: int) -> tuple[pl.DataFrame, pl.LazyFrame]:
    members = list(numbers)
    done = [(m, 1, POSTED) for m in members[:wrote]] + [(m, 2, ANSWERED) for m in members[:answered]]
    done += [(m, 30, "other") for m in members[:answered]]
    return joined(*((m, ago) for m in members)), days(*done, ago=ago)


def test_a_funnel_shows_where_people_fall_out_beside_the_cohort_before() -> None:
    now, done = cohort(range(40), ago=27, wrote=20, answered=12)
    earlier, done_earlier = cohort(range(100, 140), ago=28, wrote=30, answered=10)
    way = way_of_members(pl.concat([now, earlier]), pl.concat([done, done_earlier]), as_of=AS_OF)
    found = funnel(way, as_of=AS_OF, shown=frozenset({POSTED, ANSWERED}))
    assert found is not None
    assert (found.joined_from, found.joined_until) == (NEWEST - timedelta(days=27), NEWEST)
    assert [(s.name, s.members, s.share, s.earlier_share) for s in found.stages] == [
        (JOINED, 40, 1.0, 1.0),
        (POSTED, 20, 20 / 40, 30 / 40),
        (ANSWERED, 12, 12 / 20, 10 / 30),
        (STAYED, 12, 12 / 12, 10 / 10),
    ]
    change = found.stages[1].change
    assert change is not None
    assert change.value == pytest.approx(-0.25)
    assert change.low < -0.25 < change.high < 0
    assert found.worst is not None
    assert [stage.name for stage in found.worst] == [JOINED, POSTED]
    assert (found.stayed_answered, found.stayed_unanswered) == (1.0, 0.0)


def test_stages_that_the_data_cannot_show_are_left_out_and_small_cohorts_say_nothing() -> None:
    now, done = cohort(range(9), ago=0, wrote=4, answered=4)
    assert funnel(way_of_members(now, done, as_of=AS_OF), as_of=AS_OF, shown=ALL) is None
    now, done = cohort(range(10), ago=0, wrote=4, answered=4)
    found = funnel(way_of_members(now, done, as_of=AS_OF), as_of=AS_OF, shown=frozenset())
    assert found is not None
    assert [(stage.name, stage.earlier_share, stage.change) for stage in found.stages] == [
        (JOINED, None, None),
        (STAYED, None, None),
    ]
    assert found.stayed_answered is None


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60), st.sampled_from([READ, POSTED, ANSWERED, "other"])), max_size=60),
    st.randoms(use_true_random=False),
)
def test_a_funnel_never_widens_and_does_not_depend_on_the_order_of_rows(rows, order) -> None:
    members = joined(*((m, 0) for m in range(21)))
    found = funnel(way_of_members(members, days(*rows), as_of=AS_OF), as_of=AS_OF, shown=ALL)
    order.shuffle(rows)
    assert funnel(way_of_members(members.reverse(), days(*rows), as_of=AS_OF), as_of=AS_OF, shown=ALL) == found
    assert found is not None
    counts = [stage.members for stage in found.stages]
    assert counts == sorted(counts, reverse=True)


def test_retention_by_source_is_shrunk_and_leaves_out_who_came_from_nowhere() -> None:
    now, done = cohort(range(100), ago=100, wrote=40, answered=40)
    way = way_of_members(now, done, as_of=AS_OF)
    names = ["search"] * 90 + ["event"] * 9 + [None]
    sources = pl.DataFrame({"member_no": range(100), "name": names}, schema={"member_no": pl.Int32, "name": pl.String})
    search, event = retention_by(way, sources, most=5)
    assert [(one.name, one.members) for one in (search, event)] == [("search", 90), ("event", 9)]
    assert search.stayed.value == pytest.approx((40 + 20 * 40 / 99) / 110)
    assert 0 < event.stayed.value < 40 / 99
    assert retention_by(way, sources, most=1) == (search,)
    assert retention_by(way, sources.clear(), most=5) == ()
    assert journey.first_day_needed(AS_OF) == NEWEST - timedelta(days=181)
