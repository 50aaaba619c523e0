"""Tonight's members: filter the list, open a member's card, take the selection along.

marimo run notebooks/members.py -- --workspace DIR
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Members")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl
    from markupsafe import Markup

    from lake.errors import EvenfallError
    from outputs.lists import as_text, reasons_as_sentences
    from outputs.report.charts import ACCENT, GRID, MAIN, MUTED
    from pipeline.analysis import listed_or_refused, open_workspace, read_members
    from pipeline.engagement.member_history import MemberHistory, member_history
    from pipeline.explain import Card, read_card
    from segments.risk import RISKS
    from segments.tiers import TIERS
    from wording import numbers as words
    from wording.texts import fill, label, listing

    HISTORY_ROWS = 10


@app.function
def choose(members: pl.DataFrame, *, tiers: list[str], risks: list[str], groups: list[str], text: str) -> pl.DataFrame:
    """Return the members that pass all filters; an empty filter passes everyone.

    Args:
        members: The member list of a night.
        tiers: Tiers to keep.
        risks: Churn risks to keep.
        groups: Behaviour groups to keep.
        text: Text in the id or in a reason, upper and lower case alike.
    """
    kinds = {"tier": tiers, "churn_risk": risks, "segment": groups}
    spoken = pl.concat_str("member_id", reasons_as_sentences(pl.col("reasons")), separator="\n", ignore_nulls=True)
    has_text = spoken.str.to_lowercase().str.contains(text.strip().lower(), literal=True)
    return members.filter(has_text, *(pl.col(column).is_in(wanted) for column, wanted in kinds.items() if wanted))


@app.function
def sentence_case(column: str) -> pl.Expr:
    """Return words such as `at_risk` as a table shows them: `At risk`."""
    spaced = pl.col(column).str.replace_all("_", " ")
    return spaced.str.head(1).str.to_uppercase() + spaced.str.slice(1)


@app.function
def as_table(members: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that the table shows, with names for people; a column without any value is left out."""
    shown = members.select(
        pl.col("member_id").alias("Member"),
        sentence_case("tier").alias("Tier"),
        sentence_case("churn_risk").alias("Risk"),
        sentence_case("presence").alias("Presence"),
        pl.col("churn_probability").alias("May leave"),
        pl.col("expected_value").alias("Expected spend"),
        sentence_case("lifecycle").alias("Stage"),
        pl.col("segment").alias("Group"),
        pl.col("reasons").list.first().struct.field("text").alias("Strongest reason"),
    )
    has_values = [column.name for column in shown if column.null_count() < shown.height]
    return shown.select("Member", *(name for name in has_values if name != "Member"))


@app.function
def paragraphs(*texts: str) -> mo.Html:
    """Return texts as HTML, escaped, one paragraph each."""
    return mo.Html("".join(Markup("<p>{}</p>").format(text) for text in texts))


@app.function
def as_csv(members: pl.DataFrame) -> bytes:
    """The selection as the lists are written: every column, reasons as sentences, no text that runs as a formula."""
    return as_text(members).write_csv(include_bom=True).encode()


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
    night_choice = mo.ui.dropdown(_named, value=next(iter(_named)), label="Night")
    _title = mo.md(f"# {workspace.settings.community.name}: members")
    mo.hstack([_title, night_choice], justify="space-between", align="center")
    return (night_choice,)


@app.cell
def _(night_choice, workspace):
    run = workspace.on(night_choice.value)
    members = read_members(run)
    return members, run


@app.cell
def _(members):
    tier_filter = mo.ui.multiselect(list(reversed(TIERS)), label="Tier", full_width=True)
    risk_filter = mo.ui.multiselect(list(reversed(RISKS)), label="Risk", full_width=True)
    group_filter = mo.ui.multiselect(sorted(members["segment"].drop_nulls().unique()), label="Group", full_width=True)
    text_filter = mo.ui.text(placeholder="a member's id, or words of a reason", label="Text", full_width=True)
    mo.hstack([tier_filter, risk_filter, group_filter, text_filter], widths=[1, 1, 1, 2], align="end")
    return group_filter, risk_filter, text_filter, tier_filter


@app.cell
def _(group_filter, members, risk_filter, text_filter, tier_filter):
    chosen = choose(members, tiers=tier_filter.value, risks=risk_filter.value, groups=group_filter.value, text=text_filter.value)
    return (chosen,)


@app.cell
def _(chosen, members, run):
    def _figure(label, value, caption):
        return mo.stat(value, label=label, caption=caption, bordered=True)

    # Lists of earlier versions do not tell who is gone.
    _here = chosen.filter(pl.col("presence").ne_missing(pl.lit("gone")))
    _spend = chosen["expected_value"].sum() if chosen["expected_value"].count() else None
    mo.hstack(
        [
            _figure("Chosen", words.number(chosen.height), f"of {words.count(members.height, 'member')}"),
            _figure("Scored", words.number(chosen["is_eligible"].sum()), "active recently enough"),
            _figure("High risk", words.number((_here["churn_risk"] == "high").sum()), "still here, may leave"),
            _figure("May leave", words.number(_here["churn_probability"].sum()), "expected number of those still here"),
            *(
                []
                if _spend is None
                else [
                    _figure(
                        "Expected spend",
                        words.money(round(_spend), run.settings.community.currency),
                        f"within {words.count(run.settings.value.horizon_days, 'day')}",
                    )
                ]
            ),
        ],
        widths="equal",
    )
    return


