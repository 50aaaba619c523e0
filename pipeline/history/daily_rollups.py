"""Rolling up: the days that changed become daily rollups in the lake; the rollups become the history features look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from features.history import DAILY_SCHEMA, EVENT_PREFIX, TIES_SCHEMA, History
from features.incremental.totals import IncrementalTotals
from features.rollups.daily import RESPONSE_WINDOW_DAYS, days_to_roll_up, roll_up_landed
from lake.contracts import DAILY, TABLES, TIES
from lake.member_index import scan_member_index
from lake.refusals import scan_consent
from lake.retired import scan_retired_members
from lake.sources.times import local_date
from lake.storage.delta import DAY, Lake
from pipeline.history.consent import consenting, numbers_not_profiled, of_profiled
from pipeline.history.incremental_totals import first_days, update_stored_totals
from runtime.progress import each
from runtime.run_context import RunContext

MOST_EVENT_TYPES: Final = 24
ROWS_AT_ONCE: Final = 10_000_000
MAX_ROWS_IN_MEMORY: Final = 4_000_000
_TIMED_TABLES: Final = tuple(name for name, table in TABLES.items() if table.time is not None)


def update_rollups(night: RunContext) -> list[date]:
    """Bring the daily rollups of a run's lake up to date, as `roll_up` does, within the memory the run may use."""
    today = night.now.astimezone(ZoneInfo(night.timezone)).date()
    at_once = night.settings.scale.budget.rolled_up_rows
    return roll_up(night.workspace.lake, timezone=night.timezone, now_date=today, rows_at_once=at_once)


def load_snapshot(night: RunContext) -> CommunitySnapshot:
    """Gather what a run looks at, as `take_snapshot` does, within the memory it may use."""
    materialise_if_small = night.settings.scale.budget.rollup_rows_in_memory
    return take_snapshot(
        night.workspace.lake, timezone=night.timezone, as_of=night.as_of, max_rows_in_memory=materialise_if_small
    )


def roll_up(lake: Lake, *, timezone: str, now_date: date, rows_at_once: int = ROWS_AT_ONCE) -> list[date]:
    """Bring the daily rollups up to date with the landed tables.

    Which days changed is read from the tables' logs since the versions the rollups were last made from, so a crash before
    this step is caught up by the next run.

    Args:
        lake: The lake.
        timezone: The community's.
        now_date: The last day that can hold anything.
        rows_at_once: Landed rows rolled up at once, whole days: memory follows these and not a first load.

    Returns:
        The days rolled up anew.
    """
    made_from = lake.metadata(DAILY).get("versions", {}) if lake.exists(DAILY) and lake.exists(TIES) else {}
    if lake.metadata(TIES).get("versions", {}) != made_from:
        made_from = {}
    versions = {name: lake.version(name) for name in _TIMED_TABLES}
    changed = {
        name: lake.days_changed(name, since_version=made_from.get(name, -1))
        for name, version in versions.items()
        if version >= 0 and version != made_from.get(name, -1)
    }
    days = days_to_roll_up(changed, last_day=_last_day(lake, now_date))
    if not days and made_from:
        return []
    days = days or [now_date]
    stretches = list(_stretches(lake, days, rows_at_once=rows_at_once))
    for stretch in each(stretches, total=len(stretches), unit="stretches of days"):
        # The versions are noted with the last stretch only: an interrupted first load starts again from the beginning.
        metadata = {"versions": versions if stretch[-1] == days[-1] else made_from}
        _roll_up_days(lake, stretch, timezone=timezone, metadata=metadata)
    return days


@dataclass(frozen=True)
class CommunitySnapshot:
    """What a night knows of its community.

    Args:
        history: What features may look at; nothing of members who may not be profiled is in it.
        totals: The history's running totals of the night.
    """

    history: History
    totals: IncrementalTotals


