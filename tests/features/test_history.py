from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from features.history import cut
from tests.features.builders import AS_OF, history_of

TOMORROW = AS_OF + timedelta(days=1)


def test_the_night_itself_is_seen_and_the_next_day_is_not() -> None:
    history = history_of(
        daily=[(AS_OF, 1, "event:post", 1, 0), (TOMORROW, 1, "event:post", 1, 0)],
        ties=[(AS_OF, 1, 2, 1), (TOMORROW, 1, 2, 1)],
    )
    seen = cut(history, AS_OF)
    assert seen.as_of == AS_OF
    assert seen.daily.collect()["event_date"].to_list() == [AS_OF]
    assert seen.ties.collect()["event_date"].to_list() == [AS_OF]


def test_members_first_seen_later_are_not_known_yet() -> None:
    members: list[dict[str, Any]] = [
        {"member_no": 1, "seen_from": AS_OF},
        {"member_no": 2, "seen_from": TOMORROW},
        {"member_no": 3, "seen_from": None},
    ]
    seen = cut(history_of(members=members), AS_OF)
    assert seen.members.collect()["member_no"].to_list() == [1, 3]


def test_a_day_of_joining_in_the_future_is_not_known_yet() -> None:
    members = [{"member_no": 1, "seen_from": date(2024, 1, 1), "joined_date": TOMORROW}]
    seen = cut(history_of(members=members), AS_OF)
    assert seen.members.collect()["joined_date"].to_list() == [None]