@app.cell
def _(chosen, run):
    def _or_dash(as_text):
        return lambda value: words.DASH if value is None else as_text(value)

    _shown = as_table(chosen)
    _formats = {
        "May leave": _or_dash(words.percent),
        "Expected spend": _or_dash(lambda value: words.money(value, run.settings.community.currency)),
    }
    table = mo.ui.table(
        _shown,
        selection="single",
        page_size=12,
        # The table refuses instructions for columns it does not have.
        format_mapping={name: as_text for name, as_text in _formats.items() if name in _shown.columns},
        text_justify_columns={name: "right" for name in _formats if name in _shown.columns},
        wrapped_columns=[name for name in ("Strongest reason",) if name in _shown.columns],
        show_column_summaries=False,
        show_data_types=False,
        show_search=False,
        # The table's own download would hand out text that a spreadsheet may run as a formula.
        show_download=False,
        label="Choose a row to open the member's card.",
    )
    table if chosen.height else mo.callout("Nobody matches these filters.", kind="neutral")
    return (table,)


@app.cell
def _(chosen, run):
    download = mo.download(
        lambda: as_csv(chosen),
        filename=f"members-{run.as_of.isoformat()}.csv",
        mimetype="text/csv",
        label=f"Download {words.count(chosen.height, 'member')} as CSV",
        disabled=chosen.is_empty(),
    )
    download
    return (download,)


@app.cell
def _(chosen, table):
    # A filter that leaves a single member opens the card as a click does.
    picked = table.value["Member"].to_list() or (chosen["member_id"].to_list() if chosen.height == 1 else [])
    return (picked,)


@app.function
def week_chart(card: Card) -> alt.Chart:
    """Draw the active days of a member over a year, one bar per week."""
    weeks = pl.DataFrame(
        {
            "week": pl.date_range(card.first_day, card.as_of, interval="1w", closed="left", eager=True)[: len(card.active_days)],
            "days": card.active_days,
        }
    ).with_columns(pl.col("week").dt.to_string("%Y-%m-%d"))
    x = alt.X("week:T", axis=alt.Axis(title=None, format="%b %y", tickCount="month", grid=False, labelColor=MUTED))
    y = alt.Y("days:Q", scale=alt.Scale(domain=[0, 7]), axis=alt.Axis(title=None, values=[0, 2, 4, 6], labelColor=MUTED))
    tip = [alt.Tooltip("week:T", title="Week from", format="%-d %b %Y"), alt.Tooltip("days:Q", title="Active days")]
    bars = alt.Chart(alt.Data(values=weeks.to_dicts())).mark_bar(color=MAIN, width=7).encode(x, y, tooltip=tip)
    return (
        bars.properties(width="container", height=110)
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, gridColor=GRID)
    )


@app.function
def card_title(card: Card, display_name: str | None = None) -> Markup:
    """Return the head of a card; id and name are escaped, because they come from the data and may hold HTML."""
    title = Markup('<span class="markdown prose dark:prose-invert"><h2>Member {}{}</h2><p>as of {}</p></span>')
    called = Markup(" · {}").format(display_name) if display_name else ""
    return title.format(card.member_id, called, words.day(card.as_of))


@app.function
def card_text(card: Card) -> Markup:
    """Return the texts of a card as HTML: scores beside reasons, then tier moves."""
    score = Markup('<tr><td style="color:{};padding:.2em 1.5em .2em 0">{}</td><td>{}</td></tr>')
    scores = Markup("").join(score.format(MUTED, label(name), value) for name, value in card.scores)
    reason = Markup('<li style="padding:.2em 0"><span style="color:{}">{}</span> {}</li>')
    reasons = Markup("").join(
        reason.format(ACCENT if raises else MAIN, "▲ raises the risk:" if raises else "▼ lowers the risk:", text)
        for raises, text in card.reasons
    )
    moves = listing([f"{tier} since {words.short_day(since)}" for since, tier in card.tier_moves])
    side_by_side = Markup('<div style="display:flex;flex-wrap:wrap;gap:3em">{}{}</div>')
    why = Markup("<div><b>Why</b><ul>{}</ul><b>Tier</b><p>{}</p></div>").format(
        reasons or Markup("<li>No reasons are given for this member.</li>"), moves or words.DASH
    )
    return side_by_side.format(Markup("<table>{}</table>").format(scores), why)


@app.function
def history_table(history: MemberHistory) -> mo.Html:
    """Show a member's history with us: one row per decision, the newest first; every text is escaped."""
    if history.decisions.is_empty():
        return mo.Html(Markup("<p>{}</p>").format(fill("history.none")))
    named = history.decisions.rename({column: fill(f"history.{column}") for column in history.decisions.columns})
    return mo.ui.table(
        named,
        selection=None,
        pagination=named.height > HISTORY_ROWS,
        page_size=HISTORY_ROWS,
        format_mapping={fill("history.as_of"): words.short_day},
        show_column_summaries=False,
        show_data_types=False,
        show_search=False,
        show_download=False,
    )


@app.cell
def _(run, picked):
    mo.stop(not picked)
    card = read_card(run, picked[0])
    history = member_history(run, card.member_id)
    if card.scores:
        _body = [
            mo.Html(card_text(card)),
            mo.md("**Active days a week over a year**"),
            mo.ui.altair_chart(week_chart(card), chart_selection=False, legend_selection=False),
            mo.md(f"**{fill('history.title')}**"),
            history_table(history),
        ]
    else:
        _body = [mo.md("This member may not be profiled: nothing but the id is shown.")]
    mo.vstack([mo.Html(card_title(card, history.display_name)), *_body])
    return card, history


if __name__ == "__main__":
    app.run()
