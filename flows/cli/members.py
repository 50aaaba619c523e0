"""`evenfall explain` and `erase`: one member's card, and the end of what is kept of members."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.cli.workspace import as_of_option, known_workspace, workspace_option
from lake.errors import ConfigurationError


@click.command()
@click.argument("member_id")
@workspace_option
@as_of_option
def explain(member_id: str, workspace: Path, as_of: str | None) -> None:
    """Print a member's card: scores, a year's activity, reasons, tier moves."""
    known_workspace(workspace, as_of)
    from pipeline.explain import explain as card

    click.echo(card(workspace, member_id, as_of=as_of))


@click.command()
@click.argument("member_id", required=False)
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Erase all members of a file: an id a line, or a CSV with a column member_id.",
)
@click.option("--yes", is_flag=True, help="Do not ask before it.")
@workspace_option
def erase(member_id: str | None, file: Path | None, yes: bool, workspace: Path) -> None:
    """Remove members from everything the workspace holds, prove it by a search, and write a certificate."""
    if (member_id is None) == (file is None):
        raise click.UsageError("Name one member, or a file of members with --from.")
    known_workspace(workspace, None, writes=True)
    from pipeline.erasure.request import plan_erasure, read_request

    members = {member_id: "this member"} if member_id is not None else read_request(file or Path())
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError("an erasure cannot be taken back, and nobody is here to confirm it", remedy="Add --yes.")
        for line in plan_erasure(workspace, members):
            click.echo(line)
        if not click.confirm("Erase?"):
            click.echo("Nothing was erased.")
            return
    from pipeline.erasure.erase import erase as erase_members

    for line in erase_members(workspace, members):
        click.echo(line)
