"""Whether talking worked: the effect of each action, and how it became clear night by night.

marimo run notebooks/effects.py -- --workspace DIR
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Effects")

with app.setup:
    from collections.abc import Sequence

    import altair as alt
    import marimo as mo
    import polars as pl
    from markupsafe import Markup

    from lake.errors import EvenfallError
    from outputs.report.charts import GRID, MAIN, MUTED
    from pipeline.analysis import listed_or_refused, open_workspace
    from pipeline.engagement.effects import ActionEffect, LoopEffects, effects_over_time, measure_effects
    from wording.effects import SHARES, effect_row, effect_verdicts, unit_of_difference
    from wording.texts import fill, label


@app.function
def of_all(effects: LoopEffects) -> dict[str, ActionEffect]:
    """Return the effects by name, in words, all actions together first."""
    return {label(fill("effects.total")): effects.total} | {label(one.action): one for one in effects.actions}


@app.function
def over_time(measured: Sequence[LoopEffects], name: str) -> pl.DataFrame:
    """Return one row per night on which outcomes became known: as_of, effect, low, high, n_treated, n_holdout.

    Shares are in percentage points. Nights on which one of the arms was empty are left out.

    Args:
        measured: The effects of each night.
        name: The action in words, as `of_all` gives it.
    """
    effects = [(one.as_of, of_all(one)[name]) for one in measured]
    rows = [
        (as_of, one.effect.effect, one.effect.low, one.effect.high, one.effect.n_treated, one.effect.n_holdout)
        for as_of, one in effects
    ]
    figures, counts = ("effect", "low", "high"), ("n_treated", "n_holdout")
    schema = {"as_of": pl.Date, **dict.fromkeys(figures, pl.Float64), **dict.fromkeys(counts, pl.Int64)}
    scale = 100.0 if effects and effects[0][1].outcome in SHARES else 1.0
    known = pl.DataFrame(rows, schema=schema, orient="row").drop_nulls("effect")
    return known.with_columns(pl.col(figures) * scale)


@app.function
def chart(points: pl.DataFrame, *, unit: str) -> alt.LayerChart:
    """Draw an effect with its interval over the nights; the dashed line is no effect.

    Args:
        points: One row per night, as `over_time` gives it.
        unit: What the effect is counted in.
    """
    shown = points.with_columns(pl.col("as_of").dt.to_string("%Y-%m-%d"))
    night = alt.Axis(title=None, format="%-d %b %y", grid=False)
    signed = alt.Axis(title=unit, labelExpr="datum.value === 0 ? '0' : format(datum.value, '+,.2~f')")
    base = alt.Chart(alt.Data(values=shown.to_dicts())).encode(
        alt.X("as_of:T", scale=alt.Scale(padding=18), axis=night),
        tooltip=[
            alt.Tooltip("as_of:T", title=fill("history.as_of"), format="%-d %b %Y"),
            alt.Tooltip("effect:Q", title=fill("effects.head.effect"), format="+,.2f"),
            alt.Tooltip("low:Q", title=fill("effects.low"), format="+,.2f"),
            alt.Tooltip("high:Q", title=fill("effects.high"), format="+,.2f"),
            alt.Tooltip("n_treated:Q", title=fill("effects.head.listed"), format=",d"),
            alt.Tooltip("n_holdout:Q", title=fill("effects.head.held_out"), format=",d"),
        ],
    )
    zero = alt.Chart(alt.Data(values=[{"low": 0}])).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(alt.Y("low:Q", axis=signed))
    bars = base.mark_rule(color=MAIN, strokeWidth=4, opacity=0.4).encode(alt.Y("low:Q", axis=signed), y2=alt.Y2("high:Q"))
    dots = base.mark_point(color=MAIN, filled=True, size=60, opacity=1).encode(alt.Y("effect:Q", axis=signed))
    return (
        alt.layer(zero, bars, dots)
        .properties(width="container", height=260)
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, gridColor=GRID, labelColor=MUTED, titleColor=MUTED, titleFontWeight="normal")
    )


@app.function
def as_table(effects: LoopEffects, *, currency: str | None) -> pl.DataFrame:
    """Return the figures of every action in words, all actions together first."""
    heads = ("action", "outcome", "listed", "held_out", "with", "without", "effect", "interval")
    rows = [effect_row(name, one.as_json(), currency=currency) for name, one in of_all(effects).items()]
    return pl.DataFrame(rows, schema=[fill(f"effects.head.{head}") for head in heads], orient="row")


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
    run = workspace.on(nights[0])
    newest = measure_effects(run)
    measured = effects_over_time(run)
    mo.md(f"# {run.settings.community.name}: {fill('talked.title')}")
    return measured, newest, run


@app.cell
def _(newest):
    _waiting = sum(one.waiting for one in newest.actions)
    _due = "talked.nothing" if newest.next_due is None else "talked.due"
    mo.stop(not newest.has_answer, mo.callout(paragraphs(fill(_due, day=newest.next_due, n=_waiting)), kind="neutral"))
    answered = newest
    action_choice = mo.ui.dropdown(list(of_all(newest)), value=next(iter(of_all(newest))), label=fill("effects.head.action"))
    action_choice
    return action_choice, answered


@app.cell
def _(action_choice, measured, newest, run):
    _name = action_choice.value
    _one = of_all(newest)[_name]
    points = over_time(measured, _name)
    _spoken_of = fill("effects.total.verdict") if _one is newest.total else _name
    _verdicts = effect_verdicts(_spoken_of, _one.as_json(), currency=run.settings.community.currency)
    _drawn = []
    if points.height:
        _chart = chart(points, unit=unit_of_difference(_one.outcome))
        _drawn = [
            mo.ui.altair_chart(_chart, chart_selection=False, legend_selection=False),
            paragraphs(fill("effects.over_time")),
        ]
    mo.vstack([paragraphs(*_verdicts), *_drawn])
    return (points,)


@app.cell
def _(answered, run):
    figures = as_table(answered, currency=run.settings.community.currency)
    _shown = mo.ui.table(
        figures,
        selection=None,
        pagination=False,
        text_justify_columns=dict.fromkeys(figures.columns[2:], "right"),
        show_column_summaries=False,
        show_data_types=False,
        show_search=False,
        show_download=False,
    )
    mo.vstack([_shown, paragraphs(fill("effects.how"))])
    return (figures,)


if __name__ == "__main__":
    app.run()
