"""The steps of a night about the community as a whole, as Prefect tasks."""

from __future__ import annotations

from dataclasses import replace

from features.history import History
from flows.steps import io_step
from pipeline import night as tonight_computed
from pipeline.community.early_warning import decide
from pipeline.community.figures import update_figures
from pipeline.community.model_alarms import model_alarms
from pipeline.community.morning import judge_figures
from pipeline.community.night import CommunityNight
from pipeline.execution.executor import Features
from pipeline.maturity import Maturity
from runtime.run_context import RunContext


@io_step
def measure_network(run: RunContext, history: History, features: Features) -> CommunityNight:
    """Measure who responds to whom: influence, communities, opinion leaders; see `pipeline.community.network`."""
    return tonight_computed.measure_network(run, history, features)


@io_step
def look_at_content(run: RunContext, history: History, community: CommunityNight) -> CommunityNight:
    """Add the content of the window, and which pieces nobody has answered; see `pipeline.night.with_content`."""
    return tonight_computed.with_content(run, history, community)


@io_step
def count_figures(run: RunContext, community: CommunityNight) -> CommunityNight:
    """Bring the daily figures up to the night, and judge them; see `pipeline.community.morning`."""
    with run.step("counting the figures") as counted:
        counted["days"] = update_figures(run)
    with run.step("judging the figures"):
        return replace(community, morning=judge_figures(run))


@io_step
def decide_alarms(run: RunContext, community: CommunityNight, maturity: Maturity) -> CommunityNight:
    """Rank the alarms of figures and models, and store what is told; see `pipeline.community.early_warning`."""
    with run.step("deciding what is told") as counted:
        morning = decide(run, community.morning, model_alarms(run, maturity))
        counted["alarms"] = 0 if morning is None else len(morning.warning.alarms)
        return replace(community, morning=morning)
