"""The steps of a night that look at the community as a whole."""

from __future__ import annotations

from features.history import History
from flows.steps import io_step
from pipeline.community.content import NightContent
from pipeline.night import compute_content
from runtime.run_context import RunContext


@io_step
def look_at_content(run: RunContext, history: History) -> NightContent | None:
    """Read the content of the window, and find which pieces nobody has answered; see `pipeline.night.compute_content`."""
    return compute_content(run, history)
