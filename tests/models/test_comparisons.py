"""What a value is compared with, at the boundaries from which it is, and against a slow and obvious way to choose it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import feature_catalog
from models.bands import TENURE_BANDS
from models.comparisons import COMPARED_WITH, NOTHING, Comparer
from models.peers import BAND, LEVEL, TYPICAL, describe_peers
from tests.features.builders import EVERYTHING

CATALOG = feature_catalog(EVERYTHING, ("post", "comment"))
LONG = 800
RAISES, LOWERS = 1, -1


def chosen(name: str, direction: int, *, peers: dict[str, dict[str, Any]] | None = None, **row: Any) -> tuple[str, Any] | None:
    """With what the value of one member's feature is compared, and its number or text; None with nothing."""
    frame = pl.DataFrame({key: [value] for key, value in row.items()}, strict=False)
    known = [{BAND: band, LEVEL: None, **values} for band, values in (peers or {TYPICAL: {}}).items()]
    comparer = Comparer((name,), CATALOG, frame.schema, pl.DataFrame(known))
    code = int(comparer.choose(frame)[direction][0, 0])
    if code == NOTHING:
        return None
    compared = comparer.compare(name, frame.with_columns(compared_with=pl.lit(COMPARED_WITH[code])))
    number, text = compared.row(0)
    return COMPARED_WITH[code], round(number, 2) if text is None else text


def comments(*, recent: int, year: int, **more: Any) -> dict[str, Any]:
    active = {"active_days_28d": 0, "active_days_365d": 40, "days_since_last_activity": 1}
    return {"comment_count_28d": recent, "comment_count_365d": year, "tenure_days": LONG, **active, **more}


@pytest.mark.parametrize(
    ("row", "direction", "compared"),
    [
        # In 337 days before: 144 are 12 in 28 days, and clearly less is a fifth less.
        (comments(recent=9, year=9 + 144), RAISES, ("past", 11.96)),
        (comments(recent=10, year=10 + 144), RAISES, None),
        (comments(recent=15, year=15 + 144), LOWERS, ("past", 11.96)),
        (comments(recent=14, year=14 + 144), LOWERS, None),
        (comments(recent=9, year=9 + 144), LOWERS, None),
        # There must be three windows before this one,
        (comments(recent=2, year=32, tenure_days=111), RAISES, ("past", round(30 * 28 / 84, 2))),
        (comments(recent=2, year=32, tenure_days=110), RAISES, None),
        # six occasions and six active days in them, and one occasion to a window.
        (comments(recent=0, year=6, tenure_days=168), RAISES, ("past", round(6 * 28 / 141, 2))),
        (comments(recent=0, year=5, tenure_days=168), RAISES, None),
        (comments(recent=0, year=60, active_days_365d=6), RAISES, ("past", round(60 * 28 / 337, 2))),
        (comments(recent=0, year=60, active_days_365d=5), RAISES, None),
        (comments(recent=0, year=6), RAISES, None),
    ],
)  # fmt: skip
def test_a_count_is_compared_with_the_members_own_past_where_there_is_enough_of_it(
    row: dict[str, Any], direction: int, compared: tuple[str, float] | None
) -> None:
    assert chosen("comment_count_28d", direction, **row) == compared


@pytest.mark.parametrize(
    ("since", "tenure", "year", "compared"),
    [
        # A rate is told of what stopped 28 days ago or more,
        (28, LONG, 100, ("until", 9.0)),
        (27, LONG, 100, ("past", 8.31)),
        # lasted 61 days, of six occasions or more,
        (60, 120, 6, ("until", 3.0)),
        (60, 119, 6, ("past", round(6 * 28 / 92, 2))),
        (60, 120, 5, None),
        # and twice a month: 304 days are ten months.
        (61, LONG, 20, ("until", 2.0)),
        (61, LONG, 19, ("past", round(19 * 28 / 337, 2))),
    ],
)
def test_a_rate_is_told_of_what_stopped_after_it_lasted(
    since: int, tenure: int, year: int, compared: tuple[str, float] | None
) -> None:
    row = comments(recent=0, year=year, days_since_last_comment=since, tenure_days=tenure)
    assert chosen("comment_count_28d", RAISES, **row) == compared
    assert chosen("comment_count_28d", LOWERS, **row) is None


