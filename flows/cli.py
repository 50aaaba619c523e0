"""The command line. Heavy packages are imported only by the command that needs them, so that `--help` is instant."""

from __future__ import annotations

import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lake.errors import ConfigurationError, EvenfallError, ExitCode
from runtime.file_access import keep_private
from runtime.signals import end_stopped, end_when_asked, open_missing_streams, stop_when_asked

if TYPE_CHECKING:
    from runtime.run_context import RunContext


def _workspace(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="Folder with evenfall.toml.  [default: here]",
    )(command)


def _as_of(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--as-of", metavar="YYYY-MM-DD", help="The night.  [default: yesterday, or what \\[run] as_of says]")(
        command
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evenfall")
def cli() -> None:
    """Who is drifting away, who matters, and whom to talk to tomorrow.

    Exit codes: 0 done, 1 a bug, 2 configuration or usage, 3 the data stopped the run, 4 an outside service failed,
    5 another run holds the workspace.
    """


@cli.command()
@_workspace
@_as_of
def nightly(workspace: Path, as_of: str | None) -> None:
    """Run a night: take in, validate, score, publish, report. Trains when there is no champion or it is due."""
    _run_nightly(workspace, as_of)


@cli.command()
@_workspace
@_as_of
@click.option("--promote", is_flag=True, help="Make the newly trained models champions whatever the gate says.")
@click.option("--rollback", is_flag=True, help="Train nothing; bring back the champions before the present ones.")
def train(workspace: Path, as_of: str | None, promote: bool, rollback: bool) -> None:
    """Train churn and value models on what the lake holds; the gate decides whether they become champions."""
    from flows.temporary_server import wait_for_server

    if promote and rollback:
        raise click.UsageError("--promote and --rollback exclude each other.")
    night, _ = _free_workspace(workspace, as_of, purpose="train")
    _prepare_flow(night)
    from flows.train import train as train_flow

    wait_for_server()
    for line in train_flow(str(workspace), as_of, "promote" if promote else "rollback" if rollback else "train"):
        click.echo(line)


@cli.command()
@_workspace
@_as_of
@click.option(
    "--cutoffs", default=12, show_default=True, type=click.IntRange(min=1), help="Past cut-offs to test, where history allows."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write the figures there.")
def backtest(workspace: Path, as_of: str | None, cutoffs: int, json_file: Path | None) -> None:
    """Predict past nights as they would have been then, every model side by side."""
    from flows.temporary_server import wait_for_server

    _prepare_flow(_known_workspace(workspace, as_of, writes=True, needs_data=True))
    from flows.backtest import backtest as backtest_flow

    wait_for_server()
    for line in backtest_flow(str(workspace), as_of, cutoffs, None if json_file is None else str(json_file)):
        click.echo(line)


@cli.command()
@_workspace
@click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help="First night.")
@click.option("--to", "last", required=True, metavar="YYYY-MM-DD", help="Last night.")
def backfill(workspace: Path, first: str, last: str) -> None:
    """Run every night from one day to another, each seeing only what was known then."""
    from flows.temporary_server import wait_for_server
    from runtime.run_context import nights_between

    nights_between(workspace, first, last)
    night, _ = _free_workspace(workspace, first, purpose="backfill", sources=True)
    _prepare_flow(night)
    from flows.backfill import backfill as backfill_flow

    wait_for_server()
    nights = backfill_flow(str(workspace), first, last)
    click.echo(f"{len(nights)} nights done, {nights[0]} to {nights[-1]}; their lists are in {workspace / 'lists'}")


@cli.command()
@_workspace
@click.option("--members", default=5_000, show_default=True, type=click.IntRange(min=2), help="Members to simulate.")
@click.option("--days", default=400, show_default=True, type=click.IntRange(min=30), help="Days to simulate.")
@click.option("--seed", default=2_025, show_default=True, help="The same seed gives the same community.")
def demo(workspace: Path, members: int, days: int, seed: int) -> None:
    """Simulate a community in the workspace and run a night on it."""
    from flows.scaffold import make_demo

    make_demo(workspace, members=members, days=days, seed=seed)
    _run_nightly(workspace, None)


@cli.command()
@_workspace
def init(workspace: Path) -> None:
    """Write a commented evenfall.toml to start from, and say what to do next."""
    from flows.scaffold import initialise

    click.echo(initialise(workspace))


@cli.command()
@click.argument("source", required=False)
@_workspace
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


@cli.command()
@click.argument("member_id")
@_workspace
@_as_of
def explain(member_id: str, workspace: Path, as_of: str | None) -> None:
    """Print a member's card: scores, a year's activity, reasons, tier moves."""
    _known_workspace(workspace, as_of)
    from pipeline.explain import explain as card

    click.echo(card(workspace, member_id, as_of=as_of))


@cli.command()
@click.argument("member_id", required=False)
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Erase all members of a file: an id a line, or a CSV with a column member_id.",
)
@click.option("--yes", is_flag=True, help="Do not ask before it.")
@_workspace
def erase(member_id: str | None, file: Path | None, yes: bool, workspace: Path) -> None:
    """Remove members from everything the workspace holds, prove it by a search, and write a certificate."""
    if (member_id is None) == (file is None):
        raise click.UsageError("Name one member, or a file of members with --from.")
    _known_workspace(workspace, None, writes=True)
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


