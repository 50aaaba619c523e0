"""Serve all notebooks on a socket file, for `evenfall up`, which asks for token or password before it hands a request on.

python -m notebooks.behind_door --socket FILE --path /notebooks
"""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = Path(__file__).parent
PAGES = ("members", "network", "effects", "experiments", "cohorts")


@click.command()
@click.option("--socket", required=True, help="File to listen on, in a folder that only this user may enter.")
@click.option("--path", required=True, help="Path below which the notebooks are.")
def serve(*, socket: str, path: str) -> None:
    """Serve the notebooks, each below its name; the workspace is named by `EVENFALL_WORKSPACE`."""
    import marimo
    import uvicorn

    notebooks = marimo.create_asgi_app(quiet=True)
    for page in PAGES:
        notebooks = notebooks.with_app(path=f"{path}/{page}", root=str(FOLDER / f"{page}.py"))
    uvicorn.run(notebooks.build(), uds=socket, log_level="warning")


if __name__ == "__main__":
    serve()