@pytest.mark.parametrize(
    ("silence", "active_days", "direction", "compared"),
    [
        (8, 6, RAISES, ("past", 7.0)),
        (7, 6, RAISES, None),
        (7, 6, LOWERS, ("past", 7.0)),
        (8, 6, LOWERS, None),
        (8, 5, RAISES, None),
        (2, 5, LOWERS, None),
    ],
)
def test_a_silence_is_compared_with_the_usual_gap(
    silence: int, active_days: int, direction: int, compared: tuple[str, float] | None
) -> None:
    row = {"days_since_last_activity": silence, "gap_median_days_365d": 7.0, "active_days_365d": active_days}
    assert chosen("days_since_last_activity", direction, **row) == compared


@pytest.mark.parametrize(("silence", "is_told"), [(20, True), (19, False), (1, False)])
def test_who_was_here_long_after_their_last_comment_is_not_away_since_it(silence: int, is_told: bool) -> None:
    row = {"days_since_last_comment": 40, "comment_count_365d": 30, "tenure_days": LONG, "days_since_last_activity": silence}
    compared = ("past", round((365 - 40) / 30, 2)) if is_told else None
    assert chosen("days_since_last_comment", RAISES, **row) == compared
    assert chosen("days_since_last_comment", RAISES, **row | {"comment_count_365d": 5}) is None


def test_similar_members_come_before_everybody_and_only_where_they_say_so() -> None:
    peers = {
        TYPICAL: {},
        "everybody": {"post_count_28d": 4.0},
        "new": {"post_count_28d": 1.0},
        "longer": {"post_count_28d": None},
    }
    row = {"post_count_28d": 2, "tenure_days": 20}
    assert chosen("post_count_28d", LOWERS, peers=peers, **row) == ("new", 1.0)
    assert chosen("post_count_28d", RAISES, peers=peers, **row) == ("everybody", 4.0)
    assert chosen("post_count_28d", RAISES, peers=peers, **row | {"tenure_days": 400}) == ("everybody", 4.0)
    assert chosen("post_count_28d", RAISES, peers=peers, **row | {"post_count_28d": None}) is None


def test_never_is_longer_ago_than_any_day_and_only_of_what_is_no_event() -> None:
    peers = {TYPICAL: {}, "everybody": {"days_since_last_order": 30.0, "days_since_last_comment": 30.0}}
    never = {"days_since_last_order": None, "days_since_last_comment": None, "days_since_last_activity": 2}
    assert chosen("days_since_last_order", RAISES, peers=peers, **never) == ("everybody", 30.0)
    assert chosen("days_since_last_comment", RAISES, peers=peers, **never) is None


@pytest.mark.parametrize(("tenure", "compared"), [(29, None), (30, ("everybody", 30.0)), (None, ("everybody", 30.0))])
def test_who_has_not_been_here_for_as_long_has_not_missed_it(tenure: int | None, compared: tuple[str, float] | None) -> None:
    peers = {TYPICAL: {}, "everybody": {"days_since_last_open": 30.0}}
    row = {"days_since_last_open": None, "tenure_days": tenure}
    assert chosen("days_since_last_open", RAISES, peers=peers, **row) == compared
    assert chosen("days_since_last_open", LOWERS, peers=peers, **row) is None


@pytest.mark.parametrize(
    ("name", "told", "untold"),
    [
        ("active_days_7d", {"active_days_7d": 1}, None),
        ("active_days_1d", None, {"active_days_1d": 1}),
        ("longest_streak_days_90d", {"longest_streak_days_90d": 1}, {"longest_streak_days_90d": 0}),
        (
            "gap_mean_days_365d",
            {"gap_mean_days_365d": 9, "active_days_365d": 6},
            {"gap_mean_days_365d": 9, "active_days_365d": 5},
        ),
    ],
)
def test_a_single_day_and_no_streak_and_one_gap_are_compared_with_nothing(
    name: str, told: dict[str, int] | None, untold: dict[str, int] | None
) -> None:
    for direction in (RAISES, LOWERS):
        peers = {other: {TYPICAL: {}, "everybody": {name: other}} for other in (0.0, 100.0)}
        if untold is not None:
            assert [chosen(name, direction, peers=peers[other], **untold) for other in peers] == [None, None]
        if told is not None:
            assert [chosen(name, direction, peers=peers[other], **told) for other in peers].count(None) == 1


