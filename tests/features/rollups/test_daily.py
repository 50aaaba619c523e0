from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from features.rollups.daily import RESPONSE_WINDOW_DAYS, Rollups, days_to_roll_up, roll_up_landed
from tests.features.builders import PARTS, landed, utc

INDEX = pl.LazyFrame({"member_no": [1, 2, 3], "member_id": ["a", "b", "c"]}, schema_overrides={"member_no": pl.Int32})
DAY = date(2024, 3, 1)
NOON = utc(2024, 3, 1)
MONTH_BEFORE = utc(2024, 2, 1)


def rolled(
    *,
    timezone: str = "UTC",
    days: Collection[date] | None = None,
    member_index: pl.LazyFrame = INDEX,
    **tables: pl.LazyFrame | None,
) -> pl.DataFrame:
    return both(timezone=timezone, days=days, member_index=member_index, **tables).daily


def both(
    *,
    timezone: str = "UTC",
    days: Collection[date] | None = None,
    member_index: pl.LazyFrame = INDEX,
    **tables: pl.LazyFrame | None,
) -> Rollups:
    given: dict[str, pl.LazyFrame | None] = dict.fromkeys(("events", "orders", "content", "contacts", "feedback")) | tables
    return roll_up_landed(**given, member_index=member_index, timezone=timezone, days=days)


def event(member_id: str | None, event_type: str = "post", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"member_id": member_id, "event_type": event_type, "occurred_at": at, "event_date": at.date()} | more


def content(content_id: str, author_id: str | None, at: datetime = MONTH_BEFORE) -> dict[str, Any]:
    return {"content_id": content_id, "author_id": author_id, "published_at": at, "event_date": at.date()}


def contact(member_id: str | None, **more: Any) -> dict[str, Any]:
    return {"member_id": member_id, "campaign_id": "x", "sent_at": utc(2024, 3, 1), "event_date": DAY} | more


def counts(frame: pl.DataFrame) -> dict[tuple[date, int, str], int]:
    return {(day, member, kind): n for day, member, kind, n in frame.select("event_date", "member_no", "activity", "n").rows()}


def test_a_community_without_tables_has_an_empty_rollup() -> None:
    assert rolled().schema == DAILY_SCHEMA
    assert both().ties.schema == TIES_SCHEMA


def test_events_are_counted_by_member_day_and_type() -> None:
    events = landed("events", [event("a"), event("a"), event("a", "like"), event("b"), event(None), event("stranger")])
    frame = rolled(events=events)
    assert frame.schema == DAILY_SCHEMA
    assert counts(frame) == {(DAY, 1, "event:like"): 1, (DAY, 1, "event:post"): 1 + 1, (DAY, 2, "event:post"): 1}


def test_orders_and_refunds_are_summed_apart_and_a_free_order_is_an_order() -> None:
    def order(member_id: str | None, minor: int) -> dict[str, Any]:
        return {"member_id": member_id, "amount_minor": minor, "ordered_at": utc(2024, 3, 1), "event_date": DAY}

    frame = rolled(orders=landed("orders", [order("a", 1000), order("a", 0), order("a", -250), order(None, 99)]))
    assert frame.select("activity", "n", "amount_minor").rows() == [("order", 1 + 1, 1000 + 0), ("refund", 1, -250)]


def test_a_score_is_summed_in_hundredths_and_an_answer_without_one_is_kept_apart() -> None:
    def answer(score: float | None) -> dict[str, Any]:
        return {"member_id": "a", "score": score, "answered_at": utc(2024, 3, 1), "event_date": DAY}

    frame = rolled(feedback=landed("feedback", [answer(9.0), answer(0.57), answer(None)]))
    assert frame.select("activity", "n", "amount_minor").rows() == [("feedback", 2, 900 + 57), ("feedback_unscored", 1, 0)]


