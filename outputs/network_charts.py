"""Charts of the network for pages with Altair: the map of communities, core numbers, reach, a member's neighbourhood.

However large the community is, a chart has some hundred marks at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import altair as alt
import numpy as np
import polars as pl

from features.network.graph import Floats, Ints
from features.network.layout import around, spread
from outputs.report.charts import ACCENT, GRID, INK, MAIN, MUTED, SOFT
from segments.risk import RISKS
from segments.tiers import TIERS
from wording.texts import fill, label

MOST_CIRCLES: Final = 40
MOST_LINES: Final = 80
MOST_TIES: Final = 150
# The places are made for a phone, where the least is to be had; on a wider page the same circles stand further apart.
_WIDTH: Final = 300
_HEIGHT: Final = 380
_COVERED: Final = 0.25
_LEAST_RADIUS: Final = 9.0
_LIGHT: Final = "#fbe9dc"
_NOBODY: Final = "#cfd5da"
# Colours that people with any colour vision tell apart; orange is kept for risk.
_OF_COMMUNITIES: Final = ("#0b6aa2", "#009e73", "#cc79a7", "#e0c000", "#56b4e9", "#5b4a8a")
_LABELS: Final = 8
# What an id takes on a phone, of a chart from -1.1 to 1.1.
_ROOM: Final = (0.4, 0.18)
_HIGH: Final = RISKS[-1]
_MAP_STEPS: Final = ("map.step.member", "map.step.direct", "map.step.indirect")


def map_chart(communities: pl.DataFrame, between: pl.DataFrame) -> alt.LayerChart:
    """Draw the largest communities as circles and the strongest ties between them as lines.

    Args:
        communities: One row per community, the largest first: place, community, members, still_here, high_risk, leaders.
        between: One row per two communities, the strongest first: first and second (places), ties, weight.
    """
    shown = communities.head(MOST_CIRCLES)
    lines = between.filter(pl.col("second") <= shown.height).head(MOST_LINES)
    radius = _radii(shown["members"].to_numpy().astype(np.float64))
    place = spread(_weights(lines, shown.height), radius, width=_WIDTH, height=_HEIGHT)
    points = shown.with_columns(
        x=pl.Series(place[:, 0]),
        y=pl.Series(place[:, 1]),
        area=pl.Series(math.pi * radius**2),
        # A null would take the circle away.
        share=pl.when(pl.col("still_here") > 0).then(pl.col("high_risk") / pl.col("still_here")).otherwise(0.0),
    )
    return _styled(alt.layer(_map_lines(points, lines), *_circles(points)), height=_HEIGHT)


def core_chart(cores: pl.DataFrame) -> alt.Chart:
    """Draw how many members have each core number, the innermost core in another colour.

    Args:
        cores: One row per range of core numbers: core_from, core_to, members, is_innermost.
    """
    named = [
        str(low) if low == high else fill("map.core.range", low=low, high=high)
        for low, high in cores.select("core_from", "core_to").iter_rows()
    ]
    data = _data(cores.with_columns(range=pl.Series(named, dtype=pl.String)))
    x = alt.X(
        "range:N", sort=named, axis=alt.Axis(title=fill("map.core.number"), labelAngle=0, labelOverlap=True, labelPadding=8)
    )
    y = alt.Y("members:Q", axis=alt.Axis(title=fill("tiers.members"), format=",d", tickMinStep=1, tickCount=4))
    colour = alt.condition("datum.is_innermost", alt.value(ACCENT), alt.value(MAIN))
    tip = _tips(range="map.core.number", members="tiers.members")
    return _styled(alt.Chart(data).mark_bar().encode(x, y, color=colour, tooltip=tip), height=200)


def reach_chart(leaders: pl.DataFrame) -> alt.Chart:
    """Draw whom each opinion leader reaches: who responds to them, then who responds to those.

    Args:
        leaders: One row per leader: member_id, responders, more.
    """
    named = {"responders": fill("map.responders"), "more": fill("map.more")}
    order = leaders["member_id"].to_list()
    long = leaders.select("member_id", "responders", "more").unpivot(index="member_id", variable_name="step", value_name="n")
    data = _data(long.with_columns(place=pl.col("step").ne("responders").cast(pl.Int8), step=pl.col("step").replace(named)))
    y = alt.Y("member_id:N", sort=order, axis=alt.Axis(title=None, labelLimit=90))
    x = alt.X("n:Q", axis=alt.Axis(title=fill("tiers.members"), format=",d", tickMinStep=1, tickCount=4))
    scale = alt.Scale(domain=list(named.values()), range=[MAIN, SOFT])
    colour = alt.Color("step:N", scale=scale, legend=_legend(None))
    tip = _tips(member_id="map.member", step="map.step", n="tiers.members")
    bars = alt.Chart(data).mark_bar().encode(x, y, color=colour, order=alt.Order("place:Q"), tooltip=tip)
    return _styled(bars, height=22 * max(leaders.height, 2))


def neighbours_chart(members: pl.DataFrame, ties: tuple[Ints, Ints, Floats]) -> alt.LayerChart:
    """Draw a member in the middle, direct neighbours around, and their neighbours outside.

    Args:
        members: One row per member, the one in the middle first: member_id, community, tier, churn_risk, parent.
        ties: Of any two members that have some: both places and the weight, the strongest first.
    """
    shown, named = _with_colours(members)
    parent = members["parent"].to_numpy().astype(np.int64)
    order = [*named, fill("map.others")]
    group = np.array([order.index(one) for one in shown["colour"]], np.int64)
    place = around(parent, group)
    step = [fill(_MAP_STEPS[min(int(one) + 1, 2)]) for one in parent]
    points = as_rows(shown).with_columns(
        x=pl.Series(place[:, 0]),
        y=pl.Series(place[:, 1]),
        size=shown["tier"].replace_strict({tier: 80 + 80 * number for number, tier in enumerate(TIERS)}, default=80),
        step=pl.Series(step, dtype=pl.String),
        is_high=shown["churn_risk"].eq_missing(pl.Series([_HIGH])),
    )
    lines = _neighbour_lines(place, parent, ties)
    scale = alt.Scale(domain=order, range=[*_OF_COMMUNITIES[: len(named)], _NOBODY])
    return _styled(alt.layer(lines, *_dots(points, scale)), height=440)


def as_rows(members: pl.DataFrame) -> pl.DataFrame:
    """Return members with tier and risk in words; null stays null.

    Args:
        members: Columns tier and churn_risk, if there are any.
    """
    words = {"tier": TIERS, "churn_risk": RISKS}
    return members.with_columns(
        pl.col(name).replace_strict({one: label(one) for one in slugs}, default=None, return_dtype=pl.String)
        for name, slugs in words.items()
        if name in members.columns
    )


def _radii(members: Floats) -> Floats:
    area = members / max(float(members.sum()), 1.0) * _COVERED * _WIDTH * _HEIGHT
    radius: Floats = np.maximum(np.sqrt(area / math.pi), _LEAST_RADIUS)
    return radius


def _weights(lines: pl.DataFrame, n: int) -> Floats:
    weight = np.zeros((n, n))
    for first, second, value in lines.select("first", "second", "weight").iter_rows():
        weight[first - 1, second - 1] = weight[second - 1, first - 1] = value
    return weight


def _map_lines(points: pl.DataFrame, lines: pl.DataFrame) -> alt.Chart:
    ends = points.select("place", "community", "x", "y")
    both = lines.join(ends, left_on="first", right_on="place", maintain_order="left").join(
        ends, left_on="second", right_on="place", suffix="2", maintain_order="left"
    )
    names = [fill("map.between", first=one, second=two) for one, two in both.select("community", "community2").iter_rows()]
    heaviest = max(both["weight"].to_list(), default=1.0)
    data = _data(
        both.select(
            "x", "y", "x2", "y2", "ties", names=pl.Series(names, dtype=pl.String), thick=(pl.col("weight") / heaviest).sqrt()
        )
    )
    thick = alt.StrokeWidth("thick:Q", scale=alt.Scale(domain=[0, 1], range=[0.5, 7]), legend=None)
    tip = _tips(names="map.communities", ties="map.ties")
    x, y = _box(_WIDTH, _HEIGHT)
    return alt.Chart(data).mark_rule(color=_NOBODY).encode(x, y, x2="x2:Q", y2="y2:Q", strokeWidth=thick, tooltip=tip)


def _circles(points: pl.DataFrame) -> tuple[alt.Chart, alt.Chart]:
    x, y = _box(_WIDTH, _HEIGHT)
    shown = points.select("place", "community", "members", "still_here", "high_risk", "leaders", "x", "y", "area", "share")
    base = alt.Chart(_data(shown)).encode(x, y)
    shades = alt.Scale(domain=[0, 1], range=[_LIGHT, ACCENT])
    legend = _legend(fill("map.share"), format="%", gradientLength=160, values=[0, 0.5, 1])
    colour = alt.condition("datum.still_here > 0", alt.Color("share:Q", scale=shades, legend=legend), alt.value(_NOBODY))
    tip = _tips(
        community="carriers.community", members="tiers.members", still_here="carriers.still_here", high_risk="risk.high",
        leaders="carriers.leaders",
    )  # fmt: skip
    circles = base.mark_circle(opacity=1, stroke=MUTED, strokeWidth=1).encode(
        color=colour, size=alt.Size("area:Q", scale=None), tooltip=tip
    )
    ink = alt.condition("datum.share > 0.6", alt.value("white"), alt.value(INK))
    numbers = base.mark_text(fontSize=12, fontWeight="bold").encode(text="place:N", color=ink, tooltip=tip)
    return circles, numbers


def _with_colours(members: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return members with `colour`, the name by which a legend has their community, and those names, the most frequent first."""
    counts = members["community"].drop_nulls().value_counts().sort("count", "community", descending=[True, False])
    named = counts["community"].head(len(_OF_COMMUNITIES)).to_list()
    is_named = pl.col("community").is_in(named).fill_null(value=False)
    return members.with_columns(colour=pl.when(is_named).then("community").otherwise(pl.lit(fill("map.others")))), named


