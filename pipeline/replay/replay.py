"""`evenfall quarantine`: look at bad rows, repair them in a spreadsheet, and let them in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from expectations.runner import validate
from lake.arrivals import knows_who_refused, read_arrivals, record, undo_unrecorded
from lake.contracts import TABLES, Table
from lake.errors import ConfigurationError
from lake.member_index import number_new_members
from lake.quarantine import OPEN, READMITTED, read_quarantine, set_status, write_quarantine
from lake.record_keys import as_records, with_keys
from lake.sources.mapping import ROW_NO, map_export
from lake.sources.source_identity import Source, identify, match_ledger
from lake.sources.source_settings import SourceSettings
from pipeline.erasure.register import ERASED_AUTHOR, leave_out, read_register, without_names
from pipeline.intake.reading import with_provenance, without_erased_author
from pipeline.replay.arrival_replay import Replay
from pipeline.replay.repair_files import read_repair_files, write_repair_files
from runtime.run_context import RunContext, open_run


def list_open(workspace: Path, *, place: Path | None = None) -> str:
    """Tell how many rows wait, by table and broken rule, and optionally write them to CSV files for repair.

    Args:
        workspace: The workspace.
        place: Where to write them: a folder for one file per table, or a file where the rows of one table wait.

    Raises:
        ConfigurationError: A file was named and the rows of several tables wait, or nothing can be written there.
    """
    run = open_run(workspace, None)
    waiting = _open(run)
    if waiting.is_empty():
        return "The quarantine is empty."
    files = [] if place is None else write_repair_files(waiting, place)
    counted = (
        waiting.explode("rules").group_by("table", "rules").len().sort(["table", "len", "rules"], descending=[False, True, False])
    )
    lines = [f"{waiting.height:,} rows wait in quarantine:"]
    lines += [f"  {table:10} {rule:32} {count:>8,}" for table, rule, count in counted.iter_rows()]
    if place is None:
        return "\n".join([*lines, "to repair them: `evenfall quarantine list --csv FOLDER`"])
    written = ", ".join(str(file) for file in files)
    then = f"repair the value columns there, then `evenfall quarantine replay --csv {place}`"
    return "\n".join([*lines, f"written to {written}; {then}"])


def replay(workspace: Path, *, place: Path | None = None) -> str:
    """Judge the open rows again and land those that are good now; the counting identity is kept and asserted.

    Args:
        workspace: The workspace.
        place: The file or folder with repaired rows, as `list_open` wrote them; None judges the rows as they are, which helps
            when what they referred to has arrived since, or the rules have changed.

    Raises:
        ConfigurationError: A file is not one that `list_open` wrote, or no night of this release has taken in members yet.
        WorkspaceBusyError: A run is going on.
    """
    run = open_run(workspace, None)
    with run.workspace.held("quarantine replay"):
        undo_unrecorded(run.workspace.lake)
        waiting = _open(run)
        chosen = waiting if place is None else _repaired(waiting, place)
        if "members" in chosen["table"] and not knows_who_refused(run.workspace.lake):
            raise ConfigurationError(
                "the members of this lake were taken in by an earlier release, which did not keep who had refused by source",
                remedy="Run a night first: it reads the sources of members once more. Then replay.",
            )
        admitted = [_replay_arrival(run, rows) for rows in _by_arrival(chosen)]
    landed, still_bad = sum(good for good, _ in admitted), sum(bad for _, bad in admitted)
    return f"{landed:,} rows re-admitted, {still_bad:,} still break a rule. The next night sees them."


def _open(run: RunContext) -> pl.DataFrame:
    return read_quarantine(run.workspace.lake).filter(pl.col("status") == OPEN)


def _repaired(waiting: pl.DataFrame, place: Path) -> pl.DataFrame:
    """The open rows named in the files, with the files' values."""
    values = read_repair_files(place)
    chosen = waiting.filter(pl.col("quarantine_id").is_in(list(values)))
    texts = [_merged(row, values[row["quarantine_id"]]) for row in chosen.iter_rows(named=True)]
    return chosen.with_columns(pl.Series("values", texts, dtype=pl.String))


def _merged(row: dict[str, Any], edited: dict[str, str | None]) -> str:
    held: dict[str, str | None] = json.loads(row["values"])
    return json.dumps({column: edited.get(column, value) for column, value in held.items()})


