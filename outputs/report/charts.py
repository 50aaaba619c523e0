"""Charts as SVG text, to be placed inside a page.

Every chart is drawn with a handful of fixed colours (a colour-blind-safe blue and orange, greys). On its own it reads
well on white; a page may re-colour each of them through CSS attribute selectors, which is how the report gets its dark
mode. No chart loads anything, ids are unique per chart, and the same data give the same bytes.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import altair as alt
import polars as pl
import vl_convert as vlc
from markupsafe import Markup, escape

from features.calendar import WEEK_DAYS
from wording.texts import fill, label, name

INK: Final = "#1f2933"
MUTED: Final = "#66727f"
GRID: Final = "#e3e7eb"
MAIN: Final = "#0b6aa2"
SOFT: Final = "#9cc4de"
ACCENT: Final = "#c2570c"

_FONT: Final = "sans-serif"
_TEXT: Final = 12
_DAYS_SHOWN: Final = 90
# Pixels from which there is room for a date every second week.
_WIDE: Final = 500
_FIRST_TENTH: Final = 0.1


def activity_chart(by_day: pl.DataFrame, *, chart_id: str, width: int = 720, height: int = 230) -> Markup:
    """Draw active members day by day over 90 days: thin bars, and the mean of the last 7 days as a labelled line.

    Args:
        by_day: One row per day: `event_date` Date, `active_members` integer; a day that is absent had nobody.
        chart_id: Unique within the page.
        width: Of the plot in pixels.
        height: Of the plot in pixels.
    """
    days = _with_mean(by_day)
    data = _data(days.with_columns(pl.col("event_date").dt.to_string("%Y-%m-%d")))
    last = days.tail(1).drop_nulls("mean")
    # Counted back from the last day, so that the axis names the night.
    ticks = days["event_date"].reverse().gather_every(14 if width >= _WIDE else 28).dt.to_string("%Y-%m-%d").to_list()
    x = alt.X("event_date:T", axis=alt.Axis(title=None, format=fill("form.axis.day"), grid=False, values=ticks, labelFlush=False))
    y = alt.Y("active_members:Q", axis=alt.Axis(title=None, tickCount=4, format=",d", tickMinStep=1))
    bars = alt.Chart(data).mark_bar(color=SOFT, width=max(1.0, width / max(1, days.height) * 0.6)).encode(x, y)
    line = alt.Chart(data).mark_line(color=MAIN, strokeWidth=2.5).encode(x, alt.Y("mean:Q"))
    end = alt.Chart(_data(last.with_columns(pl.col("event_date").dt.to_string("%Y-%m-%d"), label=pl.col("mean").round(0))))
    text = end.mark_text(color=MAIN, align="left", dx=7, fontWeight="bold", fontSize=_TEXT + 1)
    label = text.encode(x, alt.Y("mean:Q"), alt.Text("label:Q", format=",d"))
    dot = end.mark_point(color=MAIN, filled=True, size=45, opacity=1).encode(x, alt.Y("mean:Q"))
    title = fill("chart.activity", days=days.height)
    return _svg(alt.layer(bars, line, dot, label), chart_id=chart_id, title=title, width=width, height=height)


def bars_chart(
    rows: pl.DataFrame, *, chart_id: str, title: str, width: int = 300, bar_height: int = 30, before: bool = False
) -> Markup:
    """Draw one labelled bar per category, in the order given; with `before`, a tick where each stood the night before.

    Args:
        rows: One row per category: `label` String, `members` integer, and `before` integer or null when asked for.
        chart_id: Unique within the page.
        title: What it shows, for those who cannot see it.
        width: Of the plot in pixels.
        bar_height: Pixels per category.
        before: Whether to mark the earlier count.
    """
    data = _data(rows)
    top = float(rows.select(pl.max_horizontal(pl.col("members", *(["before"] if before else [])).max())).item() or 1)
    y = alt.Y("label:N", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelPadding=8, labelColor=INK))
    # Room on the right for the label of the longest bar.
    x = alt.X("members:Q", axis=None, scale=alt.Scale(domain=[0, top * 1.25]))
    base = alt.Chart(data)
    layers = [base.mark_bar(color=MAIN, height={"band": 0.58}, cornerRadiusEnd=2).encode(x, y)]
    if before:
        tick = base.transform_filter("isValid(datum.before)").mark_tick(color=ACCENT, thickness=3, size=bar_height * 0.8)
        layers.append(tick.encode(alt.X("before:Q", axis=None), y))
    layers.append(base.mark_text(align="left", dx=8, color=INK, fontSize=_TEXT).encode(x, y, alt.Text("members:Q", format=",d")))
    return _svg(alt.layer(*layers), chart_id=chart_id, title=title, width=width, height=bar_height * rows.height)


def calibration_chart(bins: pl.DataFrame, *, chart_id: str, width: int = 280, height: int = 240) -> Markup:
    """Draw how often members really left against how often that was predicted; the grey diagonal is a perfect forecast.

    Args:
        bins: One row per group of members with like predictions: `predicted` and `observed` shares, `n` members; with the column
            `population`, a line for each, those still here strong.
        chart_id: Unique within the page.
        width: Of the plot in pixels.
        height: Of the plot in pixels.
    """
    # Both axes have the same range, so that the diagonal runs from corner to corner; a little room keeps the last dot whole.
    top = min(1.0, float(bins.select(pl.max_horizontal(pl.col("predicted", "observed").max())).item() or 1.0) * 1.08)
    scale = alt.Scale(domain=[0, top], nice=False)
    axis = {"format": "%", "tickCount": 5, "labelFlush": False}
    x = alt.X("predicted:Q", scale=scale, axis=alt.Axis(title=fill("chart.calibration.predicted"), grid=False, **axis))
    y = alt.Y("observed:Q", scale=scale, axis=alt.Axis(title=fill("chart.calibration.observed"), **axis))
    ends = alt.Data(values=[{"predicted": 0, "observed": 0}, {"predicted": top, "observed": top}])
    diagonal = alt.Chart(ends).mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1).encode(x, y)
    data, colour = _data(_named(bins.sort("predicted"))), _colour_of(bins)
    line = alt.Chart(data).mark_line(color=MAIN, strokeWidth=2).encode(x, y, **colour)
    size = alt.Size("n:Q", scale=alt.Scale(range=[25, 160]), legend=None)
    dots = alt.Chart(data).mark_point(color=MAIN, filled=True, opacity=1).encode(x, y, size, **colour)
    title = fill("chart.calibration")
    return _svg(alt.layer(diagonal, line, dots), chart_id=chart_id, title=title, width=width, height=height)


def trend_chart(nights: pl.DataFrame, *, chart_id: str, width: int = 340, height: int = 200) -> Markup:
    """Draw, night by night, what was predicted (line) against what happened (dots).

    Args:
        nights: One row per scored night: `as_of` Date, `predicted` and `happened` shares of members.
        chart_id: Unique within the page.
        width: Of the plot in pixels.
        height: Of the plot in pixels.
    """
    data = _data(nights.sort("as_of").with_columns(pl.col("as_of").dt.to_string("%Y-%m-%d")))
    x = alt.X("as_of:T", axis=alt.Axis(title=None, format=fill("form.axis.day"), grid=False, tickCount=5, labelFlush=False))
    axis = alt.Axis(title=fill("chart.trend.share"), format="%", tickCount=4)
    scale = alt.Scale(zero=True)
    line = alt.Chart(data).mark_line(color=MAIN, strokeWidth=2.5).encode(x, alt.Y("predicted:Q", axis=axis, scale=scale))
    dots = alt.Chart(data).mark_point(color=ACCENT, filled=True, size=32, opacity=1).encode(x, alt.Y("happened:Q", axis=axis))
    title = fill("chart.trend", nights=nights.height)
    return _svg(alt.layer(line, dots), chart_id=chart_id, title=title, width=width, height=height)


def lines_chart(points: pl.DataFrame, *, chart_id: str, first: str, measure: str, width: int = 640, height: int = 230) -> Markup:
    """Draw one line per model over cut-offs: ours strong, the others quiet, each labelled at its end.

    Args:
        points: One row per cut-off and model: `as_of` Date, `model` String, `value`.
        chart_id: Unique within the page.
        first: The model that is ours.
        measure: Name of the value, for the axis.
        width: Of the plot in pixels.
        height: Of the plot in pixels.
    """
    names = {model: name(model) for model in points["model"].unique()}
    named_points = points.sort("model", "as_of").with_columns(
        pl.col("as_of").dt.to_string("%Y-%m-%d"),
        pl.col("model").replace_strict(names),
        ours=pl.col("model") == first,
    )
    x = alt.X(
        "as_of:T", axis=alt.Axis(title=None, format=fill("form.axis.day_of_year"), grid=False, tickCount=6, labelFlush=False)
    )
    y = alt.Y("value:Q", axis=alt.Axis(title=measure, tickCount=5), scale=alt.Scale(zero=False))
    colour = alt.condition("datum.ours", alt.value(MAIN), alt.value(SOFT))
    width_of = alt.condition("datum.ours", alt.value(2.8), alt.value(1.6))
    base = alt.Chart(_data(named_points))
    lines = base.mark_line(point=False).encode(x, y, detail="model:N", color=colour, strokeWidth=width_of)
    ends = alt.Chart(_data(named_points.group_by("model", maintain_order=True).tail(1)))
    text = ends.mark_text(align="left", dx=6, fontSize=_TEXT).encode(
        x, y, alt.Text("model:N"), color=alt.condition("datum.ours", alt.value(MAIN), alt.value(MUTED))
    )
    models, cutoffs = points["model"].n_unique(), points["as_of"].n_unique()
    title = fill("chart.lines", measure=measure, models=models, cutoffs=cutoffs)
    return _svg(alt.layer(lines, text), chart_id=chart_id, title=title, width=width, height=height)


def lift_chart(
    curve: pl.DataFrame, *, chart_id: str, of: Literal["churn", "spend"] = "churn", width: int = 280, height: int = 240
) -> Markup:
    """Draw the lift: how many times as often the riskiest share of members left, or as much the best spent, as everyone.

    Args:
        curve: One row per point: `share_of_members` (0 to 1, riskiest first) and `lift` (1 is no better than chance); with the
            column `population`, a line for each, those still here strong.
        chart_id: Unique within the page.
        of: What is lifted, for the titles: leaving, or spend.
        width: Of the plot in pixels.
        height: Of the plot in pixels.
    """
    points = curve.sort("share_of_members")
    data = _data(_named(points))
    top = float(points.select(pl.col("lift").max()).item() or 1.0)
    x_axis = alt.Axis(title=fill(f"chart.lift.{of}.members"), format="%", grid=False, tickCount=5, labelFlush=False)
    x = alt.X("share_of_members:Q", scale=alt.Scale(domain=[0, 1]), axis=x_axis)
    y_axis = alt.Axis(title=fill(f"chart.lift.{of}.times"), tickCount=4, format=".1~f")
    y = alt.Y("lift:Q", scale=alt.Scale(domain=[0, max(1.2, top * 1.12)], nice=False), axis=y_axis)
    even = alt.Chart(alt.Data(values=[{"lift": 1}])).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(alt.Y("lift:Q"))
    line = alt.Chart(data).mark_line(color=MAIN, strokeWidth=2.5).encode(x, y, **_colour_of(curve))
    # Told of the first population alone: a second number beside it would be in its way.
    told = curve.sort("share_of_members", maintain_order=True).filter(pl.col("share_of_members") >= _FIRST_TENTH)
    if "population" in curve.columns:
        told = told.filter(pl.col("population") == curve["population"][0])
    first = alt.Chart(_data(_with_lift_label(told.head(1))))
    dot = first.mark_point(color=ACCENT, filled=True, size=60, opacity=1).encode(x, y)
    text = first.mark_text(color=ACCENT, align="left", dx=9, dy=-9, fontWeight="bold", fontSize=_TEXT).encode(
        x, y, alt.Text("label:N")
    )
    return _svg(alt.layer(even, line, dot, text), chart_id=chart_id, title=fill(f"chart.lift.{of}"), width=width, height=height)


def effects_chart(
    effects: pl.DataFrame, *, chart_id: str, title: str, unit: str, width: int = 400, row_height: int = 34
) -> Markup:
    """Draw the effect of each action as a dot on its interval, with a dashed line at zero; grey where it is not to be trusted.

    Args:
        effects: One row per action, in the order drawn: `label` String, `effect`, `low`, `high`, `is_trustworthy`.
        chart_id: Unique within the page.
        title: What it shows, for those who cannot see it.
        unit: What the effects are counted in, for the axis.
        width: Of the plot in pixels.
        row_height: Pixels per action.
    """
    base = alt.Chart(_data(effects))
    signed = "datum.value === 0 ? '0' : format(datum.value, '+,.2~f')"
    axis = alt.Axis(title=unit, tickCount=5, labelExpr=signed, grid=True, labelFlush=False)
    x = alt.X("low:Q", axis=axis, scale=alt.Scale(zero=True, nice=True))
    y = alt.Y("label:N", sort=None, axis=alt.Axis(title=None, labelPadding=10, labelColor=INK, labelLimit=240, grid=False))
    colour = alt.condition("datum.is_trustworthy", alt.value(MAIN), alt.value(MUTED))
    zero = alt.Chart(alt.Data(values=[{"low": 0}])).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(x)
    bars = base.mark_rule(strokeWidth=5, opacity=0.45).encode(x, y, x2=alt.X2("high:Q"), color=colour)
    dots = base.mark_point(filled=True, size=75, opacity=1).encode(alt.X("effect:Q", axis=axis), y, color=colour)
    return _svg(alt.layer(zero, bars, dots), chart_id=chart_id, title=title, width=width, height=row_height * effects.height)


def _named(points: pl.DataFrame) -> pl.DataFrame:
    """Call each population by its name, where points have one."""
    if "population" not in points.columns:
        return points
    return points.with_columns(pl.col("population").replace_strict(_names(points)))


def _colour_of(points: pl.DataFrame) -> dict[str, Any]:
    """Encode the populations as colours, with a legend above the plot; nothing where points have none."""
    if "population" not in points.columns:
        return {}
    names = [*_names(points).values()]
    scale = alt.Scale(domain=names, range=[MAIN, MUTED][: len(names)])
    words = {"labelFont": _FONT, "labelFontSize": _TEXT, "labelColor": MUTED}
    # A symbol of its own: that of lines would be hollow.
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3, symbolSize=200, **words)
    return {"color": alt.Color("population:N", scale=scale, legend=legend)}


def _names(points: pl.DataFrame) -> dict[str, str]:
    return {population: label(population) for population in points["population"].unique(maintain_order=True)}


def _with_lift_label(points: pl.DataFrame) -> pl.DataFrame:
    rounded = points.select(percent=(pl.col("share_of_members") * 100).round(0).cast(pl.Int32), lift=pl.col("lift").round(1))
    labels = [fill("chart.lift.first", percent=percent, lift=lift) for percent, lift in rounded.iter_rows()]
    return points.with_columns(pl.Series("label", labels, pl.String))


def _with_mean(by_day: pl.DataFrame) -> pl.DataFrame:
    """Fill absent days with nobody, take the mean of 7 days (null until there are 7), keep the last 90."""
    span = by_day.select(pl.date_range(pl.col("event_date").min(), pl.col("event_date").max()).alias("event_date"))
    filled = span.join(by_day.select("event_date", "active_members"), on="event_date", how="left").sort("event_date")
    known = filled.with_columns(pl.col("active_members").fill_null(0))
    return known.with_columns(mean=pl.col("active_members").rolling_mean(WEEK_DAYS)).tail(_DAYS_SHOWN)


def _data(frame: pl.DataFrame) -> Any:
    return alt.Data(values=frame.to_dicts())


def _svg(chart: Any, *, chart_id: str, title: str, width: int, height: int) -> Markup:
    """Render a chart and fit it for a page: it scales to its box, has ids of its own and a title for screen readers."""
    axis = {"labelFont": _FONT, "titleFont": _FONT, "labelFontSize": _TEXT, "titleFontSize": _TEXT, "titleFontWeight": "normal"}
    axis |= {"labelColor": MUTED, "titleColor": MUTED, "gridColor": GRID, "domain": False, "ticks": False, "labelPadding": 6}
    configured = (
        chart.properties(
            width=width, height=height, background="transparent", padding={"left": 12, "right": 14, "top": 8, "bottom": 2}
        )
        .configure_view(stroke=None)
        .configure_axis(**axis)
        .configure_text(font=_FONT)
    )
    # That the charts are valid is tested; finding it out again each night takes longer than drawing.
    return _fit(vlc.vegalite_to_svg(configured.to_dict(validate=False)), chart_id=chart_id, title=title)


def _fit(svg: str, *, chart_id: str, title: str) -> Markup:
    opening = re.match(r"<svg[^>]*?width=\"([\d.]+)\" height=\"([\d.]+)\"[^>]*>", svg)
    assert opening is not None, "the renderer gives one svg element"
    width, height = opening.groups()
    # The renderer numbers its clips through the life of the process; a page and a repeated run need names of their own.
    numbered: dict[str, str] = {}
    for id_ in re.findall(r"\bid=\"([^\"]+)\"", svg):
        numbered.setdefault(id_, f"{chart_id}-{len(numbered) + 1}")
    body = svg[opening.end() :]
    for id_, own in numbered.items():
        body = body.replace(f'id="{id_}"', f'id="{own}"').replace(f"url(#{id_})", f"url(#{own})")
    body = re.sub(r"<rect width=\"[\d.]+\" height=\"[\d.]+\" fill=\"transparent\"\s*/>", "", body, count=1)
    # One label for the whole drawing says more than one per bar, and saves half the bytes.
    body = re.sub(r" (?:aria-label|aria-roledescription|role|pointer-events)=\"[^\"]*\"", "", body)
    # Without a width of its own the drawing scales down on a phone, and no further up than it was drawn.
    safe_id = escape(chart_id)
    box = f'viewBox="0 0 {width} {height}" style="max-width:{width}px"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {box} role="img" aria-labelledby="{safe_id}-title">'
    return Markup(f'{head}<title id="{safe_id}-title">{escape(title)}</title>{body}')  # noqa: S704
