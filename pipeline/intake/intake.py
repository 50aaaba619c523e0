"""Taking in: what the sources offer tonight is read, mapped, judged, and lands only when all of it may.

Nothing is written before every table has been judged. Then the tables land one commit each, the members get their numbers,
the quarantine and the ledger of arrivals are written. A crash between two commits is healed by running again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from expectations.table_checks import (
    Finding,
    check_absent,
    check_currency,
    check_far_days,
    check_freshness,
    check_missing,
    check_share,
)
from expectations.volume import check_volume
from lake.arrivals import SCHEMA as ARRIVAL_SCHEMA
from lake.arrivals import paths_by_source, read_arrivals, read_kept_after, record, undo_unrecorded
from lake.checks import SCHEMA as CHECKS_SCHEMA
from lake.checks import keep_checks
from lake.contracts import ACTIVITY_TABLES, TABLES, Table
from lake.landing import of_days_met
from lake.member_index import number_new_members
from lake.quarantine import QUARANTINE, add, read_quarantine, supersede, supersede_repeated, write_quarantine
from lake.retired import scan_retired_members
from lake.source_keys import reference_names, take_own_keys
from lake.sources.discovery import Export, discover
from lake.sources.source_identity import Source, identify, match_ledger
from lake.storage.delta import DAY, Lake
from pipeline.erasure.register import ERASED_AUTHOR, read_register
from pipeline.intake.cast_failures import check_cells
from pipeline.intake.currencies import rows_by_currency
from pipeline.intake.key_conflicts import check_key_conflicts, check_snapshots
from pipeline.intake.reading import Arrival, IntakeContext, in_validation_batches, is_unchanged, read_export, validate_exports
from pipeline.intake.spool import Spool
from pipeline.intake.table_landing import Landing, replaced_records, to_reread
from runtime.progress import each
from runtime.settings import Settings
from runtime.workspace import Workspace

# Only the keys of tables that others refer to are ever looked up.
_REFERENCED: Final = frozenset(name for table in TABLES.values() for name in table.references.values())
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Intake:
    """Everything that arrived tonight, judged.

    Args:
        as_of: The night, resolved.
        arrivals: In the order they land.
        unchanged: Exports skipped because they were taken in before.
        findings: What is wrong with whole tables.
        now: The clock at ingestion.
        spool: Where the arrivals' records wait.
        ledger: The ledger before tonight, its sources as they are called today.
        sources: Table → its configured sources.
    """

    as_of: date
    arrivals: tuple[Arrival, ...]
    unchanged: int
    findings: tuple[Finding, ...]
    now: datetime
    spool: Spool
    ledger: pl.DataFrame
    sources: Mapping[str, tuple[Source, ...]]

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings that stop the run."""
        return tuple(finding for finding in self.findings if finding.severity == "stop")

    def noting(self, findings: Iterable[Finding]) -> Intake:
        """The same with more findings."""
        return replace(self, findings=(*self.findings, *findings))

    def of_table(self, table: str) -> tuple[Arrival, ...]:
        """Tonight's arrivals of one table."""
        return tuple(arrival for arrival in self.arrivals if arrival.export.table.name == table)


