"""Retention by joining month: of those who joined together, who is still active months later.

marimo run notebooks/cohorts.py -- --workspace DIR
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Cohorts")

with app.setup:
    from datetime import date, timedelta

    import altair as alt
    import marimo as mo
    import polars as pl
    from markupsafe import Markup

    from features.history import is_activity
    from lake.errors import EvenfallError
    from outputs.report.charts import ACCENT, GRID, INK, MAIN, MUTED, SOFT
    from pipeline.analysis import listed_or_refused, open_workspace, read_activity
    from wording import numbers as words


@app.function
def retention(members: pl.LazyFrame, daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Compute retention: one row per joining month and month since then, both over by `as_of`.

    Columns `joined` (first day of the month), `months_since` (0 is the joining month itself), `members`, `active`, `retained`
    (0 to 1). A member joined in the month of `seen_from`: the joining date or the first activity, whichever is earlier. Months
    before the first activity in the data are not known and have no row.

    Args:
        members: One row per member: `member_no`, `seen_from`.
        daily: The daily rollup.
        as_of: The night.
    """
    first_open_month = (as_of + timedelta(days=1)).replace(day=1)
    members = members.select("member_no", joined=pl.col("seen_from").dt.month_start()).filter(pl.col("joined") < first_open_month)
    daily = daily.filter(is_activity())
    first_known_month = daily.select(pl.col("event_date").min().dt.month_start()).collect(engine="streaming").item()
    active = (
        daily.select("member_no", month=pl.col("event_date").dt.month_start())
        .filter(pl.col("month") < first_open_month)
        .unique()
        .join(members, on="member_no")
        .group_by("joined", "month")
        .agg(active=pl.len())
    )
    months = pl.date_ranges("joined", pl.lit(first_open_month), interval="1mo", closed="left").alias("month")
    cohorts = members.group_by("joined").agg(members=pl.len()).with_columns(months).explode("month")
    number_of = {name: pl.col(name).dt.year() * 12 + pl.col(name).dt.month() for name in ("joined", "month")}
    return (
        cohorts.filter(pl.col("month") >= first_known_month)
        .join(active, on=["joined", "month"], how="left")
        .with_columns(pl.col("active").fill_null(0), months_since=number_of["month"] - number_of["joined"])
        .select("joined", "months_since", "members", "active", retained=pl.col("active") / pl.col("members"))
        .sort("joined", "months_since")
        .collect(engine="streaming")
    )


