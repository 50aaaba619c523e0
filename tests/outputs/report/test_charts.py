from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from xml.etree import ElementTree

import polars as pl
import pytest
import vl_convert
from altair.vegalite.v6.schema import core as schema
from markupsafe import Markup

from outputs.report import charts
from tests.outputs.examples import HOSTILE, activity_by_day, by_population, churn_health


def tiers(label: str = "Gold") -> pl.DataFrame:
    return pl.DataFrame({"label": ["Diamond", label], "members": [50, 1200], "before": [52, None]})


def effects() -> pl.DataFrame:
    columns = {"label": ["Save", "Wake"], "effect": [9.0, -2.0], "low": [5.0, -4.0], "high": [13.0, 0.5]}
    return pl.DataFrame(columns).with_columns(is_trustworthy=pl.Series([True, False]))


def drawings() -> list[Markup]:
    health = churn_health()
    assert health.calibration is not None
    assert health.lift is not None
    return [
        charts.activity_chart(activity_by_day(), chart_id="a"),
        charts.bars_chart(tiers(), chart_id="b", title="Tiers", before=True),
        charts.calibration_chart(health.calibration, chart_id="c"),
        charts.lift_chart(health.lift, chart_id="d"),
        charts.calibration_chart(by_population(health.calibration), chart_id="f"),
        charts.lift_chart(by_population(health.lift), chart_id="g"),
        charts.effects_chart(effects(), chart_id="e", title="Effects", unit="Points"),
    ]


def test_every_chart_is_well_formed_with_a_title_and_ids_of_its_own() -> None:
    page = "".join(drawings())
    for drawing in drawings():
        title = ElementTree.fromstring(drawing)[0]
        assert title.tag.endswith("title")
        assert title.text
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_the_same_data_in_any_order_give_the_same_bytes() -> None:
    first = charts.activity_chart(activity_by_day(), chart_id="a")
    assert charts.activity_chart(activity_by_day().reverse(), chart_id="a") == first
    assert drawings() == drawings()


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "from outputs.report.charts import bars_chart; import polars as pl, sys;"
        "rows = pl.DataFrame({'label': ['Diamond', 'Gold'], 'members': [50, 1200], 'before': [52, None]});"
        "sys.stdout.write(bars_chart(rows, chart_id='b', title='Tiers', before=True))"
    )
    drawn = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert drawn == drawings()[1]


def test_only_the_palette_is_used_so_that_a_page_can_recolour_it() -> None:
    used = set(re.findall(r'(?:fill|stroke)="(#\w+|[a-z]+)"', "".join(drawings())))
    assert used <= {charts.INK, charts.MUTED, charts.GRID, charts.MAIN, charts.SOFT, charts.ACCENT, "none", "transparent"}


def test_a_hostile_label_is_escaped() -> None:
    drawn = charts.bars_chart(tiers(HOSTILE), chart_id="b", title=HOSTILE)
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)


def test_days_without_anybody_count_as_zero_and_only_90_are_drawn() -> None:
    sparse = pl.DataFrame({"event_date": [date(2011, 8, 1), date(2011, 8, 8)], "active_members": [70, 7]})
    drawn = charts.activity_chart(sparse, chart_id="a")
    assert ">1</text>" in drawn  # the mean of the last 7 days: six empty ones and a 7
    assert "last 8 days" in drawn
    assert "last 90 days" in charts.activity_chart(activity_by_day(200), chart_id="a")


def test_the_mean_begins_with_the_first_whole_week() -> None:
    steady = activity_by_day(100).with_columns(active_members=pl.lit(70))
    assert charts._with_mean(steady)["mean"].to_list() == [70.0] * 90
    assert charts._with_mean(steady.head(9))["mean"].to_list() == [None] * 6 + [70.0] * 3
    ElementTree.fromstring(charts.activity_chart(steady.head(3), chart_id="young"))


@pytest.mark.parametrize("draw", [charts.calibration_chart, charts.lift_chart])
def test_a_model_measured_at_one_point_still_draws(draw: object) -> None:
    one = pl.DataFrame({"predicted": [0.0], "observed": [0.0], "n": [3], "share_of_members": [1.0], "lift": [1.0]})
    assert callable(draw)
    ElementTree.fromstring(draw(one, chart_id="one"))


def test_every_chart_is_one_that_vega_lite_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    specifications = []
    draw = vl_convert.vegalite_to_svg

    def note_and_draw(specification: dict[str, object]) -> str:
        specifications.append(specification)
        return str(draw(specification))

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", note_and_draw)
    drawings()
    nights = [date(2011, 8, 1), date(2011, 9, 1)]
    charts.trend_chart(pl.DataFrame({"as_of": nights, "predicted": [0.1, 0.2], "happened": [0.2, 0.1]}), chart_id="e")
    points = pl.DataFrame({"as_of": nights * 2, "model": ["ours"] * 2 + ["recency"] * 2, "value": [0.7, 0.8, 0.6, 0.6]})
    charts.lines_chart(points, chart_id="f", first="ours", measure="AUC")
    assert len(specifications) == 9
    for specification in specifications:
        schema.Root.validate(specification, schema=schema.load_schema())


@pytest.mark.parametrize(("draw", "curve"), [(charts.calibration_chart, "calibration"), (charts.lift_chart, "lift")])
def test_both_populations_are_drawn_and_named_and_only_where_there_are_two(draw: Callable[..., Markup], curve: str) -> None:
    points: pl.DataFrame = getattr(churn_health(), curve)
    everybody, both = draw(points, chart_id="x"), draw(by_population(points), chart_id="x")
    assert "Still here" not in everybody
    assert both.count("Still here") == both.count("Gone") == 1
    only_here = draw(by_population(points).filter(pl.col("population") == "still_here"), chart_id="x")
    assert "Still here" in only_here
    assert "Gone" not in only_here