@pytest.mark.parametrize(
    ("at", "part"),
    [
        (utc(2024, 3, 30, 22, 59), "n_evening"),  # Berlin 23:59, winter time
        (utc(2024, 3, 30, 23, 0), "n_night"),  # Berlin 00:00 on the 31st
        (utc(2024, 3, 31, 0, 59), "n_night"),  # Berlin 01:59, just before the clock jumps
        (utc(2024, 3, 31, 3, 30), "n_night"),  # Berlin 05:30, summer time; 04:30 in winter time
        (utc(2024, 3, 31, 4, 0), "n_morning"),  # Berlin 06:00, summer time; 05:00 in winter time
        (utc(2024, 3, 31, 10, 0), "n_afternoon"),
    ],
)
def test_the_part_of_the_day_follows_the_local_clock_through_daylight_saving(at: datetime, part: str) -> None:
    frame = rolled(events=landed("events", [event("a", at=at)]), timezone="Europe/Berlin")
    assert frame.select(PARTS).row(0, named=True) == dict.fromkeys(PARTS, 0) | {part: 1}


def test_a_response_counts_on_the_local_day_it_happened() -> None:
    opened_at = utc(2024, 3, 30, 23, 30)  # 00:30 on the 31st in Berlin
    contacts = landed("contacts", [contact("a", opened_at=opened_at, clicked_at=opened_at), contact("b"), contact(None)])
    assert counts(rolled(contacts=contacts, timezone="Europe/Berlin")) == {
        (DAY, 1, "contact"): 1,
        (DAY, 2, "contact"): 1,
        (date(2024, 3, 31), 1, "open"): 1,
        (date(2024, 3, 31), 1, "click"): 1,
    }


def test_a_response_counts_up_to_the_end_of_its_window_and_never_before_its_message() -> None:
    in_time, too_late = (utc(2024, 3, 1) + timedelta(days=RESPONSE_WINDOW_DAYS + more) for more in (0, 1))
    contacts = landed(
        "contacts",
        [contact("a", opened_at=in_time), contact("b", opened_at=too_late), contact("c", opened_at=utc(2024, 2, 20))],
    )
    opens = {key: n for key, n in counts(rolled(contacts=contacts)).items() if key[2] == "open"}
    assert opens == {(in_time.date(), 1, "open"): 1, (DAY, 3, "open"): 1}


def test_an_event_reaches_its_target_and_the_author_of_its_content_once_each() -> None:
    events = landed(
        "events",
        [
            event("a", target_member_id="b"),
            event("a", content_id="by b", target_member_id="b"),
            event("a", content_id="by b", target_member_id="c"),
            event("a", content_id="by a"),
            event("a", target_member_id="a"),
            event("a", content_id="unknown"),
            event("a", target_member_id="stranger"),
            event("a"),
        ],
    )
    pieces = landed("content", [content("by a", "a"), content("by b", "b"), content("by nobody", None)])
    received = {key: n for key, n in counts(rolled(events=events, content=pieces)).items() if key[2] == "received"}
    assert received == {(DAY, 2, "received"): 1 + 1 + 1, (DAY, 3, "received"): 1}
    ties = both(events=events, content=pieces).ties
    assert ties.schema == TIES_SCHEMA
    assert ties.rows() == [(DAY, 1, 2, 1 + 1 + 1), (DAY, 1, 3, 1)]


def test_content_published_after_the_event_reaches_nobody() -> None:
    events = landed("events", [event("a", content_id="same day"), event("c", content_id="later")])
    pieces = landed("content", [content("same day", "b", utc(2024, 3, 1, 23)), content("later", "b", utc(2024, 3, 2))])
    ties = both(events=events, content=pieces).ties
    assert ties.rows() == [(DAY, 1, 2, 1)]


def test_rolling_up_day_by_day_equals_rolling_up_at_once() -> None:
    first, last = DAY, DAY + timedelta(days=70)
    every = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    moments = [datetime(day.year, day.month, day.day, 12, tzinfo=utc(2024, 1, 1).tzinfo) for day in every]
    events = landed("events", [event("abc"[i % 3], "post", at, content_id=f"c{i % 7}") for i, at in enumerate(moments)])
    pieces = landed("content", [content(f"c{i}", "abc"[i % 2], moments[5 * i]) for i in range(7)])
    contacts = landed(
        "contacts",
        [
            {"member_id": "abc"[i % 3], "sent_at": at, "event_date": at.date(), "opened_at": at + timedelta(days=i % 35)}
            for i, at in enumerate(moments)
        ],
    )
    at_once = rolled(events=events, content=pieces, contacts=contacts, days=every)
    day_by_day = []
    for day in every:
        window = pl.col("event_date").is_between(day - timedelta(days=RESPONSE_WINDOW_DAYS), day)
        day_by_day.append(
            rolled(
                events=events.filter(pl.col("event_date") == day),
                content=pieces.filter(pl.col("event_date") <= day),
                contacts=contacts.filter(window),
                days=[day],
            )
        )
    assert at_once.filter(activity="open").height > 0
    assert_frame_equal(pl.concat(day_by_day), at_once)


