"""Daily rollups: roll up the days that changed, and build the history and the totals that features are computed from."""

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
from lake.contracts import DAILY, TABLES, TABLES_OF_MEMBERS, TIES
from lake.member_index import scan_member_index
from lake.refusals import scan_consent
from lake.retired import scan_retired_members
from lake.roles import scan_roles
from lake.sources.times import local_date
from lake.storage.delta import DAY, Lake
from pipeline.history.consent import consenting, numbers_not_profiled, of_profiled
from pipeline.history.incremental_totals import first_days, update_stored_totals
from runtime.progress import each
from runtime.run_context import RunContext

# Each event type adds a family of columns: an export with hundreds of types must not make the features unusably wide.
MOST_EVENT_TYPES: Final = 24
ROWS_AT_ONCE: Final = 10_000_000
MAX_ROWS_IN_MEMORY: Final = 4_000_000
_FIRST_ROWS: Final = 10_000
_MEMBER_COLUMNS: Final = (
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
    "role",
)
_TIMED_TABLES: Final = tuple(name for name, table in TABLES_OF_MEMBERS.items() if table.time is not None)


def update_rollups(run: RunContext) -> list[date]:
    """Update the daily rollups of a run's lake within its memory budget; return the days that were rolled up, sorted."""
    today = run.now.astimezone(ZoneInfo(run.timezone)).date()
    rows_at_once = run.settings.scale.budget.rolled_up_rows
    return roll_up(run.workspace.lake, timezone=run.timezone, now_date=today, rows_at_once=rows_at_once)


def load_snapshot(run: RunContext) -> CommunitySnapshot:
    """Load the community snapshot of a run's night within its memory budget; see `take_snapshot`."""
    max_rows_in_memory = run.settings.scale.budget.rollup_rows_in_memory
    return take_snapshot(run.workspace.lake, timezone=run.timezone, as_of=run.as_of, max_rows_in_memory=max_rows_in_memory)


def roll_up(lake: Lake, *, timezone: str, now_date: date, rows_at_once: int = ROWS_AT_ONCE) -> list[date]:
    """Update the daily rollups from the landed tables.

    The changed days are read from the table logs, since the versions that the rollups were last computed from. A crash before
    this step therefore needs no repair: the next run finds the same days.

    Args:
        lake: The lake.
        timezone: The community's.
        now_date: Today. Answers to contacts are not expected later; it is rolled up empty where nothing has landed, so that the
            rollups exist.
        rows_at_once: Limit on the landed rows rolled up at once, in whole days. It bounds memory during a first load.

    Returns:
        The days that were rolled up, sorted.
    """
    rolled_up_versions = lake.metadata(DAILY).get("versions", {}) if lake.exists(DAILY) and lake.exists(TIES) else {}
    # Both rollups store the versions. Where they differ, a run died between their two commits: roll up everything again.
    if lake.metadata(TIES).get("versions", {}) != rolled_up_versions:
        rolled_up_versions = {}
    versions = {name: lake.version(name) for name in _TIMED_TABLES}
    changed = {
        name: lake.days_changed(name, since_version=rolled_up_versions.get(name, -1))
        for name, version in versions.items()
        if version >= 0 and version != rolled_up_versions.get(name, -1)
    }
    days = days_to_roll_up(changed, last_day=_last_day(lake, now_date))
    if not days and rolled_up_versions:
        return []
    # At least one day, even an empty one, so that both tables exist for everything that scans them.
    days = days or [now_date]
    stretches = list(_split_days(lake, days, rows_at_once=rows_at_once))
    for stretch in each(stretches, total=len(stretches), unit="stretches of days"):
        # The new versions are stored with the last stretch only: an interrupted first load starts from the beginning again.
        metadata = {"versions": versions if stretch[-1] == days[-1] else rolled_up_versions}
        _roll_up_days(lake, stretch, timezone=timezone, metadata=metadata)
    return days


@dataclass(frozen=True)
class CommunitySnapshot:
    """What features of one night are computed from.

    Args:
        history: The members and the rollups, without anything of members who may not be profiled.
        totals: The incremental totals of this history as of the night.
    """

    history: History
    totals: IncrementalTotals


