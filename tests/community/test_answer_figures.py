from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.answer_figures import ASKED_SCHEMA, FIRST_ANSWER_HOURS, FIRST_ANSWERS, UNANSWERED_SHARE, answer_figures

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in (10, 20, 35)]
PATIENCE = 24

# Hour of publishing after the first day, whether it asks, hours until the first answer (none: never).
pieces = st.lists(st.tuples(st.integers(0, 40 * 24), st.booleans(), st.none() | st.integers(0, 300)), max_size=30)


def end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def frame(rows: list[tuple[int, bool, int | None]]) -> pl.DataFrame:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    found = []
    for hour, asks, waited in rows:
        at = start + timedelta(hours=hour)
        found.append((at.date(), at, asks, None if waited is None else at + timedelta(hours=waited)))
    return pl.DataFrame(found, schema=ASKED_SCHEMA, orient="row")


def figures_of(
    rows: list[tuple[int, bool, int | None]], *, asking_from: date | None = None, days: list[date] = DAYS
) -> dict[tuple[date, str], float]:
    found = answer_figures(frame(rows), days, day_end=end_of, asking_from=asking_from, unanswered_after_hours=PATIENCE)
    return {(day, figure): value for day, figure, _, value in found.iter_rows()}


@given(pieces, st.none() | st.integers(0, 40))
def test_answers_are_those_that_were_known_at_the_end_of_each_day(
    rows: list[tuple[int, bool, int | None]], asked: int | None
) -> None:
    asking_from = None if asked is None else FIRST + timedelta(days=asked)
    found = figures_of(rows, asking_from=asking_from)
    for day in DAYS:
        end = ((day - FIRST).days + 1) * 24
        only_asking = asking_from is not None and day >= asking_from
        window = [(hour, waited) for hour, asks, waited in rows if end - 30 * 24 <= hour < end and (asks or not only_asking)]
        answered = [(hour, waited) for hour, waited in window if waited is not None and hour + waited < end]
        patient = [hour for hour, waited in window if (hour, waited) not in answered and end - hour >= PATIENCE]
        assert found.get((day, FIRST_ANSWERS), 0) == sum(hour + waited >= end - 24 for hour, waited in answered)
        share = len(patient) / (len(patient) + len(answered)) if patient or answered else None
        assert found.get((day, UNANSWERED_SHARE)) == (None if share is None else pytest.approx(share))


@given(pieces)
@settings(max_examples=100)
def test_what_comes_after_a_day_changes_nothing_of_it(rows: list[tuple[int, bool, int | None]]) -> None:
    day = DAYS[1]
    end = ((day - FIRST).days + 1) * 24
    known = [
        (hour, asks, None if waited is None or hour + waited >= end else waited) for hour, asks, waited in rows if hour < end
    ]
    assert figures_of(rows, days=[day]) == figures_of(known, days=[day])


def test_a_piece_that_waits_counts_as_waiting_in_the_median() -> None:
    end = 11 * 24
    rows = [(end - 100, True, 1), (end - 100, True, 2), (end - 100, True, None), (end - 100, True, None), (end - 50, True, 30)]
    assert figures_of(rows, days=DAYS[:1])[DAYS[0], FIRST_ANSWER_HOURS] == pytest.approx(30)
    # Half of them never are: there is no hour by which they were.
    assert (DAYS[0], FIRST_ANSWER_HOURS) not in figures_of(rows[2:], days=DAYS[:1])
