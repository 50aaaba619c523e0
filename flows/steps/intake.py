"""Taking in: what the sources offer tonight is read, mapped, judged, and lands only when all of it may.

Nothing is written before every table has been judged. Then the tables land one commit each, the members get their numbers,
the quarantine and the ledger of arrivals are written. A crash between two commits is healed by running again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from expectations.runner import RuleOutcome, validate
from expectations.table_checks import Finding, check_freshness, check_missing, check_share, check_volume
from flows.run.settings import Settings
from flows.run.workspace import Workspace
from lake.arrivals import SCHEMA as ARRIVAL_SCHEMA
from lake.arrivals import move_counts, read_arrivals, read_kept_after, record, undo_unrecorded
from lake.checks import SCHEMA as CHECKS_SCHEMA
from lake.checks import keep_checks
from lake.contracts import ACTIVITY_TABLES, TABLES, TIMESTAMP, Table
from lake.discovery import Export, discover
from lake.erased import ERASED_AUTHOR, Erased, leave_out, read_erased, without_names
from lake.identity import as_records, with_keys
from lake.landing import SEQUENCE, land, of_days_met
from lake.mapping import ROW_NO, Mapped, map_export, rows_as_json
from lake.member_index import number_new_members
from lake.quarantine import OPEN, QUARANTINE, add, read_quarantine, supersede, write_quarantine
from lake.quarantine import SCHEMA as QUARANTINE_SCHEMA
from lake.store import DAY, Lake

_EXAMPLES: Final = 3
# Only the keys of tables that others refer to are ever looked up.
_REFERENCED: Final = frozenset(name for table in TABLES.values() for name in table.references.values())
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Arrival:
    """One new file or query result, judged but not landed.

    Args:
        export: Where it came from.
        facts: Its row of the ledger so far.
        records: What may land: the landed schema and `sequence`.
        bad: What may not: rows of the quarantine.
        outcomes: What each rule found.
    """

    export: Export
    facts: dict[str, Any]
    records: pl.DataFrame
    bad: pl.DataFrame
    outcomes: tuple[RuleOutcome, ...]


@dataclass(frozen=True)
class Intake:
    """Everything that arrived tonight, judged.

    Args:
        as_of: The night, resolved.
        arrivals: In the order they land.
        unchanged: Exports skipped because they were taken in before.
        findings: What is wrong with whole tables.
        now: The clock at ingestion.
    """

    as_of: date
    arrivals: tuple[Arrival, ...]
    unchanged: int
    findings: tuple[Finding, ...]
    now: datetime

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings that stop the run."""
        return tuple(finding for finding in self.findings if finding.severity == "stop")

    def of_table(self, table: str) -> tuple[Arrival, ...]:
        """Tonight's arrivals of one table."""
        return tuple(arrival for arrival in self.arrivals if arrival.export.table.name == table)


@dataclass(frozen=True)
class _Judge:
    """The clockwork of one intake, to keep the functions below short."""

    lake: Lake
    settings: Settings
    now: datetime
    next_sequence: int
    erased: Erased
    kept_after: Mapping[str, date]
    known: dict[str, pl.Series] = field(default_factory=dict)


def judge_sources(workspace: Workspace, settings: Settings, *, as_of: date | None, now: datetime, progress: Progress) -> Intake:
    """Read, map and judge everything new; write nothing.

    Args:
        workspace: Where the lake and the exports are.
        settings: The configuration.
        as_of: The night, or None for the last full day in the data.
        now: The clock, with a zone.
        progress: Told what is being done.

    Raises:
        ConfigurationError: A path, a column or an expression is wrong.
        DataError: An export cannot be read or holds no rows.
        OutsideServiceError: A database did not answer.
    """
    lake = workspace.lake
    erased = read_erased(workspace.root)
    undo_unrecorded(lake)
    ledger = read_arrivals(lake)
    offered = {
        name: [replace(export, path=erased.masked(export.path)) for export in discover(table, sources, root=workspace.root)]
        for name, table in TABLES.items()
        if (sources := settings.table_sources(name))
    }
    next_sequence = ledger.select(pl.col("sequence").max().fill_null(0)).item() + 1
    judge = _Judge(lake, settings, now, next_sequence, erased, read_kept_after(lake))
    arrivals: list[Arrival] = []
    unchanged = 0
    for name, exports in offered.items():
        good: list[pl.Series] = []
        for export in exports:
            arrival = None if _is_unchanged(export, ledger) else _judge_export(judge, export, ledger, len(arrivals))
            if arrival is None:
                unchanged += 1
                continue
            progress(f"{export.name}: {arrival.facts['rows_read']:,} rows read, {arrival.bad.height:,} bad")
            arrivals.append(arrival)
            good.append(arrival.records[TABLES[name].key])
        if name in _REFERENCED:
            judge.known[name] = _known_keys(lake, TABLES[name], good)
        if name == "members" and erased.erasures:
            judge.known[name] = pl.concat([judge.known[name], pl.Series([ERASED_AUTHOR])])
    night = as_of or last_full_day(lake, arrivals, timezone=settings.community.timezone)
    findings = _judge_tables(judge, arrivals, as_of=night)
    return Intake(as_of=night, arrivals=tuple(arrivals), unchanged=unchanged, findings=findings, now=now)