@app.function
def mean_curve(cohorts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per month since joining: the share still active over all cohorts old enough, weighted by members."""
    return (
        cohorts.group_by("months_since")
        .agg(pl.col("active").sum(), pl.col("members").sum(), cohorts=pl.len())
        .select("months_since", "cohorts", "members", retained=pl.col("active") / pl.col("members"))
        .sort("months_since")
    )


@app.function
def paragraphs(*texts: str) -> mo.Html:
    """Return texts as HTML, escaped, one paragraph each."""
    return mo.Html("".join(Markup("<p>{}</p>").format(text) for text in texts))


@app.cell
def _():
    try:
        workspace = open_workspace(mo.cli_args().to_dict())
        nights = listed_or_refused(workspace)
        trouble = None
    except EvenfallError as error:
        workspace, nights, trouble = None, [], error
    mo.stop(
        trouble is not None,
        mo.callout(paragraphs(f"Nothing to show: {trouble.what}.", trouble.remedy) if trouble else "", kind="warn"),
    )
    return nights, workspace


@app.cell
def _(nights, workspace):
    _named = {words.short_day(night): night for night in nights}
    night_choice = mo.ui.dropdown(_named, value=next(iter(_named)), label="As of")
    smallest = mo.ui.slider(1, 100, value=5, label="Members at least", show_value=True)
    newest = mo.ui.slider(3, 60, value=18, label="Newest joining months", show_value=True)
    mo.vstack(
        [
            mo.md(f"# {workspace.settings.community.name}: who stays"),
            mo.md(
                "Members who joined in the same month are a **cohort**. Each row follows one of them: the share that was active "
                "at least once in each month since. Members without a joining date joined when they were first seen, so the "
                "first months of the data may also hold everyone who had been there before."
            ),
            mo.hstack([night_choice, newest, smallest], justify="start", gap=2),
        ]
    )
    return newest, night_choice, smallest


@app.cell
def _(night_choice, workspace):
    as_of = night_choice.value
    _members, _daily = read_activity(workspace.on(as_of))
    everyone = retention(_members, _daily, as_of=as_of)
    return as_of, everyone


@app.cell
def _(everyone, newest, smallest):
    _shown = everyone["joined"].unique().sort().tail(newest.value)
    cohorts = everyone.filter(pl.col("joined").is_in(_shown.implode()), pl.col("members") >= smallest.value)
    mo.stop(
        cohorts.is_empty(),
        mo.callout("No joining month that is over has so many members yet.", kind="neutral"),
    )
    curve = mean_curve(cohorts)
    return cohorts, curve


@app.cell
def _(cohorts, curve):
    def _after(months):
        months_row = curve.filter(pl.col("months_since") == months)
        share = words.percent(months_row["retained"].item()) if months_row.height else words.DASH
        return mo.stat(share, label=f"After {words.count(months, 'month')}", caption="still active", bordered=True)

    _each = cohorts.unique("joined")
    mo.hstack(
        [
            mo.stat(words.number(_each.height), label="Cohorts", caption="joining months", bordered=True),
            mo.stat(words.number(_each["members"].sum()), label="Members", caption="in them", bordered=True),
            *(_after(months) for months in (1, 3, 6, 12)),
        ],
        widths="equal",
    )
    return


@app.function
def heat_map(cohorts: pl.DataFrame) -> alt.LayerChart:
    """Draw one row per cohort and one column per month since joining, with the share still active in each cell."""
    shown = cohorts.with_columns(
        cohort=pl.format("{} · {}", pl.col("joined").dt.to_string("%b %Y"), "members"),
        joined=pl.col("joined").dt.to_string("%Y-%m-%d"),
    )
    rows = shown["cohort"].unique(maintain_order=True).to_list()
    x = alt.X("months_since:O", axis=alt.Axis(title="Months since joining", orient="top", labelAngle=0))
    y = alt.Y("cohort:N", sort=rows, axis=alt.Axis(title="Joined · members"))
    shades = alt.Scale(domain=[0, 0.5, 1], range=["#ffffff", SOFT, MAIN], interpolate="rgb")
    colour = alt.Color("retained:Q", scale=shades, legend=None)
    tip = [
        alt.Tooltip("cohort:N", title="Joined · members"),
        alt.Tooltip("months_since:O", title="Months since joining"),
        alt.Tooltip("active:Q", title="Active members"),
        alt.Tooltip("retained:Q", title="Share", format=".0%"),
    ]
    base = alt.Chart(alt.Data(values=shown.to_dicts())).encode(x, y)
    cells = base.mark_rect(stroke="white", strokeWidth=1).encode(color=colour, tooltip=tip)
    ink = alt.condition("datum.retained > 0.6", alt.value("white"), alt.value(INK))
    numbers = base.mark_text(fontSize=11).encode(text=alt.Text("retained:Q", format=".0%"), color=ink)
    return styled(alt.layer(cells, numbers)).properties(width="container", height=alt.Step(24))


@app.function
def curves(cohorts: pl.DataFrame, curve: pl.DataFrame) -> alt.LayerChart:
    """Draw one thin line per cohort, and a thick one for all of them together."""
    shown = cohorts.with_columns(pl.col("joined").dt.to_string("%b %Y"))
    x = alt.X("months_since:Q", axis=alt.Axis(title="Months since joining", tickMinStep=1, grid=False))
    y = alt.Y("retained:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title="Share still active", format="%"))
    tip = [
        alt.Tooltip("joined:N", title="Joined"),
        alt.Tooltip("months_since:Q", title="Months since"),
        alt.Tooltip("retained:Q", title="Share", format=".0%"),
    ]
    each = alt.Chart(alt.Data(values=shown.to_dicts())).mark_line(color=SOFT, strokeWidth=1.2, point={"size": 14, "color": SOFT})
    together = alt.Chart(alt.Data(values=curve.to_dicts())).mark_line(color=ACCENT, strokeWidth=3)
    return styled(alt.layer(each.encode(x, y, detail="joined:N", tooltip=tip), together.encode(x, y))).properties(
        width="container", height=300
    )


@app.function
def styled(chart: alt.LayerChart) -> alt.LayerChart:
    """Return the chart with light axes, as in the report."""
    return chart.configure_view(stroke=None).configure_axis(
        domain=False, ticks=False, gridColor=GRID, labelColor=MUTED, titleColor=MUTED, titleFontWeight="normal", labelFontSize=12
    )


@app.cell
def _(cohorts):
    mo.vstack([mo.md("## Month by month"), mo.ui.altair_chart(heat_map(cohorts), chart_selection=False, legend_selection=False)])
    return


@app.cell
def _(cohorts, curve):
    mo.vstack(
        [
            mo.md("## All cohorts\n\nEach thin line is a cohort; the strong one is everyone together."),
            mo.ui.altair_chart(curves(cohorts, curve), chart_selection=False, legend_selection=False),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
