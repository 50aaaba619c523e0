"""The member list of a night for a page: what a table shows of every member, in memory; filtered, sorted and cut into pages."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

import polars as pl

from lake.arrivals import REFUSALS, RETIRED
from lake.contracts import MEMBERS
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.roles import CONFIGURED_ROLES
from outputs.lists import as_text, conform, members_schema
from pipeline.analysis import hide_refused, listed_nights
from pipeline.community.figure_drill import has_members, members_behind
from runtime.run_context import RunContext

PAGE_ROWS: Final = 50
ROW: Final = "row"
# What a page can be filtered by, in its order.
FILTERS: Final = ("tier", "churn_risk", "presence", "lifecycle", "segment", "community")
# How a page can be sorted → by which column, the highest first; None as the list is.
ORDERS: Final[Mapping[str, str | None]] = {"value": None, "risk": "churn_probability", "spend": "expected_value"}
_SHOWN: Final = (
    "member_id",
    "is_eligible",
    "churn_probability",
    "expected_value",
    "member_value_score",
    *FILTERS,
    "previous_tier",
    "suppressed_because",
)
# What decides over who may be shown.
_CONSENT_TABLES: Final = (MEMBERS.name, REFUSALS, RETIRED, CONFIGURED_ROLES)
_NIGHTS_KEPT: Final = 2


@dataclass(frozen=True)
class Choice:
    """What somebody wants to see of a member list; None means everything.

    Args:
        tier: A tier.
        churn_risk: A risk of leaving.
        presence: Whether still here or gone.
        lifecycle: A stage.
        segment: A behaviour group.
        community: A community.
        previous_tier: The tier of the night before, of those who are in another one now.
        figure: A figure, for the members behind it.
        day: Its day.
        text: A part of an id, or words of the strongest reason.
        order: One of `ORDERS`.
    """

    tier: str | None = None
    churn_risk: str | None = None
    presence: str | None = None
    lifecycle: str | None = None
    segment: str | None = None
    community: str | None = None
    previous_tier: str | None = None
    figure: str | None = None
    day: date | None = None
    text: str | None = None
    order: str = "value"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Choice:
        """Read a choice from the fields of a form or an address; unknown ones are ignored.

        Raises:
            ConfigurationError: The day is no date, no member can be named behind the figure, or there is no such order.
        """
        known = {one.name: given[one.name] for one in fields(cls) if given.get(one.name)}
        try:
            day = date.fromisoformat(known.pop("day")) if "day" in known else None
        except ValueError:
            raise ConfigurationError(
                f"{given['day']!r} is not a day", remedy="Open the members of a figure from the page of figures."
            ) from None
        choice = cls(day=day, **known)
        if (choice.figure is None) != (day is None) or (choice.figure is not None and not has_members(choice.figure)):
            raise ConfigurationError(
                f"no members can be named behind {choice.figure!r}",
                remedy="Open the members of a figure from the page of figures.",
            )
        if choice.order not in ORDERS:
            raise ConfigurationError(f"members cannot be sorted by {choice.order!r}", remedy=f"Use one of {', '.join(ORDERS)}.")
        return choice

    def linked(self) -> dict[str, str]:
        """Return the fields that an address may hold: all but the text, which may be an id and addresses are logged."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "text"}
        return {name: str(value) for name, value in values.items() if value is not None and (name, value) != ("order", "value")}


@dataclass(frozen=True)
class MemberPage:
    """One page of a member list.

    Args:
        rows: Up to `PAGE_ROWS` rows: row, the columns of the list that a table shows, and the strongest reason.
        found: How many members there are on all pages.
        hidden: Of the members behind a figure, how many are not shown: they may not be profiled, or are on the list no longer.
        page: The number of the page, from 1.
        pages: How many there are.
    """

    rows: pl.DataFrame
    found: int
    hidden: int
    page: int
    pages: int


class NightLists:
    """The member lists of the nights that were asked for last, in memory: what tables show, and no reasons but the strongest.

    Args:
        run: The run of the workspace.
    """

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._kept: dict[tuple[object, ...], tuple[pl.DataFrame, dict[str, list[str]]]] = {}
        self._lock = threading.Lock()

    def night(self, text: str) -> RunContext:
        """Return the run of a night that has lists, by its date.

        Raises:
            ConfigurationError: There are no lists of that night.
        """
        nights = {night.isoformat(): night for night in listed_nights(self._run)}
        if text not in nights:
            raise ConfigurationError(f"there are no lists of the night {text!r}", remedy="Choose a night on the first page.")
        return self._run.on(nights[text])

    def members(self, run: RunContext) -> pl.DataFrame:
        """Return one row per member of a night's list, in its order: row, what tables show, and `reason`; as consent is today."""
        return self._of(run)[0]

    def values(self, run: RunContext) -> dict[str, list[str]]:
        """Return the values that occur in each column of `FILTERS`, the most frequent first; columns without any are left out."""
        return self._of(run)[1]

    def _of(self, run: RunContext) -> tuple[pl.DataFrame, dict[str, list[str]]]:
        file = run.workspace.night(run.as_of) / "members.parquet"
        stat, lake = file.stat(), run.workspace.lake
        key = (run.as_of, stat.st_mtime_ns, stat.st_size, *(lake.version(table) for table in _CONSENT_TABLES))
        with self._lock:
            if key not in self._kept:
                members = _read(run)
                self._kept[key] = members, _values_of(members)
            # The one that was asked for last goes to the end.
            self._kept[key] = self._kept.pop(key)
            while len(self._kept) > _NIGHTS_KEPT:
                del self._kept[next(iter(self._kept))]
            return self._kept[key]


