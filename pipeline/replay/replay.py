"""`evenfall quarantine`: list quarantined rows, write them for repair in a spreadsheet, and replay them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from expectations.runner import validate
from lake.arrivals import has_refusals_by_source, read_arrivals, record, undo_unrecorded
from lake.contracts import TABLES, Table
from lake.errors import ConfigurationError
from lake.member_index import number_new_members
from lake.quarantine import OPEN, READMITTED, read_quarantine, set_status, write_quarantine
from lake.record_keys import as_records, with_keys
from lake.sources.mapping import ROW_NO, map_export
from lake.sources.source_identity import Source, identify, match_ledger
from lake.sources.source_settings import SourceSettings
from pipeline.erasure.register import ERASED_AUTHOR, ErasureRegister, leave_out, read_register, without_names
from pipeline.intake.reading import with_provenance, without_erased_author
from pipeline.replay.arrival_replay import Replay
from pipeline.replay.repair_files import read_repair_files, write_repair_files
from runtime.run_context import RunContext, open_run


def list_open(workspace: Path, *, repair_path: Path | None = None) -> str:
    """Return how many rows are open in quarantine, by table and broken rule; optionally write them to CSV files for repair.

    Args:
        workspace: The workspace.
        repair_path: Where to write them: a folder for one file per table, or a file if the rows are of one table; None
            writes nothing.

    Raises:
        ConfigurationError: A file was named and the rows are of several tables, or nothing can be written there.
    """
    run = open_run(workspace, None)
    open_rows = _open(run)
    if open_rows.is_empty():
        return "The quarantine is empty."
    files = [] if repair_path is None else write_repair_files(open_rows, repair_path)
    counts = (
        open_rows.explode("rules")
        .group_by("table", "rules")
        .len()
        .sort(["table", "len", "rules"], descending=[False, True, False])
    )
    lines = [f"{open_rows.height:,} rows wait in quarantine:"]
    lines += [f"  {table:10} {rule:32} {count:>8,}" for table, rule, count in counts.iter_rows()]
    if repair_path is None:
        return "\n".join([*lines, "to repair them: `evenfall quarantine list --csv FOLDER`"])
    written = ", ".join(str(file) for file in files)
    next_step = f"repair the value columns there, then `evenfall quarantine replay --csv {repair_path}`"
    return "\n".join([*lines, f"written to {written}; {next_step}"])


def replay(workspace: Path, *, repair_path: Path | None = None) -> str:
    """Validate the open rows again and land the valid ones; the counting identity is kept and asserted.

    Args:
        workspace: The workspace.
        repair_path: The file or folder with repaired rows, as `list_open` wrote them; None validates the rows as they are, for
            rows whose references have arrived since, or after a change of the rules.

    Returns:
        A sentence with the counts.

    Raises:
        ConfigurationError: A file is not one that `list_open` wrote, or no night of this release has ingested members yet.
        WorkspaceBusyError: Another run holds the workspace.
    """
    run = open_run(workspace, None)
    with run.workspace.locked("quarantine replay"):
        undo_unrecorded(run.workspace.lake)
        open_rows = _open(run)
        chosen = open_rows if repair_path is None else _repaired(open_rows, repair_path)
        # Replaying records consent by source, and in such a lake the consent of the other members is not known by source yet.
        if "members" in chosen["table"] and not has_refusals_by_source(run.workspace.lake):
            raise ConfigurationError(
                "the members of this lake were taken in by an earlier release, which did not keep who had refused by source",
                remedy="Run a night first: it reads the sources of members once more. Then replay.",
            )
        counts = [_replay_arrival(run, rows) for rows in _by_arrival(chosen)]
    landed, still_bad = sum(good for good, _ in counts), sum(bad for _, bad in counts)
    return f"{landed:,} rows re-admitted, {still_bad:,} still break a rule. The next night sees them."


def _open(run: RunContext) -> pl.DataFrame:
    return read_quarantine(run.workspace.lake).filter(pl.col("status") == OPEN)


def _repaired(open_rows: pl.DataFrame, repair_path: Path) -> pl.DataFrame:
    """Return the open rows that are in the files, with the values of the files."""
    values = read_repair_files(repair_path)
    chosen = open_rows.filter(pl.col("quarantine_id").is_in(list(values)))
    texts = [_merged(row, values[row["quarantine_id"]]) for row in chosen.iter_rows(named=True)]
    return chosen.with_columns(pl.Series("values", texts, dtype=pl.String))


def _merged(row: dict[str, Any], edited: dict[str, str | None]) -> str:
    values: dict[str, str | None] = json.loads(row["values"])
    return json.dumps({column: edited.get(column, value) for column, value in values.items()})


def _by_arrival(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of each arrival; tables that others refer to come first, so that their rows count as references."""
    order = {name: index for index, name in enumerate(TABLES)}
    groups = rows.partition_by("arrival_id", maintain_order=True)
    yield from sorted(groups, key=lambda group: (order[group["table"][0]], group["arrival_id"][0]))


