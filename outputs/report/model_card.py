"""The card of a model as a page: whom it is about, what it learnt, how good it is and for whom, and what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from markupsafe import Markup

from models.measures import Purpose
from outputs.report.charts import calibration_chart, lift_chart
from outputs.report.frame import render
from wording.texts import fill


@dataclass(frozen=True)
class CardPart:
    """A part of a training.

    Args:
        name: Such as `final_train`.
        cutoffs: Its cut-offs, ascending.
        rows: Rows of the panel in it.
    """

    name: str
    cutoffs: tuple[date, ...]
    rows: int


@dataclass(frozen=True)
class CardMeasure:
    """A measure of the model, beside the simple rules.

    Args:
        name: The measure, as `models.evaluation` names it.
        values: Model → value, None where undefined.
    """

    name: str
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class CardSlices:
    """The figures of one kind of slices.

    Args:
        kind: Such as `region`.
        rows: One row per slice: slice and the measures of `models.slices`.
    """

    kind: str
    rows: tuple[Mapping[str, float | str | None], ...]


@dataclass(frozen=True)
class ModelCard:
    """Everything the page says; it names no member.

    Args:
        community: Its name.
        currency: The currency of amounts, or None.
        purpose: `churn` or `value`.
        as_of: The night the model was trained for.
        kind: Such as `lightgbm`.
        why: Why it is of this kind; empty where nothing is to be said.
        horizon_days: Days that a prediction looks ahead.
        eligible_days: Who was active within so many days is scored for churn.
        data: The tables that it reads.
        members: Members with a known outcome at the test cut-off; 0 where it was not measured.
        happened: Their share that left, or the mean they spent; None where not measured.
        parts: The parts of the training.
        models: Our model and the simple rules, in the order shown.
        measures: The figures at the test cut-off; empty where not measured.
        habits: What the model looks at, in words, with its share of the gain, the highest first; empty without trees.
        slices: The figures within slices, by kind.
        starting_share: The weight of the starting model beside the trees of its own; 0 without.
        settings: Name → value.
        limits: What it cannot do, a sentence each.
        calibration: Points of the calibration curve: `predicted`, `observed`, `n`, and `population` where it is that of those
            still here and of those gone; None where there is none.
        calibration_of_everybody: The same of everybody, without `population`; None where there is none.
        lift: Points of the lift curve: `share_of_members`, `lift`, and `population` likewise; None where there is none.
    """

    community: str
    currency: str | None
    purpose: Purpose
    as_of: date
    kind: str
    why: str
    horizon_days: int
    eligible_days: int
    data: tuple[str, ...]
    members: int
    happened: float | None
    parts: tuple[CardPart, ...]
    models: tuple[str, ...]
    measures: tuple[CardMeasure, ...]
    habits: tuple[tuple[str, float], ...]
    slices: tuple[CardSlices, ...]
    starting_share: float
    settings: Mapping[str, str]
    limits: tuple[str, ...]
    calibration: pl.DataFrame | None = None
    calibration_of_everybody: pl.DataFrame | None = None
    lift: pl.DataFrame | None = None

    @property
    def charts(self) -> list[tuple[str, Markup]]:
        """Draw the curves there are, each with its caption."""
        drawn = []
        if self.calibration is not None:
            drawn.append((fill("models.calibration"), calibration_chart(self.calibration, chart_id="card-calibration")))
        if self.lift is not None:
            is_churn = self.purpose == "churn"
            caption = fill("models.lift.churn") if is_churn else fill("models.lift.spend")
            drawn.append((caption, lift_chart(self.lift, chart_id="card-lift", of="churn" if is_churn else "spend")))
        if self.calibration is not None and self.calibration_of_everybody is not None and "population" in self.calibration:
            drawing = calibration_chart(self.calibration_of_everybody, chart_id="card-calibration-everybody")
            drawn.append((fill("models.calibration.everybody"), drawing))
        return drawn


def render_model_card(card: ModelCard) -> str:
    """Write the page as HTML; the same card gives the same bytes. No script, no outside load."""
    return render("model_card.html.j2", card=card)
