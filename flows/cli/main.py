"""The command line and its exit codes. Heavy packages are imported only by the command that needs them."""

from __future__ import annotations

import sys
import traceback

import click

from flows.cli import (
    alerts,
    beginning,
    checks,
    experiments,
    figures,
    members,
    nights,
    partners,
    quarantine,
    querying,
    report,
    up,
)
from lake.errors import EvenfallError, ExitCode
from runtime.file_access import keep_private
from runtime.signals import end_stopped, end_when_asked, open_missing_streams, stop_when_asked


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evenfall")
def cli() -> None:
    """Who is drifting away, who matters, and whom to talk to tomorrow.

    Exit codes: 0 done, 1 a bug, 2 configuration or usage, 3 the data stopped the run, 4 an outside service failed,
    5 another run holds the workspace.
    """


for command in (
    nights.nightly,
    nights.train,
    nights.backtest,
    nights.backfill,
    nights.demo,
    beginning.init,
    beginning.preview,
    members.explain,
    members.erase,
    experiments.effects,
    experiments.experiment,
    partners.partners,
    figures.figures,
    report.report,
    alerts.alerts,
    querying.sql,
    checks.verify,
    checks.doctor,
    quarantine.quarantine,
    up.up,
):
    cli.add_command(command)


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
        # First: after a signal, an error is a consequence of the signal, and its exit code would mislead.
        end_when_asked()
        click.echo(f"evenfall: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt as interrupt:
        end_stopped(interrupt)
    except Exception as error:
        end_when_asked()
        from runtime.os_errors import translate_os_error

        translated = translate_os_error(error)
        if translated is not None:
            click.echo(f"evenfall: {translated}", err=True)
            sys.exit(translated.exit_code)
        # Printed and not raised: the exit code has to be ours.
        traceback.print_exc()
        click.echo("evenfall: this is a bug of ours. Nothing half-done was published; please report the lines above.", err=True)
        sys.exit(ExitCode.BUG)
    sys.exit(ExitCode.DONE)
