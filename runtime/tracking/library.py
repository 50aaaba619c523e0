"""Import MLflow without telemetry and log lines, and undo what it writes into the environment."""

from __future__ import annotations

import os
from typing import Any


def restore_address(users_choice: str | None) -> None:
    """Undo what MLflow wrote into the environment: the next workspace of this process must not inherit its address."""
    if users_choice is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = users_choice


def quiet_mlflow() -> Any:
    """Import mlflow without telemetry and without its log lines on the terminal."""
    import logging
    import warnings

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    # Failures are raised as well, and reported in our words: these loggers would print a traceback before.
    for logger in ("mlflow", "alembic", "sqlalchemy.pool"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    # Our models log no input example on purpose: it would put members' rows into the store.
    warnings.filterwarnings("ignore", message=".*input example was not provided.*")
    return mlflow
