"""Matured predictions: what earlier nights said, set against what has happened since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.history import History
from features.labels import label
from flows.night import Night
from flows.scoring import NIGHT, SCORES, read_scores
from lake.contracts import MINOR_UNITS_PER_UNIT
from lake.store import Lake
from models.curves import calibration_points, lift_points
from models.evaluation import evaluate_churn, evaluate_value

MATURED: Final = "matured"
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    NIGHT: pl.Date(),
    "purpose": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
}


@dataclass(frozen=True)
class Maturity:
    """How earlier nights' predictions came true.

    Args:
        trend: One row per matured night, purpose and metric, by night; `n`, `predicted` and `happened` are among the metrics.
        newest: The newest night whose churn predictions have matured, or None.
        calibration: That night's calibration points, or None.
        lift: That night's lift points, or None.
    """

    trend: pl.DataFrame
    newest: date | None = None
    calibration: pl.DataFrame | None = None
    lift: pl.DataFrame | None = None

    def metrics(self, purpose: str) -> dict[str, float]:
        """The newest matured night's figures for churn or value."""
        mine = self.trend.filter(pl.col("purpose") == purpose)
        newest = mine.filter(pl.col(NIGHT) == pl.col(NIGHT).max())
        return dict(newest.select("metric", "value").drop_nulls().iter_rows())


def measure_matured(night: Night, history: History) -> Maturity:
    """Score every night whose horizon is over by tonight and that has not been scored yet; remember it.

    Args:
        night: Tonight.
        history: The whole history; labels look no further than tonight.
    """
    lake = night.workspace.lake
    scored_nights = lake.days(SCORES, column=NIGHT)
    known = lake.scan_or_empty(MATURED, SCHEMA).filter(pl.col(NIGHT) < night.as_of).collect()
    horizons = {"churn": night.settings.churn.horizon_days}
    if "orders" in history.available:
        horizons["value"] = night.settings.value.horizon_days
    for purpose, horizon_days in horizons.items():
        done = set(known.filter(pl.col("purpose") == purpose)[NIGHT])
        for scored_night in sorted(scored_nights - done):
            if scored_night + timedelta(days=horizon_days) <= night.as_of:
                measured = _measure(night, history, scored_night, purpose)
                known = pl.concat([known, measured])
                before = lake.scan_or_empty(MATURED, SCHEMA).filter(pl.col(NIGHT) == scored_night).collect()
                others = before.filter(pl.col("purpose") != purpose)
                lake.replace_days(
                    MATURED, pl.concat([others, measured]).sort("purpose", "metric"), days={scored_night}, column=NIGHT
                )
    trend = known.filter(_is_over(horizons, night.as_of)).sort(NIGHT, "purpose", "metric")
    newest = trend.filter(pl.col("purpose") == "churn")[NIGHT].max()
    if not isinstance(newest, date):
        return Maturity(trend)
    told = _outcomes(night, history, newest).filter(
        pl.col("churn_probability").is_not_null() & pl.col("is_churned").is_not_null()
    )
    churned, probability = told["is_churned"].cast(pl.Float64).to_numpy(), told["churn_probability"].to_numpy()
    return Maturity(trend, newest, calibration_points(churned, probability), lift_points(churned, probability))


def _remember(lake: Lake, measured: pl.DataFrame, scored_night: date, purpose: str) -> None:
    others = (
        lake.scan_or_empty(MATURED, SCHEMA).filter((pl.col(NIGHT) == scored_night) & (pl.col("purpose") != purpose)).collect()
    )
    lake.replace_days(MATURED, pl.concat([others, measured]).sort("purpose", "metric"), days={scored_night}, column=NIGHT)


def _is_over(horizons: Mapping[str, int], as_of: date) -> pl.Expr:
    """Whether a row's horizon had ended by tonight; a night run again sees only what had matured then."""
    horizon = pl.col("purpose").replace_strict(dict(horizons), default=None, return_dtype=pl.Int64)
    return (pl.col(NIGHT) + pl.duration(days=horizon)) <= pl.lit(as_of)


def _outcomes(night: Night, history: History, scored_night: date) -> pl.DataFrame:
    """One row per member scored that night, beside what became of them; an outcome not over by tonight is null."""
    settings = night.settings
    scores = read_scores(night.workspace.lake, scored_night)
    known = scores.select("member_no", "member_id", "churn_probability", "expected_value")
    for column, horizon_days in (
        ("is_churned", settings.churn.horizon_days),
        ("future_spend_minor", settings.value.horizon_days),
    ):
        if scored_night + timedelta(days=horizon_days) > night.as_of:
            known = known.with_columns(pl.lit(None).alias(column))
            continue
        labels = label(
            history,
            as_of=scored_night,
            churn_horizon_days=horizon_days,
            value_horizon_days=horizon_days,
            seen_until=night.as_of,
            eligible_days=settings.churn.eligible_days,
        ).select("member_no", column)
        known = known.join(labels.collect(engine="streaming"), on="member_no", how="left", validate="1:1")
    return known.sort("member_id")


def _measure(night: Night, history: History, scored_night: date, purpose: str) -> pl.DataFrame:
    told = _outcomes(night, history, scored_night)
    if purpose == "churn":
        told = told.drop_nulls(["churn_probability", "is_churned"])
        actual, predicted = told["is_churned"].cast(pl.Float64).to_numpy(), told["churn_probability"].to_numpy()
        metrics = evaluate_churn(actual, {"evenfall": predicted})["evenfall"]
        levels = {"predicted": predicted, "happened": actual}
    else:
        told = told.drop_nulls(["expected_value", "future_spend_minor"])
        actual = told["future_spend_minor"].cast(pl.Float64).to_numpy()
        predicted = told["expected_value"].to_numpy() * MINOR_UNITS_PER_UNIT
        metrics = evaluate_value(actual, {"evenfall": predicted})["evenfall"]
        levels = {"predicted": predicted / MINOR_UNITS_PER_UNIT, "happened": actual / MINOR_UNITS_PER_UNIT}
    means = {name: float(values.mean()) if values.size else None for name, values in levels.items()}
    rows = {"n": float(told.height), **means, **metrics}
    return pl.DataFrame(
        {NIGHT: [scored_night] * len(rows), "purpose": [purpose] * len(rows), "metric": list(rows), "value": list(rows.values())},
        schema=dict(SCHEMA),
    ).sort("metric")
