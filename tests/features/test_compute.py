from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.compute import compute_features, compute_features_from_totals, feature_catalog
from features.history import History, cut
from features.incremental.totals import compute_totals
from features.windows import WINDOWS_DAYS
from tests.features.builders import AS_OF, EVERYTHING, daily_frame, history_of, members_frame

Row = tuple[date, int, str, int, int]


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def features_of(history: History, as_of: date = AS_OF) -> pl.DataFrame:
    return compute_features(history, as_of=as_of)


def member(frame: pl.DataFrame, member_no: int = 1) -> dict[str, Any]:
    return frame.row(by_predicate=pl.col("member_no") == member_no, named=True)


def only(**kwargs: Any) -> dict[str, Any]:
    """Features of member 1; member 2 of the same history never did anything."""
    return member(features_of(history_of(**kwargs)))


def picked(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_the_columns_are_those_of_the_catalog_sorted_by_member_id() -> None:
    frame = features_of(history_of(members=[{"member_no": 2}, {"member_no": 10}, {"member_no": 1}]))
    names = [feature.name for feature in feature_catalog(EVERYTHING, ("post", "comment"))]
    assert frame.columns == ["member_no", "member_id", *names]
    assert frame["member_id"].to_list() == ["m1", "m10", "m2"]


def test_each_window_includes_its_last_day_and_no_day_more() -> None:
    ages = [0, 6, 7, 27, 28, 89, 90, 364, 365]
    row = only(daily=[(ago(age), 1, "event:post", 2**position, 0) for position, age in enumerate(ages)])
    for window in WINDOWS_DAYS:
        assert row[f"post_count_{window}d"] == sum(2**position for position, age in enumerate(ages) if age < window)
        assert row[f"active_days_{window}d"] == sum(age < window for age in ages)
    assert row["event_count_lifetime"] == sum(2**position for position in range(len(ages)))


def test_a_member_who_did_nothing_has_counts_of_zero_and_nothing_that_never_happened() -> None:
    row = member(features_of(history_of(daily=[(AS_OF, 1, "event:post", 1, 0)])), 2)
    counts = [name for name in row if "_count_" in name and "trend" not in name]
    assert {row[name] for name in counts} == {0}
    zeros = ("spend_28d", "active_days_7d", "longest_streak_days_90d", "given_count_90d", "repeat_order_days", "members_referred")
    assert set(picked(row, *zeros)) == {0}
    never = (
        "tenure_days",
        "weekend_share_90d",
        "open_rate_90d",
        "last_feedback_score",
        "first_order_age_days",
        "reciprocity_share_365d",
    )
    recencies = [name for name in row if name.startswith(("days_since", "gap_")) or "trend" in name]
    assert set(picked(row, *never, *recencies)) == {None}


def test_types_beyond_the_list_count_as_other_events() -> None:
    row = only(daily=[(AS_OF, 1, "event:post", 2, 0), (AS_OF, 1, "event:rare", 3, 0), (AS_OF, 1, "event:rarer", 4, 0)])
    assert picked(row, "post_count_1d", "other_event_count_1d", "event_count_1d") == (2, 3 + 4, 2 + 3 + 4)
    assert row["distinct_event_types_28d"] == 3


def test_event_types_with_one_slug_are_summed_and_a_type_named_like_a_kind_stays_apart() -> None:
    rows = [
        (ago(0), 1, "event:Post", 1, 0),
        (ago(3), 1, "event:post", 2, 0),
        (ago(1), 1, "event:order", 5, 0),
        (ago(2), 1, "order", 7, 0),
    ]
    row = only(daily=rows, event_types=("Post", "post", "order", "purchase"))
    assert picked(row, "post_count_7d", "order_event_count_7d", "order_count_7d") == (1 + 2, 5, 7)
    assert picked(row, "days_since_last_post", "days_since_last_order_event", "days_since_last_order") == (0, 1, 2)


def test_a_refund_lowers_spend() -> None:
    rows = [(ago(3), 1, "order", 2, 5000), (ago(2), 1, "refund", 1, -1250), (ago(100), 1, "order", 1, 800)]
    row = only(daily=rows)
    assert picked(row, "spend_7d", "spend_365d", "spend_lifetime") == (50 - 12.5, 50 - 12.5 + 8, 50 - 12.5 + 8)
    assert picked(row, "order_count_7d", "refund_count_7d", "refund_spend_7d") == (2, 1, 12.5)
    assert picked(row, "average_order_value_90d", "average_order_value_365d") == (50 / 2, (50 + 8) / 3)
    assert picked(row, "active_days_7d", "activity_count_7d", "days_since_last_refund") == (2, 2 + 1, 2)


def test_purchase_history_ignores_free_orders_and_orders_cancelled_the_same_day() -> None:
    rows = [
        (ago(400), 1, "order", 1, 1000),
        (ago(300), 1, "order", 1, 0),
        (ago(200), 1, "order", 1, 7_718_360),
        (ago(200), 1, "refund", 1, -7_718_360),
        (ago(100), 1, "order", 2, 3000),
        (ago(100), 1, "refund", 1, -500),
        (ago(50), 1, "order", 1, 1500),
        (ago(20), 1, "refund", 1, -100),
    ]
    row = only(daily=rows)
    names = ("repeat_order_days", "first_to_last_order_days", "first_order_age_days", "mean_repeat_order_value")
    assert picked(row, *names) == (3 - 1, 400 - 50, 400, ((30 - 5) + 15) / 2)


def test_a_single_purchase_has_no_repeat() -> None:
    row = only(daily=[(ago(9), 1, "order", 1, 1000)])
    names = ("repeat_order_days", "first_to_last_order_days", "first_order_age_days", "mean_repeat_order_value")
    assert picked(row, *names) == (0, 0, 9, None)


def test_gaps_are_measured_between_active_days_of_the_last_year() -> None:
    row = only(daily=[(ago(age), 1, "event:post", 1, 0) for age in (500, 20, 16, 10, 8)])
    gaps = (4, 6, 2)
    mean = sum(gaps) / 3
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / (3 - 1))
    assert picked(row, "gap_mean_days_365d", "gap_median_days_365d", "gap_longest_days_365d") == (mean, 4, 6)
    assert row["gap_deviation_days_365d"] == pytest.approx(deviation)
    assert row["gap_now_to_mean_365d"] == 8 / mean


