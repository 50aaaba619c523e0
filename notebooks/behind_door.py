"""Serve all notebooks on a socket file, for `evenfall up`, which asks for token or password before it hands a request on.

python -m notebooks.behind_door --socket FILE --path /notebooks
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from starlette.types import ASGIApp

FOLDER = Path(__file__).parent
PAGES = ("members", "network", "effects", "experiments", "cohorts")


@click.command()
@click.option("--socket", required=True, help="File to listen on, in a folder that only this user may enter.")
@click.option("--path", required=True, help="Path below which the notebooks are.")
def serve(*, socket: str, path: str) -> None:
    """Serve the notebooks, each below its name; the workspace is named by `EVENFALL_WORKSPACE`."""
    import uvicorn

    uvicorn.run(make_app(path), uds=socket, log_level="warning")


def make_app(path: str) -> ASGIApp:
    """Make an app of all notebooks, each below a path and its name."""
    import marimo

    notebooks = marimo.create_asgi_app(quiet=True)
    for page in PAGES:
        notebooks = notebooks.with_app(path=f"{path}/{page}", root=str(FOLDER / f"{page}.py"))
    return notebooks.build()


if __name__ == "__main__":
    serve()
