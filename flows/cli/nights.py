"""`evenfall nightly`, `train`, `backtest`, `backfill` and `demo`: the commands that start a flow."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli.workspace import as_of_option, free_workspace, known_workspace, prepare_flow, workspace_option


@click.command()
@workspace_option
@as_of_option
def nightly(workspace: Path, as_of: str | None) -> None:
    """Run a night: take in, validate, score, publish, report. Trains when there is no champion or it is due."""
    _run_nightly(workspace, as_of)


@click.command()
@workspace_option
@as_of_option
@click.option("--promote", is_flag=True, help="Make the newly trained models champions whatever the gate says.")
@click.option("--rollback", is_flag=True, help="Train nothing; bring back the champions before the present ones.")
def train(workspace: Path, as_of: str | None, promote: bool, rollback: bool) -> None:
    """Train churn and value models on what the lake holds; the gate decides whether they become champions."""
    from flows.temporary_server import wait_for_server

    if promote and rollback:
        raise click.UsageError("--promote and --rollback exclude each other.")
    run, _ = free_workspace(workspace, as_of, purpose="train")
    prepare_flow(run)
    # Imported after `prepare_flow`, because Prefect reads its environment when it is imported.
    from flows.train import train as train_flow

    wait_for_server()
    for line in train_flow(str(workspace), as_of, "promote" if promote else "rollback" if rollback else "train"):
        click.echo(line)


@click.command()
@workspace_option
@as_of_option
@click.option(
    "--cutoffs", default=12, show_default=True, type=click.IntRange(min=1), help="Past cut-offs to test, where history allows."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write the figures there.")
def backtest(workspace: Path, as_of: str | None, cutoffs: int, json_file: Path | None) -> None:
    """Predict past nights as they would have been then, every model side by side."""
    from flows.temporary_server import wait_for_server

    prepare_flow(known_workspace(workspace, as_of, writes=True, needs_data=True))
    from flows.backtest import backtest as backtest_flow

    wait_for_server()
    for line in backtest_flow(str(workspace), as_of, cutoffs, None if json_file is None else str(json_file)):
        click.echo(line)


@click.command()
@workspace_option
@click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help="First night.")
@click.option("--to", "last", required=True, metavar="YYYY-MM-DD", help="Last night.")
def backfill(workspace: Path, first: str, last: str) -> None:
    """Run every night from one day to another, each seeing only what was known then."""
    from flows.temporary_server import wait_for_server
    from runtime.run_context import nights_between

    nights_between(workspace, first, last)
    run, _ = free_workspace(workspace, first, purpose="backfill", sources=True)
    prepare_flow(run)
    from flows.backfill import backfill as backfill_flow

    wait_for_server()
    nights = backfill_flow(str(workspace), first, last)
    click.echo(f"{len(nights)} nights done, {nights[0]} to {nights[-1]}; their lists are in {workspace / 'lists'}")


@click.command()
@workspace_option
@click.option("--members", default=5_000, show_default=True, type=click.IntRange(min=2), help="Members to simulate.")
@click.option("--days", default=400, show_default=True, type=click.IntRange(min=30), help="Days to simulate.")
@click.option("--seed", default=2_025, show_default=True, help="The same seed gives the same community.")
def demo(workspace: Path, members: int, days: int, seed: int) -> None:
    """Simulate a community in the workspace and run a night on it."""
    from flows.scaffold import make_demo

    make_demo(workspace, members=members, days=days, seed=seed)
    _run_nightly(workspace, None)


def _run_nightly(workspace: Path, as_of: str | None) -> None:
    from flows.temporary_server import wait_for_server, without_heartbeats
    from runtime.preload import importing, preload
    from runtime.progress import showing

    with showing("getting ready"), importing():
        run, is_any_new = free_workspace(workspace, as_of, purpose="nightly", sources=True)
        prepare_flow(run)
        # The imports run in a thread while this one imports the flow, and Prefect's server starts in its process.
        preload(validates=is_any_new)
        from flows.nightly import nightly as nightly_flow

        wait_for_server()
    with without_heartbeats():
        result = nightly_flow(str(workspace), as_of)
    from pipeline.summary import closing_lines

    for line in closing_lines(
        result.run, members=result.members, contacts=result.contacts, tonight=result.tonight, shown=workspace
    ):
        click.echo(line)
