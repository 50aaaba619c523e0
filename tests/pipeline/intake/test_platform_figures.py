"""What platforms count by day: exports with a column per figure, corrected days, two accounts, and the counting identity."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.errors import ConfigurationError, EvenfallError
from lake.storage.delta import Lake
from pipeline.preflight import preflight
from runtime.run_context import open_run
from tests.exports import EVENTS, HEAD, NIGHT, NOW, counted, held, take_in, validate, write

MAPPED = '[sources.figures.columns]\nday = "日期"\nplatform = "\'wechat\'"\n'
WECHAT = f"""\
{EVENTS}
[sources.figures]
path = "wechat.csv"
skip_rows = 1
thousands = ","
null_values = ["--"]
figures = {{ new_followers = "新关注人数", lost_followers = "取消关注人数", followers = "累积关注人数" }}
{MAPPED}"""
EXPORT = """\
用户增长
日期,新关注人数,取消关注人数,净增关注人数,累积关注人数
2024-02-27,40,3,37,"12,037"
2024-02-28,52,--,52,"12,089"
2024-02-29,,5,,"12,084"
"""


def values(folder: Path) -> dict[tuple[str, str], float]:
    rows = Lake(folder / "lake").scan("platform_figures").select("event_date", "figure", "value").collect().rows()
    return {(str(day), figure): value for day, figure, value in rows}


def begin(folder: Path, export: str = EXPORT, toml: str = WECHAT) -> None:
    write(folder, events_csv="id,u,t\ne1,anna,2024-02-28\n", wechat_csv=export)
    take_in(folder, toml)


def test_a_column_per_figure_lands_as_a_row_per_figure_and_empty_cells_as_none(tmp_path: Path) -> None:
    begin(tmp_path)
    assert values(tmp_path) == {
        ("2024-02-27", "new_followers"): 40.0,
        ("2024-02-27", "lost_followers"): 3.0,
        ("2024-02-27", "followers"): 12_037.0,
        ("2024-02-28", "new_followers"): 52.0,
        ("2024-02-28", "followers"): 12_089.0,
        ("2024-02-29", "lost_followers"): 5.0,
        ("2024-02-29", "followers"): 12_084.0,
    }
    assert held(tmp_path, "member_index", "member_id") == [("anna",)]


def test_a_day_that_is_exported_again_corrects_the_earlier_one_and_every_row_is_counted_once(tmp_path: Path) -> None:
    begin(tmp_path)
    write(tmp_path, wechat_csv=EXPORT.replace(",40,", ",41,") + '2024-03-01,7,1,6,"12,090"\n')
    take_in(tmp_path, WECHAT)
    found = values(tmp_path)
    assert (found["2024-02-27", "new_followers"], found["2024-03-01", "followers"]) == (41.0, 12_090.0)
    assert len(found) == 10
    counts = counted(tmp_path, "rows_read", "left_out", "merged", "replaced", "quarantined", "landed")
    assert all(read == sum(others) for _, read, *others in counts)
    # The corrected value is the later arrival's, and so are the three new ones; the other six came again unchanged.
    assert counts[1:] == [("wechat.csv", 7, 0, 0, 1, 0, 6), ("wechat.csv", 10, 0, 0, 6, 0, 4)]


def test_two_rows_of_one_day_and_names_that_are_counted_here_are_set_aside(tmp_path: Path) -> None:
    long = "day,figure,platform,value\n2024-02-28,fans,weibo,5\n2024-02-28,fans,weibo,6\n2024-02-28,dau,weibo,7\n"
    begin(tmp_path, long, f'{EVENTS}[validation.figures]\nmax_bad_share = 0.9\n[sources.figures]\npath = "wechat.csv"\n')
    assert values(tmp_path) == {("2024-02-28", "fans"): 5.0}
    assert held(tmp_path, "quarantine", "rules") == [(["figure_id_unique"],), (["figure_not_counted_here"],)]


def test_two_sources_that_differ_on_a_day_stop_the_night_unless_they_share_keys(tmp_path: Path) -> None:
    two = f'{EVENTS}[[sources.figures]]\npath = "a.csv"\n[[sources.figures]]\npath = "b.csv"\n'
    write(tmp_path, events_csv="id,u,t\ne1,anna,2024-02-28\n")
    for name, value in (("a_csv", 5), ("b_csv", 6)):
        write(tmp_path, **{name: f"day,figure,platform,value\n2024-02-28,fans,weibo,{value}\n"})
    stop = validate(tmp_path, two).stops[0]
    assert (stop.rule, stop.says.count("a.csv, b.csv")) == ("figures_of_one_source", 1)
    take_in(tmp_path, two.replace('"b.csv"\n', '"b.csv"\nkeys = "shared"\n'))
    assert values(tmp_path) == {("2024-02-28", "fans"): 6.0}


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (
            WECHAT.replace("新关注人数", "新增"),
            "the figure `new_followers` is to be read from `新增`, and the export has no such column",
        ),
        (WECHAT.replace("new_followers", "joins_of_dau").replace("joins_of_", ""), "the figure 'dau' is counted here already"),
        (WECHAT.replace('day = "日期"', 'day = "日期"\nvalue = "1"'), "leave `figure` and `value` out of `columns`"),
        (WECHAT.replace('day = "日期"\n', ""), "platform_figures needs the column `day`"),
        (WECHAT.replace("skip_rows", 'timezone = "Asia/Shanghai"\nskip_rows'), "`timezone` is no setting of figures"),
        (WECHAT.replace("skip_rows", 'keys = "own"\nskip_rows'), '`keys = "own"` is no setting of figures'),
        (WECHAT.replace('day = "日期"', 'day = "日期"\nfigure_id = "1"'), "leave it out of `columns`"),
        (EVENTS.replace("events.csv", 'events.csv"\nfigures = { a = "b" }\n#"'), "`figures` is for [sources.figures]"),
        (
            f'{EVENTS}[[goals]]\nfigure = "fans"\nplatform = "x"\nreading = "day"\ntarget = 1\nby = 2024-06-01\n',
            "no [sources.figures]",
        ),
    ],
)
def test_a_mistake_is_told_with_its_remedy_before_anything_lands(tmp_path: Path, toml: str, told: str) -> None:
    write(tmp_path, events_csv="id,u,t\ne1,anna,2024-02-28\n", wechat_csv=EXPORT)
    (tmp_path / "evenfall.toml").write_text(HEAD + toml)
    with pytest.raises(EvenfallError) as caught:
        preflight(open_run(tmp_path, NIGHT, now=NOW), sources=True)
    assert isinstance(caught.value, ConfigurationError)
    assert told in f"{caught.value.what} {caught.value.remedy}"
    assert not (tmp_path / "lake" / "platform_figures").exists()