def validate_sources(
    workspace: Workspace,
    settings: Settings,
    *,
    as_of: date | None,
    now: datetime,
    progress: Progress,
    about_to_read: Callable[[], Any] = lambda: None,
) -> Intake:
    """Read, map and judge everything new; write nothing.

    Args:
        workspace: Where the lake and the exports are.
        settings: The configuration.
        as_of: The night, or None for the last full day in the data.
        now: The clock, with a zone.
        progress: Told what is being done.
        about_to_read: Called before a new export is read, of which nothing may be new in the end.

    Raises:
        ConfigurationError: A path, a column or an expression is wrong.
        DataError: An export cannot be read, or many of its ids were rounded.
        OutsideServiceError: A database did not answer.
    """
    lake, budget = workspace.lake, settings.scale.budget
    spool = Spool.emptied(workspace.state / "intake", kept_bytes=budget.landing_bytes)
    erased = read_register(workspace.root)
    undo_unrecorded(lake)
    configured = {name: identify(name, settings.table_sources(name)) for name in TABLES}
    ledger = match_ledger(read_arrivals(lake), configured, root=workspace.root)
    offered: dict[str, list[Export]] = {}
    findings: list[Finding] = []
    for name, table in TABLES.items():
        if sources := settings.table_sources(name):
            absent: list[str] = []
            there = discover(table, sources, root=workspace.root, taken_in=paths_by_source(ledger, name), absent=absent)
            offered[name] = [replace(export, path=erased.masked(export.path)) for export in there]
            findings += check_absent(table, absent=absent)
    ledger = take_own_keys(lake, ledger, configured)
    next_sequence = ledger.select(pl.col("sequence").max().fill_null(0)).item() + 1
    reread = to_reread(lake, ledger, configured)
    context = IntakeContext(lake, settings, now, next_sequence, erased, read_kept_after(lake), spool, budget, ledger, reread)
    arrivals: list[Arrival] = []
    unchanged = 0
    for name, exports in offered.items():
        good: list[pl.Series] = []
        new = [export for export in exports if not is_unchanged(context, export)]
        if new:
            about_to_read()
        followed = each(new, total=len(new), unit=f"files of {name}")
        read = (found for export in followed if (found := read_export(context, export)) is not None)
        before = len(arrivals)
        for together in in_validation_batches(read, most_rows=budget.rows_validated_together):
            for arrival in validate_exports(context, together, place=len(arrivals)):
                progress(f"{arrival.export.name}: {arrival.facts['rows_read']:,} rows read, {arrival.bad.height:,} bad")
                arrivals.append(arrival)
                if name in _REFERENCED:
                    good.append(arrival.records.frame.select(TABLES[name].key).collect().to_series())
        unchanged += len(exports) - (len(arrivals) - before)
        if name in _REFERENCED:
            keys = _known_keys(lake, TABLES[name], good)
            if keys.is_empty():
                continue  # A table that has never had a row is no table that others could be checked against.
            context.known[name] = keys
            _name_references(context, TABLES[name], arrivals[before:], good)
        if name == "members" and erased.erasures:
            context.known[name] = pl.concat([context.known[name], pl.Series([ERASED_AUTHOR])])
    night = as_of or last_full_day(lake, arrivals, timezone=settings.community.timezone)
    findings += [
        *_check_tables(context, arrivals, as_of=night),
        *check_key_conflicts(context, arrivals),
        *check_snapshots(context, arrivals),
    ]
    return Intake(night, tuple(arrivals), unchanged, tuple(findings), now, spool, ledger, configured)


def land_intake(
    workspace: Workspace,
    intake: Intake,
    *,
    about_to_record: Callable[[pl.DataFrame, tuple[Finding, ...]], Any] | None = None,
) -> pl.DataFrame:
    """Land everything that was judged good, and account for every row.

    Args:
        workspace: Where the lake is.
        intake: Tonight's arrivals, none of which stops the run.
        about_to_record: Given what is returned, and what replaced what, before it counts: a run killed afterwards does not see
            these arrivals again.

    Returns:
        One row per arrival of this night, earlier runs of it included, as the ledger has it. What waited in the spool is
        still there, so that the step may be tried again.

    Raises:
        CountingError: A row was lost or counted twice.
    """
    lake = workspace.lake
    undo_unrecorded(lake)
    tonight = pl.DataFrame([arrival.facts for arrival in intake.arrivals], schema=dict(ARRIVAL_SCHEMA))
    tonight = tonight.with_columns(as_of=pl.lit(intake.as_of))
    if tonight.is_empty():
        return arrived_on(lake, intake.as_of)
    ledger = pl.concat([intake.ledger.join(tonight, on="arrival_id", how="anti"), tonight])
    landing = Landing(lake, intake.sources, intake.spool, ledger, now=intake.now, as_of=intake.as_of)
    arrived: dict[str, pl.LazyFrame] = {}
    for name, table in TABLES.items():
        arrivals = intake.of_table(name)
        if arrivals:
            arrived[name] = pl.concat([arrival.records.frame for arrival in arrivals])
            landing.land(table, arrivals)
    number_new_members(lake, arrived)
    _write_quarantine(lake, intake, tonight)
    keep_checks(lake, _checks(intake), as_of=intake.as_of)
    if about_to_record is not None:
        about_to_record(landing.ledger.filter(pl.col("as_of") == intake.as_of), replaced_records(landing))
    record(lake, landing.ledger, has_heard_members="members" in arrived)
    return arrived_on(lake, intake.as_of)


