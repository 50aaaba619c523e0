"""Opening the executor of a run: this process, or a Dask cluster, as `[scale]` says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lake.scratch import put_away
from pipeline.execution.executor import Alone, Workforce
from runtime.run_context import Night


@contextmanager
def workforce(night: Night) -> Iterator[Workforce]:
    """Hold whoever does the work while the block runs, as `[scale]` says.

    Raises:
        ConfigurationError: Dask is not installed, or the workers are not fit for this night.
        OutsideServiceError: The scheduler does not answer, or has no workers.
    """
    if night.settings.scale.engine == "local":
        put_away(night.workspace.lake)
        yield Alone()
        return
    from flows.scale.cluster import cluster

    with cluster(night.settings.scale) as held:
        from flows.scale.dask_executor import Crew

        try:
            yield Crew(held, night.settings.scale)
        finally:
            put_away(night.workspace.lake)
