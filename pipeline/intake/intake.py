"""Ingest: read, map and validate the exports of tonight, and land them only if every table may land.

Nothing is written before every table has been validated. Then each table lands in commits of its own, members get their numbers,
and the quarantine and the ledger of arrivals are written. A crash between two commits is repaired by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from lake.checks import record_checks
from lake.contracts import ACTIVITY_TABLES, TABLES, Table
from lake.landing import scan_days_with_keys
from lake.member_index import number_new_members
from lake.quarantine import QUARANTINE, add, read_quarantine, supersede, supersede_repeated, write_quarantine
from lake.retired import scan_retired_members
from lake.source_keys import add_key_prefixes, reference_names
from lake.sources.discovery import Export, discover
from lake.sources.source_identity import Source, identify, match_ledger
from lake.storage.delta import DAY, Lake
from pipeline.erasure.register import ERASED_AUTHOR, ErasureRegister, read_register
from pipeline.intake.cast_failures import check_cells
from pipeline.intake.currencies import rows_by_currency
from pipeline.intake.key_conflicts import check_key_conflicts, check_snapshots
from pipeline.intake.reading import Arrival, IntakeContext, in_validation_batches, is_unchanged, read_export, validate_exports
from pipeline.intake.spool import Spool
from pipeline.intake.table_landing import Landing, replaced_records, sources_to_reread
from runtime.progress import each
from runtime.settings import Settings
from runtime.workspace import Workspace

# Only these tables' keys are collected: those of the other tables may not fit in memory.
_REFERENCED: Final = frozenset(name for table in TABLES.values() for name in table.references.values())
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Intake:
    """Everything that arrived tonight, validated and not yet landed.

    Args:
        as_of: The night, resolved.
        arrivals: The arrivals in the order in which they land.
        unchanged: The number of exports skipped because they were ingested before.
        findings: The findings about whole tables.
        now: The clock at ingestion.
        spool: The spool that holds the arrivals' records.
        ledger: The ledger before tonight, with today's names of the sources.
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
        """Return the findings that stop the run."""
        return tuple(finding for finding in self.findings if finding.severity == "stop")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what warns, in sentences."""
        return tuple(finding.says for finding in self.findings if finding.severity == "warning")

    def noting(self, findings: Iterable[Finding]) -> Intake:
        """Return a copy with more findings."""
        return replace(self, findings=(*self.findings, *findings))

    def of_table(self, table: str) -> tuple[Arrival, ...]:
        """Return tonight's arrivals of one table."""
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
    """Read, map and validate everything new; write nothing to the lake.

    Args:
        workspace: The workspace with the lake and the exports.
        settings: The configuration.
        as_of: The night, or None for the last full day in the data.
        now: The clock, with a zone.
        progress: Called with a line of text for each arrival.
        about_to_read: Called before a new export is read; it may turn out to bring nothing new.

    Raises:
        ConfigurationError: A path, a column or an expression is wrong.
        DataError: An export cannot be read, or many of its ids were rounded.
        OutsideServiceError: A database did not answer.
    """
    lake, budget = workspace.lake, settings.scale.budget
    spool = Spool.emptied(workspace.state / "intake", kept_bytes=budget.landing_bytes)
    erased = read_register(workspace.root)
    # Before anything is read: rows that a killed run landed without recording them would count as landed.
    undo_unrecorded(lake)
    configured = {name: identify(name, settings.table_sources(name)) for name in TABLES}
    ledger = match_ledger(read_arrivals(lake), configured, root=workspace.root)
    offered, findings = _discover_exports(workspace, settings, ledger, erased)
    ledger = add_key_prefixes(lake, ledger, configured)
    next_sequence = ledger.select(pl.col("sequence").max().fill_null(0)).item() + 1
    reread = sources_to_reread(lake, ledger, configured)
    context = IntakeContext(lake, settings, now, next_sequence, erased, read_kept_after(lake), spool, budget, ledger, reread)
    arrivals = _read_tables(context, offered, progress, about_to_read)
    unchanged = sum(len(exports) for exports in offered.values()) - len(arrivals)
    night = as_of or last_full_day(lake, arrivals, timezone=settings.community.timezone)
    findings += [
        *_check_tables(context, arrivals, as_of=night),
        *check_key_conflicts(context, arrivals),
        *check_snapshots(context, arrivals),
    ]
    return Intake(night, tuple(arrivals), unchanged, tuple(findings), now, spool, ledger, configured)