def land_intake(workspace: Workspace, intake: Intake) -> pl.DataFrame:
    """Land everything that was judged good, and account for every row.

    Args:
        workspace: Where the lake is.
        intake: Tonight's arrivals, none of which stops the run.

    Returns:
        One row per arrival of this night, earlier runs of it included, as the ledger has it.

    Raises:
        CountingError: A row was lost or counted twice.
    """
    lake = workspace.lake
    ledger = read_arrivals(lake)
    tonight = pl.DataFrame([arrival.facts for arrival in intake.arrivals], schema=dict(ARRIVAL_SCHEMA))
    tonight = tonight.with_columns(as_of=pl.lit(intake.as_of))
    ledger = pl.concat([ledger.join(tonight, on="arrival_id", how="anti"), tonight])
    arrived: dict[str, pl.DataFrame] = {}
    for name, table in TABLES.items():
        of_table = intake.of_table(name)
        if not of_table:
            continue
        arrived[name] = pl.concat([arrival.records for arrival in of_table])
        counts = land(lake, table, arrived[name])
        ledger = move_counts(ledger, count="landed", changes=counts.landed)
        ledger = move_counts(ledger, count="replaced", changes=counts.replaced)
    number_new_members(lake, arrived)
    _write_quarantine(lake, intake, tonight)
    if tonight.height:
        keep_checks(lake, _checks(intake), as_of=intake.as_of)
        record(lake, ledger)
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
        frames = [arrival.records.lazy() for arrival in arrivals if arrival.export.table.name == name]
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


def _earlier(export: Export, ledger: pl.DataFrame) -> pl.DataFrame:
    """The ledger's rows of the same file or query, oldest first."""
    same = (pl.col("table") == export.table.name) & (pl.col("source") == export.source) & (pl.col("path") == export.path)
    return ledger.filter(same)


def _is_unchanged(export: Export, ledger: pl.DataFrame) -> bool:
    newest = _earlier(export, ledger).tail(1)
    if export.location is None or newest.is_empty():
        return False
    held = newest.row(0, named=True)
    return bool(held["size_bytes"] == export.size_bytes and held["modified_ns"] == export.modified_ns)


def _judge_export(judge: _Judge, export: Export, ledger: pl.DataFrame, place: int) -> Arrival | None:
    """Read and judge one export; None when its content is what arrived last."""
    rows, content_hash = export.read()
    earlier = _earlier(export, ledger)
    if earlier.height and earlier["content_hash"][-1] == content_hash:
        return None
    # A file may come back as it once was: that is another arrival, told apart by how often this content has come before.
    times = int((earlier["content_hash"] == content_hash).sum())
    identity = f"{export.table.name}\x1f{export.source}\x1f{export.path}\x1f{content_hash}\x1f{times}"
    arrival_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
    zone = export.settings.timezone or judge.settings.community.timezone
    mapped = map_export(rows, table=export.table, settings=export.settings, name=export.name, timezone=zone)
    mapped = leave_out(mapped, table=export.table, erased=judge.erased)
    checked = mapped.rows.join(mapped.rejects, on=ROW_NO, how="anti")
    verdict = validate(
        export.table,
        without_names(with_keys(checked, table=export.table), table=export.table, erased=judge.erased),
        references=judge.known,
        now=judge.now,
        future_tolerance=timedelta(minutes=judge.settings.validation.future_tolerance_minutes),
    )
    records = _authorless(as_records(verdict.good, table=export.table, timezone=judge.settings.community.timezone))
    kept = _still_kept(records, after=judge.kept_after.get(export.table.name))
    rules = pl.concat([mapped.rejects, verdict.bad]).sort(ROW_NO)
    facts = {
        "arrival_id": arrival_id,
        "table": export.table.name,
        "source": export.source,
        "path": export.path,
        "content_hash": content_hash,
        "size_bytes": export.size_bytes,
        "modified_ns": export.modified_ns,
        "arrived_at": judge.now,
        "as_of": None,
        "sequence": judge.next_sequence + place,
        "rows_read": mapped.rows_read,
        "left_out": mapped.left_out + records.height - kept.height,
        "merged": verdict.good.height - records.height,
        "replaced": 0,
        "quarantined": rules.height,
        "landed": 0,
    }
    return Arrival(
        export=export,
        facts=facts,
        records=kept.with_columns(
            ingested_at=pl.lit(judge.now).cast(TIMESTAMP),
            source=pl.lit(export.source),
            source_file=pl.lit(export.path),
            arrival_id=pl.lit(arrival_id),
            **{SEQUENCE: pl.lit(facts["sequence"], dtype=pl.Int64)},
        ),
        bad=_quarantine_rows(mapped, rules, facts),
        outcomes=(*_cast_outcomes(mapped), *verdict.outcomes),
    )


