"""The Dask cluster of a night: one on this machine that ends with the night, or a scheduler that runs already.

Whoever reaches a Dask scheduler can run programs on its workers. So the cluster on this machine listens on loopback only, uses
TLS with certificates that exist only in memory and only for this night, and serves no web pages.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from flows.scale.reachability import check_reachable, no_answer, refuse_prefect_of_this_machine
from lake.errors import ConfigurationError, EvenfallError, OutsideServiceError
from runtime.scale_settings import Scale

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.cluster import Cluster as DaskCluster
    from prefect import Task
    from prefect.futures import PrefectFuture
    from prefect_dask import DaskTaskRunner

_LOOPBACK: Final = "127.0.0.1"
# Also how long a client tries to reconnect to a scheduler that it has lost.
_ANSWER_SECONDS: Final = 8
_WORKER_SECONDS: Final = 60
# One thread per worker: there are as many workers as cores, and with one thread a worker's memory limit is that of one task.
_ONE_THREAD: Final = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}


@dataclass(frozen=True)
class Cluster:
    """A cluster whose workers are ready.

    Args:
        runner: Submits Prefect tasks to the workers.
        client: Dask's client of the same scheduler, for LightGBM.
        name: The name of the cluster in messages.
        surroundings: The context that Prefect sends with every task. It was copied in the flow run: the context of the step that
            submits would hold the arguments of that step, the whole community.
    """

    runner: DaskTaskRunner
    client: Client
    name: str
    surroundings: Context

    def submit(self, work: Task[..., Any], parameters: dict[str, Any]) -> PrefectFuture[Any]:
        """Submit a task to the workers, and return its future."""
        future: PrefectFuture[Any] = self.surroundings.run(self.runner.submit, work, parameters)
        return future


@contextmanager
def cluster(scale: Scale) -> Iterator[Cluster]:
    """Start a cluster or connect to one, and end what was started, however the block ends.

    Raises:
        ConfigurationError: Dask is not installed, or workers elsewhere could not reach Prefect.
        OutsideServiceError: The scheduler does not answer, or has no workers.
    """
    _refuse_without_dask()
    if scale.address is not None:
        _refuse_prefect_out_of_reach(scale.address)
        check_reachable(scale)
    with ExitStack() as stack:
        stack.enter_context(_reachable_prefect())
        stack.enter_context(_quiet())
        yield stack.enter_context(_local(scale) if scale.address is None else _elsewhere(scale, scale.address))


def _refuse_without_dask() -> None:
    try:
        import dask  # noqa: F401
        import distributed  # noqa: F401
        import prefect_dask  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f'[scale] engine = "dask" needs a package that is not installed: {error.name}',
            remedy="Install Evenfall with its extra: pip install 'evenfall[scale]'.",
        ) from error


def _refuse_prefect_out_of_reach(address: str) -> None:
    """Refuse a Prefect server that ends with the night, or that workers on other machines cannot reach.

    Workers of a scheduler outlive the night, and would try to reach its server for as long as they run.
    """
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if url is None:
        raise ConfigurationError(
            f"the workers of {address} outlive the night, and the Prefect server that a night starts by itself does not",
            remedy="Set PREFECT_API_URL to a Prefect server that is always there: `prefect server start`.",
        )
    refuse_prefect_of_this_machine(address, url)


@contextmanager
def _reachable_prefect() -> Iterator[None]:
    """Set the address of the Prefect server for the workers; without it each of them would start a server of its own."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with get_client(sync_client=True) as client:
        url = str(client.api_url)
    with temporary_settings({PREFECT_API_URL: url}):
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's loggers, because failures are reported in our words; `DASK_LOGGING__DISTRIBUTED` turns them on."""
    import dask.config
    import distributed  # noqa: F401 - sets levels of its loggers, which are replaced below

    level = os.environ.get("DASK_LOGGING__DISTRIBUTED", "critical")
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(level.upper())
    with dask.config.set({"logging.distributed": level}):
        yield