def test_who_is_here_today_is_not_away() -> None:
    row = {"gap_now_to_mean_365d": 0.0, "active_days_365d": 6}
    assert chosen("gap_now_to_mean_365d", LOWERS, **row) is None
    assert chosen("gap_now_to_mean_365d", LOWERS, **row | {"gap_now_to_mean_365d": 0.1}) == ("past", 1.0)


def test_a_text_is_compared_with_what_most_have_and_tells_nothing_where_it_is_the_same() -> None:
    peers = {TYPICAL: {}, "everybody": {"region": "DE"}}
    assert chosen("region", RAISES, peers=peers, region="FR") == ("everybody", "DE")
    assert chosen("region", LOWERS, peers=peers, region="FR") == ("everybody", "DE")
    for region in ("DE", None):
        assert chosen("region", RAISES, peers=peers, region=region) is None


def test_a_feature_that_the_night_lacks_or_that_says_nothing_to_anybody_is_never_told() -> None:
    peers = {TYPICAL: {}, "everybody": {"login_count_28d": 9.0, "gap_deviation_days_365d": 9.0, "age_years": 40.0}}
    row = {"login_count_28d": 1, "gap_deviation_days_365d": 1.0}
    for name in ("login_count_28d", "gap_deviation_days_365d", "age_years"):
        assert chosen(name, RAISES, peers=peers, **row) is None


def test_of_a_share_there_must_be_enough_active_days() -> None:
    peers = {TYPICAL: {}, "everybody": {"evening_share_90d": 0.2}}
    row = {"evening_share_90d": 1.0, "active_days_90d": 6}
    assert chosen("evening_share_90d", RAISES, peers=peers, **row) == ("everybody", 0.2)
    assert chosen("evening_share_90d", RAISES, peers=peers, **row | {"active_days_90d": 5}) is None


NUMBERS = st.one_of(st.none(), st.integers(0, 400))


@given(own=NUMBERS, others=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), tenure=NUMBERS, direction=st.sampled_from([1, -1]))
def test_the_comparison_with_peers_is_that_of_the_slow_way(
    own: int | None, others: tuple[int | None, ...], tenure: int | None, direction: int
) -> None:
    names = (*TENURE_BANDS, "everybody")
    peers = {TYPICAL: {}, **{name: {"post_count_28d": other} for name, other in zip(names, others, strict=True)}}
    row = pl.Series([own], dtype=pl.Int32)
    expected, band = None, None if tenure is None else [n for n, first in TENURE_BANDS.items() if tenure >= first][-1]
    for name in ("everybody", *([band] if band else [])):
        other = peers[name]["post_count_28d"]
        if own is not None and other is not None and own != other and abs(own - other) >= 0.2 * max(own, other):
            expected = (name, float(other)) if (own < other) == (direction == RAISES) else expected
    assert chosen("post_count_28d", direction, peers=peers, post_count_28d=row[0], tenure_days=tenure) == expected


def test_peers_are_known_where_half_of_twenty_members_or_more_have_a_value() -> None:
    members = pl.DataFrame(
        {
            "tenure_days": [10] * 19 + [100] * 20,
            "n": [1.0] * 19 + [5.0] * 10 + [None] * 10,
            "few": [1.0] * 19 + [5.0] * 9 + [None] * 11,
            "days_since_last_order": [1] * 19 + [50] * 11 + [None] * 9,
            "text": ["a"] * 19 + ["b"] * 10 + ["c"] * 10,
        }
    )
    rows = {row[BAND]: row for row in describe_peers(members, probability=pl.Series([0.25, 0.75])).iter_rows(named=True)}
    assert list(rows) == [TYPICAL, "everybody", *TENURE_BANDS]
    assert {row[LEVEL] for row in rows.values()} == {0.5}
    assert [rows["first_year"][name] for name in members.columns[1:]] == [5.0, None, 50.0, "b"]
    # Nineteen are too few, and of none nothing is known.
    assert {rows[band][name] for band in ("new", "longer") for name in members.columns[1:]} == {None}
    # Never counts as longest ago: of 39 members 19 ordered a day ago, 11 fifty days ago and 9 never.
    assert rows["everybody"]["days_since_last_order"] == 50.0
    assert rows[TYPICAL]["days_since_last_order"] == np.median([1] * 19 + [50] * 11)
    assert math.isclose(rows["everybody"]["n"], 1.0)