def arrived_on(lake: Lake, as_of: date) -> pl.DataFrame:
    """One row per arrival of a night, as the ledger has it now."""
    return read_arrivals(lake).filter(pl.col("as_of") == as_of)


def last_full_day(lake: Lake, arrivals: list[Arrival], *, timezone: str) -> date:
    """The newest day the data covers wholly: the newest day, or the one before it when its records name hours.

    Only exports that give days without hours can be known to be complete on their last day.
    """
    newest: list[tuple[date, bool]] = []
    for name in ACTIVITY_TABLES:
        table = TABLES[name]
        assert table.time is not None
        frames = [arrival.records.frame for arrival in arrivals if arrival.export.table.name == name]
        if lake.exists(name):
            frames.append(lake.scan(name).filter(pl.col(DAY) == max(lake.days(name), default=date.min)))
        if not frames:
            continue
        local = pl.col(table.time).dt.convert_time_zone(timezone).dt.time()
        times = pl.concat([frame.select(DAY, hours=local != pl.time(0, 0)) for frame in frames]).collect()
        if times.height:
            day = times[DAY].max()
            assert isinstance(day, date)
            newest.append((day, bool(times.filter(pl.col(DAY) == day)["hours"].any())))
    if not newest:
        return datetime.now(ZoneInfo(timezone)).date() - timedelta(days=1)
    day = max(found for found, _ in newest)
    return day - timedelta(days=1) if any(hours for found, hours in newest if found == day) else day


def _known_keys(lake: Lake, table: Table, good: list[pl.Series]) -> pl.Series:
    """The keys that may be referred to: those held, those that arrive, and those of members whose record was retired."""
    held = lake.scan_or_empty(table.name, table.landed_schema).select(table.key).collect().to_series()
    retired = scan_retired_members(lake).collect().to_series() if table.name == "members" else held.head(0)
    return pl.concat([held, retired, *good]).unique()


def _name_references(context: IntakeContext, table: Table, arrivals: list[Arrival], good: list[pl.Series]) -> None:
    """Where a source of the table has keys of its own, note what references may call them."""
    if table.name == "members":
        return
    keys = [(keys, arrival.export.source, arrival.facts["key_prefix"]) for keys, arrival in zip(good, arrivals, strict=True)]
    names = reference_names(context.lake, table, context.ledger, keys)
    if names.height:
        context.names[table.name] = names
        context.known[table.name] = pl.concat([context.known[table.name], names["key"].drop_nulls()]).unique()


