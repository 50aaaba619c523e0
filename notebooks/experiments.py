"""Experiments side by side: every model at every past cut-off, and every training, as MLflow keeps them.

marimo run notebooks/experiments.py -- --workspace DIR
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Experiments")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl
    from markupsafe import Markup

    from lake.errors import EvenfallError
    from models.training import OURS
    from outputs.report.charts import ACCENT, GRID, MAIN, MUTED
    from pipeline.analysis import open_workspace
    from pipeline.learning.model_card import named_slices
    from pipeline.matured_slices import matured_nights, slices_of_night
    from runtime.tracking.runs import read_backtests, read_trainings
    from wording import numbers as words
    from wording.texts import fill, label

    ROWS_AT_ONCE = 15
    SLICE_COLUMNS = {
        "slice": "members",
        "n": "predictions",
        "predicted": "predicted",
        "happened": "left",
        "auc": "AUC",
        "lift_10pct": "lift of the top tenth",
        "calibration_slope": "slope",
        "calibration_intercept": "intercept",
        "ece": "error",
    }
    MEASURES = {
        "churn": {
            "AUC": ("auc", "How often a member who left was ranked above one who stayed; 0.5 is chance. Higher is better."),
            "Average precision": ("average_precision", "Area under precision and recall. Higher is better."),
            "Brier score": ("brier", "Squared distance of probability and outcome. Lower is better."),
            "Calibration slope": ("calibration_slope", "1 is perfect; below it the probabilities are too extreme."),
            "Calibration error": ("ece", "Mean distance of predicted and observed rate. Lower is better."),
        },
        "value": {
            "nGini": ("ngini", "How well members were ordered by what they went on to spend; 1 is perfect. Higher is better."),
            "RMSE": (
                "rmse",
                "Error of a member's spend in the community's currency, large errors weighing more.",
            ),
            "MAE": ("mae", "Mean error of a member's spend, in the community's currency. Lower is better."),
            "Total, predicted / real": ("total_ratio", "1 is perfect."),
        },
    }


@app.function
def side_by_side(figures: pl.DataFrame, *, by: str) -> pl.DataFrame:
    """Return one row per cut-off or training (`by`) and one column per model, ours first."""
    wide = figures.pivot("model", index=by, values="value", aggregate_function="first").sort(by)
    rivals = sorted(name for name in wide.columns if name not in (by, OURS))
    ours = [OURS] if OURS in wide.columns else []
    return wide.select(by, *ours, *rivals)


@app.function
def means(figures: pl.DataFrame) -> pl.DataFrame:
    """Return one row per model: the mean over all cut-offs, their number, the lowest and the highest value; ours first."""
    return (
        figures.group_by("model")
        .agg(mean=pl.col("value").sort().mean(), cutoffs=pl.len(), lowest=pl.col("value").min(), highest=pl.col("value").max())
        .sort(pl.col("model") != OURS, "model")
    )


@app.function
def lines(figures: pl.DataFrame, *, x: str, title: str) -> alt.LayerChart:
    """Draw one line per model over cut-offs or nights, ours thicker than the simple rules.

    Args:
        figures: One row per model and value of `x`: `model`, `value`.
        x: The column with the dates.
        title: The title of the vertical axis.
    """
    shown = figures.with_columns(pl.col(x).dt.to_string("%Y-%m-%d"), pl.col("model").str.replace_all("_", " "))
    models = [OURS, *sorted(set(shown["model"]) - {OURS})]
    colours = [MAIN, ACCENT, "#6b8e23", "#8a63bf", "#b08a00", "#5f7281"]
    base = alt.Chart(alt.Data(values=shown.to_dicts())).encode(
        alt.X(f"{x}:T", scale=alt.Scale(padding=18), axis=alt.Axis(title=None, format="%-d %b %y", grid=False)),
        alt.Y("value:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=title)),
        alt.Color("model:N", scale=alt.Scale(domain=models, range=colours), legend=alt.Legend(title=None, orient="top")),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip(f"{x}:T", title="As of", format="%-d %b %Y"),
            alt.Tooltip("value:Q", title=title, format=".3f"),
        ],
    )
    width = alt.condition(f"datum.model == '{OURS}'", alt.value(3), alt.value(1.5))
    return (
        alt.layer(base.mark_line().encode(strokeWidth=width), base.mark_point(filled=True, size=36, opacity=1))
        .properties(width="container", height=280)
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, gridColor=GRID, labelColor=MUTED, titleColor=MUTED, titleFontWeight="normal")
    )


@app.function
def table(frame: pl.DataFrame) -> mo.Html:
    """Show a table: figures to three digits, dates in words, models without underscores."""
    named = frame.rename({name: label(name) for name in frame.columns}).with_columns(pl.col(pl.String).str.replace_all("_", " "))
    numbers = [name for name, dtype in named.schema.items() if dtype.is_float()]
    return mo.ui.table(
        named,
        selection=None,
        pagination=named.height > ROWS_AT_ONCE,
        page_size=ROWS_AT_ONCE,
        format_mapping=dict.fromkeys(numbers, lambda value: words.DASH if value is None else words.number(value, digits=3))
        | {name: words.short_day for name, dtype in named.schema.items() if dtype == pl.Date},
        text_justify_columns={name: "right" for name, dtype in named.schema.items() if dtype.is_numeric()},
        show_column_summaries=False,
        show_data_types=False,
        show_search=False,
        show_download=False,
    )


@app.function
def paragraphs(*texts: str) -> mo.Html:
    """Return texts as HTML, escaped, one paragraph each."""
    return mo.Html("".join(Markup("<p>{}</p>").format(text) for text in texts))


@app.cell
def _():
    try:
        workspace = open_workspace(mo.cli_args().to_dict())
        backtests = read_backtests(workspace.tracking)
        trainings = read_trainings(workspace.tracking)
        trouble = None
    except EvenfallError as error:
        workspace, backtests, trainings, trouble = None, None, None, error
    mo.stop(
        trouble is not None,
        mo.callout(paragraphs(f"Nothing to show: {trouble.what}.", trouble.remedy) if trouble else "", kind="warn"),
    )
    return backtests, trainings, workspace


@app.cell
def _(backtests, trainings, workspace):
    _remedy = f"Run a night first: evenfall nightly --workspace {workspace.workspace.root}"
    mo.stop(
        backtests.is_empty() and trainings.is_empty(),
        mo.callout(paragraphs("There are no experiments yet.", _remedy), kind="warn"),
    )
    purposes = [name for name in MEASURES if name in {*backtests["purpose"], *trainings["purpose"]}]
    purpose_choice = mo.ui.radio({label(name): name for name in purposes}, value=label(purposes[0]), inline=True)
    mo.vstack(
        [
            mo.md(f"# {workspace.settings.community.name}: experiments"),
            mo.md(
                "Each model predicted past nights with what was known then; each figure compares that with what really happened. "
                f"**{OURS}** is ours, the others are the simple rules it has to beat."
            ),
        ]
    )
    return (purpose_choice,)


@app.cell
def _(purpose_choice):
    _measures = MEASURES[purpose_choice.value]
    measure_choice = mo.ui.dropdown(_measures, value=next(iter(_measures)), label="Measure")
    return (measure_choice,)


@app.cell
def _(backtests, purpose_choice):
    _mine = backtests.filter(pl.col("purpose") == purpose_choice.value)
    _named = _mine["backtest"].unique(maintain_order=True).to_list()
    backtest_choice = mo.ui.dropdown(_named, value=_named[0] if _named else None, label="Backtest")
    return (backtest_choice,)


@app.cell
def _(backtest_choice, measure_choice, purpose_choice):
    _which = [backtest_choice] if backtest_choice.value else []
    mo.vstack(
        [
            mo.hstack([purpose_choice, measure_choice, *_which], justify="start", gap=2),
            mo.md(measure_choice.value[1]),
        ]
    )
    return


@app.cell
def _(backtest_choice, backtests, measure_choice, purpose_choice):
    metric, measure = measure_choice.value[0], measure_choice.selected_key
    tested = backtests.filter(
        pl.col("purpose") == purpose_choice.value,
        pl.col("metric") == metric,
        pl.col("backtest").eq_missing(pl.lit(backtest_choice.value, pl.String)),
    )
    return measure, metric, tested


@app.cell
def _(measure, tested, workspace):
    if tested.is_empty():
        _remedy = f"Run one: evenfall backtest --workspace {workspace.workspace.root}"
        _shown = mo.callout(paragraphs("No backtest yet.", _remedy), kind="neutral")
    else:
        _shown = mo.vstack(
            [
                mo.ui.altair_chart(lines(tested, x="cutoff", title=measure), chart_selection=False, legend_selection=False),
                table(side_by_side(tested.rename({"cutoff": "cut-off"}), by="cut-off")),
                mo.md("### Over all cut-offs"),
                table(means(tested)),
            ]
        )
    mo.vstack([mo.md("## Past cut-offs"), _shown])
    return


@app.cell
def _(measure, metric, purpose_choice, trainings):
    _trained = trainings.filter(pl.col("purpose") == purpose_choice.value, pl.col("metric") == metric)
    # A night trained again has several runs; the newest one speaks for it.
    newest = _trained.unique(["as_of", "model"], keep="first", maintain_order=True)
    if newest.is_empty():
        _shown = mo.callout("No training has been measured by this.", kind="neutral")
    else:
        _shown = mo.vstack(
            [
                mo.ui.altair_chart(lines(newest, x="as_of", title=measure), chart_selection=False, legend_selection=False),
                table(side_by_side(newest, by="as_of")),
            ]
        )
    _about = "The same figure at each training, measured on the newest outcomes that the model had not seen."
    mo.vstack([mo.md(f"## Trainings\n\n{_about}"), _shown])
    return (newest,)


@app.cell
def _(workspace):
    _nights = {words.short_day(night): night for night in matured_nights(workspace)}
    night_choice = mo.ui.dropdown(_nights, value=next(iter(_nights), None), label="Night")
    return (night_choice,)


@app.cell
def _(night_choice, workspace):
    sliced = None if night_choice.value is None else slices_of_night(workspace, night_choice.value)
    _about = (
        "The probabilities of leaving of one night, beside what happened within the horizon. "
        "Groups of fewer than 50 are taken together as “other”, or left out where even these are fewer."
    )
    if sliced is None or sliced.is_empty():
        _shown = [mo.callout("No night has matured yet, or it has too few members to be divided.", kind="neutral")]
    else:
        _shown = [night_choice]
        for _group in named_slices(sliced):
            _rows = pl.DataFrame(_group.rows).select(pl.col(name).alias(words) for name, words in SLICE_COLUMNS.items())
            _shown += [mo.md(f"### {fill(f'model_card.by.{_group.kind}')}"), table(_rows)]
    mo.vstack([mo.md(f"## Among whom\n\n{_about}"), *_shown])
    return (sliced,)


if __name__ == "__main__":
    app.run()