def take_snapshot(lake: Lake, *, timezone: str, as_of: date, max_rows_in_memory: int = MAX_ROWS_IN_MEMORY) -> CommunitySnapshot:
    """Update the incremental totals to a night and build the history of that night.

    Args:
        lake: The lake with its rollups up to date.
        timezone: The community's.
        as_of: The night; the most frequent event types up to it get features of their own.
        max_rows_in_memory: Limit on the rows of the rollups that are materialised when the totals are recomputed.
    """
    totals = update_stored_totals(lake, as_of=as_of, max_rows_in_memory=max_rows_in_memory)
    daily, ties = consenting(
        lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA), not_profiled=numbers_not_profiled(lake)
    )
    members = members_known(lake, timezone=timezone, as_of=as_of).filter(pl.col("can_profile").fill_null(True)).drop("role")
    history = History(
        # Collected once: every feature family joins the members, and a lazy frame would repeat the joins for each of them.
        members=members.collect(engine="streaming").lazy(),
        daily=daily,
        ties=ties,
        available=_available_names(lake, as_of=as_of),
        event_types=_most_frequent_event_types(totals.sums),
    )
    return CommunitySnapshot(history, totals)


def load_history(lake: Lake, *, timezone: str, as_of: date) -> History:
    """Return the history of `take_snapshot` without the totals, for evaluations of past nights.

    Args:
        lake: The lake with its rollups up to date.
        timezone: The community's.
        as_of: The night.
    """
    return take_snapshot(lake, timezone=timezone, as_of=as_of).history


def members_known(lake: Lake, *, timezone: str, as_of: date) -> pl.LazyFrame:
    """Scan the members known by a night: the `members` of a history.

    One row per member who is in the members table or has any row in the rollups by `as_of`. `seen_from` is null for a member
    who is listed without a joining time and therefore counts as always known.

    Args:
        lake: The lake.
        timezone: The community's.
        as_of: The night. Later activity is not known; members who join later are included with their `joined_date`.
    """
    index = scan_member_index(lake)
    first = pl.concat([first_days(lake, as_of=as_of), _first_days_of_not_profiled(lake, as_of=as_of)])
    referrers = index.select(pl.col("member_id").alias("referrer_id"), pl.col("member_no").alias("referrer_no"))
    joined = local_date(pl.col("joined_at"), timezone=timezone)
    return (
        _with_listing_and_consent(lake, index.join(scan_retired_members(lake), on="member_id", how="anti"))
        .join(first, on="member_no", how="left")
        # The index has everybody who ever had a row; who appears only after the night is not known yet.
        .filter(pl.col("is_listed") | pl.col("first_date").is_not_null())
        .join(referrers, on="referrer_id", how="left")
        .with_columns(joined_date=joined)
        .with_columns(
            seen_from=pl.when(pl.col("is_listed").is_not_null() & pl.col("joined_date").is_null())
            .then(None)
            .otherwise(pl.min_horizontal("joined_date", "first_date"))
        )
        .select(_MEMBER_COLUMNS)
    )


def _with_listing_and_consent(lake: Lake, members: pl.LazyFrame) -> pl.LazyFrame:
    """Add the columns of the members table, `is_listed` (null for members without a row there), consent and role."""
    listed = lake.scan_or_empty("members", TABLES["members"].landed_schema).with_columns(is_listed=pl.lit(True))
    refused = scan_consent(lake).rename({"can_contact": "contact_refused", "can_profile": "profile_refused"})
    # A standing refusal outweighs the row: the row may be of a source that says nothing of consent, or may be gone.
    return (
        members.join(listed, on="member_id", how="left")
        .join(refused, on="member_id", how="left")
        .drop("role")
        .join(scan_roles(lake), on="member_id", how="left")
        .with_columns(
            can_contact=pl.coalesce("contact_refused", "can_contact"),
            # Staff and bots are handled as members who may not be profiled.
            can_profile=pl.when(pl.col("role").is_null()).then(pl.coalesce("profile_refused", "can_profile")).otherwise(False),
        )
    )


def _split_days(lake: Lake, days: list[date], *, rows_at_once: int) -> Iterator[list[date]]:
    """Split days into consecutive stretches of at most `rows_at_once` landed rows; a larger day is a stretch of its own."""
    counts = pl.concat([lake.rows_by_day(table) for table in _TIMED_TABLES]).group_by(DAY).agg(pl.col("rows").sum())
    rows = dict(counts.iter_rows())
    stretch: list[date] = []
    stretch_rows = 0
    for day in days:
        if stretch and stretch_rows + rows.get(day, 0) > rows_at_once:
            yield stretch
            stretch, stretch_rows = [], 0
        stretch.append(day)
        stretch_rows += rows.get(day, 0)
    yield stretch


