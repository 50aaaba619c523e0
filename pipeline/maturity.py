"""Matured predictions: measure the predictions of earlier nights against the outcomes since then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.eligibility import is_still_here
from features.history import History, cut, is_activity
from features.labels import label
from lake.contracts import MINOR_UNITS_PER_UNIT
from lake.storage.delta import Lake
from models.bands import EVERYBODY, MEASURES, TENURE_BANDS, calibration_by_band, tenure_band
from models.curves import churn_curves, curve_by_population
from models.evaluation import evaluate_churn, evaluate_value
from models.panel import Floats
from pipeline.engagement.matured_list import measure_list
from pipeline.stored_nights import NIGHT, SCORES, read_scores
from pipeline.watching import Watch
from runtime.run_context import RunContext
from segments.tiers import TIERS

MATURED: Final = "matured"
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    NIGHT: pl.Date(),
    "purpose": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
}


@dataclass(frozen=True)
class Maturity:
    """The measured quality of earlier nights' predictions.

    Args:
        trend: One row per matured night, purpose and metric, by night; `n`, `predicted` and `happened` are among the metrics,
            and for churn those of each band of members, such as `tier.gold.ece` and `tenure.new.n`, and of the contact
            list, such as `list.held_out.lift`.
        newest: The newest night whose churn predictions have matured, or None.
        calibration: That night's calibration points by population, as `curve_by_population` has them, or None.
        lift: That night's lift points likewise; None where nobody left.
        watch: What is known of tonight's predictions before their outcome; None before the night was watched.
    """

    trend: pl.DataFrame
    newest: date | None = None
    calibration: pl.DataFrame | None = None
    lift: pl.DataFrame | None = None
    watch: Watch | None = None

    def metrics(self, purpose: str) -> dict[str, float]:
        """Return metric → value of the newest matured night for `churn` or `value`."""
        of_purpose = self.trend.filter(pl.col("purpose") == purpose)
        newest = of_purpose.filter(pl.col(NIGHT) == pl.col(NIGHT).max())
        return dict(newest.select("metric", "value").drop_nulls().iter_rows())

    def calibration_of(self, kind: str) -> pl.DataFrame:
        """Return the newest matured night's calibration by `tenure` or `tier`: one row per band, as `calibration_by_band`."""
        metrics = self.metrics("churn")
        bands = {name.split(".")[1] for name in metrics if name.startswith(f"{kind}.")}
        order = [*TENURE_BANDS, *reversed(TIERS)]
        rows = [
            {"band": band, **{measure: metrics.get(f"{kind}.{band}.{measure}") for measure in MEASURES}}
            for band in sorted(bands, key=order.index)
        ]
        schema = {"band": pl.String, "n": pl.Float64, **dict.fromkeys(MEASURES[1:], pl.Float64)}
        return pl.DataFrame(rows, schema=schema).cast({"n": pl.Int64})


def measure_matured(run: RunContext, history: History) -> Maturity:
    """Measure and store every night whose horizon has ended by tonight and that is not measured yet.

    Args:
        run: The run of tonight.
        history: The whole history; labels use nothing after tonight.
    """
    lake = run.workspace.lake
    scored_nights = lake.days(SCORES, column=NIGHT)
    # Nights before this one only: a night in the past that is run again must not report what was measured later.
    matured = lake.scan_or_empty(MATURED, SCHEMA).filter(pl.col(NIGHT) < run.as_of).collect()
    horizons = {"churn": run.settings.churn.horizon_days}
    if "orders" in history.available:
        horizons["value"] = run.settings.value.horizon_days
    for purpose, horizon_days in horizons.items():
        measured_nights = set(matured.filter(pl.col("purpose") == purpose)[NIGHT])
        for scored_night in sorted(scored_nights - measured_nights):
            if scored_night + timedelta(days=horizon_days) <= run.as_of:
                measured = _measure(run, history, scored_night, purpose)
                matured = pl.concat([matured, measured])
                _store(lake, measured, scored_night, purpose)
    trend = matured.filter(_is_over(horizons, run.as_of)).sort(NIGHT, "purpose", "metric")
    newest = trend.filter(pl.col("purpose") == "churn")[NIGHT].max()
    if not isinstance(newest, date):
        return Maturity(trend)
    outcomes = _with_standing(run, history, newest, outcomes_of(run, history, newest))
    here = outcomes["is_still_here"].fill_null(value=False).to_numpy()
    churned, probability = outcomes["is_churned"].cast(pl.Float64).to_numpy(), outcomes["churn_probability"].to_numpy()
    curves = churn_curves(churned, probability, is_still_here=here)
    return Maturity(trend, newest, curve_by_population(curves, "calibration"), curve_by_population(curves, "lift"))


def _store(lake: Lake, measured: pl.DataFrame, scored_night: date, purpose: str) -> None:
    # A day of the table holds both purposes, which mature on different nights: the other one is written again unchanged.
    stored = lake.scan_or_empty(MATURED, SCHEMA).filter(pl.col(NIGHT) == scored_night).collect()
    other_purposes = stored.filter(pl.col("purpose") != purpose)
    lake.replace_days(MATURED, pl.concat([other_purposes, measured]).sort("purpose", "metric"), days={scored_night}, column=NIGHT)


