"""Kinds of steps of a night, as tasks of Prefect."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from lake.errors import OutsideServiceError
from pipeline.execution.executor import ClusterLostError


def _is_passing_trouble(_task: Any, _run: Any, state: Any) -> bool:
    """Retry only `OutsideServiceError`, and not a lost cluster: any other failure would occur again."""
    trouble = state.result(raise_on_failure=False)
    return isinstance(trouble, OutsideServiceError) and not isinstance(trouble, ClusterLostError)


# `persist_result=False`: results hold rows of members, which Prefect would write to its result storage. `NO_CACHE`: a step reads
# files and tables, so that the same arguments do not mean the same result.
step = task(cache_policy=NO_CACHE, persist_result=False)
io_step = task(
    cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=[5, 20], retry_condition_fn=_is_passing_trouble
)