def _authorless(records: pl.DataFrame) -> pl.DataFrame:
    """Let content of erased members land without its author."""
    if "author_id" not in records.columns:
        return records
    return records.with_columns(author_id=pl.when(pl.col("author_id") != ERASED_AUTHOR).then("author_id"))


def _still_kept(records: pl.DataFrame, *, after: date | None) -> pl.DataFrame:
    """Leave out what has aged out already: an old export does not bring it back."""
    return records if after is None else records.filter(pl.col(DAY) > after)


def _quarantine_rows(mapped: Mapped, rules: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    values = rows_as_json(mapped.written, rules[ROW_NO])
    return (
        rules.join(values, on=ROW_NO, how="left")
        .with_columns(
            pl.format("{}-{}", pl.lit(facts["arrival_id"]), pl.col(ROW_NO)).alias("quarantine_id"),
            *(pl.lit(facts[column]).alias(column) for column in ("arrival_id", "table", "source", "path")),
            pl.lit(None, dtype=pl.Date).alias("as_of"),
            pl.lit(facts["arrived_at"]).cast(TIMESTAMP).alias("quarantined_at"),
            pl.lit(OPEN).alias("status"),
        )
        .select(pl.col(column).cast(dtype) for column, dtype in QUARANTINE_SCHEMA.items())
    )


def _cast_outcomes(mapped: Mapped) -> tuple[RuleOutcome, ...]:
    """The values that did not cast, told like the rules of a suite."""
    from expectations.runner import Example

    outcomes = []
    for rule, row_nos in mapped.rejects.explode("rules").group_by("rules").agg(ROW_NO).sort("rules").iter_rows():
        column = next(name for name in sorted(mapped.written.columns, key=len, reverse=True) if rule.startswith(f"{name}_is_"))
        shown = mapped.written.filter(pl.col(ROW_NO).is_in(sorted(row_nos)[:_EXAMPLES]))
        examples = tuple(Example(row_no, str(value)) for row_no, value in shown.select(ROW_NO, column).iter_rows())
        says = f"{column} {rule.removeprefix(column + '_').replace('_', ' ')}."
        outcomes.append(RuleOutcome(rule, says, column, mapped.rows.height, len(row_nos), examples))
    return tuple(outcomes)


def _known_keys(lake: Lake, table: Table, good: list[pl.Series]) -> pl.Series:
    held = lake.scan_or_empty(table.name, table.landed_schema).select(table.key).collect().to_series()
    return pl.concat([held, *good]).unique()


def _judge_tables(judge: _Judge, arrivals: list[Arrival], *, as_of: date) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for name, table in TABLES.items():
        if not judge.settings.table_sources(name):
            continue
        mine = [arrival for arrival in arrivals if arrival.export.table.name == name]
        limits = judge.settings.validation.limits(name)
        bad = sum(arrival.bad.height for arrival in mine)
        mapped = sum(arrival.facts["rows_read"] - arrival.facts["left_out"] for arrival in mine)
        findings += check_share(table, arrived_rows=mapped, bad_rows=bad, limits=limits)
        landing = sum(arrival.records.height for arrival in mine) + judge.lake.row_count(name)
        if not bad:
            findings += check_missing(table, landed_rows=landing)
        if table.time is None or not landing:
            continue
        days = _rows_by_day(judge.lake, table, mine)
        seen = days.filter(pl.col(DAY) <= as_of)[DAY]
        newest = seen.max()
        findings += check_freshness(table, newest=newest if isinstance(newest, date) else None, as_of=as_of, limits=limits)
        touched = {day for arrival in mine for day in arrival.records[DAY].unique()}
        findings += check_volume(table, days, arrived_dates=touched | {as_of}, as_of=as_of, limits=limits)
    return tuple(findings)


def _rows_by_day(lake: Lake, table: Table, arrivals: list[Arrival]) -> pl.DataFrame:
    """One row per day: how many records the lake will hold; a key held already counts once."""
    held = lake.rows_by_day(table.name)
    arriving = [arrival.records.select(table.key, DAY) for arrival in arrivals]
    if not arriving:
        return held
    tonight = pl.concat(arriving).unique(table.key, keep="last")
    known = of_days_met(lake, table, tonight[table.key]).select(table.key, DAY)
    again = known.join(tonight.lazy(), on=table.key, how="semi").group_by(DAY).agg(rows=-pl.len().cast(pl.Int64)).collect()
    new = tonight.group_by(DAY).agg(rows=pl.len().cast(pl.Int64))
    return pl.concat([held, again, new]).group_by(DAY).agg(pl.col("rows").sum()).filter(pl.col("rows") > 0).sort(DAY)


def _checks(intake: Intake) -> pl.DataFrame:
    rows = [
        (
            intake.as_of,
            arrival.facts["arrival_id"],
            arrival.export.table.name,
            found.rule,
            found.says,
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
    after = supersede(add(before, new), tonight)
    if not after.equals(before) or not lake.exists(QUARANTINE):
        write_quarantine(lake, after)