def _is_over(horizons: Mapping[str, int], as_of: date) -> pl.Expr:
    """Return the filter for rows whose horizon had ended by `as_of`: a night that is run again sees what had matured then."""
    horizon = pl.col("purpose").replace_strict(dict(horizons), default=None, return_dtype=pl.Int64)
    return (pl.col(NIGHT) + pl.duration(days=horizon)) <= pl.lit(as_of)


def outcomes_of(run: RunContext, history: History, scored_night: date) -> pl.DataFrame:
    """Return predictions and outcomes of a night: one row per member scored, sorted by member_id.

    An outcome whose horizon has not ended by tonight is null.
    """
    settings = run.settings
    scores = read_scores(run.workspace.lake, scored_night)
    outcomes = scores.select("member_no", "member_id", "tier", "churn_probability", "expected_value")
    for column, horizon_days in (
        ("is_churned", settings.churn.horizon_days),
        ("future_spend_minor", settings.value.horizon_days),
    ):
        # The two horizons may differ: the shorter one is measured first.
        if scored_night + timedelta(days=horizon_days) > run.as_of:
            outcomes = outcomes.with_columns(pl.lit(None).alias(column))
            continue
        labels = label(
            history,
            as_of=scored_night,
            churn_horizon_days=horizon_days,
            value_horizon_days=horizon_days,
            seen_until=run.as_of,
            eligible_days=settings.churn.eligible_days,
        ).select("member_no", column)
        outcomes = outcomes.join(labels.collect(engine="streaming"), on="member_no", how="left", validate="1:1")
    # Sums of floats depend on the order of rows; sorted, a night that is run again gives the same bytes.
    return outcomes.sort("member_id")


def _measure(run: RunContext, history: History, scored_night: date, purpose: str) -> pl.DataFrame:
    outcomes = outcomes_of(run, history, scored_night)
    if purpose == "churn":
        outcomes = _with_standing(run, history, scored_night, outcomes)
        actual, predicted = outcomes["is_churned"].cast(pl.Float64).to_numpy(), outcomes["churn_probability"].to_numpy()
        here = outcomes["is_still_here"].fill_null(value=False).to_numpy()
        metrics = evaluate_churn(actual, {"evenfall": predicted}, is_still_here=here)["evenfall"]
        metrics |= _by_band(actual, predicted, outcomes["tenure_band"], prefix="tenure")
        # By the tier of that night: the question is whether predictions held for the groups that people saw then.
        metrics |= _by_band(actual, predicted, outcomes["tier"], prefix="tier")
        metrics |= measure_list(run, outcomes, scored_night)
        levels = {"predicted": predicted, "happened": actual}
    else:
        outcomes = outcomes.drop_nulls(["expected_value", "future_spend_minor"])
        actual = outcomes["future_spend_minor"].cast(pl.Float64).to_numpy()
        predicted = outcomes["expected_value"].to_numpy() * MINOR_UNITS_PER_UNIT
        metrics = evaluate_value(actual, {"evenfall": predicted})["evenfall"]
        levels = {"predicted": predicted / MINOR_UNITS_PER_UNIT, "happened": actual / MINOR_UNITS_PER_UNIT}
    means = {name: float(values.mean()) if values.size else None for name, values in levels.items()}
    rows = {"n": float(outcomes.height), **means, **metrics}
    return pl.DataFrame(
        {NIGHT: [scored_night] * len(rows), "purpose": [purpose] * len(rows), "metric": list(rows), "value": list(rows.values())},
        schema=dict(SCHEMA),
    ).sort("metric")


def _with_standing(run: RunContext, history: History, scored_night: date, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Keep the members whose churn outcome is known, and add `tenure_band` and `is_still_here` as of that night."""
    return outcomes.drop_nulls(["churn_probability", "is_churned"]).join(
        _standing(history, scored_night, run.settings.churn.horizon_days),
        on="member_no",
        how="left",
        validate="1:1",
        maintain_order="left",
    )


def _by_band(churned: Floats, probability: Floats, band: pl.Series, *, prefix: str) -> dict[str, float | None]:
    """Return the calibration in each band, by names such as `tier.gold.ece`."""
    rows = calibration_by_band(churned, probability, band).filter(pl.col("band") != EVERYBODY).to_dicts()
    return {f"{prefix}.{row['band']}.{measure}": row[measure] for row in rows for measure in MEASURES}


def _standing(history: History, scored_night: date, horizon_days: int) -> pl.DataFrame:
    """Return one row per member known by a night: member_no, tenure_band by the rule of `tenure_days`, is_still_here."""
    seen = cut(history, scored_night)
    first = (
        seen.daily.filter(is_activity())
        .group_by("member_no")
        .agg(
            first_active=pl.col("event_date").min(),
            days_since_last_activity=(pl.lit(scored_night) - pl.col("event_date").max()).dt.total_days(),
        )
    )
    days = (pl.lit(scored_night) - pl.coalesce("seen_from", "first_active")).dt.total_days()
    return (
        seen.members.select("member_no", "seen_from")
        .join(first, on="member_no", how="left", validate="1:1")
        .select("member_no", tenure_band=tenure_band(days), is_still_here=is_still_here(horizon_days))
        .collect(engine="streaming")
    )
