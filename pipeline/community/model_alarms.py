"""Alarms of the models: features and scores that moved far from the training, and predictions that did not come true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import sqrt
from typing import Final

from community.alarms import Alarm
from community.figures import WHOLE
from models.drift import SCORE
from pipeline.maturity import Maturity
from runtime.run_context import RunContext

# From so large a part of the features on, a model reads another community than it learnt from.
_MUCH_MOVED: Final = 0.1
# How far outcomes may be from predictions: a fifth, and beyond what chance makes of it.
_LEAST_MISS: Final = 0.2
_DEVIATIONS: Final = 4.0


def model_alarms(run: RunContext, maturity: Maturity) -> tuple[Alarm, ...]:
    """Return what is wrong with the models, as alarms.

    Args:
        run: The run.
        maturity: How past predictions came true, and tonight's watch.
    """
    return (*_drift(run, maturity), *_calibration(maturity))


def _drift(run: RunContext, maturity: Maturity) -> Iterator[Alarm]:
    drifts = () if maturity.watch is None else maturity.watch.drifts
    moved = [one for one in drifts if one.is_much and one.feature != SCORE]
    has_score_moved = any(one.is_much for one in drifts if one.feature == SCORE)
    if moved and (has_score_moved or len(moved) >= _MUCH_MOVED * len(drifts)):
        yield Alarm("drift", "drift", WHOLE, run.as_of, float(len(moved)), 0.0, max(one.index for one in moved))


def _calibration(maturity: Maturity) -> Iterator[Alarm]:
    metrics = maturity.metrics("churn")
    predicted, happened, members = (metrics.get(name) for name in ("predicted", "happened", "n"))
    if maturity.newest is None or not predicted or happened is None or not members:
        return
    error = sqrt(predicted * max(0.0, 1 - predicted) / members)
    sure = abs(happened - predicted) / error if error else 0.0
    if sure > _DEVIATIONS and abs(happened - predicted) > _LEAST_MISS * predicted:
        is_bad = happened > predicted
        yield Alarm("calibration", "calibration", WHOLE, maturity.newest + timedelta(days=1), happened, predicted, sure, is_bad)
