"""The night: everything Evenfall does between the last event of a day and the first coffee of the next.

    take in → validate → roll up → features → champions → score → reasons → segment → publish → measure what matured → report

Each step is a task over plain functions and is idempotent for its night: running it again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

from expectations import client as validation
from expectations.table_checks import Finding
from features.feature import Feature
from features.history import History
from flows.scale.open_executor import open_executor
from lake.errors import OutsideServiceError
from lake.storage.release_format import mark_format
from outputs.lists import write_lists
from outputs.publishing.database import publish_members
from outputs.publishing.folder import publish, recover, staging_folder
from outputs.report.page import render_report
from outputs.report.validation_page import render_validation
from pipeline import night as tonight_computed
from pipeline.execution.executor import ClusterLostError, Executor, Features, sample_to_train_on
from pipeline.history.daily_rollups import CommunitySnapshot, load_snapshot, update_rollups
from pipeline.intake import intake as taking_in
from pipeline.learning.champions import Champions, choose_champions
from pipeline.maturity import Maturity, measure_matured
from pipeline.night import NightLists, compute_lists
from pipeline.receipt import write_receipt
from pipeline.report_facts import report_facts, table_flows
from pipeline.retention import apply_retention, vacuum_tables
from pipeline.summary import (
    arrived_counts,
    counting_line,
    landed_counts,
    matured_metrics,
    night_metrics,
    night_summary,
    stop_error,
    tier_rows,
    validation_facts,
)
from runtime.alerting import alert_of_warnings, alerted
from runtime.completed_steps import DATABASE_STEP, LISTS_STEP, naming_completed_steps
from runtime.logged_run import logged
from runtime.preload import preload
from runtime.progress import say
from runtime.run_context import RunContext, open_run


def _is_passing_trouble(_task: Any, _run: Any, state: Any) -> bool:
    """Retry only `OutsideServiceError`, except a lost cluster: data that is wrong is wrong on the second try, too."""
    trouble = state.result(raise_on_failure=False)
    return isinstance(trouble, OutsideServiceError) and not isinstance(trouble, ClusterLostError)


step = task(cache_policy=NO_CACHE, persist_result=False)
io_step = task(
    cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=[5, 20], retry_condition_fn=_is_passing_trouble
)


@dataclass(frozen=True)
class NightResult:
    """What a night made, for the person or program that started it."""

    night: RunContext
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
    preload(validates=False)
    try:
        night = open_run(workspace, as_of)
        with alerted(night, "nightly"), night.workspace.held("nightly"):
            return run_night(night)
    finally:
        # A run that failed early may be part of a program that lives on.
        validation.stop_worker()


def run_night(night: RunContext, *, purpose: str = "nightly") -> NightResult:
    """Run one night in a workspace that is held, and log how it went and for which purpose it ran."""
    with logged(night, purpose), open_executor(night) as executor:
        return _run_steps(night, executor)


def _run_steps(night: RunContext, executor: Executor) -> NightResult:
    recover(night.workspace.lists)
    intake = take_in(night)
    night = night.on(intake.as_of)
    name_run(night)
    tonight = land(night, intake)
    snapshot = roll_up_days(night)
    history, features = snapshot.history, compute_features(night, executor, snapshot)
    champions = find_champions(night, executor, history, features)
    members = score_and_segment(night, executor, features, champions)
    lists = make_lists(night, members, champions)
    with naming_completed_steps(night):
        if night.settings.lists.publish_uri is not None:
            publish_to_database(night, lists)
        maturity = measure_maturity(night, history)
        report(night, lists, champions, maturity, intake, tonight, features.catalog)
        record_night(night, lists, champions, maturity, tonight)
        tidy_up(night)
    alert_of_warnings(night, [found.says for found in intake.findings if found.severity == "warning"])
    return NightResult(night, lists.members.height, lists.contacts.height, tonight)


def name_run(night: RunContext) -> None:
    """Give the run its night's name; it may not have been known when the run began."""
    if runtime.flow_run.id is not None and runtime.flow_run.flow_name == "nightly":
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(runtime.flow_run.id), name=f"nightly {night.as_of.isoformat()}")


@io_step
def take_in(night: RunContext) -> taking_in.Intake:
    """Read and judge what is new; stop here, with nothing written, when a whole table is bad."""
    with night.step("taking in") as counted:
        intake = taking_in.validate_sources(
            night.workspace,
            night.settings,
            as_of=night.asked,
            now=night.now,
            progress=say,
            about_to_read=validation.start_worker,
        )
        trouble = validation.stop_worker()
        if trouble is not None:
            say(trouble)
            night.log.tell("warning", says=trouble)
        if intake.stops:
            path = write_validation_page(night.on(intake.as_of), intake, tonight=None)
            raise stop_error(intake, page=path)
        counted.update(arrived_counts(intake))
        return intake


