from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from models.cutoffs import final_split, plan_cutoffs, split_cutoffs

YEAR = plan_cutoffs(
    first_day=date(2009, 12, 1), as_of=date(2011, 8, 31), horizon_days=90, step_days=28, max_cutoffs=13, min_history_days=90
)


def test_the_newest_cutoff_is_the_last_day_whose_window_is_over() -> None:
    assert YEAR[-1] == date(2011, 8, 31) - timedelta(days=90) == date(2011, 6, 2)
    assert len(YEAR) == 13
    assert YEAR[0] == date(2011, 6, 2) - timedelta(days=12 * 28) == date(2010, 7, 1)


def test_a_cutoff_has_the_history_it_needs() -> None:
    first_day = date(2024, 1, 1)

    def plan_erasure(as_of: date) -> tuple[date, ...]:
        return plan_cutoffs(first_day=first_day, as_of=as_of, horizon_days=28, step_days=7, max_cutoffs=9, min_history_days=30)

    assert plan_erasure(first_day + timedelta(days=57)) == ()
    assert plan_erasure(first_day + timedelta(days=58)) == (first_day + timedelta(days=30),)
    assert plan_erasure(first_day + timedelta(days=65)) == (first_day + timedelta(days=30), first_day + timedelta(days=37))


def test_the_evaluation_split_has_these_fold_boundaries() -> None:
    split = split_cutoffs(YEAR, horizon_days=90)
    assert split.test == (date(2011, 6, 2),)
    assert split.calibrate == (date(2011, 2, 10),)
    assert split.train == (date(2010, 7, 1), date(2010, 7, 29), date(2010, 8, 26), date(2010, 9, 23), date(2010, 10, 21))
    assert split.known == (*split.train, date(2010, 11, 18), date(2010, 12, 16), date(2011, 1, 13), date(2011, 2, 10))
    assert (split.missing, split.why, split.calibrates_by_member_folds) == ((), "", False)


def test_the_final_split_has_these_fold_boundaries() -> None:
    split = final_split(YEAR, horizon_days=90)
    assert split.calibrate == (date(2011, 6, 2),)
    assert (split.train[0], split.train[-1], len(split.train)) == (date(2010, 7, 1), date(2011, 2, 10), 9)
    assert split.known == YEAR
    assert split.test == ()
    assert split.missing == ()


def test_a_window_that_ends_on_the_next_cutoff_is_apart_and_one_day_longer_is_not() -> None:
    three = [date(2024, 1, 1), date(2024, 1, 29), date(2024, 2, 26)]
    assert split_cutoffs(three, horizon_days=28).train == (date(2024, 1, 1),)
    assert split_cutoffs(three, horizon_days=29).missing == ("calibrate",)


def test_two_cutoffs_apart_share_training_and_calibration_and_say_so() -> None:
    split = split_cutoffs([date(2024, 1, 1), date(2024, 1, 29)], horizon_days=28)
    assert (split.train, split.calibrate, split.test) == ((date(2024, 1, 1),), (date(2024, 1, 1),), (date(2024, 1, 29),))
    assert split.missing == ("calibrate",)
    assert split.calibrates_by_member_folds
    assert "member folds" in split.why


def test_one_cutoff_leaves_nothing_to_test_on_and_says_so() -> None:
    only = date(2024, 1, 1)
    evaluation, final = split_cutoffs([only], horizon_days=28), final_split([only], horizon_days=28)
    assert (evaluation.train, evaluation.test, evaluation.missing) == ((), (), ("train", "calibrate", "test"))
    assert "no metrics" in evaluation.why
    assert (final.train, final.calibrate, final.missing) == ((only,), (only,), ("calibrate",))


def test_without_cutoffs_every_part_is_missing() -> None:
    assert split_cutoffs([], horizon_days=28).missing == ("train", "calibrate", "test")
    assert final_split([], horizon_days=28).missing == ("train", "calibrate")
    assert "28 days" in final_split([], horizon_days=28).why


@settings(max_examples=100)
@given(
    days=st.sets(st.dates(date(2024, 1, 1), date(2025, 12, 31)), max_size=30),
    horizon_days=st.integers(1, 200),
)
def test_no_label_window_reaches_into_a_later_part(days: set[date], horizon_days: int) -> None:
    horizon = timedelta(days=horizon_days)
    for split in (split_cutoffs(days, horizon_days=horizon_days), final_split(days, horizon_days=horizon_days)):
        for tested in split.test:
            assert all(earlier + horizon <= tested for earlier in split.known)
        assert {*split.train, *split.calibrate} <= set(split.known)
        for calibrated in split.calibrate:
            assert split.calibrates_by_member_folds or all(earlier + horizon <= calibrated for earlier in split.train)
        assert split.calibrates_by_member_folds <= ("calibrate" in split.missing)
