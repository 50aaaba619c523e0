"""`evenfall init` and `preview`: from an empty folder to mappings that fit."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.workspace import workspace_option

if TYPE_CHECKING:
    from wording.language import Language


@click.command()
@workspace_option
@click.option(
    "--language",
    type=click.Choice(["en", "zh", "zh-Hant"]),
    default="en",
    show_default=True,
    help="The community's language, and that of the file's comments.",
)
def init(workspace: Path, language: Language) -> None:
    """Write a commented evenfall.toml to start from, and say what to do next."""
    from flows.scaffold import initialise

    click.echo(initialise(workspace, language=language))


@click.command()
@click.argument("source", required=False)
@workspace_option
def preview(source: str | None, workspace: Path) -> None:
    """Show three rows of each source before and after mapping, what does not fit, and the keys; changes nothing.

    SOURCE is a table, such as orders, or what a source is called; by default all are shown. Exit codes are those a night
    would end with: 2 when a mapping cannot work, 3 when a file cannot be read or no row of the sample fits.
    """
    from pipeline.preview.preview import preview as show

    codes: list[int] = []
    for one in show(workspace, source, width=shutil.get_terminal_size().columns):
        click.echo(one.text)
        codes.append(one.exit_code)
    sys.exit(min((code for code in codes if code), default=0))
