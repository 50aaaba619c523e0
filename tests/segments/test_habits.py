"""Habits are put on a scale where members can be compared."""

from math import log

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.habits import TYPICAL_SHARES, habit_columns, habit_matrix, kind_of


def test_a_mix_is_what_somebody_does_more_than_their_other_things() -> None:
    frame = pl.DataFrame({"post_count_365d": [3, 0, None], "read_count_365d": [1, 0, 7]})
    matrix = habit_matrix(frame, ("post_count_365d", "read_count_365d"))
    level = (log(4) + log(2)) / 2
    assert matrix[0].tolist() == pytest.approx([log(4) - level, log(2) - level])
    assert matrix[1].tolist() == [0.0, 0.0]
    assert matrix[2].tolist() == pytest.approx([-log(8) / 2, log(8) / 2])


def test_a_share_seen_on_few_days_is_drawn_towards_the_typical_one() -> None:
    frame = pl.DataFrame({"active_days_365d": [1, 95, 4], "night_share_365d": [1.0, 1.0, None]})
    shares = habit_matrix(frame, ("night_share_365d",))[:, 0].tolist()
    assert shares == pytest.approx([(1 + 0.1 * 5) / 6, (95 + 0.1 * 5) / 100, 0.1])


def test_a_refund_does_not_make_an_amount_negative() -> None:
    assert habit_matrix(pl.DataFrame({"spend_365d": [-5.0, None]}), ("spend_365d",)).tolist() == [[0.0], [0.0]]


def test_sums_and_what_others_do_are_no_kinds_of_activity() -> None:
    assert [kind_of(name) for name in ("event_count_365d", "received_count_365d", "read_count_28d", "spend_365d")] == [None] * 4
    assert [kind_of(name) for name in ("read_count_365d", "order_count_365d")] == ["read", "order"]


def test_columns_without_variation_are_left_out() -> None:
    frame = pl.DataFrame({"active_days_365d": [1, 2, None], "post_count_365d": [4, 4, None], "read_count_365d": [1, 0, 0]})
    assert habit_columns(frame) == ("active_days_365d", "read_count_365d")


def test_only_the_most_widespread_kinds_count() -> None:
    frame = pl.DataFrame({f"t{number}_count_365d": [1] * number + [0] * (12 - number) for number in range(1, 12)})
    assert habit_columns(frame) == tuple(sorted(f"t{number}_count_365d" for number in range(4, 12)))


@given(st.sampled_from(sorted(TYPICAL_SHARES)), st.lists(st.none() | st.integers(0, 365), min_size=1, max_size=5))
def test_a_share_that_nobody_has_any_more_is_the_typical_one_and_an_amount_nothing(share: str, days: list[int | None]) -> None:
    frame = pl.DataFrame({"active_days_365d": days}, schema={"active_days_365d": pl.Int32})
    matrix = habit_matrix(frame, (share, "spend_365d"))
    assert matrix[:, 0].tolist() == pytest.approx([TYPICAL_SHARES[share]] * len(days))
    assert matrix[:, 1].tolist() == [0.0] * len(days)
