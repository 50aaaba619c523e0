"""`evenfall sql`: questions of analysts to what the nights have left behind."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli.workspace import known_workspace, workspace_option, write_or_show


@click.command()
@click.argument("query", required=False)
@workspace_option
@click.option("--as-of", metavar="YYYY-MM-DD", help="The night of lists and features.  [default: the newest that made lists]")
@click.option("--tables", is_flag=True, help="Show the tables and their columns instead.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write all rows there as CSV; - writes them to the terminal.")
def sql(*, query: str | None, workspace: Path, as_of: str | None, tables: bool, csv_file: str | None) -> None:
    """Answer one SELECT over the lake, the lists, the scores and the features; nothing is locked or written.

    QUERY is Polars SQL, such as "SELECT tier, COUNT(*) AS members FROM lists GROUP BY tier".
    """
    if (query is None) != tables or (tables and csv_file is not None):
        raise click.UsageError("Give one query, or --tables alone.")
    run = known_workspace(workspace, as_of, needs_data=True)
    from pipeline.query.query import ROWS_SHOWN, as_csv, as_lines, list_tables, run_query

    is_night_given = as_of is not None
    if query is None:
        for line in list_tables(run, is_night_given=is_night_given):
            click.echo(line)
        return
    rows = run_query(run, query, is_night_given=is_night_given, most_rows=ROWS_SHOWN + 1 if csv_file is None else None)
    if csv_file is None:
        for line in as_lines(rows):
            click.echo(line)
    else:
        write_or_show(as_csv(rows), csv_file, option="--csv")