def take_snapshot(lake: Lake, *, timezone: str, as_of: date, max_rows_in_memory: int = MAX_ROWS_IN_MEMORY) -> CommunitySnapshot:
    """Carry the running totals to the night and lay out the history around them.

    Args:
        lake: The lake with its rollups up to date.
        timezone: The community's.
        as_of: The night; decides which event types get features of their own.
        max_rows_in_memory: Rows of the rollups that may be held to count them from the beginning.
    """
    totals = update_stored_totals(lake, as_of=as_of, max_rows_in_memory=max_rows_in_memory)
    daily, ties = consenting(
        lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA), not_profiled=numbers_not_profiled(lake)
    )
    members = members_known(lake, timezone=timezone, as_of=as_of).filter(pl.col("can_profile").fill_null(True))
    history = History(
        # Everybody's looks at them start from here: worked out once.
        members=members.collect(engine="streaming").lazy(),
        daily=daily,
        ties=ties,
        available=_available(lake, as_of=as_of),
        event_types=_event_types(totals.sums),
    )
    return CommunitySnapshot(history, totals)


def load_history(lake: Lake, *, timezone: str, as_of: date) -> History:
    """The history of `take_snapshot` alone, for those who look at past nights."""
    return take_snapshot(lake, timezone=timezone, as_of=as_of).history


def members_known(lake: Lake, *, timezone: str, as_of: date) -> pl.LazyFrame:
    """One row per member of the members table or with any row in the rollups by `as_of`: the `members` of a history.

    `seen_from` is null for a member listed without a joining time, who counts as always known.

    Args:
        lake: The lake.
        timezone: The community's.
        as_of: The night; what came later is not known, but members who join later are listed with their `joined_date`.
    """
    index = scan_member_index(lake)
    first = pl.concat([first_days(lake, as_of=as_of), _first_days_of_not_profiled(lake, as_of=as_of)])
    listed = lake.scan_or_empty("members", TABLES["members"].landed_schema).with_columns(is_listed=pl.lit(True))
    referrers = index.select(pl.col("member_id").alias("referrer_id"), pl.col("member_no").alias("referrer_no"))
    joined = local_date(pl.col("joined_at"), timezone=timezone)
    refused = scan_consent(lake).rename({"can_contact": "contact_refused", "can_profile": "profile_refused"})
    return (
        index.join(scan_retired_members(lake), on="member_id", how="anti")
        .join(listed, on="member_id", how="left")
        .join(refused, on="member_id", how="left")
        .with_columns(
            can_contact=pl.coalesce("contact_refused", "can_contact"), can_profile=pl.coalesce("profile_refused", "can_profile")
        )
        .join(first, on="member_no", how="left")
        .filter(pl.col("is_listed") | pl.col("first_date").is_not_null())
        .join(referrers, on="referrer_id", how="left")
        .with_columns(joined_date=joined)
        .with_columns(
            seen_from=pl.when(pl.col("is_listed").is_not_null() & pl.col("joined_date").is_null())
            .then(None)
            .otherwise(pl.min_horizontal("joined_date", "first_date"))
        )
        .select(
            "member_no",
            "member_id",
            "seen_from",
            "joined_date",
            "platform",
            "region",
            "gender",
            "birth_year",
            "referrer_no",
            "can_contact",
            "can_profile",
        )
    )


def _stretches(lake: Lake, days: list[date], *, rows_at_once: int) -> Iterator[list[date]]:
    """Cut days into stretches of so many landed rows, a day at least."""
    counted = pl.concat([lake.rows_by_day(table) for table in _TIMED_TABLES]).group_by(DAY).agg(pl.col("rows").sum())
    rows = dict(counted.iter_rows())
    stretch: list[date] = []
    held = 0
    for day in days:
        if stretch and held + rows.get(day, 0) > rows_at_once:
            yield stretch
            stretch, held = [], 0
        stretch.append(day)
        held += rows.get(day, 0)
    yield stretch


