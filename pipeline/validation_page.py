"""The validation page of a night: where every row went and which rules were broken."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from outputs.report.validation_page import render_validation
from pipeline.intake.intake import Intake
from pipeline.summary import validation_facts
from runtime.run_context import RunContext


def write_validation_page(run: RunContext, intake: Intake, *, tonight: pl.DataFrame | None) -> Path:
    """Write the validation page of a night; when nothing new arrived, the page of the earlier run stays.

    Args:
        run: The run, with its night resolved.
        intake: What arrived tonight.
        tonight: The ledger's rows of what arrived; None while nothing has landed.

    Returns:
        The file.
    """
    path = run.workspace.validation_page(run.as_of.isoformat())
    if intake.arrivals or intake.stops or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_validation(validation_facts(run, intake, tonight=tonight)), encoding="utf-8")
    return path