def test_gaps_do_not_reach_from_one_member_to_the_next() -> None:
    frame = features_of(history_of(daily=[(ago(9), 1, "event:post", 1, 0), (ago(5), 2, "event:post", 1, 0)]))
    assert frame["gap_mean_days_365d"].to_list() == [None, None]
    assert frame["latest_streak_days"].to_list() == [1, 1]


def test_streaks_are_runs_of_consecutive_active_days() -> None:
    row = only(daily=[(ago(age), 1, "event:post", 1, 0) for age in (*range(80, 100), 30, 29, 28, 5, 4)])
    assert row["longest_streak_days_90d"] == 89 - 80 + 1
    assert row["latest_streak_days"] == 2


def test_active_weeks_are_counted_back_from_the_night() -> None:
    row = only(daily=[(ago(age), 1, "event:post", 1, 0) for age in (0, 6, 7, 27, 28, 90, 91, 363, 364)])
    weeks = {age // 7 for age in (0, 6, 7, 27, 28, 90, 91, 363)}
    expected = tuple(sum(week < most for week in weeks) for most in (4, 13, 52))
    assert picked(row, "active_weeks_28d", "active_weeks_91d", "active_weeks_364d") == expected


def test_trends_compare_four_weeks_with_the_level_before_them() -> None:
    rows = [(ago(0), 1, "event:post", 3, 0), (ago(28), 1, "event:post", 4, 0), (ago(364), 1, "event:post", 6, 0)]
    row = only(daily=rows)
    assert row["event_count_trend_28d_vs_90d"] == pytest.approx((3 + 1) / (4 * 28 / 62 + 1))
    assert row["event_count_trend_28d_vs_365d"] == pytest.approx((3 + 1) / ((4 + 6) * 28 / 337 + 1))
    assert row["active_days_trend_28d_vs_90d"] == pytest.approx((1 + 1) / (1 * 28 / 62 + 1))


def test_a_member_with_four_weeks_of_history_has_no_trend() -> None:
    row = only(daily=[(ago(27), 1, "event:post", 3, 0)])
    assert row["event_count_trend_28d_vs_90d"] is None


def test_the_spend_trend_is_smoothed_by_the_members_own_level() -> None:
    row = only(daily=[(ago(5), 1, "order", 1, 6000), (ago(50), 1, "order", 1, 3000)])
    own = (6000 + 3000) * 28 / 365
    assert row["spend_trend_28d_vs_90d"] == pytest.approx((6000 + own) / (3000 * 28 / 62 + own))


def test_hours_and_weekdays_are_shares() -> None:
    friday, saturday, sunday = (date(2024, 3, day) for day in (29, 30, 31))
    daily = daily_frame([(day, 1, "event:post", 4, 0) for day in (friday, friday - timedelta(days=7), saturday, sunday)])
    history = history_of()
    at_night = pl.when(pl.col("event_date") == sunday)
    daily = daily.with_columns(
        n_night=at_night.then(4).otherwise(0).cast(pl.Int32), n_morning=at_night.then(0).otherwise(4).cast(pl.Int32)
    )
    history = History(history.members, daily, history.ties, history.available, history.event_types)
    row = member(features_of(history))
    assert picked(row, "night_share_90d", "morning_share_365d", "evening_share_90d") == (4 / 16, 12 / 16, 0)
    assert picked(row, "weekend_share_90d", "most_used_weekday_share_365d") == (2 / 4, 2 / 4)


def test_entropy_is_that_of_the_event_types() -> None:
    row = only(daily=[(AS_OF, 1, "event:post", 1, 0), (AS_OF, 1, "event:comment", 1, 0), (AS_OF, 1, "event:rare", 2, 0)])
    assert row["event_type_entropy_365d"] == pytest.approx(-(0.25 * math.log(0.25) * 2 + 0.5 * math.log(0.5)))
    assert only(daily=[(AS_OF, 1, "event:post", 9, 0)])["event_type_entropy_365d"] == 0


def test_people_and_reciprocity_come_from_the_ties() -> None:
    ties = [(ago(1), 1, 2, 3), (ago(40), 1, 2, 1), (ago(40), 1, 3, 5), (ago(2), 2, 1, 1), (ago(400), 3, 1, 9)]
    frame = features_of(history_of(ties=ties, daily=[(ago(2), 1, "received", 1, 0)]))
    row = member(frame)
    assert picked(row, "given_count_7d", "given_count_90d", "received_count_7d") == (3, 3 + 1 + 5, 1)
    people = ("distinct_people_given_28d", "distinct_people_given_365d", "distinct_people_received_365d")
    assert picked(row, *people) == (1, 2, 1)
    assert picked(row, "reciprocity_share_365d", "received_share_90d") == (1 / 2, 1 / (1 + 9))
    assert member(frame, 2)["reciprocity_share_365d"] == 1 / 1
    assert picked(row, "active_days_7d", "days_since_last_activity", "days_since_last_received") == (0, None, 2)


def test_contacts_feedback_and_content_are_counted_without_being_activity() -> None:
    rows = [
        (ago(9), 1, "contact", 4, 0),
        (ago(8), 1, "open", 2, 0),
        (ago(7), 1, "click", 1, 0),
        (ago(30), 1, "feedback", 2, 900 + 800),
        (ago(3), 1, "feedback", 1, 200),
        (ago(2), 1, "feedback_unscored", 1, 0),
        (ago(1), 1, "content", 2, 0),
    ]
    row = only(daily=rows)
    assert picked(row, "contact_count_28d", "open_rate_90d", "click_rate_90d") == (4, 2 / 4, 1 / 4)
    assert picked(row, "days_since_last_contact", "days_since_last_open", "days_since_last_click") == (9, 8, 7)
    assert picked(row, "feedback_count_90d", "last_feedback_score") == (2 + 1 + 1, 2.0)
    assert row["mean_feedback_score_365d"] == pytest.approx((9 + 8 + 2) / 3)
    assert picked(row, "content_count_7d", "active_days_365d", "days_since_last_activity") == (2, 0, None)


def test_the_profile_is_read_as_of_the_night() -> None:
    members: list[dict[str, Any]] = [
        {"member_no": 1, "birth_year": 1984, "platform": "ios", "seen_from": ago(10), "joined_date": ago(10)},
        {"member_no": 2, "referrer_no": 1},
        {"member_no": 3, "referrer_no": 1, "seen_from": AS_OF + timedelta(days=1)},
    ]
    frame = features_of(history_of(members=members))
    first, second = member(frame, 1), member(frame, 2)
    assert picked(first, "age_years", "platform", "region", "tenure_days") == (2024 - 1984, "ios", None, 10)
    assert picked(first, "was_referred", "members_referred") == (0, 1)
    assert picked(second, "age_years", "was_referred", "members_referred") == (None, 1, 0)


def test_what_a_community_does_not_bring_is_left_out() -> None:
    frame = features_of(history_of(daily=[(AS_OF, 1, "order", 1, 500)], available=frozenset({"orders"}), event_types=()))
    names = set(frame.columns)
    assert {"spend_90d", "active_days_90d", "order_count_28d", "repeat_order_days"} <= names
    words = ("event", "received", "given", "contact", "open", "click", "feedback", "content", "region", "activity_count")
    assert not [name for name in names if any(word in name for word in words)]


def test_interactions_need_a_way_to_reach_others() -> None:
    def has_interactions(*available: str) -> bool:
        return "given_count_7d" in {feature.name for feature in feature_catalog(frozenset(available), ())}

    assert not has_interactions("events", "events.content_id")
    assert has_interactions("events", "events.content_id", "content")
    assert has_interactions("events", "events.target_member_id")


def test_a_member_with_two_rows_is_refused() -> None:
    with pytest.raises(pl.exceptions.ComputeError):
        features_of(history_of(members=[{"member_no": 1}, {"member_no": 1}]))


ACTIVITIES = ("event:post", "event:Post", "event:rare", "order", "refund", "received", "click", "contact")
ROWS = st.lists(
    st.tuples(st.integers(-60, 460), st.integers(1, 3), st.sampled_from(ACTIVITIES), st.integers(1, 5), st.integers(0, 9_999)),
    max_size=60,
    unique_by=lambda row: row[:3],
)


def as_rows(drawn: list[tuple[int, int, str, int, int]]) -> list[Row]:
    signs = {"order": 1, "refund": -1}
    return [(ago(age), member_no, activity, n, signs.get(activity, 0) * minor) for age, member_no, activity, n, minor in drawn]


def history_with(rows: list[Row]) -> History:
    return history_of(daily=rows, members=[{"member_no": number} for number in (1, 2, 3)], event_types=("post", "Post"))


def slowly(rows: list[Row], member_no: int) -> dict[str, Any]:
    """Compute some features the obvious way, row by row."""
    known = [
        ((AS_OF - day).days, activity, n, minor) for day, who, activity, n, minor in rows if who == member_no and day <= AS_OF
    ]

    def is_activity(activity: str) -> bool:
        return activity.startswith("event:") or activity in {"order", "refund"}

    out: dict[str, Any] = {}
    for window in WINDOWS_DAYS:
        inside = [(age, activity, n, minor) for age, activity, n, minor in known if age < window]
        out[f"post_count_{window}d"] = sum(n for _, activity, n, _ in inside if activity in {"event:post", "event:Post"})
        out[f"other_event_count_{window}d"] = sum(n for _, activity, n, _ in inside if activity == "event:rare")
        out[f"order_count_{window}d"] = sum(n for _, activity, n, _ in inside if activity == "order")
        out[f"click_count_{window}d"] = sum(n for _, activity, n, _ in inside if activity == "click")
        out[f"activity_count_{window}d"] = sum(n for _, activity, n, _ in inside if is_activity(activity))
        out[f"spend_{window}d"] = sum(minor for *_, minor in inside) / 100
        out[f"active_days_{window}d"] = len({age for age, activity, _, _ in inside if is_activity(activity)})
    for kind in ("order", "refund", "received", "click", "contact"):
        out[f"days_since_last_{kind}"] = min((age for age, activity, *_ in known if activity == kind), default=None)
    out["days_since_last_activity"] = min((age for age, activity, *_ in known if is_activity(activity)), default=None)
    days = {age for age, activity, *_ in known if is_activity(activity) and age < 90}
    starts = [age for age in days if age - 1 not in days]
    out["longest_streak_days_90d"] = max(
        (next(n for n in range(1, 99) if compute_totals + n not in days) for compute_totals in starts), default=0
    )
    return out


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_the_banded_windows_equal_a_plain_loop_over_the_rows(drawn: list[tuple[int, int, str, int, int]]) -> None:
    rows = as_rows(drawn)
    frame = features_of(history_with(rows))
    for member_no in (1, 2, 3):
        expected = slowly(rows, member_no)
        assert picked(member(frame, member_no), *expected) == tuple(expected.values())


@settings(max_examples=15, deadline=None)
@given(ROWS, ROWS)
def test_what_comes_after_the_night_changes_not_one_value(
    drawn: list[tuple[int, int, str, int, int]], other: list[tuple[int, int, str, int, int]]
) -> None:
    def build(future: list[tuple[int, int, str, int, int]]) -> pl.DataFrame:
        rows = as_rows([*(row for row in drawn if row[0] >= 0), *(row for row in future if row[0] < 0)])
        ties = [(day, who, who % 3 + 1, n) for day, who, _, n, _ in rows]
        members: list[dict[str, Any]] = [{"member_no": number} for number in (1, 2, 3)]
        members += [
            {"member_no": 4 + i, "seen_from": ago(row[0]), "referrer_no": 1} for i, row in enumerate(future) if row[0] < 0
        ]
        return features_of(history_of(daily=rows, ties=ties, members=members, event_types=("post", "Post")))

    assert_frame_equal(build([]), build(other), check_exact=True)


@settings(max_examples=15, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_physical_order_of_rows_does_not_matter(drawn: list[tuple[int, int, str, int, int]], random: Any) -> None:
    rows = as_rows(drawn)
    shuffled = random.sample(rows, len(rows))
    numbers = random.sample([1, 2, 3], 3)
    history = history_with(shuffled)
    mixed = History(
        members_frame([{"member_no": number} for number in numbers]),
        history.daily,
        history.ties,
        history.available,
        history.event_types,
    )
    assert_frame_equal(features_of(mixed), features_of(history_with(rows)), check_exact=True)


def test_members_taken_a_few_at_a_time_get_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = as_rows([(i * 7 % 400, i % 3 + 1, ACTIVITIES[i % 8], i % 4 + 1, i * 31) for i in range(400)])
    history = history_with(list({row[:3]: row for row in rows}.values()))
    at_once = features_of(history)
    monkeypatch.setattr("features.incremental.active_day_rhythm._MEMBERS_PER_BATCH", 1)
    seen = cut(history, AS_OF)
    few = compute_features_from_totals(seen, compute_totals(seen, threads=2), members_at_once=1, threads=2)
    assert_frame_equal(few.select(at_once.columns), at_once, check_exact=True)


def test_a_members_features_do_not_depend_on_who_else_is_there() -> None:
    rows = [
        (ago(age), 1, activity, 1 + age % 3, 57 + age) for age in (0, 3, 30, 31, 120, 364) for activity in ("event:post", "order")
    ]
    others = [(day, number, activity, n, minor) for number in (2, 3) for day, _, activity, n, minor in rows]
    alone = compute_features(history_of(daily=rows, members=[{"member_no": 1}]), as_of=AS_OF)
    among = compute_features(
        history_of(daily=[*rows, *others], members=[{"member_no": number} for number in (1, 2, 3)]), as_of=AS_OF
    )
    assert_frame_equal(alone, among.filter(member_no=1), check_exact=True)
