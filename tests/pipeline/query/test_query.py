"""`evenfall sql` over the tables that nights leave behind."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import polars as pl
import pytest

from lake.errors import ConfigurationError
from pipeline.query.query import ROWS_SHOWN, run_query
from pipeline.query.tables import open_tables
from runtime.run_context import open_run
from tests.communities import LAST_DAY
from tests.explored import FIRST_NIGHT, REFUSED, Explored
from tests.nights import Run


def ask(workspace: Path, sql: str, *, as_of: str | None = None) -> pl.DataFrame:
    return run_query(open_run(workspace, as_of), sql, is_night_given=as_of is not None)


def files_of(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_lists_features_and_lake_are_joined_in_one_query_and_nothing_is_written(explored: Explored) -> None:
    before = files_of(explored.root)
    rows = ask(
        explored.root,
        "SELECT l.member_id, f.spend_365d, SUM(o.amount_minor) / 100.0 AS spent FROM lists l "
        "JOIN features f ON f.member_id = l.member_id JOIN orders o ON o.member_id = l.member_id "
        "GROUP BY l.member_id, f.spend_365d",
    )
    assert rows.height > 50
    assert rows.filter((pl.col("spend_365d") - pl.col("spent")).abs() > 0.001).is_empty()
    assert files_of(explored.root) == before


def test_lists_and_features_are_those_of_the_night_that_is_asked_for(explored: Explored) -> None:
    count = (
        "SELECT as_of, MAX(f.days_since_first_activity) AS longest FROM lists l JOIN features f USING (member_id) GROUP BY as_of"
    )
    newest, earlier = ask(explored.root, count), ask(explored.root, count, as_of=str(FIRST_NIGHT))
    assert (newest["as_of"].item(), earlier["as_of"].item()) == (LAST_DAY, FIRST_NIGHT)
    assert newest["longest"].item() - earlier["longest"].item() == (LAST_DAY - FIRST_NIGHT).days
    with pytest.raises(ConfigurationError, match="there are no lists of the night of 2025-02-01"):
        ask(explored.root, "SELECT * FROM lists", as_of="2025-02-01")


def test_no_table_shows_a_member_who_refuses_profiling_or_a_name(explored: Explored) -> None:
    run = open_run(explored.root, None)
    tables = open_tables(run, is_night_given=False)
    number = run.workspace.lake.scan("member_index").filter(pl.col("member_id") == REFUSED).collect()["member_no"].item()
    assert {"members", "orders", "scores", "features", "lists", "contact_list", "ledger", "daily"} <= set(tables.names)
    for name in tables.names:
        rows = tables.builders[name]().collect()
        for column in {"member_id", "author_id"} & set(rows.columns):
            assert REFUSED not in rows[column].to_list(), name
        for column in {"member_no", "other_no"} & set(rows.columns):
            assert number not in rows[column].to_list(), name
        assert not {"display_name", "handle", "message"} & set(rows.columns), name
        assert tables.columns(name) == rows.columns, name


def test_a_query_sees_the_tables_as_they_were_when_it_began(explored: Explored, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(explored.root, root)
    run = open_run(root, None)
    tables = open_tables(run, is_night_given=False)
    lake = run.workspace.lake
    orders = lake.scan("orders").collect()
    lake.replace_days("orders", orders.clear(), days=set(orders["event_date"]))
    assert tables.builders["orders"]().collect().height > 0
    assert open_tables(run, is_night_given=False).builders["orders"]().collect().is_empty()


def test_while_a_night_holds_the_lock_a_query_is_answered(explored: Explored, run: Run) -> None:
    with open_run(explored.root, None).workspace.locked("nightly"):
        answered = run("sql", "SELECT COUNT(*) AS n FROM scores", "--workspace", explored.root)
    assert answered.code == 0, answered.err
    assert answered.out.split()[0] == "n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM memebers", ("no table `memebers`", "Did you mean `members`")),
        ("SELECT churn_probabilty FROM lists", ("no column `churn_probabilty`", "Did you mean `churn_probability`")),
        ("SELECT l.teir FROM lists l", ("no column `teir`", "Did you mean `tier`")),
        ("SELECT * FROM read_csv('/etc/hostname')", ("`read_csv(`", "no function that a query may call")),
        ("DELETE FROM members", ("no SELECT", "nothing is ever written")),
        ("SELECT tier FROM lists GROUP", ("cannot be computed", "docs/sql.md")),
        ("SELECT display_name FROM members", ("no column `display_name`",)),
    ],
)
def test_a_bad_query_ends_with_2_and_says_what_is_there(explored: Explored, run: Run, sql: str, said: tuple[str, ...]) -> None:
    ended = run("sql", sql, "--workspace", explored.root)
    assert ended.code == 2
    for words in said:
        assert words in ended.err
    assert "Traceback" not in ended.err


def test_the_terminal_shows_the_first_rows_and_a_file_gets_all(explored: Explored, run: Run, tmp_path: Path) -> None:
    shown = run("sql", "SELECT order_id, member_id FROM orders", "--workspace", explored.root).out.splitlines()
    assert shown[0].split() == ["order_id", "member_id"]
    assert len(shown) == 1 + ROWS_SHOWN + 1
    assert "--csv FILE writes all" in shown[-1]
    file = tmp_path / "orders.csv"
    assert run("sql", "SELECT order_id, member_id FROM orders", "--csv", file, "--workspace", explored.root).code == 0
    orders = open_run(explored.root, None).workspace.lake.scan("orders").filter(pl.col("member_id") != REFUSED).collect()
    written = pl.read_csv(file)
    assert written.height == orders.height
    # The customer called =1+1 is not run by a spreadsheet.
    assert {"'=1+1"} == {one for one in written["member_id"] if one.endswith("=1+1")}


def test_nested_values_are_written_as_json(explored: Explored, run: Run) -> None:
    out = run("sql", "SELECT reasons FROM lists WHERE is_eligible LIMIT 3", "--csv", "-", "--workspace", explored.root).out
    reasons = pl.read_csv(io.StringIO(out))["reasons"].str.json_decode(dtype=pl.List(pl.Struct({"feature": pl.String})))
    assert reasons.list.len().min() >= 1


def test_the_tables_are_listed_with_their_columns(explored: Explored, run: Run) -> None:
    listed = run("sql", "--tables", "--workspace", explored.root).out
    columns = {line.split()[0]: line.replace(",", "").split()[1:] for line in listed.splitlines()}
    assert "spend_365d" in columns["features"]
    assert {"churn_probability", "tier"} <= set(columns["scores"])
    assert run("sql", "--workspace", explored.root).code == 2
    assert run("sql", "SELECT 1", "--tables", "--workspace", explored.root).code == 2
