"""Who carries the community: communities as a map, the core, whom opinion leaders reach, who is around a member.

marimo run notebooks/network.py -- --workspace DIR
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Network")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl
    from markupsafe import Markup

    from lake.errors import EvenfallError
    from outputs.network_charts import MOST_CIRCLES, MOST_LINES, as_rows, core_chart, map_chart, neighbours_chart, reach_chart
    from pipeline.analysis import listed_or_refused, open_workspace
    from pipeline.community.map import count_cores, innermost, measure_leaders, neighbours, read_map
    from pipeline.engagement.member_history import member_history
    from wording import numbers as words
    from wording.texts import fill, label

    CARD_ROWS = 8
    CORE_ROWS = 30
    RULE = ";border-bottom:1px solid"
    COUNTS = {"responders": "map.responders", "more": "map.more", "alone": "map.alone"}
    RESPONDS = {"both": "map.responds.both", "gives": "map.responds.gives", "takes": "map.responds.takes"}


@app.function
def paragraphs(*texts: str) -> mo.Html:
    """Return texts as HTML, escaped, one paragraph each."""
    return mo.Html("".join(Markup("<p>{}</p>").format(text) for text in texts))


@app.function
def drawn(chart: alt.LayerChart) -> mo.Html:
    """Show a chart that answers to no clicks."""
    return mo.ui.altair_chart(chart, chart_selection=False, legend_selection=False)


@app.function
def side_by_side(chart: object, beside: object) -> mo.Html:
    """Show a chart and what is beside it, which is below it where the page is narrow."""
    box = '<div style="flex:1 1 {};min-width:0;max-width:100%">{}</div>'
    boxes = "".join(box.format(width, mo.as_html(part).text) for width, part in (("18rem", chart), ("24rem", beside)))
    return mo.Html(f'<div style="display:flex;flex-wrap:wrap;gap:1.5rem;align-items:flex-start">{boxes}</div>')


@app.function
def table(rows: pl.DataFrame) -> mo.Html:
    """Show rows as plain HTML, numbers to the right, every text escaped: a phone shows more of it than of marimo's table."""
    cell = Markup('<{tag} style="padding:.25rem .3rem;text-align:{side};vertical-align:top{more}">{text}</{tag}>')
    sides = ["right" if kind.is_numeric() or name == fill("tiers.change") else "left" for name, kind in rows.schema.items()]
    head = [cell.format(tag="th", side=side, text=name, more=RULE) for name, side in zip(rows.columns, sides, strict=True)]
    body = [
        [cell.format(tag="td", side=side, text=in_words(value), more="") for value, side in zip(row, sides, strict=True)]
        for row in rows.rows()
    ]
    lines = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(one)) for one in (head, *body))
    look = Markup('<div style="max-height:27rem;overflow:auto"><table style="width:100%;font-size:.85rem">{}</table></div>')
    return mo.Html(look.format(lines))


@app.function
def in_words(value: object) -> str:
    """Return what a cell says: a number as people read it, a dash for nothing."""
    return words.DASH if value is None else value if isinstance(value, str) else words.number(value)


@app.function
def choice_table(rows: pl.DataFrame) -> mo.ui.table:
    """Show rows of which one can be chosen."""
    return mo.ui.table(
        rows,
        selection="single",
        page_size=CARD_ROWS,
        text_justify_columns={name: "right" for name, kind in rows.schema.items() if kind.is_numeric()},
        show_column_summaries=False,
        show_data_types=False,
        show_search=False,
        # The table's own download would hand out text that a spreadsheet may run as a formula.
        show_download=False,
        label=fill("map.neighbourhood.pick"),
    )


@app.function
def community_table(communities: pl.DataFrame) -> pl.DataFrame:
    """Return the communities in words, one row each; the change only where a night was before."""
    now_and_before = communities.select("members", "members_before").iter_rows()
    change = [fill("carriers.new") if before is None else words.difference(now, before) for now, before in now_and_before]
    shown = communities.select(
        pl.col("place").alias("#"),
        pl.col("community").alias(fill("carriers.community")),
        pl.col("members").alias(fill("tiers.members")),
        pl.Series(fill("tiers.change"), change, dtype=pl.String),
        pl.col("still_here").alias(fill("carriers.still_here")),
        pl.col("high_risk").alias(fill("risk.high")),
        pl.col("leaders").alias(fill("carriers.leaders")),
    )
    return shown if communities["members_before"].count() else shown.drop(fill("tiers.change"))


@app.function
def member_table(members: pl.DataFrame) -> pl.DataFrame:
    """Return members in words, one row each: by id, as the members app lists them; a column without any value is left out."""
    shown = as_rows(members).select(
        pl.col("member_id").alias(fill("map.member")),
        pl.col("community").alias(fill("carriers.community")),
        pl.col("tier").alias(fill("map.tier")),
        pl.col("churn_risk").alias(fill("map.risk")),
        pl.col("influence_score").round(0).cast(pl.Int64).alias(label("influence_score")),
        pl.col("core_number").alias(fill("map.core.number")),
    )
    return shown.select(column for column in shown if column.null_count() < shown.height or column.name == fill("map.member"))


@app.function
def leader_table(leaders: pl.DataFrame) -> pl.DataFrame:
    """Return the opinion leaders in words, one row each."""
    counts = [pl.col(name).alias(fill(key)) for name, key in COUNTS.items()]
    return as_rows(leaders).select(
        pl.col("member_id").alias(fill("map.member")),
        pl.col("churn_risk").alias(fill("map.risk")),
        *counts,
    )


