"""Tiers follow the score without flickering."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lake.errors import DataError
from segments.tiers import STATE_SCHEMA, TIERS, Band, TierPolicy, assign_tiers

TONIGHT = date(2025, 6, 30)
LONG_AGO = date(2025, 1, 1)
POLICY = TierPolicy()
NOBODY = pl.DataFrame(schema=STATE_SCHEMA)
SCORES = st.one_of(st.none(), st.floats(0, 100))


def scored(*scores: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"member_no": range(len(scores)), "member_value_score": scores},
        schema={"member_no": pl.Int32, "member_value_score": pl.Float64},
    )


def state(*rows: tuple[int, str, date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=STATE_SCHEMA, orient="row")


def tier_after(score: float | None, tier: str, *, since: date = LONG_AGO) -> str:
    return str(assign_tiers(scored(score), state((0, tier, since)), as_of=TONIGHT, policy=POLICY)["tier"].item())


def test_the_first_night_goes_by_the_entry_scores() -> None:
    result = assign_tiers(scored(99, 98, 97.9, 90, 70, 69, None), NOBODY, as_of=TONIGHT, policy=POLICY)
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
    result = assign_tiers(scored(10, 99), state((0, "gold", LONG_AGO), (1, "diamond", LONG_AGO)), as_of=TONIGHT, policy=POLICY)
    assert result.rows() == [(0, "regular", "gold", TONIGHT), (1, "diamond", "diamond", LONG_AGO)]


def test_a_member_who_moved_lately_stays() -> None:
    assert tier_after(1, "gold", since=TONIGHT - timedelta(days=27)) == "gold"
    assert tier_after(1, "gold", since=TONIGHT - timedelta(days=28)) == "regular"


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
def test_nobody_moves_within_the_minimum_stay(first: list[float | None], later: list[float | None], days: int) -> None:
    before = assign_tiers(scored(*first), NOBODY, as_of=TONIGHT, policy=POLICY)
    night = TONIGHT + timedelta(days=days)
    after = assign_tiers(scored(*later[: len(first)]), before.select(STATE_SCHEMA.keys()), as_of=night, policy=POLICY)
    moved = after.filter(pl.col("tier") != pl.col("previous_tier"))
    assert moved.height == 0 or days >= POLICY.minimum_stay_days
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


@given(st.integers(1, 400))
def test_the_first_night_has_at_most_the_documented_shares(members: int) -> None:
    percentiles = [(rank + 0.5) / members * 100 for rank in range(members)]
    tiers = assign_tiers(scored(*percentiles), NOBODY, as_of=TONIGHT, policy=POLICY)["tier"]
    assert (tiers == "diamond").sum() <= 0.02 * members + 1
    assert (tiers != "regular").sum() <= 0.30 * members + 1
