"""Cards of models: made at each training, kept with its run in MLflow, and shown in the workspace for each champion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from features.catalog import feature_catalog
from features.eligibility import is_still_here
from features.feature import undeclared
from features.history import History
from lake.contracts import MINOR_UNITS_PER_UNIT, TABLES
from models.bands import TENURE, TENURE_BANDS, tenure_band
from models.curves import curve_by_population
from models.measures import Purpose
from models.slices import cohort, measure_churn_slices, measure_value_slices
from models.training import OURS, Trained
from outputs.report.calibration_rows import CALIBRATION_NAMES
from outputs.report.model_card import CardMeasure, CardPart, CardSlices, ModelCard
from pipeline.stored_nights import NIGHT, TIERS_TABLE
from runtime.run_context import RunContext
from segments.tiers import TIERS
from wording.numbers import number
from wording.reasons.topics import topic
from wording.report import calibration_band
from wording.retelling import retold
from wording.texts import fill, label, name

_MOST_HABITS: Final = 20
# Slices that are off by so much are named among the limits.
_FAR_OFF: Final = 0.1
_FAR_OFF_RATIO: Final = 1.25
_NOT_SETTINGS: Final = ("why", "kind", "horizon_days")
_STILL_HERE, _GONE = "still_here", "gone"
_ORDER: Final = (_STILL_HERE, _GONE, *TENURE_BANDS, *reversed(TIERS))
# Habits that gained less are left out.
_LEAST_SHARE: Final = 0.005


def model_card(run: RunContext, purpose: Purpose, trained: Trained[Any], panel: pl.DataFrame, history: History) -> ModelCard:
    """Gather what the card of a training says.

    Args:
        run: The run.
        purpose: `churn` or `value`.
        trained: The training.
        panel: The rows it learnt from and was measured on.
        history: The history of the members, for the names of features.
    """
    settings = run.settings
    slices = _measured_slices(run, purpose, trained, panel)
    scale = 1 if purpose == "churn" else MINOR_UNITS_PER_UNIT
    lift = curve_by_population(trained.curves, "gain" if purpose == "value" else "lift")
    calibration = curve_by_population(trained.curves, "calibration")
    of_everybody = trained.curves.get("calibration")
    measures = tuple(trained.metrics.get(OURS, {}))
    happened = trained.predictions["actual"].mean()
    return ModelCard(
        community=settings.community.name,
        currency=settings.community.currency,
        purpose=purpose,
        as_of=run.as_of,
        kind=trained.model.kind,
        why=retold(trained.model.why),
        horizon_days=trained.final.horizon_days,
        eligible_days=settings.churn.eligible_days,
        data=tuple(name(table) for table in TABLES if table in history.available),
        members=trained.predictions.height,
        happened=happened / scale if isinstance(happened, float) else None,
        parts=tuple(_parts(trained)),
        models=tuple(trained.metrics),
        measures=tuple(
            CardMeasure(one, {model: values.get(one) for model, values in trained.metrics.items()}) for one in measures
        ),
        habits=tuple(_habits(trained.importance, history)),
        slices=slices,
        starting_share=getattr(trained.model, "starting_share", 0.0),
        settings={key: _setting(key, value) for key, value in trained.parameters.items() if key not in _NOT_SETTINGS},
        limits=tuple(_limits(purpose, trained, slices)),
        calibration=None if calibration is None else calibration.rename(CALIBRATION_NAMES),
        calibration_of_everybody=None if of_everybody is None else of_everybody.rename(CALIBRATION_NAMES),
        lift=lift,
    )


def _setting(key: str, value: str | int | float) -> str:
    """Write the value of a setting; a word stays as the configuration has it, and a seed counts nothing."""
    if isinstance(value, bool):
        return fill("general.yes" if value else "general.no")
    return number(value) if isinstance(value, int) and key != "seed" else str(value)


def member_slices(rows: pl.DataFrame, tiers: pl.DataFrame, *, horizon_days: int) -> pl.DataFrame:
    """Return the slice of each member by kind: presence, tier, tenure, platform, region, cohort, as far as they are known.

    One row per row of `rows`, in its order; null where a member's slice is not known.

    Args:
        rows: Features as of one night: as_of and member_no, and what the community has of platform, region, tenure_days and
            days_since_last_activity.
        tiers: member_no, tier; no rows where no tier is known.
        horizon_days: Days of the churn horizon.
    """
    kinds: dict[str, pl.Series] = {}
    if "days_since_last_activity" in rows.columns:
        presence = pl.when(is_still_here(horizon_days)).then(pl.lit(_STILL_HERE)).otherwise(pl.lit(_GONE))
        kinds["presence"] = rows.select(presence).to_series()
    if tiers.height:
        kinds["tier"] = rows.select("member_no").join(tiers, on="member_no", how="left", maintain_order="left")["tier"]
    if TENURE in rows.columns:
        kinds["tenure"] = rows.select(tenure_band(pl.col(TENURE))).to_series()
    kinds |= {kind: rows[kind] for kind in ("platform", "region") if kind in rows.columns}
    if TENURE in rows.columns:
        kinds["cohort"] = cohort(rows.select(pl.col("as_of") - pl.duration(days=pl.col(TENURE))).to_series())
    return pl.DataFrame(kinds)


def named_slices(measured: pl.DataFrame) -> tuple[CardSlices, ...]:
    """Return measured slices by kind, named for people, tiers and tenures in their own order and `other` last."""
    return tuple(
        CardSlices(
            str(kind),
            tuple({**row, "slice": _in_words(str(kind), row["slice"])} for row in sorted(rows.to_dicts(), key=_place)),
        )
        for (kind,), rows in measured.group_by("kind", maintain_order=True)
    )


def _measured_slices(run: RunContext, purpose: Purpose, trained: Trained[Any], panel: pl.DataFrame) -> tuple[CardSlices, ...]:
    if trained.predictions.is_empty():
        return ()
    predictions = trained.predictions
    rows = predictions.select("as_of", "member_no").join(
        panel.filter(pl.col("as_of").is_in(trained.evaluation.test)).drop("member_id"),
        on=["as_of", "member_no"],
        how="left",
        maintain_order="left",
        validate="1:1",
    )
    tiers = _tiers(run, until=min(trained.evaluation.test))
    slices = member_slices(rows, tiers, horizon_days=run.settings.churn.horizon_days)
    actual, predicted = predictions["actual"].to_numpy(), predictions[OURS].to_numpy()
    if purpose == "churn":
        return named_slices(measure_churn_slices(actual, predicted, slices))
    return named_slices(measure_value_slices(actual / MINOR_UNITS_PER_UNIT, predicted / MINOR_UNITS_PER_UNIT, slices))


def _tiers(run: RunContext, *, until: date) -> pl.DataFrame:
    """Return the tiers of the newest night up to a day: member_no, tier; no rows where no night was run by then."""
    lake = run.workspace.lake
    night = max((day for day in lake.days(TIERS_TABLE, column=NIGHT) if day <= until), default=None)
    if night is None:
        return pl.DataFrame(schema={"member_no": pl.Int32, "tier": pl.String})
    return lake.scan(TIERS_TABLE).filter(pl.col(NIGHT) == night).select("member_no", "tier").collect()


def _parts(trained: Trained[Any]) -> Iterator[CardPart]:
    for part, rows in trained.rows.items():
        split, _, cutoffs = part.partition("_")
        yield CardPart(part, getattr(getattr(trained, split), cutoffs), rows)


def _habits(importance: pl.DataFrame, history: History) -> Iterator[tuple[str, float]]:
    """Yield what the features are about, with their share of the gain, the highest first."""
    declared = {feature.name: feature for feature in feature_catalog(history.available, history.event_types)}
    shares: dict[str, float] = {}
    for feature, gain_share in importance.select("feature", "gain_share").iter_rows():
        words = topic(declared.get(feature) or undeclared(feature, None))
        shares[words] = shares.get(words, 0.0) + gain_share
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    yield from [(words, share) for words, share in ranked[:_MOST_HABITS] if share >= _LEAST_SHARE]


def _limits(purpose: Purpose, trained: Trained[Any], slices: Sequence[CardSlices]) -> Iterator[str]:
    if trained.evaluation.test and trained.metrics:
        yield fill("model_card.limit.one_cutoff", cutoff=trained.evaluation.test[0])
        if all(group.kind != "tier" for group in slices):
            yield fill("model_card.limit.no_tier")
    else:
        yield fill("model_card.limit.not_measured")
    for group in slices:
        for row in group.rows:
            yield from _far_off(purpose, group.kind, row)
    yield fill("model_card.limit.past")
    yield fill("model_card.limit.newcomers")
    yield fill("model_card.limit.unseen")
    yield fill("model_card.limit.not_causes")


def _far_off(purpose: Purpose, kind: str, row: Any) -> Iterator[str]:
    """Yield a sentence where a slice came out far from what was predicted for it."""
    by = fill(f"model_card.by.{kind}")
    who = {"kind": by[:1].lower() + by[1:], "slice": row["slice"]}
    if purpose == "churn":
        if abs(row["predicted"] - row["happened"]) > _FAR_OFF:
            yield fill("model_card.limit.off", **who, predicted=row["predicted"], happened=row["happened"])
    elif row["total_ratio"] is not None and not 1 / _FAR_OFF_RATIO <= row["total_ratio"] <= _FAR_OFF_RATIO:
        yield fill("model_card.limit.off.spend", **who, ratio=row["total_ratio"])


def _in_words(kind: str, slice_name: str) -> str:
    if kind == "tenure":
        return calibration_band(slice_name)
    # Regions and platforms are the community's own words.
    return slice_name if kind in ("platform", "region", "cohort") else label(slice_name)


def _place(row: dict[str, Any]) -> tuple[bool, int, str]:
    """Return the place of a slice among those of its kind."""
    slice_name = row["slice"]
    return slice_name == "other", _ORDER.index(slice_name) if slice_name in _ORDER else 0, slice_name
