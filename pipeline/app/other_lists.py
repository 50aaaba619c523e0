"""The other pages of the members app: the contact list, what changed, tiers, files, the figures of a week."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from community.figures import FIGURES_SCHEMA, WHOLE
from community.rates import meaningful
from lake.errors import ConfigurationError
from lake.refusals import scan_consent
from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, unescape_formulas
from pipeline.app.member_rows import PAGE_ROWS, ROW
from pipeline.community.figures import FIGURES
from pipeline.history.consent import scan_refused_profiling
from pipeline.receipt import RECEIPT
from runtime.run_context import RunContext
from segments.tiers import TIERS

DAYS_SHOWN: Final = 7


@dataclass(frozen=True)
class ListPage:
    """One page of a list.

    Args:
        rows: Its rows.
        found: How many rows there are on all pages.
        refused: How many are left out, because their members have refused since.
        page: The number of the page, from 1.
        pages: How many there are.
    """

    rows: pl.DataFrame
    found: int
    refused: int
    page: int
    pages: int


@dataclass(frozen=True)
class TierRow:
    """One tier of a night.

    Args:
        tier: The tier.
        members: Members in it.
        previous_members: Members in it the night before; None where there was none.
        came: Members who were in another one before.
        left: Members who are in another one now.
        high_risk: Members still here with a high risk of leaving.
    """

    tier: str
    members: int
    previous_members: int | None
    came: int
    left: int
    high_risk: int


@dataclass(frozen=True)
class Week:
    """The figures of the whole community on some days.

    Args:
        days: The days, the oldest first.
        values: Figure → its value on each of them, None without one.
        before: The last day before them that has figures; None without one.
        after: The last day of the week after; None without one.
    """

    days: list[date]
    values: Mapping[str, list[float | None]]
    before: date | None
    after: date | None


def contact_page(run: RunContext, members: pl.DataFrame, *, page: int) -> ListPage:
    """Return a page of a night's contact list, without members who have refused contact or profiling since.

    Args:
        run: The run of the night.
        members: The member list, as `pipeline.app.member_rows.NightLists` returns it, for the column `row` of each contact.
        page: The number of the page, from 1.
    """
    listed = _read_csv(run, "contact_list.csv", CONTACT_SCHEMA)
    consent = scan_consent(run.workspace.lake).filter(pl.col("can_contact").eq(other=False)).select("member_id")
    refused = pl.concat([consent, scan_refused_profiling(run.workspace.lake)]).unique().collect(engine="streaming")
    kept = listed.join(refused, on="member_id", how="anti", maintain_order="left")
    rows = members.select("member_id", ROW)
    return _page(kept.join(rows, on="member_id", how="left", maintain_order="left"), listed.height, page)


def changes_page(run: RunContext, *, what: str | None, page: int) -> tuple[ListPage, dict[str, int]]:
    """Return a page of what changed since the night before, without members who have refused profiling since.

    Args:
        run: The run of the night.
        what: The kind of change to keep; None for all.
        page: The number of the page, from 1.

    Returns:
        The page, and kind of change → how many there are.
    """
    changes = _read_csv(run, "changes.csv", CHANGES_SCHEMA)
    refused = scan_refused_profiling(run.workspace.lake).collect(engine="streaming")
    shown = changes.join(refused, on="member_id", how="anti", maintain_order="left")
    kinds = dict(shown["what"].value_counts(sort=True).iter_rows())
    kept, every = (rows if what is None else rows.filter(pl.col("what") == what) for rows in (shown, changes))
    return _page(kept, every.height, page), kinds


def tier_rows(members: pl.DataFrame) -> list[TierRow]:
    """Return the tiers of a night, the highest first.

    Args:
        members: The member list, as `pipeline.app.member_rows.NightLists` returns it.
    """
    is_high = (pl.col("churn_risk") == "high") & pl.col("presence").ne_missing(pl.lit("gone"))
    counted = members.filter(pl.col("tier").is_not_null()).group_by("tier", "previous_tier").agg(n=pl.len(), high=is_high.sum())
    has_before = counted["previous_tier"].count() > 0
    moved = pl.col("tier") != pl.col("previous_tier")

    def _sum(condition: pl.Expr, of: str = "n") -> int:
        return int(counted.filter(condition)[of].sum())

    return [
        TierRow(
            tier,
            _sum(pl.col("tier") == tier),
            _sum(pl.col("previous_tier") == tier) if has_before else None,
            _sum((pl.col("tier") == tier) & moved),
            _sum((pl.col("previous_tier") == tier) & moved),
            _sum(pl.col("tier") == tier, "high"),
        )
        for tier in reversed(TIERS)
    ]


def files_of(run: RunContext) -> dict[str, int]:
    """Return the files of a night's lists that people download: name → bytes, as its receipt names them, and the receipt.

    Args:
        run: The run of the night.
    """
    folder = run.workspace.night(run.as_of)
    receipt: Mapping[str, Any] = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
    return {name: (folder / name).stat().st_size for name in (*receipt["lists"], RECEIPT) if (folder / name).is_file()}


def file_of(run: RunContext, name: str) -> Path:
    """Return the path of a file of a night's lists.

    Raises:
        ConfigurationError: The night has no such list.
    """
    if name not in files_of(run):
        raise ConfigurationError(f"the night of {run.as_of} has no list {name!r}", remedy="Choose one of its page of downloads.")
    return run.workspace.night(run.as_of) / name


def figures_of_week(run: RunContext, *, last: date | None) -> Week:
    """Return the whole community's figures of the days ending with one.

    Args:
        run: The run.
        last: The last day; None for the newest that has figures.
    """
    scanned = run.workspace.lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).filter(pl.col("dimension") == WHOLE)
    figures = meaningful(scanned.collect())
    every = figures["day"].unique().sort().to_list()
    end = last or (every[-1] if every else date.min)
    days = [day for day in every if day <= end][-DAYS_SHOWN:]
    rows = {(figure, day): value for day, figure, value in figures.select("day", "figure", "value").iter_rows()}
    names = figures["figure"].unique().sort().to_list()
    values = {name: [rows.get((name, day)) for day in days] for name in names}
    later = [day for day in every if days and days[-1] < day <= days[-1] + timedelta(days=DAYS_SHOWN)]
    earlier = [day for day in every if days and day < days[0]]
    kept = {name: row for name, row in values.items() if any(value is not None for value in row)}
    return Week(days, kept, earlier[-1] if earlier else None, later[-1] if later else None)


def _read_csv(run: RunContext, name: str, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    # As text first: an id may look like a number.
    text = pl.read_csv(run.workspace.night(run.as_of) / name, infer_schema=False).with_columns(unescape_formulas(pl.all()))
    known = [name for name in schema if name in text.columns]
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in text.columns]
    typed = [_typed(name, schema[name]) for name in known]
    return text.select(*typed, *missing, *(name for name in text.columns if name not in schema))


def _typed(name: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(name)
    if dtype == pl.Boolean():
        return text == "true"
    return text.str.to_date("%Y-%m-%d") if dtype == pl.Date() else text.cast(dtype)


def _page(kept: pl.DataFrame, every: int, page: int) -> ListPage:
    pages = max(1, -(-kept.height // PAGE_ROWS))
    number = min(max(page, 1), pages)
    return ListPage(kept.slice((number - 1) * PAGE_ROWS, PAGE_ROWS), kept.height, every - kept.height, number, pages)