def _last_day(lake: Lake, now_date: date) -> date:
    """Return the last day on which anything may have happened; a contact may be answered days after it was sent."""
    newest = {name: max(lake.days(name), default=date.min) for name in _TIMED_TABLES}
    # An answer has its own day, so that a contact may need a rollup row later than any landed row.
    if newest["contacts"] > date.min:
        newest["contacts"] = min(newest["contacts"] + timedelta(days=RESPONSE_WINDOW_DAYS), max(now_date, *newest.values()))
    return max(newest.values())


def _roll_up_days(lake: Lake, days: Collection[date], *, timezone: str, metadata: dict[str, object]) -> None:
    rolled_up = roll_up_landed(
        events=_landed_on(lake, "events", days),
        orders=_landed_on(lake, "orders", days),
        # All content until then, since an event may refer to content of any age.
        content=_landed_until(lake, "content", max(days)),
        # Earlier contacts, too: whether one was answered within the window may only show on one of these days.
        contacts=_landed_on(lake, "contacts", days, before_days=RESPONSE_WINDOW_DAYS),
        feedback=_landed_on(lake, "feedback", days),
        member_index=scan_member_index(lake),
        timezone=timezone,
        days=days,
    )
    lake.replace_days(DAILY, rolled_up.daily, days=days, metadata=metadata)
    lake.replace_days(TIES, rolled_up.ties, days=days, metadata=metadata)


def _landed_on(lake: Lake, table: str, days: Collection[date], *, before_days: int = 0) -> pl.LazyFrame | None:
    if not lake.exists(table):
        return None
    if not before_days:
        # The days as a list, not as a range: changed days may lie years apart, and each day is a file.
        return lake.scan(table).filter(pl.col(DAY).is_in(sorted(days)))
    return lake.scan(table).filter(pl.col(DAY).is_between(min(days) - timedelta(days=before_days), max(days)))


def _landed_until(lake: Lake, table: str, day: date) -> pl.LazyFrame | None:
    return lake.scan(table).filter(pl.col(DAY) <= day) if lake.exists(table) else None


def _first_days_of_not_profiled(lake: Lake, *, as_of: date) -> pl.LazyFrame:
    """Scan the first active day of members who may not be profiled, by which the lists decide whether they are known.

    One row per member_no with any row in the rollups by `as_of`: `member_no`, `first_date`.
    """
    not_profiled = numbers_not_profiled(lake)
    if not_profiled.is_empty():
        return pl.LazyFrame(schema={"member_no": pl.Int32(), "first_date": pl.Date()})
    is_not_profiled = pl.col("member_no").is_in(not_profiled.implode()) & (pl.col(DAY) <= as_of)
    return lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(is_not_profiled).group_by("member_no").agg(first_date=pl.col(DAY).min())


def _available_names(lake: Lake, *, as_of: date) -> frozenset[str]:
    """Return the names of tables with any row, and `table.column` for their optional columns with any value.

    Rows after the night and rows of members who may not be profiled do not count: a column that only they fill would
    otherwise turn features on.
    """
    available: set[str] = set()
    for name, table in TABLES_OF_MEMBERS.items():
        if not lake.exists(name):
            continue
        until = None if table.time is None else as_of
        # The log's statistics rule most columns out without reading; only what they call filled is checked row by row.
        filled = lake.filled_columns(name, until=until)
        rows = of_profiled(lake, table) if until is None else of_profiled(lake, table).filter(pl.col(DAY) <= until)
        optional = filled & {column for column, contract in table.columns.items() if not contract.required} - {table.key}
        first = rows.select(table.key, *sorted(optional)).head(_FIRST_ROWS).collect(engine="streaming")
        if not first.is_empty():
            # Most columns show a value among the first rows; each that does not is a query of its own.
            shown = {column for column in optional if first[column].null_count() < first.height}
            used = shown | {column for column in optional - shown if _has_rows(rows.filter(pl.col(column).is_not_null()))}
            available |= {name, *(f"{name}.{column}" for column in used)}
    return frozenset(available)


def _has_rows(rows: pl.LazyFrame) -> bool:
    return not rows.select(pl.first()).head(1).collect(engine="streaming").is_empty()


def _most_frequent_event_types(sums: pl.DataFrame) -> tuple[str, ...]:
    counted = (
        sums.lazy()
        .filter(pl.col("activity").str.starts_with(EVENT_PREFIX))
        .group_by("activity")
        .agg(pl.col("n_lifetime").cast(pl.Int64).sum())
        .sort(["n_lifetime", "activity"], descending=[True, False])
        .collect()
    )
    return tuple(activity.removeprefix(EVENT_PREFIX) for activity in counted["activity"].head(MOST_EVENT_TYPES))
