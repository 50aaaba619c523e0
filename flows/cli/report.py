"""`evenfall report`: the weekly and the monthly edition of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from flows.cli.workspace import known_workspace, workspace_option


@click.command()
@workspace_option
@click.option("--as-of", metavar="YYYY-MM-DD", help="The last night.  [default: the newest that has been run]")
@click.option(
    "--period",
    required=True,
    type=click.Choice(["week", "month"]),
    help="The 7 or the 28 days that end with the night, beside those before.",
)
def report(workspace: Path, as_of: str | None, period: Literal["week", "month"]) -> None:
    """Write the weekly or monthly report of a night that has been run: what changed and why, tiers, whether talking worked.

    It is made of what nights have stored, trains nothing and scores nobody. The morning report of the night itself is written
    by `evenfall nightly` alone: run the night again to write it again.
    """
    run = known_workspace(workspace, as_of, writes=True, needs_data=True)
    from outputs.report.page import render_report
    from pipeline.community.edition import edition_facts
    from pipeline.community.partner_exchange import newest_night

    run = run if as_of is not None else newest_night(run)
    path = run.workspace.edition(run.as_of, period)
    page = render_report(edition_facts(run, period))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    click.echo(f"the {period} until {run.as_of} is in {path}")
