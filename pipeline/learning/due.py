"""Whether a training is due before its day: the members have drifted, or the estimated performance has fallen."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.eligibility import is_eligible
from features.returns import MOST_MEMBERS
from models.bundle import from_files
from models.churn import ChurnModel
from models.drift import SCORE, drift
from models.estimated import estimate
from models.panel import floats
from models.training import OURS
from pipeline.learning.reference import read_reference
from runtime.run_context import RunContext
from runtime.tracking.tracking import RegisteredModel

# A challenger that is turned down leaves the drift as it is; without a pause every night would train.
_FEWEST_DAYS: Final = 3
# So much less than was measured at the training.
_AUC_LOSS: Final = 0.1


def why_due(run: RunContext, champion: RegisteredModel, tonight: pl.LazyFrame, *, days_since_training: int) -> str | None:
    """Return why a training is due before its day; None if it is not.

    Args:
        run: The run.
        champion: The churn champion, whose members both purposes are judged by.
        tonight: The features of tonight: one row per member.
        days_since_training: Days since the newest training, whatever the gate decided.
    """
    if run.settings.training.when == "schedule" or days_since_training < _FEWEST_DAYS:
        return None
    model = from_files(champion.files)
    every = -(-tonight.select(pl.len()).collect().item() // MOST_MEMBERS)
    chosen = is_eligible(run.settings.churn.eligible_days) & (pl.col("member_no") % max(every, 1) == 0)
    rows = tonight.filter(chosen).collect()
    if not isinstance(model, ChurnModel) or rows.is_empty():
        return None
    rows = rows.with_columns(model.predict(rows).alias(SCORE))
    score = next((one for one in drift(read_reference(champion.files), rows) if one.feature == SCORE), None)
    if score is not None and score.is_much:
        return f"the scores have drifted by {score.index:.2f}"
    estimated, measured = estimate(floats(rows[SCORE])), model.metrics.get(OURS, {}).get("auc")
    if estimated is not None and estimated.auc is not None and measured is not None and estimated.auc < measured - _AUC_LOSS:
        return f"the estimated AUC is {estimated.auc:.3f}, at the training it was {measured:.3f}"
    return None
