"""Tiers follow the score without flickering."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lake.errors import DataError
from segments.scores import ScorePolicy, add_scores
from segments.tiers import STATE_SCHEMA, TIERS, Band, TierPolicy, assign_tiers

TONIGHT = date(2025, 6, 30)
LONG_AGO = date(2025, 1, 1)
POLICY = TierPolicy()
NOBODY = pl.DataFrame(schema=STATE_SCHEMA)
SCORES = st.one_of(st.none(), st.floats(0, 100))


def scored(*scores: float | None, days: int = 9, is_eligible: bool = True, others: bool = True) -> pl.DataFrame:
    """Members with these scores, and three `others` who take the first places: they leave the rest to the bands."""
    best = [100.0] * 3 if others else []
    rows = [*((score, days, is_eligible) for score in scores), *((score, 9, True) for score in best)]
    schema = {"member_value_score": pl.Float64, "active_days_365d": pl.Int32, "is_eligible": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("member_no").cast({"member_no": pl.Int32})


def tiers(frame: pl.DataFrame, previous: pl.DataFrame | None = None, *, policy: TierPolicy = POLICY) -> pl.DataFrame:
    """Assign tiers and leave the three others out again."""
    result = assign_tiers(frame, NOBODY if previous is None else previous, as_of=TONIGHT, policy=policy)
    return result.head(frame.height - 3)


def state(*rows: tuple[int, str, date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=STATE_SCHEMA, orient="row")


def tier_after(score: float | None, tier: str, *, since: date = LONG_AGO, days: int = 9, is_eligible: bool = True) -> str:
    frame = scored(score, days=days, is_eligible=is_eligible)
    return str(tiers(frame, state((0, tier, since)))["tier"].item())


def first_night(*scores: float | None, policy: TierPolicy = POLICY) -> list[str]:
    return assign_tiers(scored(*scores, others=False), NOBODY, as_of=TONIGHT, policy=policy)["tier"].to_list()


def test_the_first_night_goes_by_the_entry_scores() -> None:
    result = tiers(scored(99, 98, 97.9, 90, 70, 69, None))
    assert result["tier"].to_list() == ["diamond", "diamond", "gold", "gold", "silver", "regular", "regular"]
    assert result["previous_tier"].null_count() == 7
    assert result["tier_since"].to_list() == [TONIGHT] * 7


@pytest.mark.parametrize(
    ("score", "tier", "expected"),
    [
        (96, "diamond", "diamond"),
        (95.9, "diamond", "gold"),
        (87, "diamond", "gold"),
        (85, "diamond", "silver"),
        (10, "diamond", "regular"),
        (None, "gold", "regular"),
        (89.9, "silver", "silver"),
        (90, "silver", "gold"),
        (69.9, "regular", "regular"),
        (99, "regular", "diamond"),
    ],
)
def test_a_member_moves_only_beyond_the_band(score: float | None, tier: str, expected: str) -> None:
    assert tier_after(score, tier) == expected


def test_a_move_is_dated_and_remembers_the_tier_before() -> None:
    result = tiers(scored(10, 99), state((0, "gold", LONG_AGO), (1, "diamond", LONG_AGO)))
    assert result.rows() == [(0, "regular", "gold", TONIGHT), (1, "diamond", "diamond", LONG_AGO)]


def test_a_member_who_moved_lately_does_not_fall_but_may_rise() -> None:
    lately = TONIGHT - timedelta(days=27)
    assert tier_after(1, "gold", since=lately) == "gold"
    assert tier_after(1, "gold", since=TONIGHT - timedelta(days=28)) == "regular"
    assert tier_after(99, "silver", since=lately) == "diamond"


@pytest.mark.parametrize("since", [LONG_AGO, TONIGHT - timedelta(days=1)])
def test_who_is_not_eligible_is_regular_whatever_they_were_and_spent(since: date) -> None:
    assert tier_after(99, "diamond", since=since, is_eligible=False) == "regular"


@pytest.mark.parametrize(("tier", "expected"), [("diamond", "gold"), ("regular", "gold")])
def test_who_came_on_a_single_day_is_at_most_gold(tier: str, expected: str) -> None:
    assert tier_after(99, tier, since=TONIGHT - timedelta(days=1), days=1) == expected
    assert tier_after(99, tier, days=2) == "diamond"


def test_a_small_group_fills_every_tier() -> None:
    # The mid-rank percentiles of four and of twelve members: no band holds anybody but the best of the twelve.
    assert first_night(12.5, 87.5, 62.5, 37.5) == ["regular", "diamond", "gold", "silver"]
    assert first_night(*((place + 0.5) / 12 * 100 for place in range(12)))[-4:] == ["silver", "silver", "gold", "diamond"]


def test_bands_of_the_file_are_fixed_also_where_they_hold_nobody() -> None:
    policy = TierPolicy(diamond=Band(enter=98, leave=96))
    assert first_night(12.5, 87.5, 62.5, 37.5, policy=policy) == ["regular", "silver", "regular", "regular"]


def test_a_state_that_is_not_older_is_refused() -> None:
    with pytest.raises(DataError, match="strictly before"):
        assign_tiers(scored(5), state((0, "gold", TONIGHT)), as_of=TONIGHT, policy=POLICY)


def test_a_band_left_above_its_entry_is_refused() -> None:
    with pytest.raises(ValidationError, match="leave must not exceed enter"):
        Band(enter=50, leave=60)


def test_bands_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="tier below it"):
        TierPolicy(gold=Band(enter=60, leave=50))


@given(st.lists(SCORES, min_size=1, max_size=20), st.lists(SCORES, min_size=20, max_size=20), st.integers(1, 60))
def test_nobody_falls_within_the_minimum_stay(first: list[float | None], later: list[float | None], days: int) -> None:
    before = assign_tiers(scored(*first), NOBODY, as_of=TONIGHT, policy=POLICY)
    night = TONIGHT + timedelta(days=days)
    after = assign_tiers(scored(*later[: len(first)]), before.select(STATE_SCHEMA.keys()), as_of=night, policy=POLICY)
    moved = after.filter(pl.col("tier") != pl.col("previous_tier"))
    rank = {tier: rank for rank, tier in enumerate(TIERS)}
    fallen = moved.filter(pl.col("tier").replace_strict(rank) < pl.col("previous_tier").replace_strict(rank))
    assert fallen.height == 0 or days >= POLICY.minimum_stay_days
    assert (moved["tier_since"] == night).all()


@given(st.sampled_from(TIERS), SCORES, SCORES)
def test_a_higher_score_never_gives_a_lower_tier(tier: str, one: float | None, other: float | None) -> None:
    low, high = sorted((-1.0 if score is None else score) for score in (one, other))
    assert TIERS.index(tier_after(low, tier)) <= TIERS.index(tier_after(high, tier))


@given(st.lists(SCORES, min_size=1, max_size=20))
def test_the_same_night_twice_is_identical(scores: list[float | None]) -> None:
    previous = state(*((number, TIERS[number % 4], LONG_AGO) for number in range(0, len(scores), 2)))
    once = assign_tiers(scored(*scores), previous, as_of=TONIGHT, policy=POLICY)
    assert once.equals(assign_tiers(scored(*scores), previous, as_of=TONIGHT, policy=POLICY))
    assert once["tier"].is_in(TIERS).all()


AMOUNTS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.booleans()), min_size=1, max_size=120)


@given(AMOUNTS)
def test_the_rules_hold_for_any_members_scored_and_tiered(rows: list[tuple[int, int, bool]]) -> None:
    spend, days, eligible = zip(*rows, strict=True)
    frame = pl.DataFrame({"spend_365d": spend, "active_days_365d": days, "is_eligible": eligible}).with_row_index("member_no")
    members = add_scores(frame.cast({"member_no": pl.Int32}), policy=ScorePolicy())
    members = members.hstack(assign_tiers(members, NOBODY, as_of=TONIGHT, policy=POLICY).select("tier"))
    eligible_members = members.filter("is_eligible")
    came_back = eligible_members.filter(pl.col("active_days_365d") >= 2)
    counts = dict(came_back.group_by("tier").len().iter_rows())
    diamond = members.filter(pl.col("tier") == "diamond")
    assert members.filter(pl.col("tier") != "regular")["is_eligible"].all()
    assert (diamond["active_days_365d"] >= 2).all()
    assert diamond.height <= max(1, 0.02 * came_back.height + 1)
    assert sum(counts.get(tier, 0) for tier in TIERS[1:]) <= 0.30 * came_back.height + 3
    if came_back.height >= 4:
        assert set(counts) == set(TIERS)
    if came_back.height:
        assert diamond["spend_365d"].max() == came_back["spend_365d"].max()
