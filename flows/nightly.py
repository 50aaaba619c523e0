"""The nightly flow: the steps of a night as Prefect tasks, in their order.

    take in → validate → roll up → features → champions → score → reasons → segment → publish → measure what matured and what
    contacts changed → report

Each step is a task over plain functions and is idempotent for its night: running it again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

import polars as pl
from prefect import flow, runtime
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client

from expectations import client as validation
from expectations.table_checks import Finding
from features.feature import Feature
from features.history import History
from flows.community_steps import count_figures, decide_alarms, look_at_content, measure_network
from flows.learning_steps import learn_to_show, learn_uplift
from flows.scale.open_executor import open_executor
from flows.steps import io_step, step
from lake.roles import store_configured_roles
from lake.storage.release_format import mark_format
from outputs.lists import write_lists
from outputs.publishing.database import publish_members
from outputs.publishing.folder import publish, recover, staging_folder
from outputs.report.facts import ReportFacts
from pipeline import night as tonight_computed
from pipeline.community.night import CommunityNight
from pipeline.community.warning_message import alert_of_night
from pipeline.engagement.actions import check_outcomes, configured_roles
from pipeline.engagement.facts import LoopMeasures, measure_loop
from pipeline.engagement.recording import record_decisions
from pipeline.execution.executor import Executor, Features, sample_to_train_on
from pipeline.history.daily_rollups import CommunitySnapshot, load_snapshot, update_rollups
from pipeline.intake import intake as taking_in
from pipeline.learning.champions import Champions, choose_champions
from pipeline.maturity import Maturity, measure_matured
from pipeline.night import NightLists, ScoredNight, compute_lists
from pipeline.receipt import write_receipt
from pipeline.report_editions import write_reports
from pipeline.report_facts import night_warnings, report_facts, table_flows
from pipeline.retention import apply_retention, vacuum_tables
from pipeline.summary import (
    arrived_counts,
    counting_line,
    landed_counts,
    logged_metrics,
    night_summary,
    stop_error,
    tier_rows,
    write_validation_page,
)
from pipeline.watching import watch_night
from runtime.alerting import alerted
from runtime.completed_steps import DATABASE_STEP, LISTS_STEP, naming_completed_steps
from runtime.logged_run import BACKFILL, logged
from runtime.preload import preload
from runtime.progress import say
from runtime.run_context import RunContext, open_run


@dataclass(frozen=True)
class NightResult:
    """The result of a night, for the person or program that started it.

    Args:
        run: The run, with its night resolved.
        members: Members on the member list.
        contacts: Members on the contact list.
        tonight: The ledger's rows of what arrived.
    """

    run: RunContext
    members: int
    contacts: int
    tonight: pl.DataFrame


@flow(name="nightly", flow_run_name="nightly {as_of}", persist_result=False, validate_parameters=False)
def nightly(workspace: str = ".", as_of: str | None = None) -> NightResult:
    """Run one night.

    Args:
        workspace: The folder with `evenfall.toml`.
        as_of: The night as YYYY-MM-DD; by default what `[run] as_of` says.
    """
    # Here as well as in the command line, because a Prefect worker calls the flow directly.
    preload(validates=False)
    try:
        run = open_run(workspace, as_of)
        with alerted(run, "nightly"), run.workspace.locked("nightly"):
            return run_night(run)
    finally:
        # A run that fails during intake leaves the worker process running, and this process may live on.
        validation.stop_worker()


def run_night(run: RunContext, *, purpose: str = "nightly") -> NightResult:
    """Run one night in a workspace that is locked already, and log it.

    Args:
        run: The run.
        purpose: The kind of run for the log: `nightly` or `backfill`.
    """
    with logged(run, purpose), open_executor(run) as executor:
        return _run_steps(run, executor, records_decisions=purpose != BACKFILL)


def _run_steps(run: RunContext, executor: Executor, *, records_decisions: bool) -> NightResult:
    # A run that was killed while it published left a folder that has to be completed or removed.
    recover(run.workspace.lists)
    intake = take_in(run)
    run = run.on(intake.as_of)
    name_run(run)
    tonight = land(run, intake)
    snapshot = roll_up_days(run)
    history, features = snapshot.history, compute_features(run, executor, snapshot)
    champions = find_champions(run, executor, history, features)
    community = measure_network(run, history, features)
    scored = score_and_segment(run, executor, history, features, champions, community)
    if records_decisions:
        learn_uplift(run, history)
        learn_to_show(run)
    community = look_at_content(run, history, community)
    lists = make_lists(run, features, scored.members, champions, community, records_decisions=records_decisions)
    # The lists are published: a failure from here on must say so.
    with naming_completed_steps(run):
        if run.settings.lists.publish_uri is not None:
            publish_to_database(run, lists)
        community = count_figures(run, community)
        maturity = measure_maturity(run, history, features, scored, champions)
        community = decide_alarms(run, community, maturity)
        loop = measure_effects(run)
        facts = report(run, lists, champions, maturity, loop, intake, tonight, features.catalog, community)
        record_night(run, lists, champions, maturity, loop, tonight, facts)
        tidy_up(run)
    alert_of_night(run, night_warnings(run, intake, maturity, loop), community.morning if records_decisions else None)
    return NightResult(run, lists.members.height, lists.contacts.height, tonight)


def name_run(run: RunContext) -> None:
    """Name the flow run after its night, which may not have been known when the flow run began."""
    # A night of a backfill runs in the flow run of the backfill, which has a name of its own.
    if runtime.flow_run.id is not None and runtime.flow_run.flow_name == "nightly":
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(runtime.flow_run.id), name=f"nightly {run.as_of.isoformat()}")


@io_step
def take_in(run: RunContext) -> taking_in.Intake:
    """Read, map and validate what is new; stop here, before anything lands, when a whole table is bad."""
    with run.step("taking in") as counted:
        intake = taking_in.validate_sources(
            run.workspace,
            run.settings,
            as_of=run.asked,
            now=run.now,
            progress=say,
            about_to_read=validation.start_worker,
        )
        trouble = validation.stop_worker()
        if trouble is not None:
            say(trouble)
            run.log.tell("warning", says=trouble)
        if intake.stops:
            path = write_validation_page(run.on(intake.as_of), intake, tonight=None)
            raise stop_error(intake, page=path)
        counted.update(arrived_counts(intake))
        return intake


@io_step
def land(run: RunContext, intake: taking_in.Intake) -> pl.DataFrame:
    """Land the valid records, and report where every row went."""
    with run.step("landing") as counted:
        notes: list[Finding] = []

        def show(landed: pl.DataFrame, replaced: tuple[Finding, ...]) -> None:
            # Before the ledger is written: the page shows rows, which a run killed after landing could no longer read.
            notes[:] = replaced
            write_validation_page(run, intake.noting(replaced), tonight=landed)

        taking_in.land_intake(run.workspace, intake, about_to_record=show)
        mark_format(run.workspace.lake.root, timezone=run.timezone)
        apply_retention(run)
        tonight = taking_in.arrived_on(run.workspace.lake, run.as_of)
        counted.update(landed_counts(tonight))
        write_validation_page(run, intake.noting(notes), tonight=tonight)
        for flow_of_table in table_flows(run, tonight):
            say(f"{flow_of_table.table}: {counting_line([flow_of_table])}")
        # Last: a retry of this step needs the spooled records again.
        intake.spool.empty()
        return tonight


@io_step
def roll_up_days(run: RunContext) -> CommunitySnapshot:
    """Update the rollups of the days that changed, and load the history."""
    with run.step("rolling up") as counted:
        store_configured_roles(run.workspace.lake, configured_roles(run.settings))
        days = update_rollups(run)
        check_outcomes(run.settings, run.workspace.lake)
        say(f"{len(days):,} days rolled up")
        counted["days"] = len(days)
        return load_snapshot(run)


@step
def compute_features(run: RunContext, executor: Executor, snapshot: CommunitySnapshot) -> Features:
    """Compute every feature of every member as of tonight.

    Args:
        run: The run.
        executor: The executor.
        snapshot: The history and the incremental totals.
    """
    return tonight_computed.compute_features(run, snapshot, executor)


@io_step
def find_champions(run: RunContext, executor: Executor, history: History, features: Features) -> Champions:
    """Load the champions; when a training is due, train challengers and let the gate decide.

    Args:
        run: The run.
        executor: The executor, which also trains.
        history: The history, from which past cut-offs are computed.
        features: Tonight's features.
    """
    with run.step("finding the champions"):
        return choose_champions(run, sample_to_train_on(run, history, features, executor.train_trees))


@step
def score_and_segment(  # noqa: PLR0917 - a task of Prefect shows its arguments by position
    run: RunContext, executor: Executor, history: History, features: Features, champions: Champions, community: CommunityNight
) -> ScoredNight:
    """Score members, find reasons, and assign risk, tier, lifecycle and group; see `pipeline.night.compute_members`."""
    return tonight_computed.compute_members(run, history, features, champions, executor, community=community)


@io_step
def make_lists(
    run: RunContext,
    features: Features,
    members: pl.DataFrame,
    champions: Champions,
    community: CommunityNight,
    *,
    records_decisions: bool,
) -> NightLists:
    """Write the lists and their receipt, record the decisions, and publish the lists all at once.

    Args:
        run: The run.
        features: Tonight's features.
        members: One row per member, scored and segmented.
        champions: The models, which the receipt names.
        community: The community as a whole.
        records_decisions: Whether the decisions go into the ledger; those of a backfilled night do not.
    """
    with run.step(LISTS_STEP) as counted:
        lists = compute_lists(run, features, members, community)
        counted.update({"members": lists.members.height, "contacts": lists.contacts.height})
        # Written beside the published folder and moved at the end, so that readers see all files of a night or none.
        staging = staging_folder(run.workspace.night(run.as_of))
        hashes = write_lists(
            staging,
            members=lists.members,
            contacts=lists.contacts,
            changes=lists.changes,
            content=lists.content_lists,
            currency=run.settings.community.currency,
            bom=run.settings.lists.bom,
            formats=run.settings.lists.formats,
            people=lists.people.lists,
            community=run.settings.community.name,
        )
        if records_decisions:
            record_decisions(run, lists.decided)
        write_receipt(staging, run, champions, lists=hashes)
        publish(staging, run.workspace.night(run.as_of))
        return lists


@io_step
def publish_to_database(run: RunContext, lists: NightLists) -> None:
    """Write the member list to the database; the lists are published whether it answers or not."""
    from lake.environment_variables import expand_environment

    with run.step(DATABASE_STEP) as counted:
        address = expand_environment(run.settings.lists.publish_uri or "", name="[lists] publish_uri")
        table = run.settings.lists.publish_table
        counted["rows"] = publish_members(address, table=table, members=lists.members, as_of=run.as_of)
        say(f"{counted['rows']:,} rows published to the database")


@io_step
def measure_maturity(
    run: RunContext, history: History, features: Features, scored: ScoredNight, champions: Champions
) -> Maturity:
    """Compare predictions of earlier nights with what has happened since, and watch those of tonight."""
    with run.step("measuring what matured"):
        return replace(measure_matured(run, history), watch=watch_night(run, history, features, scored, champions))


@io_step
def measure_effects(run: RunContext) -> LoopMeasures:
    """Measure whether talking worked, by what this night and earlier ones have recorded."""
    with run.step("measuring effects") as counted:
        loop = measure_loop(run)
        counted["waiting"] = sum(one.waiting for one in loop.effects.actions)
        return loop


@step
def report(  # noqa: PLR0917 - a task of Prefect shows its arguments by position
    run: RunContext,
    lists: NightLists,
    champions: Champions,
    maturity: Maturity,
    loop: LoopMeasures,
    intake: taking_in.Intake,
    tonight: pl.DataFrame,
    catalog: tuple[Feature, ...],
    community: CommunityNight,
) -> ReportFacts:
    """Write the morning report, and return what it tells.

    Args:
        run: The run.
        lists: Tonight's lists.
        champions: The models.
        maturity: What was measured of earlier predictions.
        loop: What was measured of earlier contacts.
        intake: What arrived tonight.
        tonight: The ledger's rows of what arrived.
        catalog: The features that were computed.
        community: The community as a whole.
    """
    with run.step("writing the report"):
        return write_reports(
            report_facts,
            run,
            lists=lists,
            champions=champions,
            maturity=maturity,
            loop=loop,
            intake=intake,
            tonight=tonight,
            catalog=catalog,
            community=community,
        )


@io_step
def record_night(  # noqa: PLR0917 - a task of Prefect shows its arguments by position
    run: RunContext,
    lists: NightLists,
    champions: Champions,
    maturity: Maturity,
    loop: LoopMeasures,
    tonight: pl.DataFrame,
    facts: ReportFacts,
) -> None:
    """Log the night to MLflow, and write its summary as Prefect artifacts.

    Args:
        run: The run.
        lists: Tonight's lists.
        champions: The models.
        maturity: What was measured of earlier predictions.
        loop: What was measured of earlier contacts.
        tonight: The ledger's rows of what arrived.
        facts: What the report tells.
    """
    with run.step("recording the night"):
        summary = night_summary(run, lists.members, lists.contacts, champions, tonight)
        key = f"night-{run.as_of.isoformat()}"
        create_markdown_artifact(summary, key=key, description=f"Summary of the night of {run.as_of}")
        create_table_artifact(tier_rows(lists.members), key=f"{key}-tiers", description="Members by tier")
        run.tracking.log_night(
            as_of=run.as_of,
            metrics=logged_metrics(run, lists=lists, maturity=maturity, loop=loop, tonight=tonight, facts=facts),
            tags={"churn_model": champions.churn.registered.label, "community": run.settings.community.name},
            summary=summary,
        )


@step
def tidy_up(run: RunContext) -> None:
    """Remove old versions of tables from the disk; last, because no step of this night reads them afterwards."""
    with run.step("tidying up"):
        vacuum_tables(run)