def chosen(run: RunContext, members: pl.DataFrame, choice: Choice, behind: pl.Series | None) -> pl.Series:
    """Return the rows of a choice in the list, in the order of the choice.

    Args:
        run: The run of the night.
        members: The list, as `NightLists` returns it.
        choice: The choice.
        behind: The numbers of the members behind its figure (`behind_figure`); None without a figure.
    """
    wanted = {name: getattr(choice, name) for name in (*FILTERS, "previous_tier")}
    found = members.lazy().filter(*(pl.col(name) == value for name, value in wanted.items() if value is not None))
    if choice.previous_tier is not None:
        found = found.filter(pl.col("tier") != choice.previous_tier)
    if choice.text:
        text = choice.text.strip().lower()
        in_either = [pl.col(name).str.to_lowercase().str.contains(text, literal=True) for name in ("member_id", "reason")]
        found = found.filter(pl.any_horizontal(in_either))
    if behind is not None:
        # Behind a figure, an id alone would tell what its member did.
        found = found.filter(pl.col("tier").is_not_null()).join(
            _ids(run, behind), on="member_id", how="semi", maintain_order="left"
        )
    by = ORDERS[choice.order]
    if by is None:
        return found.select(ROW).collect()[ROW]
    # Only what is sorted by: to move all columns of a large list takes ten times as long.
    ordered = found.select(ROW, by).sort(by, descending=True, nulls_last=True, maintain_order=True)
    return ordered.collect()[ROW]


def page_of(run: RunContext, members: pl.DataFrame, choice: Choice, *, page: int) -> MemberPage:
    """Return a page of a choice; the last one where there are not so many.

    Args:
        run: The run of the night.
        members: The list, as `NightLists` returns it.
        choice: The choice.
        page: The number of the page, from 1.
    """
    behind = behind_figure(run, choice)
    found = chosen(run, members, choice, behind)
    pages = max(1, -(-found.len() // PAGE_ROWS))
    number = min(max(page, 1), pages)
    is_narrowed = any(getattr(choice, name) for name in (*FILTERS, "previous_tier", "text"))
    hidden = 0 if behind is None or is_narrowed else behind.len() - found.len()
    rows = members[found.slice((number - 1) * PAGE_ROWS, PAGE_ROWS)]
    return MemberPage(rows, found.len(), hidden, number, pages)


def behind_figure(run: RunContext, choice: Choice) -> pl.Series | None:
    """Return the numbers of the members behind a choice's figure; None where it has none."""
    return None if choice.figure is None or choice.day is None else members_behind(run, choice.figure, choice.day)


def as_csv(run: RunContext, rows: pl.Series) -> bytes:
    """Return rows of a night's list as CSV, as the night writes it: every column, no text that runs as a formula.

    Args:
        run: The run of the night.
        rows: Their numbers in the list.
    """
    file = run.workspace.night(run.as_of) / "members.parquet"
    wanted = pl.scan_parquet(file).with_row_index(ROW).filter(pl.col(ROW).is_in(rows.implode())).collect()
    listed = wanted.select(ROW).hstack(conform(wanted.drop(ROW), schema=members_schema(wanted.columns)))
    # Who refused before the night stays as it wrote them: an id, and why they are not contacted.
    unprofiled, profiled = listed.filter(pl.col("tier").is_null()), listed.filter(pl.col("tier").is_not_null())
    shown = pl.concat([unprofiled, hide_refused(run, profiled)])
    ordered = pl.DataFrame({ROW: rows}).join(shown, on=ROW, how="left", maintain_order="left")
    return as_text(ordered.drop(ROW)).write_csv(include_bom=run.settings.lists.bom).encode()


def _read(run: RunContext) -> pl.DataFrame:
    scanned = pl.scan_parquet(run.workspace.night(run.as_of) / "members.parquet")
    # Lists of earlier versions lack columns.
    there = scanned.collect_schema().names()
    shown = [pl.col(name) if name in there else pl.lit(None, pl.String).alias(name) for name in _SHOWN]
    reason = pl.col("reasons").list.first().struct.field("text").alias("reason")
    return hide_refused(run, scanned.select(*shown, reason).with_row_index(ROW).collect())


def _ids(run: RunContext, numbers: pl.Series) -> pl.LazyFrame:
    index = scan_member_index(run.workspace.lake).select("member_no", "member_id")
    return index.filter(pl.col("member_no").is_in(numbers.implode())).select("member_id")


def _values_of(members: pl.DataFrame) -> dict[str, list[str]]:
    counted = {name: members[name].drop_nulls().value_counts(sort=True)[name].to_list() for name in FILTERS}
    return {name: values for name, values in counted.items() if values}