@cli.command()
@_workspace
@_as_of
def verify(workspace: Path, as_of: str | None) -> None:
    """Compute a past night again from the lake's history and compare its lists; exit 0 matches, 3 differs or cannot tell."""
    from runtime.environment import prepare_environment

    _known_workspace(workspace, as_of)
    prepare_environment(workspace)
    from pipeline.verification.verify import verify as verify_night

    verdict = verify_night(workspace, as_of)
    for line in verdict.lines:
        click.echo(line)
    if verdict.answer != "matches":
        sys.exit(ExitCode.DATA)


@cli.command()
@_workspace
@click.option("--security", is_flag=True, help="Look at who else may read or change the workspace instead.")
def doctor(workspace: Path, security: bool) -> None:
    """Say whether a night would run: configuration, sources, disk, versions, clock, last nights; changes nothing."""
    from flows.doctor.examination import examine_in_turn
    from flows.doctor.findings import counted, exit_code, lines_of

    findings = []
    for finding in examine_in_turn(workspace, security=security):
        findings.append(finding)
        for line in lines_of(finding):
            click.echo(line)
    click.echo(f"\n{counted(findings)}")
    sys.exit(exit_code(findings))


@cli.group()
def quarantine() -> None:
    """Look at bad rows and re-admit repaired ones."""


@quarantine.command("list")
@_workspace
@click.option(
    "--csv",
    "place",
    type=click.Path(path_type=Path),
    help="Also write the open rows there, to repair them: a folder gets a file for each table.",
)
def quarantine_list(workspace: Path, place: Path | None) -> None:
    """Count the open rows by table and broken rule."""
    _known_workspace(workspace, None)
    from pipeline.replay.replay import list_open

    click.echo(list_open(workspace, place=place))


@quarantine.command("replay")
@_workspace
@click.option(
    "--csv",
    "place",
    type=click.Path(path_type=Path, exists=True),
    help="File or folder with repaired rows, as `list --csv` wrote them.",
)
def quarantine_replay(workspace: Path, place: Path | None) -> None:
    """Judge the open rows again, repaired or as they are, and land those that are good now."""
    _known_workspace(workspace, None, writes=True)
    from pipeline.replay.replay import replay

    click.echo(replay(workspace, place=place))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of whose fault a failure is.

    Args:
        arguments: None for those of the process, whose signals then mean this run.
    """
    if arguments is None:
        open_missing_streams()
        keep_private()
        stop_when_asked()
    try:
        cli.main(args=arguments, prog_name="evenfall", standalone_mode=False)
    except click.exceptions.Abort as abort:
        end_stopped(abort.__cause__)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EvenfallError as error:
        end_when_asked()
        click.echo(f"evenfall: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt as interrupt:
        end_stopped(interrupt)
    except Exception as error:
        end_when_asked()
        from runtime.os_errors import translate_os_error

        told = translate_os_error(error)
        if told is not None:
            click.echo(f"evenfall: {told}", err=True)
            sys.exit(told.exit_code)
        traceback.print_exc()
        click.echo("evenfall: this is a bug of ours. Nothing half-done was published; please report the lines above.", err=True)
        sys.exit(ExitCode.BUG)
    sys.exit(ExitCode.DONE)


def _run_nightly(workspace: Path, as_of: str | None) -> None:
    from flows.temporary_server import wait_for_server, without_heartbeats
    from runtime.preload import importing, preload
    from runtime.progress import showing

    with showing("getting ready"), importing():
        night, is_any_new = _free_workspace(workspace, as_of, purpose="nightly", sources=True)
        _prepare_flow(night)
        preload(validates=is_any_new)
        from flows.nightly import nightly as nightly_flow

        wait_for_server()
    with without_heartbeats():
        done = nightly_flow(str(workspace), as_of)
    from pipeline.summary import closing_lines

    for line in closing_lines(done.night, members=done.members, contacts=done.contacts, tonight=done.tonight, shown=workspace):
        click.echo(line)


def _known_workspace(workspace: Path, as_of: str | None, *, writes: bool = False, needs_data: bool = False) -> RunContext:
    """Ask what can be asked before anything heavy is loaded: a configuration mistake answers at once."""
    from pipeline.preflight import preflight, refuse_empty
    from runtime.run_context import open_run

    night = open_run(workspace, as_of)
    preflight(night, writes=writes)
    if needs_data:
        refuse_empty(night.workspace.lake)
    return night


def _prepare_flow(night: RunContext) -> None:
    """Prepare the environment of a flow, and start Prefect's temporary server while the flow's packages are imported."""
    from flows.temporary_server import start_server
    from runtime.environment import prepare_environment

    prepare_environment(night.workspace.root)
    # Workers of a Dask scheduler live on after the night, and Prefect must be elsewhere (flows.scale.cluster).
    if night.settings.scale.address is None:
        start_server()


def _free_workspace(workspace: Path, as_of: str | None, *, purpose: str, sources: bool = False) -> tuple[RunContext, bool]:
    """The same, for a run that needs the workspace for itself and is watched: whoever is on call hears of it, and the log.

    Returns:
        The run, and whether the sources, where they are read, offer a new file.
    """
    from flows.scale.reachability import check_reachable
    from pipeline.preflight import preflight, refuse_empty
    from runtime.alerting import alerted
    from runtime.logged_run import logged
    from runtime.run_context import open_run

    night = open_run(workspace, as_of)
    with alerted(night, purpose):
        night.workspace.refuse_when_held()
        try:
            is_any_new = preflight(night, writes=True, sources=sources)
            if not sources:
                refuse_empty(night.workspace.lake)
        except EvenfallError:
            with logged(night, purpose):
                raise
        check_reachable(night.settings.scale)
    return night, is_any_new


if __name__ == "__main__":
    main()
