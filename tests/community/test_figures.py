from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from community.figures import (
    GROUPS_SCHEMA,
    LOOKBACK_DAYS,
    RETENTION_DAYS,
    WHOLE,
    Days,
    comings_and_goings,
    count_points,
    count_spans,
    joinings,
    window_spans,
)

FIRST = date(2025, 3, 1)
LAST = date(2025, 4, 15)
START = FIRST - timedelta(days=LOOKBACK_DAYS + 20)
DAYS = Days(FIRST, LAST)
SPAN = (LAST - START).days
NOBODY = pl.DataFrame(schema=GROUPS_SCHEMA)

presences = st.sets(st.tuples(st.integers(0, 4), st.integers(0, SPAN)), max_size=60)


def frame(seen: set[tuple[int, int]], *, first: date = START) -> pl.DataFrame:
    """Members and days after the start as a frame of member_no and day, from a first day on."""
    rows = sorted((member, START + timedelta(days=day)) for member, day in seen)
    known = pl.DataFrame(rows, schema={"member_no": pl.Int32, "day": pl.Date}, orient="row")
    return known.filter(pl.col("day") >= first)


def by_day(counts: pl.DataFrame) -> dict[tuple[str, str], dict[date, int]]:
    """Counts other than zero by figure and dimension, then by day."""
    found: dict[tuple[str, str], dict[date, int]] = {}
    for day, figure, dimension, n in counts.filter(pl.col("n") != 0).iter_rows():
        found.setdefault((figure, dimension), {})[day] = n
    return found


def asked() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


@given(presences, st.sampled_from([1, 7, 30]), st.integers(0, SPAN))
def test_a_window_counts_the_members_of_its_days_in_the_group_they_are_in_on_the_last(
    seen: set[tuple[int, int]], width: int, moved_after: int
) -> None:
    moved = START + timedelta(days=moved_after)
    rows = [(1, "tier=gold", None, moved), (1, "tier=silver", moved, None), (2, "tier=gold", moved, None)]
    groups = pl.DataFrame(rows, schema=GROUPS_SCHEMA, orient="row")
    spans = window_spans(frame(seen, first=DAYS.first_read), "active", window_days=width)
    counted = by_day(count_spans(spans, groups, DAYS))

    def tier(member: int, day: date) -> str | None:
        return {1: "tier=silver" if day >= moved else "tier=gold", 2: "tier=gold" if day >= moved else None}.get(member)

    for dimension in (WHOLE, "tier=gold", "tier=silver"):
        slow = {}
        for day in asked():
            window = {START + timedelta(days=n) for _, n in seen} & {day - timedelta(days=n) for n in range(width)}
            members = {member for member, n in seen if START + timedelta(days=n) in window}
            slow[day] = sum(dimension in (WHOLE, tier(member, day)) for member in members)
        assert counted.get(("active", dimension), {}) == {day: n for day, n in slow.items() if n}


@given(presences)
def test_who_came_and_who_was_lost_add_up_to_the_members_active_in_30_days(seen: set[tuple[int, int]]) -> None:
    days_active = frame(seen, first=DAYS.first_read)
    first_active = frame(seen).group_by("member_no").agg(first_active=pl.col("day").min())
    moved = by_day(count_points(comings_and_goings(days_active, first_active, DAYS), NOBODY))
    active = {
        width: by_day(count_spans(window_spans(days_active, "active", window_days=width), NOBODY, DAYS)).get(("active", ""), {})
        for width in (1, 30)
    }

    def of(figure: str, day: date) -> int:
        return moved.get((figure, WHOLE), {}).get(day, 0)

    for day in asked():
        came = {name: of(f"{name}_members", day) for name in ("first_time", "returning", "resurrected")}
        assert active[1].get(day, 0) == sum(came.values())
        if day > FIRST:
            before = active[30].get(day - timedelta(days=1), 0)
            assert active[30].get(day, 0) == before + came["first_time"] + came["resurrected"] - of("lost_members", day)


@given(presences, presences)
def test_retention_follows_those_who_joined_so_many_days_before(
    seen: set[tuple[int, int]], joined_somewhen: set[tuple[int, int]]
) -> None:
    joined = dict(sorted(joined_somewhen))
    points = joinings(frame(seen, first=DAYS.first_read), frame(set(joined.items())), DAYS)
    counted = by_day(count_points(points, NOBODY))
    for after_days in RETENTION_DAYS:
        for figure, is_stayed in ((f"due_d{after_days}", False), (f"stayed_d{after_days}", True)):
            slow: dict[date, int] = {}
            for member, day in joined.items():
                due = day + after_days
                if START + timedelta(days=due) in asked() and (not is_stayed or (member, due) in seen):
                    slow[START + timedelta(days=due)] = slow.get(START + timedelta(days=due), 0) + 1
            assert counted.get((figure, WHOLE), {}) == slow
