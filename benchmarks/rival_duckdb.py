"""The same work in SQL: rollups and every feature, by DuckDB.

python -m benchmarks.rival_duckdb JOB INPUTS [--result FOLDER]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.feature_sql import features_sql
from benchmarks.job import Done, run_job

_PARTS: Final = ("night", "morning", "afternoon", "evening")


def rollup(inputs: Path) -> Done:
    """Landed events and orders of the whole history → daily rollups and ties."""
    return _rolled_up(inputs, "")


def rollup_of_the_day(inputs: Path) -> Done:
    """The newest day's landed rows → its rollup and ties."""
    return _rolled_up(inputs, "_of_the_day")


def features(inputs: Path) -> Done:
    """Rollups and ties → every feature of every member."""
    connection = _connect(inputs, ("daily", "ties", "members"))
    facts = json.loads((inputs / "facts.json").read_text(encoding="utf-8"))
    connection.execute(f"CREATE TABLE made AS {features_sql(facts['as_of'], facts['event_types'])}")
    return Done(_rows(connection, "daily", "ties"), lambda folder: _write(connection, "made", folder / "features.parquet"))


def _rolled_up(inputs: Path, suffix: str) -> Done:
    connection = _connect(inputs, (f"events{suffix}", f"orders{suffix}", "member_index"))
    connection.execute(f"CREATE TABLE daily AS {_daily_sql(suffix)}")
    connection.execute(f"CREATE TABLE ties AS {_ties_sql(suffix)}")

    def write(folder: Path) -> None:
        _write(connection, "daily", folder / "daily.parquet")
        _write(connection, "ties", folder / "ties.parquet")

    return Done(_rows(connection, f"events{suffix}", f"orders{suffix}"), write)


def _daily_sql(suffix: str) -> str:
    hour = "(epoch_us(moment) // 3600000000) % 24"
    parts = ", ".join(
        f"count(*) FILTER ({hour} BETWEEN {6 * number} AND {6 * number + 5})::INTEGER AS n_{part}"
        for number, part in enumerate(_PARTS)
    )
    return f"""
        WITH moments AS (
            SELECT event_date, member_no, 'event:' || event_type AS activity, occurred_at AS moment, 0::BIGINT AS amount
            FROM events{suffix} JOIN member_index USING (member_id)
            UNION ALL
            SELECT event_date, o.member_no, 'received', occurred_at, 0
            FROM events{suffix} e JOIN member_index m USING (member_id) JOIN member_index o ON o.member_id = e.target_member_id
            WHERE e.target_member_id <> e.member_id
            UNION ALL
            SELECT event_date, member_no, CASE WHEN amount_minor < 0 THEN 'refund' ELSE 'order' END, ordered_at, amount_minor
            FROM orders{suffix} JOIN member_index USING (member_id)
        )
        SELECT event_date, member_no, activity, count(*)::INTEGER AS n, sum(amount)::BIGINT AS amount_minor, {parts}
        FROM moments GROUP BY event_date, member_no, activity"""


def _ties_sql(suffix: str) -> str:
    return f"""
        SELECT event_date, m.member_no, o.member_no AS other_no, count(*)::INTEGER AS n
        FROM events{suffix} e JOIN member_index m USING (member_id) JOIN member_index o ON o.member_id = e.target_member_id
        WHERE e.target_member_id <> e.member_id GROUP BY event_date, m.member_no, o.member_no"""


def _connect(inputs: Path, tables: tuple[str, ...]) -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    for table in tables:
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{inputs / table}.parquet')")
    return connection


def _rows(connection: Any, *tables: str) -> int:
    return sum(int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables)


def _write(connection: Any, table: str, path: Path) -> None:
    connection.execute(f"COPY {table} TO '{path}' (FORMAT parquet)")


JOBS: Final = {"rollup": rollup, "rollup-of-the-day": rollup_of_the_day, "features": features}

if __name__ == "__main__":
    run_job(JOBS, prepare={})