def _neighbour_lines(place: Floats, parent: Ints, ties: tuple[Ints, Ints, Floats]) -> alt.Chart:
    """Return the lines: those that lead outwards, and the strongest of the others, which are drawn first."""
    ways = [(int(parent[one]), one, True) for one in range(1, len(parent))]
    leading = {(min(one, two), max(one, two)) for one, two, _ in ways}
    pairs = zip(ties[0].tolist(), ties[1].tolist(), strict=True)
    others = [(one, two, False) for one, two in pairs if (one, two) not in leading][:MOST_TIES]
    rows = [
        {"x": place[one, 0], "y": place[one, 1], "x2": place[two, 0], "y2": place[two, 1], "leads": leads}
        for one, two, leads in [*others, *ways]
    ]
    x, y = _box(1.1, 1.1, from_=-1.1)
    colour = alt.condition("datum.leads", alt.value(MUTED), alt.value(GRID))
    width = alt.condition("datum.leads", alt.value(1.4), alt.value(0.8))
    return alt.Chart(alt.Data(values=rows)).mark_rule().encode(x, y, x2="x2:Q", y2="y2:Q", color=colour, strokeWidth=width)


def _dots(points: pl.DataFrame, scale: alt.Scale) -> tuple[alt.Chart, alt.Chart]:
    x, y = _box(1.1, 1.1, from_=-1.1)
    tip = _tips(
        member_id="map.member", step="map.step", community="carriers.community", tier="map.tier", churn_risk="map.risk"
    )  # fmt: skip
    shown = points.select("member_id", "community", "tier", "churn_risk", "step", "colour", "is_high", "size", "x", "y")
    rim = alt.condition("datum.is_high", alt.value(ACCENT), alt.value("white"))
    dots = (
        alt.Chart(_data(shown))
        .mark_circle(opacity=1)
        .encode(
            x, y,
            color=alt.Color("colour:N", scale=scale, legend=_legend(None, columns=2, labelLimit=150)),
            size=alt.Size("size:Q", scale=None),
            stroke=rim,
            strokeWidth=alt.condition("datum.is_high", alt.value(2), alt.value(1)),
            tooltip=tip,
        )
    )  # fmt: skip
    text = alt.Chart(_data(_labelled(shown))).mark_text(dy=-16, fontSize=11, color=INK, limit=90).encode(x, y, text="member_id:N")
    return dots, text