def _by_arrival(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    order = {name: place for place, name in enumerate(TABLES)}
    groups = rows.partition_by("arrival_id", maintain_order=True)
    yield from sorted(groups, key=lambda group: (order[group["table"][0]], group["arrival_id"][0]))


def _replay_arrival(run: RunContext, rows: pl.DataFrame) -> tuple[int, int]:
    """Land the rows of one arrival that are good now, as part of that arrival; returns landed and still bad."""
    lake, table = run.workspace.lake, TABLES[rows["table"][0]]
    written = pl.DataFrame([json.loads(row) for row in rows["values"]], infer_schema_length=None, orient="row")
    configured = {name: identify(name, run.settings.table_sources(name)) for name in TABLES}
    ledger = match_ledger(read_arrivals(lake), configured, root=run.workspace.root)
    arrival = ledger.row(by_predicate=pl.col("arrival_id") == rows["arrival_id"][0], named=True)
    source = _source(configured[table.name], arrival, columns=written.columns)
    erased = read_register(run.workspace.root)
    mapped = map_export(written, table=table, settings=source, name="quarantine", timezone=source.timezone or run.timezone)
    mapped = leave_out(mapped, table=table, erased=erased)
    checked = mapped.rows.join(mapped.rejects, on=ROW_NO, how="anti")
    references = {name: _keys(run, TABLES[name]) for name in table.references.values() if run.settings.table_sources(name)}
    if erased.erasures and "members" in references:
        references["members"] = pl.concat([references["members"], pl.Series([ERASED_AUTHOR])])
    tolerance = timedelta(minutes=run.settings.validation.future_tolerance_minutes)
    replay = Replay(lake, table, source, ledger, arrival, configured[table.name])
    before = replay.held()
    prefix = arrival["key_prefix"]
    keyed = with_keys(checked, table=table, prefix=prefix, taken=set(before[table.key]))
    keyed = without_names(replay.with_references(keyed), table=table, erased=erased)
    [judged] = validate(table, [keyed], references=references, now=datetime.now(UTC), future_tolerance=tolerance)
    good = replay.without_conflicts(judged.good)
    if "amount" not in table.columns:
        # Its file has landed a row of that key already: the two are still in conflict, although only one is here.
        good = good.filter(~pl.col(table.key).is_in(before[table.key].implode()))
    if good.is_empty():
        return 0, rows.height
    records = without_erased_author(as_records(good, table=table, timezone=run.timezone))
    lines_merged = good.height - records.height
    records, joined = _join_landed_lines(table, records, before)
    stamped = with_provenance(replay.not_overtaken(records), arrival, at=run.now)
    if table.name == "members":
        replay.hear(mapped.rows, said_at=run.now)
    ledger = replay.land(stamped, good=good.height, merged=lines_merged + joined, held_before=before.height)
    number_new_members(lake, {table.name: stamped})
    admitted = rows["quarantine_id"].gather((good[ROW_NO] - 1).to_list())
    write_quarantine(lake, set_status(read_quarantine(lake), admitted, READMITTED))
    record(lake, ledger)
    return good.height, rows.height - good.height


def _join_landed_lines(table: Table, records: pl.DataFrame, held: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Add repaired order lines to the order their file has landed already; returns the records and how many were joined."""
    if "amount" not in table.columns:
        return records, 0
    held = held.join(records.select(table.key), on=table.key, how="semi")
    assert table.time is not None
    others = [column for column in records.columns if column not in (table.key, "amount_minor")]
    both = pl.concat([held.select(records.columns), records]).sort(table.key, table.time, maintain_order=True)
    summed = both.group_by(table.key, maintain_order=True).agg(
        pl.col("amount_minor").sum(), *(pl.col(column).drop_nulls().first() for column in others)
    )
    return summed.select(records.columns), held.height


def _keys(run: RunContext, table: Table) -> pl.Series:
    return run.workspace.lake.scan_or_empty(table.name, table.landed_schema).select(table.key).collect().to_series()


def _source(sources: Sequence[Source], arrival: Mapping[str, Any], *, columns: list[str]) -> SourceSettings:
    """The source an arrival came from, reading its own mapped columns as they are."""
    found = [source for source in sources if source.identity == arrival["source"]]
    if not found:
        raise ConfigurationError(
            f"{arrival['table']}: no source goes by {arrival['source']!r} any more",
            remedy="Put it back, or leave its rows in quarantine.",
        )
    same = {column: f'"{column}"' for column in columns if column in TABLES[arrival["table"]].columns}
    return found[0].settings.model_copy(update={"columns": same, "where": None})
