"""`evenfall effects` and `evenfall experiment`: whether talking worked, and what a campaign showed or would need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.workspace import known_workspace, workspace_option
from lake.errors import ConfigurationError

if TYPE_CHECKING:
    from runtime.run_context import RunContext


@click.command()
@workspace_option
@click.option("--as-of", metavar="YYYY-MM-DD", help="The night.  [default: the newest that made lists]")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write the figures there.")
def effects(*, workspace: Path, as_of: str | None, json_file: Path | None) -> None:
    """Say whether talking worked: listed members against those held out, by action and together."""
    run = known_workspace(workspace, as_of, needs_data=True)
    from pipeline.engagement.effects import measure_effects
    from wording.effects import effects_lines

    figures = measure_effects(run if as_of is not None else _last_night(run)).as_json()
    if json_file is not None:
        _write(figures, json_file)
    for line in effects_lines(figures, currency=run.settings.community.currency):
        click.echo(line)


@click.command()
@click.argument("campaign", required=False)
@workspace_option
@click.option(
    "--as-of", metavar="YYYY-MM-DD", help="The last day outcomes are taken from.  [default: the last full day in the data]"
)
@click.option("--plan", is_flag=True, help="Say what an experiment would need, by the community's own past, instead.")
@click.option(
    "--outcome",
    default="returned",
    show_default=True,
    metavar="returned|spent|posted|EVENT_TYPE",
    help="What is compared: who came back, money spent, who posted, or how many events of a type.",
)
@click.option(
    "--horizon-days",
    type=click.IntRange(1, 730),
    help="Days after the first contact in which it counts.  [default: the horizon of churn]",
)
@click.option("--control", metavar="ARM", help="The arm that nothing was sent to.  [default: control]")
@click.option("--shares", metavar="control=1,mail=4", help="What the arms were drawn with.  [default: equal shares]")
@click.option("--effect", type=float, help="With --plan: the effect hoped for.  [default: a tenth of the mean]")
@click.option(
    "--members-per-day",
    type=click.FloatRange(min=0, min_open=True),
    help="With --plan: members who would enter on a day.  [default: as many as are contacted]",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write the figures there.")
def experiment(
    *,
    campaign: str | None,
    workspace: Path,
    as_of: str | None,
    plan: bool,
    outcome: str,
    horizon_days: int | None,
    control: str | None,
    shares: str | None,
    effect: float | None,
    members_per_day: float | None,
    json_file: Path | None,
) -> None:
    """Compare the arms of a campaign, by what members did after their first contact; or plan one.

    CAMPAIGN is a campaign_id of the contacts, which name an arm.
    """
    _refuse_mixed(campaign, plan=plan, of_a_campaign=(control, shares), of_a_plan=(effect, members_per_day))
    run = known_workspace(workspace, as_of, needs_data=True)
    from wording.effects import experiment_lines, plan_lines

    day = None if as_of is None else run.as_of
    if campaign is None:
        from pipeline.experiment_plan import plan_experiment

        planned = plan_experiment(
            run, outcome=outcome, horizon_days=horizon_days, effect=effect, members_per_day=members_per_day, as_of=day
        )
        figures, lines = planned.figures, plan_lines
    else:
        from pipeline.experiments import analyse_campaign

        result = analyse_campaign(
            run, campaign, outcome=outcome, horizon_days=horizon_days, control=control, shares=shares, as_of=day
        )
        figures, lines = result.figures, experiment_lines
    if json_file is not None:
        _write(figures, json_file)
    for line in lines(figures, currency=run.settings.community.currency):
        click.echo(line)


def _last_night(run: RunContext) -> RunContext:
    """Return the run of the newest night that made lists."""
    from pipeline.stored_nights import NIGHT, SCORES

    nights = run.workspace.lake.days(SCORES, column=NIGHT)
    if not nights:
        raise ConfigurationError("no night has made lists yet", remedy="Run `evenfall nightly` first.")
    return run.on(max(nights))


def _refuse_mixed(
    campaign: str | None, *, plan: bool, of_a_campaign: tuple[str | None, ...], of_a_plan: tuple[float | None, ...]
) -> None:
    if (campaign is None) != plan:
        raise click.UsageError("Name one campaign, or plan one with --plan.")
    if plan and any(value is not None for value in of_a_campaign):
        raise click.UsageError("--control and --shares are of a campaign, not of --plan.")
    if not plan and any(value is not None for value in of_a_plan):
        raise click.UsageError("--effect and --members-per-day go with --plan.")
    if 0.0 in of_a_plan:
        raise click.UsageError("--effect: no experiment can find an effect of 0.")


def _write(figures: object, file: Path) -> None:
    try:
        file.write_text(json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", remedy="Name another file with --json."
        ) from error