@io_step
def land(night: RunContext, intake: taking_in.Intake) -> pl.DataFrame:
    """Land what was judged good, and show where every row went."""
    with night.step("landing") as counted:
        notes: list[Finding] = []

        def show(landed: pl.DataFrame, replaced: tuple[Finding, ...]) -> None:
            # The page shows rows, which a run killed after landing would no longer have.
            notes[:] = replaced
            write_validation_page(night, intake.noting(replaced), tonight=landed)

        taking_in.land_intake(night.workspace, intake, about_to_record=show)
        mark_format(night.workspace.lake.root, timezone=night.timezone)
        apply_retention(night)
        tonight = taking_in.arrived_on(night.workspace.lake, night.as_of)
        counted.update(landed_counts(tonight))
        write_validation_page(night, intake.noting(notes), tonight=tonight)
        for flow_of_table in table_flows(night, tonight):
            say(f"{flow_of_table.table}: {counting_line([flow_of_table])}")
        # Last of all: until here the step may be tried again, and needs what waited.
        intake.spool.empty()
        return tonight


@io_step
def roll_up_days(night: RunContext) -> CommunitySnapshot:
    """Roll up the days that changed and gather the history."""
    with night.step("rolling up") as counted:
        days = update_rollups(night)
        say(f"{len(days):,} days rolled up")
        counted["days"] = len(days)
        return load_snapshot(night)


@step
def compute_features(night: RunContext, executor: Executor, snapshot: CommunitySnapshot) -> Features:
    """Compute every feature of every member as of tonight."""
    return tonight_computed.compute_features(night, snapshot, executor)


@io_step
def find_champions(night: RunContext, executor: Executor, history: History, features: Features) -> Champions:
    """Load the champions; where they are due, train challengers and let the gate decide."""
    with night.step("finding the champions"):
        return choose_champions(night, sample_to_train_on(night, history, features, executor.train_trees))


@step
def score_and_segment(night: RunContext, executor: Executor, features: Features, champions: Champions) -> pl.DataFrame:
    """Predict and say why, then sort everyone into risk, tier, lifecycle and group."""
    return tonight_computed.compute_members(night, features, champions, executor)


@io_step
def make_lists(night: RunContext, members: pl.DataFrame, champions: Champions) -> NightLists:
    """Write the lists and their receipt, and show them all at once."""
    with night.step(LISTS_STEP) as counted:
        lists = compute_lists(night, members)
        counted.update({"members": lists.members.height, "contacts": lists.contacts.height})
        staging = staging_folder(night.workspace.night(night.as_of))
        hashes = write_lists(
            staging,
            members=lists.members,
            contacts=lists.contacts,
            changes=lists.changes,
            currency=night.settings.community.currency,
            bom=night.settings.lists.bom,
            formats=night.settings.lists.formats,
        )
        write_receipt(staging, night, champions, lists=hashes)
        publish(staging, night.workspace.night(night.as_of))
        return lists


@io_step
def publish_to_database(night: RunContext, lists: NightLists) -> None:
    """Write the member list to the database as well; the lists are out whether it answers or not."""
    from lake.environment_variables import expand_environment

    with night.step(DATABASE_STEP) as counted:
        address = expand_environment(night.settings.lists.publish_uri or "", name="[lists] publish_uri")
        table = night.settings.lists.publish_table
        counted["rows"] = publish_members(address, table=table, members=lists.members, as_of=night.as_of)
        say(f"{counted['rows']:,} rows published to the database")


@io_step
def measure_maturity(night: RunContext, history: History) -> Maturity:
    """Set what earlier nights predicted against what has happened since."""
    with night.step("measuring what matured"):
        return measure_matured(night, history)


@step
def report(  # noqa: PLR0917 - a task of Prefect shows its arguments by position
    night: RunContext,
    lists: NightLists,
    champions: Champions,
    maturity: Maturity,
    intake: taking_in.Intake,
    tonight: pl.DataFrame,
    catalog: tuple[Feature, ...],
) -> None:
    """Write the morning report."""
    with night.step("writing the report"):
        facts = report_facts(
            night,
            members=lists.members,
            contacts=lists.contacts,
            champions=champions,
            maturity=maturity,
            intake=intake,
            tonight=tonight,
            catalog=catalog,
        )
        night.workspace.report(night.as_of).write_text(render_report(facts), encoding="utf-8")


@io_step
def record_night(night: RunContext, lists: NightLists, champions: Champions, maturity: Maturity, tonight: pl.DataFrame) -> None:
    """Leave a run in MLflow and a summary in Prefect."""
    with night.step("recording the night"):
        summary = night_summary(night, lists.members, lists.contacts, champions, tonight)
        key = f"night-{night.as_of.isoformat()}"
        create_markdown_artifact(summary, key=key, description=f"Summary of the night of {night.as_of}")
        create_table_artifact(tier_rows(lists.members), key=f"{key}-tiers", description="Members by tier")
        night.tracking.log_night(
            as_of=night.as_of,
            metrics=night_metrics(night, lists.members, lists.contacts, tonight) | matured_metrics(maturity),
            tags={"churn_model": champions.churn.registered.label, "community": night.settings.community.name},
            summary=summary,
        )


@step
def tidy_up(night: RunContext) -> None:
    """Remove old versions of tables from the disk; nothing of this night looks at them any more."""
    with night.step("tidying up"):
        vacuum_tables(night)


def write_validation_page(night: RunContext, intake: taking_in.Intake, *, tonight: pl.DataFrame | None) -> Path:
    """Write the night's page of checks; a run that brought nothing new leaves the page of the run that did."""
    path = night.workspace.validation_page(night.as_of.isoformat())
    if intake.arrivals or intake.stops or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_validation(validation_facts(night, intake, tonight=tonight)), encoding="utf-8")
    return path