def _check_tables(context: IntakeContext, arrivals: list[Arrival], *, as_of: date) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for name, table in TABLES.items():
        if not context.settings.table_sources(name):
            continue
        mine = [arrival for arrival in arrivals if arrival.export.table.name == name]
        limits = context.settings.validation.limits(name)
        bad = sum(arrival.bad.height for arrival in mine)
        mapped = sum(arrival.facts["rows_read"] - arrival.facts["left_out"] for arrival in mine)
        findings += check_share(table, arrived_rows=mapped, bad_rows=bad, limits=limits)
        findings += check_cells(table, (outcome for arrival in mine for outcome in arrival.outcomes))
        landing = sum(arrival.records.height for arrival in mine) + context.lake.row_count(name)
        if not bad:
            findings += check_missing(table, landed_rows=landing, is_optional=_is_optional(context, name, arrivals))
        if table.time is None or not landing:
            continue
        days = _rows_by_day(context, table, mine)
        seen = days.filter(pl.col(DAY) <= as_of)[DAY]
        newest = seen.max()
        findings += check_freshness(table, newest=newest if isinstance(newest, date) else None, as_of=as_of, limits=limits)
        touched = {day for arrival in mine for day in arrival.records.days}
        if name in ACTIVITY_TABLES:
            findings += check_far_days(table, dict(days.iter_rows()), arrived_dates=touched, as_of=as_of)
        if "currency" in table.columns:
            held = [arrival.records.frame for arrival in mine]
            configured = context.settings.community.currency
            findings += check_currency(table, rows_by_currency(context.lake, table, held), configured=configured)
        findings += check_volume(table, days, arrived_dates=touched | {as_of}, as_of=as_of, limits=limits)
    return tuple(findings)


def _is_optional(context: IntakeContext, name: str, arrivals: list[Arrival]) -> bool:
    """Whether a table may have no row: its files may be absent, and events or orders have rows without it."""
    elsewhere = [other for other in ACTIVITY_TABLES if other != name]
    landing = sum(arrival.records.height for arrival in arrivals if arrival.export.table.name in elsewhere)
    is_active = landing > 0 or any(context.lake.row_count(other) for other in elsewhere)
    return is_active and all(source.optional for source in context.settings.table_sources(name))


def _rows_by_day(context: IntakeContext, table: Table, arrivals: list[Arrival]) -> pl.DataFrame:
    """One row per day: how many records the lake will hold; a key held already counts once."""
    held = context.lake.rows_by_day(table.name)
    if not arrivals:
        return held
    keys = pl.concat([arrival.records.frame.select(table.key, DAY) for arrival in arrivals])
    shares = context.spool.shares([arrival.records for arrival in arrivals], table.key)
    changes = [change for share in shares for change in _changes_by_day(context.lake, table, keys.filter(share).collect())]
    return pl.concat([held, *changes]).group_by(DAY).agg(pl.col("rows").sum()).filter(pl.col("rows") > 0).sort(DAY)


def _changes_by_day(lake: Lake, table: Table, arriving: pl.DataFrame) -> list[pl.DataFrame]:
    tonight = arriving.unique(table.key, keep="last")
    known = of_days_met(lake, table, tonight[table.key]).select(table.key, DAY)
    again = known.join(tonight.lazy(), on=table.key, how="semi").group_by(DAY).agg(rows=-pl.len().cast(pl.Int64)).collect()
    return [again, tonight.group_by(DAY).agg(rows=pl.len().cast(pl.Int64))]


def _checks(intake: Intake) -> pl.DataFrame:
    rows = [
        (
            intake.as_of,
            arrival.facts["arrival_id"],
            arrival.export.table.name,
            found.rule,
            found.told,
            found.rows_checked,
            found.broken,
        )
        for arrival in intake.arrivals
        for found in arrival.outcomes
    ]
    return pl.DataFrame(rows, schema=dict(CHECKS_SCHEMA), orient="row")


def _write_quarantine(lake: Lake, intake: Intake, tonight: pl.DataFrame) -> None:
    if not tonight.height:
        return
    before = read_quarantine(lake)
    new = pl.concat([arrival.bad for arrival in intake.arrivals]).with_columns(as_of=pl.lit(intake.as_of))
    whole, parts = (tonight.filter(pl.col("watermark").is_null() == is_whole) for is_whole in (True, False))
    after = supersede_repeated(supersede(add(before, new), whole), parts)
    if not after.equals(before) or not lake.exists(QUARANTINE):
        write_quarantine(lake, after)