def test_changed_contacts_and_content_reach_the_days_after_them() -> None:
    days = days_to_roll_up({"contacts": [DAY], "events": [DAY]}, last_day=DAY + timedelta(days=3))
    assert days == [DAY + timedelta(days=later) for later in range(3 + 1)]
    assert days_to_roll_up({"contacts": [DAY]}, last_day=date(2025, 1, 1))[-1] == DAY + timedelta(days=RESPONSE_WINDOW_DAYS)
    assert len(days_to_roll_up({"content": [DAY]}, last_day=DAY + timedelta(days=99))) == 99 + 1
    assert days_to_roll_up({"events": [DAY, DAY], "orders": []}, last_day=DAY) == [DAY]


def test_the_order_of_rows_does_not_matter_to_a_rollup() -> None:
    rows = [event("abc"[i % 3], "post", target_member_id="abc"[i % 2]) for i in range(30)]
    forwards, backwards = (rolled(events=landed("events", part)) for part in (rows, rows[::-1]))
    assert_frame_equal(forwards, backwards)


@pytest.mark.parametrize("early", [utc(1965, 5, 6), utc(1969, 12, 31), utc(1970, 1, 1), utc(1970, 1, 2)])
def test_a_day_long_before_the_others_takes_nothing_from_them(early: datetime) -> None:
    found = both(events=landed("events", [event("a", at=early, target_member_id="b"), event("c", target_member_id="a")]))
    posts, received = "event:post", "received"
    expected = {(early.date(), 1, posts): 1, (early.date(), 2, received): 1, (DAY, 3, posts): 1, (DAY, 1, received): 1}
    assert counts(found.daily) == expected
    assert found.ties.rows() == [(early.date(), 1, 2, 1), (DAY, 3, 1, 1)]


@pytest.mark.parametrize("at_once", [1, 3, 1_000_000])
def test_however_the_events_are_sliced_each_is_counted_as_one_by_one(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.rollups.event_counts._EVENTS_AT_ONCE", at_once)
    who = ("a", "b", "c")
    done = [
        (who[i * 7 % 3], "post" if i % 5 else "like", utc(2024, 3, 1 + i % 4, i * 5 % 24), who[i % 3] if i % 2 else None)
        for i in range(60)
    ]
    bought = [(who[i % 3], utc(2024, 3, 1 + i % 6, i), 100 * i - 300) for i in range(12)]
    found = both(
        events=landed("events", [event(m, kind, at, target_member_id=other) for m, kind, at, other in done]),
        orders=landed(
            "orders", [{"member_id": m, "ordered_at": at, "event_date": at.date(), "amount_minor": x} for m, at, x in bought]
        ),
    )
    expected: Counter[tuple[date, int, str, int]] = Counter()
    ties: Counter[tuple[date, int, int]] = Counter()
    number = {member: place + 1 for place, member in enumerate(who)}
    for member, kind, at, other in done:
        expected[at.date(), number[member], f"event:{kind}", at.hour // 6] += 1
        if other is not None and other != member:
            expected[at.date(), number[other], "received", at.hour // 6] += 1
            ties[at.date(), number[member], number[other]] += 1
    for member, at, minor in bought:
        expected[at.date(), number[member], "refund" if minor < 0 else "order", at.hour // 6] += 1
    keys = sorted({key[:3] for key in expected})
    assert found.daily.select("event_date", "member_no", "activity").rows() == keys
    parts = [tuple(expected[(*key, part)] for part in range(4)) for key in keys]
    assert found.daily.select(PARTS).rows() == parts
    assert found.daily["n"].to_list() == [sum(part) for part in parts]
    assert found.daily["amount_minor"].sum() == sum(minor for *_, minor in bought)
    assert found.ties.rows() == [(*key, n) for key, n in sorted(ties.items())]
