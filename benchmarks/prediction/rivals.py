"""The untuned rivals: LightGBM with its default parameters, and logistic regression, both on plain windows.

Both learn from the newest thirteen cut-offs, 28 days apart, whose outcome was known on the night that is predicted, every row
with the same weight. LightGBM has the defaults of its scikit-learn interface (31 leaves, 100 rounds of .1, 20 rows a leaf;
binary for churn, Tweedie for spend, where net refunds count as 0), one thread and a fixed seed; no calibration, no early
stopping. Logistic regression has scikit-learn's defaults on sign(x) · log(1 + |x|), standardised. For both, a member who never
did anything has been silent since the day before joining.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from benchmarks.prediction.windows import window_names
from models.measures import Purpose
from models.panel import Floats, churn_rows, outcomes, spend_minor, value_rows

CUTOFFS: Final = 13
_SEED: Final = 1
_SILENCE: Final = "days_since_last"


def predict_rivals(
    panel: pl.DataFrame, windows: pl.DataFrame, as_of: date, purpose: Purpose, *, horizon_days: int
) -> dict[str, Floats]:
    """Predict every member of a cut-off that counts there, in the order of the panel's rows.

    Args:
        panel: Labels at every cut-off, as `build_panel` gives them.
        windows: Plain windows of the same rows.
        as_of: The cut-off to predict.
        purpose: What to predict.
        horizon_days: Days of the label window.

    Returns:
        Rival → churn probability, or minor units; empty where no outcome was known by then.
    """
    rows_of = churn_rows if purpose == "churn" else value_rows
    known = matured(panel["as_of"].unique().to_list(), as_of, horizon_days=horizon_days)
    train, tested = rows_of(panel, known), rows_of(panel, [as_of])
    if train.is_empty() or tested.is_empty():
        return {}
    inputs, test_inputs = _inputs(windows, train), _inputs(windows, tested)
    if purpose == "value":
        return {"lightgbm": _boosted_spend(inputs, spend_minor(train), test_inputs)}
    churned = outcomes(train)
    if np.ptp(churned) == 0:
        return {}
    return {
        "lightgbm": _boosted_churn(inputs, churned, test_inputs),
        "logistic": _logistic_churn(inputs, churned, test_inputs),
    }


def matured(cutoffs: Sequence[date], as_of: date, *, horizon_days: int) -> list[date]:
    """Return the newest cut-offs whose outcome was known on a night, ascending."""
    return sorted(cutoff for cutoff in cutoffs if cutoff + timedelta(days=horizon_days) <= as_of)[-CUTOFFS:]


def _inputs(windows: pl.DataFrame, rows: pl.DataFrame) -> Floats:
    joined = rows.select("as_of", "member_id").join(windows, on=["as_of", "member_id"], how="left", maintain_order="left")
    assert joined.height == rows.height
    unknown_silence = pl.col(_SILENCE).fill_null(pl.col("tenure_days") + 1)
    return joined.with_columns(unknown_silence).select(window_names(windows)).cast(pl.Float64).to_numpy()


def _boosted_churn(inputs: Floats, churned: Floats, tested: Floats) -> Floats:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(random_state=_SEED, n_jobs=1, deterministic=True, verbose=-1).fit(inputs, churned)
    return np.asarray(model.booster_.predict(tested), dtype=np.float64)


def _boosted_spend(inputs: Floats, spend: Floats, tested: Floats) -> Floats:
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(objective="tweedie", random_state=_SEED, n_jobs=1, deterministic=True, verbose=-1)
    fitted = model.fit(inputs, np.maximum(spend, 0.0) / 100)
    return np.asarray(fitted.booster_.predict(tested), dtype=np.float64) * 100


def _logistic_churn(inputs: Floats, churned: Floats, tested: Floats) -> Floats:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    flatten = FunctionTransformer(lambda values: np.sign(values) * np.log1p(np.abs(values)))
    model = make_pipeline(flatten, StandardScaler(), LogisticRegression(max_iter=1_000)).fit(inputs, churned)
    return np.asarray(model.predict_proba(tested)[:, 1], dtype=np.float64)
