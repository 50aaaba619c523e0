"""A small community with two nights and a backtest, made once for all who look at what nights leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.communities import LAST_DAY, SHOP, shop_lines, write_shop
from tests.nights import succeed

REFUSED = "c007"
FIRST_NIGHT = LAST_DAY - timedelta(days=28)
_MEMBERS = """
[sources.members]
path = "landing/members.csv"
[sources.members.columns]
member_id = "customer"
joined_at = "joined"
can_profile = "can_profile"
"""


@dataclass(frozen=True)
class Explored:
    """A workspace for analysts to look at.

    Args:
        root: The folder.
        lines: The order lines of its shop.
        joined: Customer → the joining date its member table tells.
    """

    root: Path
    lines: pl.DataFrame
    joined: dict[str, date]


@pytest.fixture(scope="session")
def explored(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Explored:
    """Two nights and a backtest of a shop where one customer refuses profiling and one is called like a formula."""
    root = tmp_path_factory.mktemp("explored")
    lines = shop_lines().with_columns(pl.col("customer").replace({"c001": "=1+1"}))
    first_orders = lines.group_by("customer").agg(pl.col("at").min().str.head(10)).sort("customer")
    members = first_orders.select(
        "customer", joined="at", can_profile=pl.when(pl.col("customer") == REFUSED).then(pl.lit("no")).otherwise(pl.lit("yes"))
    )
    write_shop(root, lines, configuration=SHOP + _MEMBERS)
    members.write_csv(root / "landing" / "members.csv")
    for as_of in (FIRST_NIGHT, LAST_DAY):
        succeed("nightly", "--workspace", root, "--as-of", as_of)
    succeed("backtest", "--workspace", root, "--as-of", LAST_DAY, "--cutoffs", 3)
    joined = {customer: date.fromisoformat(day) for customer, day in members.select("customer", "joined").iter_rows()}
    return Explored(root, lines, joined)


@pytest.fixture
def workspace_here(explored: Explored, monkeypatch: pytest.MonkeyPatch) -> Explored:
    """Notebooks opened in this process look at the community."""
    monkeypatch.setenv("EVENFALL_WORKSPACE", str(explored.root))
    monkeypatch.setattr("sys.argv", ["notebook"])
    return explored