def _replay_arrival(run: RunContext, rows: pl.DataFrame) -> tuple[int, int]:
    """Land the rows of one arrival that are valid now, as part of that arrival; return how many landed and how many did not."""
    lake, table = run.workspace.lake, TABLES[rows["table"][0]]
    written = pl.DataFrame([json.loads(row) for row in rows["values"]], infer_schema_length=None, orient="row")
    replay = _open_arrival(run, table, rows["arrival_id"][0], columns=written.columns)
    source, arrival = replay.settings, replay.arrival
    erased = read_register(run.workspace.root)
    mapped = map_export(written, table=table, settings=source, name="quarantine", timezone=source.timezone or run.timezone)
    mapped = leave_out(mapped, table=table, erased=erased)
    castable = mapped.rows.join(mapped.rejects, on=ROW_NO, how="anti")
    before = replay.landed_rows()
    # A derived key contains the number of the row among identical ones: numbering continues after the rows that have landed.
    keyed = with_keys(castable, table=table, prefix=arrival["key_prefix"], taken=set(before[table.key]))
    keyed = without_names(replay.with_references(keyed), table=table, erased=erased)
    good = replay.without_conflicts(_valid_rows(run, table, keyed, erased))
    if "amount" not in table.columns:
        # Its file has landed a row of that key already: the two still conflict, although only one of them is in quarantine.
        good = good.filter(~pl.col(table.key).is_in(before[table.key].implode()))
    if good.is_empty():
        return 0, rows.height
    records = without_erased_author(as_records(good, table=table, timezone=run.timezone))
    lines_merged = good.height - records.height
    records, joined = _join_landed_lines(table, records, before)
    stamped = with_provenance(replay.not_overtaken(records), arrival, at=run.now)
    if table.name == "members":
        replay.record_consent(mapped.rows, said_at=run.now)
    ledger = replay.land(stamped, good=good.height, merged=lines_merged + joined, held_before=before.height)
    number_new_members(lake, {table.name: stamped})
    # `row_no` counts from 1 in the order of `rows`, and leads back to the rows of the quarantine.
    admitted = rows["quarantine_id"].gather((good[ROW_NO] - 1).to_list())
    write_quarantine(lake, set_status(read_quarantine(lake), admitted, READMITTED))
    record(lake, ledger)
    return good.height, rows.height - good.height


def _open_arrival(run: RunContext, table: Table, arrival_id: str, *, columns: list[str]) -> Replay:
    """Return the replay of an arrival, by its row of the ledger and by its source as it is configured today."""
    configured = {name: identify(name, run.settings.table_sources(name)) for name in TABLES}
    ledger = match_ledger(read_arrivals(run.workspace.lake), configured, root=run.workspace.root)
    arrival = ledger.row(by_predicate=pl.col("arrival_id") == arrival_id, named=True)
    source = _source(configured[table.name], arrival, columns=columns)
    return Replay(run.workspace.lake, table, source, ledger, arrival, configured[table.name])


def _valid_rows(run: RunContext, table: Table, keyed: pl.DataFrame, erased: ErasureRegister) -> pl.DataFrame:
    """Validate rows with keys by the rules of today and the keys that have landed since; return the valid ones."""
    references = {name: _keys(run, TABLES[name]) for name in table.references.values() if run.settings.table_sources(name)}
    if erased.erasures and "members" in references:
        references["members"] = pl.concat([references["members"], pl.Series([ERASED_AUTHOR])])
    tolerance = timedelta(minutes=run.settings.validation.future_tolerance_minutes)
    [result] = validate(table, [keyed], references=references, now=datetime.now(UTC), future_tolerance=tolerance)
    return result.good


def _join_landed_lines(table: Table, records: pl.DataFrame, landed: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Add repaired order lines to the order that their file has landed already.

    Returns:
        One row per order, the landed lines included, and how many landed orders were joined.
    """
    if "amount" not in table.columns:
        return records, 0
    landed = landed.join(records.select(table.key), on=table.key, how="semi")
    assert table.time is not None
    other_columns = [column for column in records.columns if column not in (table.key, "amount_minor")]
    # The earliest line decides the other columns, as it does when all lines of a file land together.
    lines = pl.concat([landed.select(records.columns), records]).sort(table.key, table.time, maintain_order=True)
    orders = lines.group_by(table.key, maintain_order=True).agg(
        pl.col("amount_minor").sum(), *(pl.col(column).drop_nulls().first() for column in other_columns)
    )
    return orders.select(records.columns), landed.height


def _keys(run: RunContext, table: Table) -> pl.Series:
    return run.workspace.lake.scan_or_empty(table.name, table.landed_schema).select(table.key).collect().to_series()


def _source(sources: Sequence[Source], arrival: Mapping[str, Any], *, columns: list[str]) -> SourceSettings:
    """Return the source of an arrival, with every column mapped to itself: the quarantine stores mapped rows.

    Raises:
        ConfigurationError: The source is no longer configured.
    """
    matching = [source for source in sources if source.identity == arrival["source"]]
    if not matching:
        raise ConfigurationError(
            f"{arrival['table']}: no source goes by {arrival['source']!r} any more",
            remedy="Put it back, or leave its rows in quarantine.",
        )
    unchanged = {column: f'"{column}"' for column in columns if column in TABLES[arrival["table"]].columns}
    return matching[0].settings.model_copy(update={"columns": unchanged, "where": None, "figures": {}})
