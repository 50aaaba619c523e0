"""Serve the notebooks on this machine to whoever has the token.

python -m notebooks.serve members --workspace DIR

A page on the internet can let its own domain name point to this machine, so that a browser sends requests here (DNS rebinding).
Therefore the Host header of a request must name this machine, or a host that was allowed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

_FOLDER: Final = Path(__file__).parent
_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "[::1]")
_WORKSPACE: Final = "EVENFALL_WORKSPACE"


@click.command()
@click.argument("notebook", type=click.Choice(["members", "network", "effects", "experiments", "cohorts", "all"]))
@click.option("--workspace", default="workspace", show_default=True, help="Folder with evenfall.toml.")
@click.option("--edit", is_flag=True, help="Show and change the code as well; `all` opens the folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.  [default: a free one]")
@click.option("--allowed-host", multiple=True, help="Another name by which the page may be asked for, as behind a proxy.")
@click.option("--token-password-file", type=click.Path(exists=True, dir_okay=False), help="A token of your own.")
@click.option("--headless", is_flag=True, help="Open no browser.")
def serve(
    *,
    notebook: str,
    workspace: str,
    edit: bool,
    host: str,
    port: int | None,
    allowed_host: tuple[str, ...],
    token_password_file: str | None,
    headless: bool,
) -> None:
    """Serve a notebook; the address that is printed carries the token."""
    if notebook == "all" and not edit:
        raise click.UsageError("Name one notebook, or add --edit.")
    # Files that marimo writes hold what the notebooks show: for this user alone.
    os.umask(0o077)
    _check_hosts((*_THIS_MACHINE, *allowed_host))
    os.environ[_WORKSPACE] = workspace
    path = _FOLDER if notebook == "all" else _FOLDER / f"{notebook}.py"
    token = ["--token"] if token_password_file is None else ["--token-password-file", token_password_file]
    options = [*token, "--host", host, *(["--port", str(port)] if port else []), *(["--headless"] if headless else [])]

    from marimo._cli.cli import main

    main(["edit" if edit else "run", str(path), *options], prog_name="marimo")


def _check_hosts(hosts: tuple[str, ...]) -> None:
    """Let marimo refuse requests whose Host header has another name."""
    from marimo._server.registry import MIDDLEWARE_REGISTRY
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    MIDDLEWARE_REGISTRY.register("evenfall-hosts", Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)))


if __name__ == "__main__":
    serve()
