"""Environment variables that Prefect, MLflow and Great Expectations must find before they are imported."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from lake.errors import ConfigurationError

_QUIET = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    # By default an unreachable server is tried for four minutes, in each retry of a step.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    # A new PREFECT_HOME on a busy machine needs far longer than the 20 seconds that Prefect allows.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # The command line prints errors itself; runs that a Prefect worker starts keep Prefect's own logging.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_CLI_PROMPT": "false",
}


def prepare_environment(workspace: Path) -> None:
    """Keep Prefect's state inside the workspace and silence every tool; variables that the user has set stay.

    Args:
        workspace: The folder with `evenfall.toml`.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if "PREFECT_HOME" not in os.environ:
        home = (workspace / ".evenfall" / "prefect").resolve()
        _make(home)
        os.environ["PREFECT_HOME"] = str(home)
    # Deprecations inside libraries are for developers; the people who run a community cannot act on them.
    for category in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
        warnings.filterwarnings("ignore", category=category)


def _make(home: Path) -> None:
    """Create Prefect's folder with its parents, which Prefect does not do itself."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{home} cannot be made: {error.strerror}",
            remedy="Free space, or give the user that runs Evenfall the right to write in the workspace.",
        ) from error