@contextmanager
def _local(scale: Scale) -> Iterator[Cluster]:
    """Start workers on this machine, and end them with the block."""
    import dask.config
    from distributed import LocalCluster, Security

    # Without routes, the web servers of scheduler and workers have no pages.
    silent: dict[str, object] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    environment = {"distributed.nanny.pre-spawn-environ": _ONE_THREAD}
    with (
        tempfile.TemporaryDirectory(prefix="evenfall-dask-", ignore_cleanup_errors=True) as scratch,
        dask.config.set(silent | environment),
        LocalCluster(
            n_workers=scale.workers,
            threads_per_worker=1,
            processes=True,
            host=_LOOPBACK,
            protocol="tls://",
            security=Security.temporary(),
            memory_limit=scale.worker_memory,
            dashboard_address=f"{_LOOPBACK}:0",
            worker_dashboard_address=f"{_LOOPBACK}:0",
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
        ) as started,
        _connected(started, "the Dask cluster on this machine", {}) as ready,
    ):
        yield ready


@contextmanager
def _elsewhere(scale: Scale, address: str) -> Iterator[Cluster]:
    """Connect to a scheduler that runs already, and leave it running."""
    options = {"security": _security(scale), "timeout": _ANSWER_SECONDS, "set_as_default": False}
    with _client(address, options) as client:
        try:
            client.wait_for_workers(1, timeout=_WORKER_SECONDS)
        except OSError as error:
            raise OutsideServiceError(
                f"the Dask scheduler at {address} has no workers",
                remedy="Start some, and run again; nothing was changed.",
            ) from error
    with _connected(address, f"the Dask cluster at {address}", options) as ready:
        yield ready


def _client(address: str, options: dict[str, Any]) -> Client:
    """Return a client of a scheduler that answers in time.

    Dask's own timeout has no effect on a scheduler that accepts the connection and sends nothing.
    """
    from distributed import Client

    # Without an answer the thread stays blocked; as a daemon it ends with the process.
    made: Future[Client] = Future()

    def make() -> None:
        try:
            made.set_result(Client(address, **options))
        except BaseException as error:
            made.set_exception(error)

    Thread(target=make, name="looking for the scheduler", daemon=True).start()
    try:
        return made.result(timeout=_ANSWER_SECONDS)
    except OSError as error:  # a timeout is one too
        raise no_answer(address) from error


@contextmanager
def _connected(to: DaskCluster | str, name: str, options: dict[str, Any]) -> Iterator[Cluster]:
    from prefect_dask import DaskTaskRunner

    from flows.scale.distributed_training import RUNNING, RankedClient
    from pipeline.execution.executor import ClusterLostError

    runner = DaskTaskRunner(address=to, client_kwargs=options) if isinstance(to, str) else DaskTaskRunner(cluster=to)
    is_lost = False
    try:
        # Prefect's runner and LightGBM each need a client of their own, of the same scheduler.
        with runner, RankedClient(to, **{**options, "set_as_default": False}) as client:
            try:
                yield Cluster(runner, client, name, copy_context())
            except Exception:
                # Dask raises many types when the scheduler goes away, so that the state of the client decides.
                is_lost = client.status != RUNNING
                raise
    except EvenfallError:
        raise
    except Exception as error:
        if not is_lost:
            raise
        raise ClusterLostError(name) from error


def _security(scale: Scale) -> Any:
    if scale.tls_ca is None:
        return None
    from distributed import Security

    for key in ("tls_ca", "tls_cert", "tls_key"):
        file = Path(getattr(scale, key))
        if not file.is_file():
            raise ConfigurationError(f"[scale] {key}: there is no file {file}", remedy="Name the file with its full path.")
    return Security(
        tls_ca_file=scale.tls_ca, tls_client_cert=scale.tls_cert, tls_client_key=scale.tls_key, require_encryption=True
    )