def _discover_exports(
    workspace: Workspace, settings: Settings, ledger: pl.DataFrame, erased: ErasureRegister
) -> tuple[dict[str, list[Export]], list[Finding]]:
    """Return the exports of each table that has sources, and a finding for each source whose files are absent."""
    offered: dict[str, list[Export]] = {}
    findings: list[Finding] = []
    for name, table in TABLES.items():
        if sources := settings.table_sources(name):
            absent: list[str] = []
            exports = discover(table, sources, root=workspace.root, arrived_paths=paths_by_source(ledger, name), absent=absent)
            # A file may be named after an erased member; the ledger and the messages must not bring the name back.
            offered[name] = [replace(export, path=erased.masked(export.path)) for export in exports]
            findings += check_absent(table, absent=absent)
    return offered, findings


def _read_tables(
    context: IntakeContext, offered: Mapping[str, list[Export]], progress: Progress, about_to_read: Callable[[], None]
) -> list[Arrival]:
    """Read and validate the new exports of every table; in the order of the contract, so that referenced tables come first."""
    arrivals: list[Arrival] = []
    for name, exports in offered.items():
        of_table: list[Arrival] = []
        new = [export for export in exports if not is_unchanged(context, export)]
        if new:
            about_to_read()
        followed = each(new, total=len(new), unit=f"files of {name}")
        for arrival in _validated_arrivals(context, followed, arrivals_before=len(arrivals)):
            progress(f"{arrival.export.name}: {arrival.facts['rows_read']:,} rows read, {arrival.bad.height:,} bad")
            of_table.append(arrival)
        arrivals += of_table
        if name in _REFERENCED:
            _add_known_keys(context, TABLES[name], of_table)
    return arrivals


def _validated_arrivals(context: IntakeContext, new: Iterable[Export], *, arrivals_before: int) -> Iterator[Arrival]:
    """Read and validate the new exports of one table, lazily: at most one batch of them is in memory."""
    read = (mapped for export in new if (mapped := read_export(context, export)) is not None)
    for batch in in_validation_batches(read, most_rows=context.budget.rows_validated_together):
        size = len(batch)
        yield from validate_exports(context, batch, arrivals_before=arrivals_before)
        arrivals_before += size


