"""Past cut-offs to learn from, and their split by time without leakage.

A cut-off is a past day that is treated as the night: features see the days up to it, the label the `horizon_days` days after it.
Two cut-offs are *apart* when the earlier one's label window ends on or before the later one. Only then may a model that
learnt at the earlier be calibrated or measured at the later (TimeGapSplit in scikit-lego holds the same rule).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

Part = Literal["train", "calibrate", "test"]


@dataclass(frozen=True)
class Split:
    """The cut-offs of each part of a training; every tuple is ascending.

    Args:
        horizon_days: Days of the label window after each cut-off.
        train: Cut-offs to fit on.
        calibrate: The cut-off to calibrate on. One that is in `train` too is shared: calibration must then use
            predictions made for members whose group was left out of training.
        test: The cut-off to measure on; empty when history is too short or when nothing is held back on purpose.
        missing: The parts history is too short for, in the order train, calibrate, test.
        why: One plain sentence on what was done about the missing parts; empty when nothing is missing.
        known: Every cut-off whose outcome is over by the test, or by the night: those of train and calibrate and those between
            them, which are too close to the calibration to come before it and are learnt from after it.
    """

    horizon_days: int
    train: tuple[date, ...]
    calibrate: tuple[date, ...]
    test: tuple[date, ...]
    missing: tuple[Part, ...] = ()
    why: str = ""
    known: tuple[date, ...] = ()

    @property
    def calibrates_by_member_folds(self) -> bool:
        """Whether calibration shares its cut-off with training."""
        return bool(set(self.calibrate) & set(self.train))


def plan_cutoffs(
    *, first_day: date, as_of: date, horizon_days: int, step_days: int, max_cutoffs: int, min_history_days: int
) -> tuple[date, ...]:
    """List the matured cut-offs behind a night, ascending.

    The newest is `as_of - horizon_days`, the last day whose label window is over; the others lie `step_days` apart before it.

    Args:
        first_day: First day of activity in the data.
        as_of: The night; that day is fully seen.
        horizon_days: Days of the label window.
        step_days: Days from one cut-off to the next.
        max_cutoffs: Most cut-offs to return.
        min_history_days: Days between `first_day` and the oldest cut-off, at least.

    Returns:
        At most `max_cutoffs` days; empty when no label window is over yet.
    """
    # The newest label window must be over on the night.
    newest = as_of - timedelta(days=horizon_days)
    oldest = first_day + timedelta(days=min_history_days)
    cutoffs_in_history = (newest - oldest).days // step_days + 1 if newest >= oldest else 0
    return tuple(newest - timedelta(days=step_days * back) for back in reversed(range(min(cutoffs_in_history, max_cutoffs))))


def split_cutoffs(cutoffs: Iterable[date], *, horizon_days: int) -> Split:
    """Split cut-offs into train, calibrate and test for a measurement that will be reported.

    The newest cut-off is the test. The newest one apart from it calibrates, and all that are apart from that one train.
    With too few, training and calibration share cut-offs (by member folds); with one, nothing is left to test on.
    """
    ordered = sorted(set(cutoffs))
    if not ordered:
        return _nothing(horizon_days, missing=("train", "calibrate", "test"))
    newest = ordered[-1]
    before_test = _cutoffs_apart_from(ordered, newest, horizon_days)
    if not before_test:
        return Split(horizon_days, (), (), (), ("train", "calibrate", "test"), _NO_TEST.format(days=horizon_days))
    fitted = _fit_parts(before_test, horizon_days)
    return Split(horizon_days, fitted.train, fitted.calibrate, (newest,), fitted.missing, fitted.why, fitted.known)


def final_split(cutoffs: Iterable[date], *, horizon_days: int) -> Split:
    """Split cut-offs for the model that will be used: nothing is held back for a test.

    The newest cut-off calibrates and all that are apart from it train; with too few they share cut-offs by member folds.
    """
    ordered = sorted(set(cutoffs))
    return _fit_parts(ordered, horizon_days) if ordered else _nothing(horizon_days, missing=("train", "calibrate"))


_NO_TEST: Final = (
    "History is too short to measure on outcomes the model has not seen: "
    "no two cut-offs are {days} days apart, so no metrics are reported."
)
_SHARED: Final = (
    "No two of the cut-offs to fit on are {days} days apart: calibration shares its cut-off with training, by member folds."
)
_NONE: Final = "No label window of {days} days is over yet: there are no outcomes to learn from."


def _fit_parts(ordered: Sequence[date], horizon_days: int) -> Split:
    """Train and calibrate on these ascending cut-offs, at least one of them."""
    calibrate = ordered[-1]
    train = _cutoffs_apart_from(ordered, calibrate, horizon_days)
    if train:
        return Split(horizon_days, train, (calibrate,), (), known=tuple(ordered))
    shared = _SHARED.format(days=horizon_days)
    return Split(horizon_days, tuple(ordered), (calibrate,), (), ("calibrate",), shared, known=tuple(ordered))


def _cutoffs_apart_from(ordered: Sequence[date], later: date, horizon_days: int) -> tuple[date, ...]:
    # The embargo: a label window that reaches past `later` would tell training of the days that are to be predicted there.
    return tuple(cutoff for cutoff in ordered if cutoff + timedelta(days=horizon_days) <= later)


def _nothing(horizon_days: int, *, missing: tuple[Part, ...]) -> Split:
    return Split(horizon_days, (), (), (), missing, _NONE.format(days=horizon_days))
