"""`evenfall alerts`: what left what is usual, acknowledged or muted by whoever has seen it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from flows.cli.workspace import known_workspace, workspace_option
from lake.errors import ConfigurationError


@click.command()
@workspace_option
@click.option("--acknowledge", type=int, metavar="NUMBER", help="Say that an alert has been seen.")
@click.option("--mute", metavar="NUMBER|FIGURE", help="Send nothing about an alert or a figure until a day.")
@click.option("--until", metavar="YYYY-MM-DD", help="The last night that is muted.")
def alerts(*, workspace: Path, acknowledge: int | None, mute: str | None, until: str | None) -> None:
    """List the alerts of the newest night with their numbers, or acknowledge or mute one.

    An alert that is acknowledged or muted is sent again only when it becomes clearly worse; a muted figure not at all. The report
    shows them all. docs/early-warning.md says how alerts come about.
    """
    if acknowledge is not None and mute is not None:
        raise click.UsageError("Give --acknowledge or --mute, not both.")
    if (mute is None) != (until is None):
        raise click.UsageError("--mute and --until go together.")
    is_changing = acknowledge is not None or mute is not None
    run = known_workspace(workspace, None, writes=is_changing, needs_data=True)
    from pipeline.community import open_alerts

    if not is_changing:
        for line in open_alerts.list_alerts(run):
            click.echo(line)
        return
    # A night that runs now would write the same table.
    with run.workspace.locked("alerts"):
        if acknowledge is not None:
            click.echo(open_alerts.acknowledge(run, acknowledge))
        elif mute is not None and until is not None:
            click.echo(open_alerts.mute(run, mute, _day(until)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"--until {text!r} is not a day", remedy="Write it as YYYY-MM-DD.") from None