def land_intake(
    workspace: Workspace,
    intake: Intake,
    *,
    about_to_record: Callable[[pl.DataFrame, tuple[Finding, ...]], Any] | None = None,
) -> pl.DataFrame:
    """Land every record that passed validation, and account for every row.

    Args:
        workspace: The workspace with the lake.
        intake: Tonight's arrivals, none of which stops the run.
        about_to_record: Called with the returned frame and the findings on replaced records, just before the arrivals are
            recorded. A run killed after that does not see these arrivals again.

    Returns:
        One row per arrival of this night, earlier runs of it included, in the schema of the ledger. The spool is not emptied,
        so that the step may be retried.

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
    arrived = _land_tables(landing, intake)
    number_new_members(lake, arrived)
    _write_quarantine(lake, intake, tonight)
    record_checks(lake, _rule_outcomes(intake), as_of=intake.as_of)
    if about_to_record is not None:
        about_to_record(landing.ledger.filter(pl.col("as_of") == intake.as_of), replaced_records(landing))
    # Last of all: the ledger is the commit point. What landed without it is undone by the next run.
    record(lake, landing.ledger, members_arrived="members" in arrived)
    return arrived_on(lake, intake.as_of)


def _land_tables(landing: Landing, intake: Intake) -> dict[str, pl.LazyFrame]:
    """Land the arrivals of each table; return table → its arrived records."""
    arrived: dict[str, pl.LazyFrame] = {}
    for name, table in TABLES.items():
        arrivals = intake.of_table(name)
        if arrivals:
            arrived[name] = pl.concat([arrival.records.frame for arrival in arrivals])
            landing.land(table, arrivals)
    return arrived


def arrived_on(lake: Lake, as_of: date) -> pl.DataFrame:
    """Return one row per arrival of a night, in the schema of the ledger."""
    return read_arrivals(lake).filter(pl.col("as_of") == as_of)


def last_full_day(lake: Lake, arrivals: list[Arrival], *, timezone: str) -> date:
    """Return the newest day that the data covers completely.

    This is the newest day with activity, or the day before it when records of that day carry a time of day: only exports of
    whole days are known to be complete on their last day.

    Args:
        lake: The lake before tonight's arrivals land.
        arrivals: Tonight's arrivals.
        timezone: The community's.
    """
    newest: list[tuple[date, bool]] = []
    for name in ACTIVITY_TABLES:
        table = TABLES[name]
        assert table.time is not None
        frames = [arrival.records.frame for arrival in arrivals if arrival.export.table.name == name]
        if lake.exists(name):
            # The newest day alone is one file, however long the history is.
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
        # Nothing has ever arrived: yesterday, so that the checks have a night to report on.
        return datetime.now(ZoneInfo(timezone)).date() - timedelta(days=1)
    day = max(newest_day for newest_day, _ in newest)
    return day - timedelta(days=1) if any(hours for newest_day, hours in newest if newest_day == day) else day


def _add_known_keys(context: IntakeContext, table: Table, arrivals: list[Arrival]) -> None:
    """Add to the context which keys of a table may be referred to, and by which names."""
    good = [arrival.records.frame.select(table.key).collect().to_series() for arrival in arrivals]
    keys = _known_keys(context.lake, table, good)
    if keys.is_empty():
        # References to a table that has never had a row are not checked: every row of the others would be quarantined.
        return
    context.known[table.name] = keys
    if table.name == "members":
        if context.erased.erasures:
            context.known[table.name] = pl.concat([keys, pl.Series([ERASED_AUTHOR])])
        return
    arriving = [(keys, arrival.export.source, arrival.facts["key_prefix"]) for keys, arrival in zip(good, arrivals, strict=True)]
    names = reference_names(context.lake, table, context.ledger, arriving)
    if names.height:
        context.names[table.name] = names
        context.known[table.name] = pl.concat([keys, names["key"].drop_nulls()]).unique()


def _known_keys(lake: Lake, table: Table, good: list[pl.Series]) -> pl.Series:
    """Return the keys that may be referred to: landed ones, arriving ones, and those of retired members."""
    landed = lake.scan_or_empty(table.name, table.landed_schema).select(table.key).collect().to_series()
    retired = scan_retired_members(lake).collect().to_series() if table.name == "members" else landed.head(0)
    return pl.concat([landed, retired, *good]).unique()


def _check_tables(context: IntakeContext, arrivals: list[Arrival], *, as_of: date) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for name, table in TABLES.items():
        if not context.settings.table_sources(name):
            continue
        of_table = [arrival for arrival in arrivals if arrival.export.table.name == name]
        limits = context.settings.validation.limits(name)
        bad = sum(arrival.bad.height for arrival in of_table)
        mapped = sum(arrival.facts["rows_read"] - arrival.facts["left_out"] for arrival in of_table)
        findings += check_share(table, arrived_rows=mapped, bad_rows=bad, limits=limits)
        findings += check_cells(table, (outcome for arrival in of_table for outcome in arrival.outcomes))
        rows_after_landing = sum(arrival.records.height for arrival in of_table) + context.lake.row_count(name)
        # Where rows are bad the share of bad rows is the finding; that the table is empty would only follow from it.
        if not bad:
            findings += check_missing(table, landed_rows=rows_after_landing, is_optional=_is_optional(context, name, arrivals))
        if table.time is None or not rows_after_landing:
            continue
        days = _rows_by_day(context, table, of_table)
        days_until_night = days.filter(pl.col(DAY) <= as_of)[DAY]
        newest = days_until_night.max()
        findings += check_freshness(table, newest=newest if isinstance(newest, date) else None, as_of=as_of, limits=limits)
        arrived_days = {day for arrival in of_table for day in arrival.records.days}
        if name in ACTIVITY_TABLES:
            findings += check_far_days(table, dict(days.iter_rows()), arrived_dates=arrived_days, as_of=as_of)
        if "currency" in table.columns:
            frames = [arrival.records.frame for arrival in of_table]
            configured = context.settings.community.currency
            findings += check_currency(table, rows_by_currency(context.lake, table, frames), configured=configured)
        if not table.is_of_members:
            # Platforms give a day when it suits them, and have as many rows as figures.
            continue
        # The night is checked even if nothing arrived for it: no rows at all is the drop that matters most.
        findings += check_volume(table, days, arrived_dates=arrived_days | {as_of}, as_of=as_of, limits=limits)
    return tuple(findings)


def _is_optional(context: IntakeContext, name: str, arrivals: list[Arrival]) -> bool:
    """Return whether a table may stay without rows: all its sources are optional, and another activity table has rows."""
    other_tables = [other for other in ACTIVITY_TABLES if other != name]
    landing = sum(arrival.records.height for arrival in arrivals if arrival.export.table.name in other_tables)
    is_active = landing > 0 or any(context.lake.row_count(other) for other in other_tables)
    return is_active and all(source.optional for source in context.settings.table_sources(name))


def _rows_by_day(context: IntakeContext, table: Table, arrivals: list[Arrival]) -> pl.DataFrame:
    """Return how many records the lake will hold after landing: one row per day, columns `event_date` and `rows`.

    An arriving record replaces the landed one of its key, so that a key counts once.
    """
    landed = context.lake.rows_by_day(table.name)
    if not arrivals:
        return landed
    keys = pl.concat([arrival.records.frame.select(table.key, DAY) for arrival in arrivals])
    shares = context.spool.shares([arrival.records for arrival in arrivals], table.key)
    changes = [change for share in shares for change in _changes_by_day(context.lake, table, keys.filter(share).collect())]
    return pl.concat([landed, *changes]).group_by(DAY).agg(pl.col("rows").sum()).filter(pl.col("rows") > 0).sort(DAY)


def _changes_by_day(lake: Lake, table: Table, arriving: pl.DataFrame) -> list[pl.DataFrame]:
    # As changes to the counts in the log, so that of the landed rows only the days with arriving keys are read.
    tonight = arriving.unique(table.key, keep="last")
    landed = scan_days_with_keys(lake, table, tonight[table.key]).select(table.key, DAY)
    replaced = landed.join(tonight.lazy(), on=table.key, how="semi").group_by(DAY).agg(rows=-pl.len().cast(pl.Int64)).collect()
    return [replaced, tonight.group_by(DAY).agg(rows=pl.len().cast(pl.Int64))]


def _rule_outcomes(intake: Intake) -> pl.DataFrame:
    rows = [
        (
            intake.as_of,
            arrival.facts["arrival_id"],
            arrival.export.table.name,
            outcome.rule,
            outcome.explanation,
            outcome.rows_checked,
            outcome.broken,
        )
        for arrival in intake.arrivals
        for outcome in arrival.outcomes
    ]
    return pl.DataFrame(rows, schema=dict(CHECKS_SCHEMA), orient="row")


def _write_quarantine(lake: Lake, intake: Intake, tonight: pl.DataFrame) -> None:
    if not tonight.height:
        return
    before = read_quarantine(lake)
    new = pl.concat([arrival.bad for arrival in intake.arrivals]).with_columns(as_of=pl.lit(intake.as_of))
    whole_reads, partial_reads = (tonight.filter(pl.col("watermark").is_null() == is_whole) for is_whole in (True, False))
    # A file is read whole: its new arrival supersedes all quarantined rows of the earlier ones. A query brings some rows only,
    # and supersedes those that came again.
    after = supersede_repeated(supersede(add(before, new), whole_reads), partial_reads)
    if not after.equals(before) or not lake.exists(QUARANTINE):
        write_quarantine(lake, after)