@app.function
def neighbour_table(around: pl.DataFrame) -> pl.DataFrame:
    """Return the direct neighbours in words, the strongest tie first."""
    both, gives = pl.col("gives") & pl.col("takes"), pl.col("gives")
    said = {of: pl.lit(fill(key)) for of, key in RESPONDS.items()}
    direct = around.filter(pl.col("parent") == 0).with_columns(
        responds=pl.when(both).then(said["both"]).when(gives).then(said["gives"]).otherwise(said["takes"])
    )
    shown = member_table(direct).drop(fill("map.core.number"), strict=False)
    return shown.insert_column(1, direct["responds"].alias(fill("map.responds")))


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
    night_choice = mo.ui.dropdown(_named, value=next(iter(_named)), label=fill("history.as_of"))
    _title = mo.md(f"# {workspace.settings.community.name}: {fill('carriers.title').lower()}")
    mo.hstack([_title, night_choice], justify="space-between", align="center", wrap=True)
    return (night_choice,)


@app.cell
def _(night_choice, workspace):
    run = workspace.on(night_choice.value)
    found = read_map(run)
    _none = paragraphs(fill("map.none", days=run.settings.network.window_days))
    mo.stop(found is None, mo.callout(_none, kind="neutral"))
    shown = found
    paragraphs(fill("map.about", n=shown.members.height, days=shown.window_days, ties=len(shown.network.weight)))
    return run, shown


@app.cell
def _(shown):
    _all, _lines = shown.communities.height, shown.between.filter(pl.col("second") <= MOST_CIRCLES).height
    _said = [fill("map.communities.how" if _all else "map.communities.none")]
    if _all > MOST_CIRCLES:
        _said.append(fill("map.communities.largest", n=MOST_CIRCLES, all=_all))
    if _lines > MOST_LINES:
        _said.append(fill("map.communities.lines", n=MOST_LINES, all=_lines))
    communities = community_table(shown.communities)
    _map = [side_by_side(drawn(map_chart(shown.communities, shown.between)), table(communities))] if _all else []
    mo.vstack([mo.md(f"## {fill('map.communities')}"), paragraphs(*_said), *_map])
    return (communities,)


@app.cell
def _(shown):
    core = innermost(shown.members)
    _said = [fill("map.core.how", n=core.height, k=core["core_number"].max())]
    if core.height > CORE_ROWS:
        _said.append(fill("map.core.first", n=CORE_ROWS))
    _chart = drawn(core_chart(count_cores(shown.members)))
    _members = mo.vstack(
        [mo.md(f"**{fill('map.core.members')}**"), table(member_table(core.head(CORE_ROWS)).drop(fill("map.core.number")))]
    )
    mo.vstack([mo.md(f"## {fill('map.core')}"), paragraphs(*_said), side_by_side(_chart, _members)])
    return (core,)


@app.cell
def _(shown):
    leaders = measure_leaders(shown)
    _all = shown.members["is_opinion_leader"].sum()
    _said = [fill("map.reach.how" if _all else "map.reach.none")]
    if _all > leaders.height:
        _said.append(fill("map.reach.more_leaders", n=leaders.height, all=_all))
    _reach = [side_by_side(drawn(reach_chart(leaders)), table(leader_table(leaders)))] if _all else []
    mo.vstack([mo.md(f"## {fill('map.reach')}"), paragraphs(*_said), *_reach])
    return (leaders,)


@app.cell
def _():
    id_filter = mo.ui.text(placeholder=fill("map.neighbourhood.part"), label=fill("map.neighbourhood.id"))
    mo.vstack([mo.md(f"## {fill('map.neighbourhood')}"), id_filter])
    return (id_filter,)


@app.cell
def _(id_filter, shown):
    _known = shown.members.filter(pl.col("member_id").str.contains(id_filter.value.strip(), literal=True))
    listed = _known.sort("influence_score", "member_no", descending=[True, False], nulls_last=True)
    choice = choice_table(member_table(listed))
    choice if listed.height else mo.callout(fill("map.neighbourhood.nobody"), kind="neutral")
    return choice, listed


@app.cell
def _(choice, listed, run, shown):
    mo.stop(listed.is_empty())
    # Until a row is chosen, the most influential of those listed is shown.
    _picked = choice.value[fill("map.member")].to_list() or listed["member_id"].head(1).to_list()
    _number = shown.members.filter(pl.col("member_id") == _picked[0])["member_no"][0]
    neighbourhood, around_them = neighbours(shown, _number)
    _called = member_history(run, _picked[0]).display_name
    _title = Markup('<span class="markdown prose dark:prose-invert"><h3>{}</h3></span>').format(
        " · ".join([_picked[0], *([_called] if _called else [])])
    )
    _drawn = int((around_them["parent"] == 0).sum())
    _key = "map.neighbourhood.all" if _drawn == neighbourhood.direct else "map.neighbourhood.direct"
    mo.vstack(
        [
            mo.Html(_title),
            paragraphs(fill(_key, n=neighbourhood.direct, shown=_drawn), fill("map.neighbourhood.how")),
            drawn(neighbours_chart(around_them, neighbourhood.ties(shown.network))),
            table(neighbour_table(around_them)),
        ]
    )
    return around_them, neighbourhood


if __name__ == "__main__":
    app.run()
