"""The weekly and monthly editions: made of what nights have stored, equal to a count from the exports; they change nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import polars as pl

from lake.storage.delta import Lake
from tests.communities import LAST_DAY, SHOP, write_shop
from tests.nights import NIGHT, FirstNight, evenfall


def versions(shop: Path) -> dict[str, int]:
    lake = Lake(shop / "lake")
    return {table: lake.version(table) for table in lake.tables}


def sold(shop: Path, first: date, last: date) -> tuple[int, float]:
    """Orders and spend of some days, straight from the shop's file."""
    lines = pl.read_csv(shop / "landing" / "orders*.csv").filter(
        pl.col("at").str.head(10).is_between(pl.lit(str(first)), pl.lit(str(last)))
    )
    return lines["order"].n_unique(), lines.select((pl.col("quantity") * pl.col("price")).sum()).item()


def told(page: Path, section: str) -> str:
    found = re.search(rf'<section id="{section}">(.*?)</section>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, section
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def test_an_edition_tells_the_figures_of_its_days_and_changes_nothing(begun: Path) -> None:
    before = versions(begun)
    for period, days in (("week", 7), ("month", 28)):
        done = evenfall("report", "--workspace", begun, "--period", period)
        assert done.code == 0, done.err
        page = begun / "reports" / f"{NIGHT}.{period}.html"
        assert str(page) in done.out
        (orders, spend), (orders_before, spend_before) = (
            sold(begun, NIGHT - timedelta(days=days + ago - 1), NIGHT - timedelta(days=ago)) for ago in (0, days)
        )
        figures = told(page, "figures")
        assert f"Orders {orders} {orders_before} " in figures
        assert f"Spend €{round(spend):,} €{round(spend_before):,} " in figures
    assert versions(begun) == before


def test_a_night_that_was_never_run_is_a_mistake_with_a_remedy(first_night: FirstNight) -> None:
    done = evenfall("report", "--workspace", first_night.shop, "--period", "week", "--as-of", LAST_DAY)
    assert done.code == 2
    assert f"the night of {LAST_DAY} has not been run; the newest night that has been run is {NIGHT}" in done.err
    assert not (first_night.shop / "reports" / f"{LAST_DAY}.week.html").exists()
    assert evenfall("report", "--workspace", first_night.shop).code == 2


def test_before_any_night_an_edition_says_what_to_do(tmp_path: Path) -> None:
    write_shop(tmp_path, configuration=SHOP)
    done = evenfall("report", "--workspace", tmp_path, "--period", "week")
    assert done.code == 3
    assert "evenfall nightly" in done.err
