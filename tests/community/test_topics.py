"""Topics that changed, beyond chance and beyond the community's growth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from community.topics import TREND_WEEKS, find_trends, people_per_week

AS_OF = date(2025, 6, 30)
SCHEMA = {"author_no": pl.Int64, "published_on": pl.Date, "topic": pl.String}
NIGHTS = 300


def pieces(people: dict[str, Any]) -> pl.DataFrame:
    """Topic → people in each week, the oldest first, everybody with one piece on the last day of the week."""
    rows = [
        (1000 * week + place, AS_OF - timedelta(days=7 * (len(counts) - 1 - week)), topic)
        for topic, counts in people.items()
        for week, count in enumerate(counts)
        for place in range(int(count))
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def community(rng: np.random.Generator, *, size: float | None) -> dict[str, Any]:
    """Twenty topics that keep their share while the community doubles and has better and worse weeks."""
    weeks = np.linspace(1, 2, TREND_WEEKS) * np.exp(rng.normal(0, 0.3, TREND_WEEKS))
    rates = rng.gamma(1.0, 4.0, 20)[:, None] * weeks
    if size is not None:
        rates = rates * rng.gamma(size, 1 / size, rates.shape)
    return {f"topic {number}": counts for number, counts in enumerate(rng.poisson(rates))}


def test_people_are_counted_once_a_week_and_weeks_end_with_the_night() -> None:
    days = [0, 0, 6, 7, 14, -1]
    frame = pl.DataFrame(
        [(number if number else 1, AS_OF - timedelta(days=day), "ale") for number, day in enumerate(days)],
        schema=SCHEMA, orient="row",
    )  # fmt: skip
    assert people_per_week(frame, as_of=AS_OF, weeks=2).rows() == [("ale", 1, 2)]


def test_a_planted_rise_is_found_with_its_week_and_what_it_rose_from() -> None:
    rng = np.random.default_rng(4)
    calm = community(rng, size=None)
    rise = np.concatenate([np.full(20, 3), np.full(6, 14)])
    found = find_trends(pieces(calm | {"viral": rise}), as_of=AS_OF)
    assert [(one.topic, one.before, one.after) for one in found] == [("viral", 3, 14)]
    # Six weeks that end with the night begin 41 days before it.
    assert found[0].since == AS_OF - timedelta(days=41)


def test_a_topic_that_people_leave_is_a_fall() -> None:
    calm = {f"t{number}": np.full(TREND_WEEKS, 10) for number in range(8)}
    found = find_trends(pieces(calm | {"old": [12] * 18 + [2] * 8}), as_of=AS_OF)
    assert [(one.topic, one.is_rise) for one in found] == [("old", False)]


def test_growth_of_everything_is_no_trend() -> None:
    grown = {f"t{number}": [5] * 13 + [20] * 13 for number in range(6)}
    assert find_trends(pieces(grown), as_of=AS_OF) == ()
    # A topic that keeps its number while the others grow has not fallen.
    assert [one.topic for one in find_trends(pieces(grown | {"steady": [20] * 26}), as_of=AS_OF)] == []


def test_one_busy_author_makes_no_trend() -> None:
    calm = pieces({f"t{number}": np.full(TREND_WEEKS, 6) for number in range(6)})
    busy = pl.DataFrame([(9_999, AS_OF - timedelta(days=day), "spam") for day in range(20)] * 5, schema=SCHEMA, orient="row")
    assert find_trends(pl.concat([calm, busy]), as_of=AS_OF) == ()


@pytest.mark.parametrize("size", [None, 4.0])
def test_quiet_nights_hardly_ever_raise_an_alarm(size: float | None) -> None:
    """300 nights, with Poisson weeks and with weeks that vary by half as much again."""
    rng = np.random.default_rng(1)
    alarms = sum(bool(find_trends(pieces(community(rng, size=size)), as_of=AS_OF)) for _ in range(NIGHTS))
    assert alarms <= 0.05 * NIGHTS


def test_rows_in_any_order_give_the_same_trends() -> None:
    rng = np.random.default_rng(4)
    every = pieces(community(rng, size=None) | {"viral": [3] * 20 + [14] * 6})
    assert find_trends(every.sample(fraction=1, shuffle=True, seed=1), as_of=AS_OF) == find_trends(every, as_of=AS_OF)
    assert find_trends(every.clear(), as_of=AS_OF) == ()
