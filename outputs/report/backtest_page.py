"""The backtest as a page: every model side by side at every past cut-off, with how sure the difference is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from markupsafe import Markup

from outputs.report.calibration_rows import CalibrationRow
from outputs.report.charts import calibration_chart, lift_chart, lines_chart
from outputs.report.frame import render
from wording.texts import fill


@dataclass(frozen=True)
class CutoffRow:
    """One cut-off of one purpose.

    Args:
        as_of: The cut-off.
        members: Members predicted.
        values: Model → its headline measure, None where it is undefined.
        lower: Lower bound of our lead over the best baseline, None without one.
        upper: Upper bound of it.
    """

    as_of: date
    members: int
    values: Mapping[str, float | None]
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class BacktestPart:
    """One purpose over all cut-offs.

    Args:
        title: Such as `Churn`.
        measure: Name of the headline measure, such as `AUC`.
        meaning: What it says, in one sentence.
        models: The models in the order shown, ours first.
        rows: By cut-off.
        means: Measure → model → mean over the cut-offs.
        verdict: What came out, in words.
        worst: The cut-off where we did worst.
        calibration: Everybody, then by tenure; empty for value.
        curve: Points of the calibration curve of all cut-offs together, by population: `predicted`, `observed`, `n`,
            `population`; None for value.
        lift: Points of the lift likewise: `share_of_members`, `lift`, `population`; None for value, or where nobody left.
    """

    title: str
    measure: str
    meaning: str
    models: tuple[str, ...]
    rows: tuple[CutoffRow, ...]
    means: Mapping[str, Mapping[str, float]]
    verdict: str
    worst: date | None
    calibration: tuple[CalibrationRow, ...] = ()
    curve: pl.DataFrame | None = None
    lift: pl.DataFrame | None = None

    def curves(self, chart_id: str) -> list[tuple[str, Markup]]:
        """Draw calibration and lift of those still here and of those gone, each with its caption."""
        drawn = []
        if self.curve is not None:
            drawn.append((fill("models.calibration"), calibration_chart(self.curve, chart_id=f"{chart_id}-calibration")))
        if self.lift is not None:
            drawn.append((fill("models.lift.churn"), lift_chart(self.lift, chart_id=f"{chart_id}-lift")))
        return drawn

    def chart(self, chart_id: str) -> Markup:
        """Draw the headline measure of every model by cut-off."""
        points = [(row.as_of, model, row.values.get(model)) for row in self.rows for model in self.models]
        frame = pl.DataFrame(
            points, schema={"as_of": pl.Date, "model": pl.String, "value": pl.Float64}, orient="row"
        ).drop_nulls()
        return lines_chart(frame, chart_id=chart_id, first=self.models[0], measure=self.measure)


@dataclass(frozen=True)
class BacktestFacts:
    """Everything the page says.

    Args:
        community: Its name.
        as_of: The night whose past was tested.
        parts: Churn, and value where there are orders.
        note: What kept the backtest short, or None.
    """

    community: str
    as_of: date
    parts: tuple[BacktestPart, ...]
    note: str | None = None


def render_backtest(facts: BacktestFacts) -> str:
    """Write the page as HTML; the same facts give the same bytes. No script, no outside load."""
    return render("backtest.html.j2", facts=facts)
