"""`evenfall up`: one address for lists, figures, notebooks, MLflow and Prefect."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli.workspace import known_workspace, workspace_option


@click.command()
@workspace_option
@click.option("--host", help="Address of this machine to listen on.  [default: 127.0.0.1, or what \\[door] host says]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 8765, or what \\[door] port says]")
@click.option("--hash-password", "asks", is_flag=True, help="Ask for a password, print its hash for \\[door], and end.")
def up(*, workspace: Path, host: str | None, port: int | None, asks: bool) -> None:
    """Open lists, figures, notebooks, MLflow and Prefect as pages under one address, until Ctrl-C.

    Only this machine reaches them, and only who has the address that is printed, or the password of [door] (docs/door.md).
    """
    if asks:
        from door.passwords import hash_password

        click.echo(hash_password(click.prompt("Password", hide_input=True, confirmation_prompt=True)))
        return
    run = known_workspace(workspace, None, writes=True)
    from door.serving import serve
    from runtime.environment import prepare_environment

    prepare_environment(run.workspace.root)
    serve(run, host=host, port=port, say=click.echo)