def _last_day(lake: Lake, now_date: date) -> date:
    """The last day that anything may have happened on; messages are answered later than they are sent."""
    newest = {name: max(lake.days(name), default=date.min) for name in _TIMED_TABLES}
    if newest["contacts"] > date.min:
        newest["contacts"] = min(newest["contacts"] + timedelta(days=RESPONSE_WINDOW_DAYS), max(now_date, *newest.values()))
    return max(newest.values())


def _roll_up_days(lake: Lake, days: Collection[date], *, timezone: str, metadata: dict[str, object]) -> None:
    rolled_up = roll_up_landed(
        events=_on(lake, "events", days),
        orders=_on(lake, "orders", days),
        content=_up_to(lake, "content", max(days)),
        contacts=_on(lake, "contacts", days, before_days=RESPONSE_WINDOW_DAYS),
        feedback=_on(lake, "feedback", days),
        member_index=scan_member_index(lake),
        timezone=timezone,
        days=days,
    )
    lake.replace_days(DAILY, rolled_up.daily, days=days, metadata=metadata)
    lake.replace_days(TIES, rolled_up.ties, days=days, metadata=metadata)


def _on(lake: Lake, table: str, days: Collection[date], *, before_days: int = 0) -> pl.LazyFrame | None:
    if not lake.exists(table):
        return None
    if not before_days:
        return lake.scan(table).filter(pl.col(DAY).is_in(sorted(days)))
    return lake.scan(table).filter(pl.col(DAY).is_between(min(days) - timedelta(days=before_days), max(days)))


def _up_to(lake: Lake, table: str, day: date) -> pl.LazyFrame | None:
    return lake.scan(table).filter(pl.col(DAY) <= day) if lake.exists(table) else None


def _first_days_of_not_profiled(lake: Lake, *, as_of: date) -> pl.LazyFrame:
    """One row per member_no who may not be profiled and did anything by `as_of`: `first_date`, by which they are listed."""
    not_profiled = numbers_not_profiled(lake)
    if not_profiled.is_empty():
        return pl.LazyFrame(schema={"member_no": pl.Int32(), "first_date": pl.Date()})
    theirs = pl.col("member_no").is_in(not_profiled.implode()) & (pl.col(DAY) <= as_of)
    return lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(theirs).group_by("member_no").agg(first_date=pl.col(DAY).min())


def _available(lake: Lake, *, as_of: date) -> frozenset[str]:
    """Table names, and `table.column` for optional columns with any value.

    Neither rows after the night count nor those of members who may not be profiled: what the log knows to be filled must have
    a value of somebody else.
    """
    found: set[str] = set()
    for name, table in TABLES.items():
        if not lake.exists(name):
            continue
        until = None if table.time is None else as_of
        filled = lake.filled_columns(name, until=until)
        rows = of_profiled(lake, table) if until is None else of_profiled(lake, table).filter(pl.col(DAY) <= until)
        if table.key in filled and _any(rows):
            optional = {column for column, contract in table.columns.items() if not contract.required and column != table.key}
            used = {column for column in optional & filled if _any(rows.filter(pl.col(column).is_not_null()))}
            found |= {name, *(f"{name}.{column}" for column in used)}
    return frozenset(found)


def _any(rows: pl.LazyFrame) -> bool:
    return not rows.select(pl.first()).head(1).collect(engine="streaming").is_empty()


def _event_types(sums: pl.DataFrame) -> tuple[str, ...]:
    counted = (
        sums.lazy()
        .filter(pl.col("activity").str.starts_with(EVENT_PREFIX))
        .group_by("activity")
        .agg(pl.col("n_lifetime").cast(pl.Int64).sum())
        .sort(["n_lifetime", "activity"], descending=[True, False])
        .collect()
    )
    return tuple(activity.removeprefix(EVENT_PREFIX) for activity in counted["activity"].head(MOST_EVENT_TYPES))
