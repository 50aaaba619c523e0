"""The doctor checks the services of a night: MLflow's store, Prefect, the database for the lists, alerts."""

from __future__ import annotations

import os
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Final, Literal

from flows.doctor.findings import Diagnosis, of_error, ok, problem, warning
from lake.environment_variables import expand_environment
from lake.errors import EvenfallError, ExitCode, OutsideServiceError
from outputs.alerts import check_filled_in
from outputs.apprise_delivery import check_filled_in_address
from runtime.alerting import scheme_of, without_secrets
from runtime.run_context import RunContext
from runtime.tracking.store_address import is_server, without_password

_SECONDS: Final = 10
_SERVER_ERROR: Final = 500


def look_at_mlflow(run: RunContext) -> Iterator[Diagnosis]:
    """Check that the store of runs and models answers."""
    tracking = run.tracking
    if not tracking.exists():
        yield ok("mlflow", "no mlflow.db yet; the first night makes it")
        return
    try:
        if tracking.is_own:
            says = _own_store(run)
        elif is_server(tracking.uri):
            says = _server_answers(tracking.uri, tracking.shown_uri)
        else:
            with tracking.client() as client:
                says = f"{tracking.shown_uri} answers; {len(client.search_registered_models()):,} models"
        yield ok("mlflow", says)
    except EvenfallError as error:
        yield of_error("mlflow", error)


def look_at_prefect(run: RunContext) -> Iterator[Diagnosis]:
    """Check which Prefect server the night would use, and that it answers."""
    # As a night sets it, and before Prefect is imported, which reads it.
    os.environ.setdefault("PREFECT_HOME", str(run.workspace.state / "prefect"))
    from prefect.settings import get_current_settings

    address = get_current_settings().api.url
    if address is None:
        yield ok("prefect", "no server is set: the night starts a temporary one, with its state in .evenfall/prefect")
        return
    shown = without_password(address, uri=address)
    try:
        yield ok("prefect", _server_answers(address, shown))
    except EvenfallError:
        yield problem(
            "prefect",
            f"the server at {shown} does not answer",
            "Start it, correct PREFECT_API_URL, or unset it to let the night start a temporary one.",
            exit_code=ExitCode.OUTSIDE_SERVICE,
        )


def look_at_publication(run: RunContext) -> Iterator[Diagnosis]:
    """Check that the database answers that the member list is written to."""
    uri, settings = run.settings.lists.publish_uri, run.settings
    if uri is None:
        return
    from outputs.publishing.database import check_answers

    try:
        check_answers(expand_environment(uri, name="[lists] publish_uri"), table=settings.lists.publish_table)
        yield ok("publishing", f"the database answers; the list goes to its table {settings.lists.publish_table}")
    except EvenfallError as error:
        what, remedy, detail = (without_secrets(text, settings) for text in (error.what, error.remedy, error.detail or ""))
        masked = type(error)(what, remedy=remedy, detail=detail)
        yield of_error("publishing", masked)


def look_at_alerts(run: RunContext) -> Iterator[Diagnosis]:
    """Check that alerts have an address; variables are replaced in it, and nothing is sent."""
    alerts = run.settings.alerts
    ways = {"webhook": alerts.webhook, "mail": alerts.smtp}
    channels = [*(way for way, address in ways.items() if address is not None), *map(scheme_of, alerts.send_to)]
    try:
        for way, address in ways.items():
            if address is not None:
                key: Literal["webhook", "smtp"] = "smtp" if way == "mail" else "webhook"
                check_filled_in(expand_environment(address, name=f"[alerts] {key}"), key=key)
        for address in alerts.send_to:
            check_filled_in_address(expand_environment(address, name="[alerts] send_to"))
    except EvenfallError as error:
        # A warning and no problem: a night runs without alerts, but nobody would hear of a failure.
        yield warning("alerts", error.what, error.remedy)
        return
    if channels:
        yield ok("alerts", f"by {' and '.join(channels)}")
    else:
        yield warning("alerts", "nobody is told when a night fails", "Set send_to, a webhook or mail under [alerts].")


def _own_store(run: RunContext) -> str:
    """Count runs and models in the workspace's own store, opened read-only and without importing MLflow."""
    file = run.workspace.root / "mlflow.db"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as store:
            runs = store.execute("SELECT count(*) FROM runs").fetchone()[0]
            models = store.execute("SELECT count(*) FROM model_versions").fetchone()[0]
    except sqlite3.Error as error:
        raise OutsideServiceError(
            "mlflow.db cannot be read",
            remedy="Restore it from a copy, or move it away: the next night trains anew.",
            detail=str(error),
        ) from error
    return f"mlflow.db: {runs:,} runs, {models:,} model versions"


def _server_answers(address: str, shown: str) -> str:
    """Ask a server for its health; MLflow and Prefect both answer at `/health`."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=_SECONDS) as answer:  # noqa: S310 - http(s) only
            answer.read(1)
    except urllib.error.HTTPError as error:
        # A server that asks for a password, or does not know the page, runs.
        if error.code >= _SERVER_ERROR:
            raise _no_answer(shown) from None
    except (OSError, ValueError):
        raise _no_answer(shown) from None
    return f"the server at {shown} answers"


def _no_answer(shown: str) -> OutsideServiceError:
    return OutsideServiceError(
        f"the server at {shown} does not answer",
        remedy="Start it, correct MLFLOW_TRACKING_URI, or unset it to use the workspace's own mlflow.db.",
    )
