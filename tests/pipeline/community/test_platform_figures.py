"""A second night with what platforms count: in the table of figures, in the report of both languages, beside goals."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import polars as pl

from lake.storage.delta import Lake
from pipeline.community.figures import FIGURES
from tests.nights import NIGHT, Run

SECOND = NIGHT + timedelta(days=1)
PLATFORMS = """
[[goals]]
figure = "followers"
platform = "wechat"
reading = "day"
target = 2000
by = 2025-12-31

[[reports]]
language = "zh"

[sources.figures]
path = "landing/wechat.csv"
figures = { new_followers = "新关注人数", followers = "累积关注人数" }
[sources.figures.columns]
day = "日期"
platform = "'wechat'"
"""


def add_platforms(shop: Path, *, days: int = 120) -> None:
    with (shop / "evenfall.toml").open("a", encoding="utf-8") as file:
        file.write(PLATFORMS)
    lines = ["日期,新关注人数,累积关注人数"]
    lines += [f"{SECOND - timedelta(days=n)},{10 + n % 7},{1_500 - 10 * n}" for n in reversed(range(1, days))]
    # A day after the night is in the export already: it is not to be known.
    lines += [f"{SECOND + timedelta(days=1)},999,99999"]
    (shop / "landing" / "wechat.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def text_of(page: Path) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")).split())


def test_a_night_counts_shows_and_judges_what_a_platform_gives(run: Run, begun: Path) -> None:
    add_platforms(begun)
    before = Lake(begun / "lake").scan(FIGURES).collect()
    done = run("nightly", "--workspace", begun, "--as-of", SECOND)
    assert done.code == 0, done.err
    after = Lake(begun / "lake").scan(FIGURES).collect()
    given = after.filter(pl.col("dimension") == "platform=wechat")
    assert given["figure"].unique().sort().to_list() == ["followers", "new_followers"]
    assert (given["day"].max(), given.filter(pl.col("figure") == "followers")["value"].max()) == (NIGHT, 1_490.0)
    counted = after.filter(pl.col("day") < NIGHT - timedelta(days=1)).join(given, on=after.columns, how="anti")
    assert counted.equals(before.filter(pl.col("day") < NIGHT - timedelta(days=1)))
    members = pl.read_parquet(begun / "lists" / str(SECOND) / "members.parquet")
    assert members.height == 60
    english = text_of(begun / "reports" / f"{SECOND}.html")
    chinese = text_of(begun / "reports" / f"{SECOND}.zh.html")
    assert "What platforms count" in english
    assert "1,490 on 9 Jul" in english
    assert "99,999" not in english + chinese
    assert "平台数据" in chinese
    assert "Followers (platform wechat)" in english
    shown = run("figures", "--workspace", begun, "--csv", "-", "--from", NIGHT, "--to", NIGHT)
    assert f"{NIGHT},followers,platform=wechat,1490.0" in shown.out
    table = run("figures", "--workspace", begun).out.splitlines()
    assert [line.split()[-3:] for line in table if line.startswith("followers platform=wechat")] == [["1,480", "1,490", "-"]]
    asked = run("sql", "SELECT COUNT(*) AS n FROM platform_figures", "--workspace", begun)
    assert "240" in asked.out