def _labelled(points: pl.DataFrame) -> pl.DataFrame:
    """Return the member and those direct neighbours whose ids have room, the strongest ties first."""
    direct = points.filter(pl.col("step") != fill("map.step.indirect"))
    taken: list[tuple[float, float]] = []
    rows: list[int] = []
    for number, (x, y) in enumerate(direct.select("x", "y").iter_rows()):
        if len(rows) <= _LABELS and all(abs(x - left) > _ROOM[0] or abs(y - top) > _ROOM[1] for left, top in taken):
            rows.append(number)
            taken.append((x, y))
    return direct[rows]


def _box(width: float, height: float, *, from_: float = 0.0) -> tuple[alt.X, alt.Y]:
    """Return axes that are not drawn."""
    x = alt.X("x:Q", scale=alt.Scale(domain=[from_, width], nice=False, zero=False), axis=None)
    return x, alt.Y("y:Q", scale=alt.Scale(domain=[from_, height], nice=False, zero=False), axis=None)


def _tips(**keys: str) -> list[alt.Tooltip]:
    """Return what a mark tells: field → key of its name; as text, so that ids that look like numbers stay as they are."""
    return [alt.Tooltip(name, type="nominal", title=fill(key)) for name, key in keys.items()]


def _legend(title: str | None, **more: Any) -> alt.Legend:
    options: Mapping[str, Any] = {"orient": "bottom", "labelColor": MUTED, "titleColor": MUTED, "titleFontWeight": "normal"}
    return alt.Legend(title=title, **options, **more)


def _data(rows: pl.DataFrame) -> alt.Data:
    return alt.Data(values=rows.to_dicts())


def _styled(chart: Any, *, height: int) -> Any:
    """Return the chart as wide as its place, with light axes, as in the report."""
    light = {"labelColor": MUTED, "titleColor": MUTED, "titleFontWeight": "normal", "labelFontSize": 12}
    sized = chart.properties(width="container", height=height).configure_view(stroke=None)
    return sized.configure_axis(domain=False, ticks=False, gridColor=GRID, **light)
