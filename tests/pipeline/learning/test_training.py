"""What the gate says is what happens to the champion, whoever asks."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.bundle import to_files
from models.calibration import LogitLine
from models.churn import ChurnModel
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.gate import Contest
from pipeline.learning.champions import _decide
from runtime.run_context import RunContext, open_run
from runtime.tracking.tracking import RegisteredModel, TrainingRecord
from tests.communities import LAST_DAY, write_shop

RANDOM = np.random.default_rng(5)
GOOD = np.clip(RANDOM.beta(1, 2, 800), 0.01, 0.99)
CHURNED = (RANDOM.random(800) < GOOD).astype(np.float64)
POOR = CHURNED.mean() + RANDOM.normal(0, 0.01, 800)
TONIGHT = pl.LazyFrame({"member_id": [f"m{number}" for number in range(9)]})
WORSE, BETTER = Contest(CHURNED, GOOD, POOR), Contest(CHURNED, POOR, GOOD)
FIRST_NIGHT = LAST_DAY - timedelta(days=30)


def registered(run: RunContext, *, as_of: date, level: float) -> RegisteredModel:
    """A model that says the same of everyone, in the store."""
    model = ChurnModel(
        "base_rate", "Tiny.", final_split([], horizon_days=28), PredictionSettings(), calibration=LogitLine(1.0, level)
    )
    panel = pl.DataFrame({"days_since_last_activity": [1, 2]})
    record = TrainingRecord("churn", as_of, {}, {}, to_files(model), panel, ("days_since_last_activity",), "Tiny.")
    return run.tracking.log_training(record)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A night whose champion is version 1; nothing but the registry is looked at."""
    folder = tmp_path_factory.mktemp("gate")
    write_shop(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = open_run(folder, LAST_DAY)
        opened.tracking.prepare()
        first = registered(opened, as_of=FIRST_NIGHT, level=-1.0)
        opened.tracking.promote(first, as_of=FIRST_NIGHT, reason="the first model")
        yield opened


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("contest", "force", "begins", "takes_over"),
    [
        (WORSE, None, "turned down: not surely better", False),
        (None, None, "turned down: no outcome has matured yet", False),
        (WORSE, "train", "turned down: not surely better", False),
        (BETTER, None, "promoted: surely better", True),
        (WORSE, "promote", "promoted: by hand", True),
    ],
)
def test_a_challenger_takes_over_when_the_gate_or_a_person_says_so_and_otherwise_never(
    run: RunContext, contest: Contest | None, force: Any, begins: str, takes_over: bool
) -> None:
    held = run.tracking.champion("churn", as_of=LAST_DAY)
    assert held is not None
    challenger = registered(run, as_of=LAST_DAY, level=float(held.version))
    decided = _decide(
        run, "churn", TONIGHT, incumbent=held, challenger=challenger, contest=contest, force=force, without_contest=""
    )
    assert decided.startswith(begins)
    now = run.tracking.champion("churn", as_of=LAST_DAY)
    assert now is not None
    assert now.version == (challenger.version if takes_over else held.version)
    assert run.tracking.decision(challenger) == decided
