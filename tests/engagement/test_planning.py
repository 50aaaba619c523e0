from __future__ import annotations

import numpy as np
import pytest

from engagement.planning import Past, plan

PAST = Past(mean=14.24167678642762, variance=425.35587274834296, correlation=0.32013875916251555, members_per_day=80)


def test_members_per_arm_agree_with_an_independent_reference() -> None:
    """tea-tasting 1.14.0 asks for 537 in all without a covariate, by Student's t, and finds 1.73 among 4,000 with one."""
    without = Past(mean=PAST.mean, variance=PAST.variance, correlation=0, members_per_day=80)
    planned = plan(without, effect=5, horizon_days=14)
    assert planned.members_per_arm == pytest.approx(537 / 2, abs=2)
    assert planned.relative == pytest.approx(5 / PAST.mean)
    assert plan(PAST, effect=5, horizon_days=14, durations_days=[50]).smallest_effects == {50: pytest.approx(1.73, abs=0.005)}


def test_days_are_those_of_entering_and_of_the_horizon() -> None:
    planned = plan(PAST, effect=5, horizon_days=14)
    assert planned.members_per_arm is not None
    assert planned.days == int(np.ceil(2 * planned.members_per_arm / 80)) + 14


def test_a_window_before_that_tells_much_saves_members() -> None:
    plans = [plan(Past(1, 4, correlation, 10), effect=0.5, horizon_days=7).members_per_arm for correlation in (0, 0.8)]
    assert plans[1] == pytest.approx(plans[0] * (1 - 0.8**2), abs=1)


def test_a_negative_effect_needs_as_many_as_a_positive_one() -> None:
    assert plan(PAST, effect=-5, horizon_days=7).members_per_arm == plan(PAST, effect=5, horizon_days=7).members_per_arm


def test_what_nobody_enters_or_never_varies_has_no_plan() -> None:
    empty = plan(Past(1, 4, 0, 0), effect=0.5, horizon_days=7, durations_days=[7])
    assert (empty.days, empty.smallest_effects) == (None, {7: None})
    still = plan(Past(0, 0, 0, 10), effect=0.5, horizon_days=7, durations_days=[7])
    assert (still.members_per_arm, still.days, still.relative, still.smallest_effects) == (None, None, None, {7: None})
