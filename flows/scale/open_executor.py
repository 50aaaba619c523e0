"""Open the executor of a run: this process, or a Dask cluster, as `[scale]` says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lake.scratch import drop_scratch_tables
from pipeline.execution.executor import Executor, LocalExecutor
from runtime.run_context import RunContext


@contextmanager
def open_executor(run: RunContext) -> Iterator[Executor]:
    """Open the executor that `[scale]` names while the block runs.

    Raises:
        ConfigurationError: Dask is not installed, or the workers are not fit for this night.
        OutsideServiceError: The scheduler does not answer, or has no workers.
    """
    if run.settings.scale.engine == "local":
        # A night with Dask that was killed has left its scratch tables.
        drop_scratch_tables(run.workspace.lake)
        yield LocalExecutor()
        return
    # Imported only here, because Dask is an optional extra.
    from flows.scale.cluster import cluster

    with cluster(run.settings.scale) as workers:
        from flows.scale.dask_executor import DaskExecutor

        try:
            yield DaskExecutor(workers, run.settings.scale)
        finally:
            # Scratch tables hold features of members: they are removed when the night fails, too.
            drop_scratch_tables(run.workspace.lake)
