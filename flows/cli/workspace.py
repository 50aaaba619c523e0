"""What commands share: their options, and the checks of a workspace before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lake.errors import ConfigurationError, EvenfallError

if TYPE_CHECKING:
    from runtime.run_context import RunContext

_TERMINAL = "-"


def workspace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--workspace`."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="Folder with evenfall.toml.  [default: here]",
    )(command)


def as_of_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as-of`."""
    return click.option("--as-of", metavar="YYYY-MM-DD", help="The night.  [default: yesterday, or what \\[run] as_of says]")(
        command
    )


def known_workspace(workspace: Path, as_of: str | None, *, writes: bool = False, needs_data: bool = False) -> RunContext:
    """Open a run, and check what can be checked before heavy packages are imported, so that a mistake is reported at once.

    Args:
        workspace: The folder with `evenfall.toml`.
        as_of: The night as YYYY-MM-DD; None for what `[run] as_of` says.
        writes: Whether the command writes in the workspace.
        needs_data: Whether the command needs a lake with data.
    """
    from pipeline.preflight import preflight, refuse_empty
    from runtime.run_context import open_run

    run = open_run(workspace, as_of)
    preflight(run, writes=writes)
    if needs_data:
        refuse_empty(run.workspace.lake)
    return run


def write_or_show(text: str, file: str, *, option: str) -> None:
    """Write the text that an option asks for; `-` as the file shows it on the terminal.

    Args:
        text: The text.
        file: Where to.
        option: The option that named the file, for the message when it cannot be written.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    if file == _TERMINAL:
        click.echo(text, nl=False)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", remedy=f"Name another file for {option}."
        ) from error


def prepare_flow(run: RunContext) -> None:
    """Prepare the environment of a flow, and start Prefect's temporary server while the flow's packages are imported."""
    from flows.temporary_server import start_server
    from runtime.environment import prepare_environment

    prepare_environment(run.workspace.root)
    # Workers of a Dask scheduler live on after the night, and Prefect must be elsewhere (flows.scale.cluster).
    if run.settings.scale.address is None:
        start_server()


def free_workspace(workspace: Path, as_of: str | None, *, purpose: str, sources: bool = False) -> tuple[RunContext, bool]:
    """Do the same for a run that locks the workspace; a failure is sent as an alert, and one of the preflight is logged.

    Args:
        workspace: The folder with `evenfall.toml`.
        as_of: The night as YYYY-MM-DD; None for what `[run] as_of` says.
        purpose: The kind of run, such as `nightly`.
        sources: Whether the run reads the sources, so that these are checked, too.

    Returns:
        The run, and whether the sources, where they are read, offer a new file.
    """
    from flows.scale.reachability import check_reachable
    from pipeline.preflight import preflight, refuse_empty
    from runtime.alerting import alerted
    from runtime.logged_run import logged
    from runtime.run_context import open_run

    run = open_run(workspace, as_of)
    with alerted(run, purpose):
        run.workspace.refuse_when_locked()
        try:
            is_any_new = preflight(run, writes=True, sources=sources)
            if not sources:
                refuse_empty(run.workspace.lake)
        except EvenfallError:
            with logged(run, purpose):
                raise
        check_reachable(run.settings.scale)
    return run, is_any_new
