"""What a query of `evenfall sql` may call, and that Polars reads what the guard has read."""

from __future__ import annotations

import polars as pl
import pytest

from lake.errors import ConfigurationError
from pipeline.query.guard import read_query, written_again

# Each opens the file where Polars gets it unguarded, writes, or is read by two parsers in two ways.
HOSTILE = (
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM READ_CSV ('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM read_ipc('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM scan_csv('{file}')",
    "SELECT * FROM \"read_csv\"('{file}')",
    "SELECT * FROM `read_csv`('{file}')",
    "FROM read_csv('{file}')",
    "SELECT a FROM t WHERE a IN (SELECT secret FROM read_csv('{file}'))",
    "SELECT (SELECT secret FROM read_csv('{file}')) FROM t",
    "WITH s AS (SELECT * FROM read_csv('{file}')) SELECT * FROM s",
    "WITH read_csv AS (SELECT 1) SELECT * FROM read_csv('{file}')",
    "SELECT a FROM t UNION ALL SELECT * FROM read_csv('{file}')",
    "SELECT a FROM t JOIN read_csv('{file}') r ON r.secret = t.a",
    "SELECT a FROM t, LATERAL read_csv('{file}')",
    "SELECT * FROM read_csv/**/('{file}')",
    "SELECT * FROM read_csv--\n('{file}')",
    "SELECT '\\' FROM t, read_csv('{file}') --'",
    "SELECT E'\\' FROM read_csv(' FROM t",
    "SELECT $$ FROM read_csv('{file}') $$",
    "SELECT a FROM t; SELECT * FROM read_csv('{file}')",
    "CREATE TABLE k AS SELECT * FROM read_csv('{file}')",
    "EXPLAIN SELECT * FROM read_csv('{file}')",
    "DELETE FROM t",
    "INSERT INTO t VALUES (1)",
    "UPDATE t SET a = 1",
    "DROP TABLE t",
    "TRUNCATE TABLE t",
    "COPY t TO '{file}'",
    "VALUES (1)",
    "",
    ";",
)
HARMLESS = (
    ("SELECT a FROM t ORDER BY a DESC", [2, 1]),
    ("SELECT COUNT(DISTINCT b) AS n FROM t;", [2]),
    ("WITH u AS (SELECT a FROM t WHERE b LIKE 'x%') SELECT MAX(a) AS most FROM u", [1]),
    ("SELECT ROW_NUMBER() OVER (PARTITION BY b ORDER BY a) AS r FROM t", [1, 1]),
    ("SELECT a FROM (SELECT a FROM t) AS k WHERE a IN (1) AND (a > 0)", [1]),
    ('SELECT "a" + 1.5 AS more FROM t ORDER BY more', [2.5, 3.5]),
    ("SELECT CASE WHEN (a - -1) = 2 THEN 'it''s' ELSE '--' END AS said FROM t ORDER BY a", ["it's", "--"]),
    ("SELECT CAST(a AS DECIMAL(10, 2))::BIGINT AS c FROM t ORDER BY a", [1, 2]),
)


def ask(sql: str) -> pl.DataFrame:
    frames = {"t": pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]})}
    return pl.SQLContext(frames, register_globals=False).execute(written_again(read_query(sql)), eager=True)


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_hostile_query_is_refused_before_polars_sees_it(sql: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_query(sql.format(file="/etc/hostname"))
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(("sql", "values"), HARMLESS)
def test_a_harmless_query_gives_what_it_gives_unguarded(sql: str, values: list[object]) -> None:
    assert ask(sql).to_series().to_list() == values


def test_a_misspelt_function_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean `MEDIAN`"):
        read_query("SELECT medain(a) FROM t")
