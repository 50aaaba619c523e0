"""`evenfall figures`: the daily figures of the community."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from flows.cli.workspace import known_workspace, workspace_option, write_or_show
from lake.errors import ConfigurationError


@click.command()
@workspace_option
@click.option("--from", "first", metavar="YYYY-MM-DD", help="The first day.  [default: the first there is]")
@click.option("--to", "last", metavar="YYYY-MM-DD", help="The last day.  [default: the newest]")
@click.option(
    "--json", "json_file", metavar="FILE", help="Write rows of day, figure, dimension, value there; - for the terminal."
)
@click.option("--csv", "csv_file", metavar="FILE", help="The same as CSV.")
def figures(*, workspace: Path, first: str | None, last: str | None, json_file: str | None, csv_file: str | None) -> None:
    """Show how many members came, wrote, bought, joined and stayed on each day.

    Without a file, the newest seven days of the whole community. docs/figures.md says what each figure is.
    """
    if json_file is not None and csv_file is not None:
        raise click.UsageError("Give --json or --csv, not both.")
    days = [None if day is None else _day(day, name) for day, name in ((first, "--from"), (last, "--to"))]
    run = known_workspace(workspace, None, needs_data=True)
    from pipeline.figure_rows import as_json, as_table, read_figures

    rows = read_figures(run.workspace.lake, first=days[0], last=days[1])
    if json_file is not None:
        write_or_show(as_json(rows), json_file, option="--json")
    elif csv_file is not None:
        write_or_show(rows.write_csv(), csv_file, option="--csv")
    else:
        for line in as_table(rows):
            click.echo(line)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text!r} is not a day", remedy="Write it as YYYY-MM-DD.") from None
