"""`evenfall verify` and `doctor`: whether a past night still comes out the same, and whether the next one would run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.cli.workspace import as_of_option, known_workspace, workspace_option
from lake.errors import ExitCode


@click.command()
@workspace_option
@as_of_option
def verify(workspace: Path, as_of: str | None) -> None:
    """Compute a past night again from the lake's history and compare its lists; exit 0 matches, 3 differs or cannot tell."""
    from runtime.environment import prepare_environment

    known_workspace(workspace, as_of)
    prepare_environment(workspace)
    from pipeline.verification.verify import verify as verify_night

    verdict = verify_night(workspace, as_of)
    for line in verdict.lines:
        click.echo(line)
    if verdict.answer != "matches":
        sys.exit(ExitCode.DATA)


@click.command()
@workspace_option
@click.option("--security", is_flag=True, help="Look at who else may read or change the workspace instead.")
@click.option("--alert", is_flag=True, help="Also send an alert, once, when a night is late; for cron.")
def doctor(*, workspace: Path, security: bool, alert: bool) -> None:
    """Say whether a night would run: configuration, sources, disk, versions, clock, last nights; changes nothing."""
    from flows.doctor.examination import examine_in_turn
    from flows.doctor.findings import counted, exit_code, lines_of

    findings = []
    for finding in examine_in_turn(workspace, security=security):
        findings.append(finding)
        for line in lines_of(finding):
            click.echo(line)
    click.echo(f"\n{counted(findings)}")
    if alert:
        from pipeline.late_night import tell_late_night
        from runtime.run_context import open_run

        tell_late_night(open_run(workspace, None))
    sys.exit(exit_code(findings))
