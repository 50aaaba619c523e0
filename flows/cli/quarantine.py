"""`evenfall quarantine`: bad rows, looked at and replayed."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli.workspace import known_workspace, workspace_option


@click.group()
def quarantine() -> None:
    """Look at bad rows and re-admit repaired ones."""


@quarantine.command("list")
@workspace_option
@click.option(
    "--csv",
    "repair_path",
    type=click.Path(path_type=Path),
    help="Also write the open rows there, to repair them: a folder gets a file for each table.",
)
def quarantine_list(workspace: Path, repair_path: Path | None) -> None:
    """Count the open rows by table and broken rule."""
    known_workspace(workspace, None)
    from pipeline.replay.replay import list_open

    click.echo(list_open(workspace, repair_path=repair_path))


@quarantine.command("replay")
@workspace_option
@click.option(
    "--csv",
    "repair_path",
    type=click.Path(path_type=Path, exists=True),
    help="File or folder with repaired rows, as `list --csv` wrote them.",
)
def quarantine_replay(workspace: Path, repair_path: Path | None) -> None:
    """Judge the open rows again, repaired or as they are, and land those that are good now."""
    known_workspace(workspace, None, writes=True)
    from pipeline.replay.replay import replay

    click.echo(replay(workspace, repair_path=repair_path))
