from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import log, log1p

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.prediction.network_columns import COLUMNS, network_columns
from tests.features.builders import AS_OF, daily_frame, history_of

HORIZON_DAYS = 28
RECENT, BEFORE, LONG_AGO = (AS_OF - timedelta(days=days) for days in (27, 28, 56))
MEMBERS = [{"member_no": number} for number in range(1, 7)]
# All on the night, so that one interaction weighs 1: 1 and 2 respond to each other, 1 to 3 to 6, who respond to nobody.
TIES = [(AS_OF, 1, 2, 1), (AS_OF, 2, 1, 1), (AS_OF, 1, 3, 1), (AS_OF, 1, 4, 1), (AS_OF, 1, 5, 3), (AS_OF, 1, 6, 1)]
DAILY = [
    (RECENT, 2, "event:post", 5, 0),
    (AS_OF, 2, "event:post", 1, 0),
    (BEFORE, 3, "event:post", 1, 0),
    (LONG_AGO, 4, "event:post", 1, 0),
    # What is received is nothing done.
    (RECENT, 5, "received", 1, 0),
    (RECENT, 6, "order", 1, 100),
]
HISTORY = history_of(daily=DAILY, ties=TIES, members=MEMBERS)


def _of(member_no: int) -> dict[str, float | None]:
    found = network_columns(HISTORY, as_of=AS_OF, horizon_days=HORIZON_DAYS)
    return found.row(by_predicate=pl.col("member_no") == member_no, named=True)


def test_neighbours_are_weighed_by_both_directions_and_active_by_their_own_doing() -> None:
    weight = 2 + 1 + 1 + 2 + 1
    assert _of(1) == {
        "member_no": 1,
        "log_influence": pytest.approx(log1p(1)),
        "core_number": 1,
        "reciprocity": pytest.approx(1 / 5),
        "neighbours": 5,
        "neighbours_active_share": pytest.approx((2 + 1) / weight),
        "neighbours_fell_silent_share": pytest.approx(1 / weight),
        "neighbours_trend": pytest.approx(log1p((2 * 2 + 1) / weight) - log1p(1 / weight)),
        # 2 and 5 weigh 2, then 3 and 4 come before 6.
        "closest_active_share": pytest.approx(1 / 4),
        "community_log_size": pytest.approx(log(6)),
        "community_active_share": pytest.approx(2 / 5),
    }
    assert _of(3)["reciprocity"] is None


def test_nothing_after_the_cutoff_changes_a_column() -> None:
    later = AS_OF + timedelta(days=1)
    longer = replace(
        HISTORY,
        daily=pl.concat([HISTORY.daily, daily_frame([(later, number, "event:post", 1, 0) for number in range(1, 7)])]),
        ties=pl.concat([HISTORY.ties, HISTORY.ties.with_columns(event_date=pl.lit(later))]),
    )
    now, then = (network_columns(one, as_of=AS_OF, horizon_days=HORIZON_DAYS) for one in (longer, HISTORY))
    assert_frame_equal(now, then)


def test_a_community_without_ties_has_no_rows() -> None:
    found = network_columns(history_of(daily=DAILY, members=MEMBERS), as_of=AS_OF, horizon_days=HORIZON_DAYS)
    assert found.height == 0
    assert found.columns == ["member_no", *COLUMNS]
