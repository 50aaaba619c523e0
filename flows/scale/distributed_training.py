"""Train trees on several workers together, with LightGBM's own training on Dask.

Each worker computes histograms over its share of the rows, and the workers exchange them. The same rows and the same number of
workers give the same trees; they differ a little from those trained in one process (docs/scale.md says how much).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from distributed import Client
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker
from lightgbm.basic import LightGBMError

from lake.errors import OutsideServiceError
from models.boosting import TrainingData, TrainTrees, train_trees_here
from pipeline.execution.executor import ClusterLostError

# Parameters that LightGBM's training on Dask sets itself.
_ITS_OWN: Final = ("num_threads",)
_ATTEMPTS: Final = 3
# The status of a client that has its scheduler; one that has lost it is connecting or closed.
RUNNING: Final = "running"
_FEWEST_ROWS_EACH: Final = 500
Rows = npt.NDArray[Any]


class RankedClient(Client):  # type: ignore[misc]
    """A client that lists data in the order of the workers' addresses: LightGBM numbers its machines in that order.

    Without it the numbering, and with it the trees, could change from run to run.
    """

    def who_has(self, futures: Any = None, **more: Any) -> Any:
        """Return key → addresses of the workers that hold it, as Dask does, sorted by address."""
        workers_by_key = super().who_has(futures, **more)
        return dict(sorted(workers_by_key.items(), key=lambda item: item[1]))


def train_trees_on(client: Client, *, name: str = "the Dask cluster") -> TrainTrees:
    """Return a function that trains trees on the workers of a client.

    Training data too small to distribute is used in this process. A lost worker takes its share of the rows with it, so
    training starts again on the workers that are left.

    Args:
        client: Of a cluster with workers.
        name: How messages call the cluster.

    Raises:
        OutsideServiceError: Workers were lost again and again, or the scheduler.
    """

    def train_trees(parameters: Mapping[str, object], rounds: int, data: TrainingData) -> str:
        # In a loop, because LightGBM does not recover when a worker is lost: the whole training starts again.
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                client.wait_for_workers(1, timeout=60)
                # Sorted, because the order of the workers decides which rows each one gets, and with it the trees.
                workers = sorted(client.scheduler_info(n_workers=-1)["workers"])[: len(data.target) // _FEWEST_ROWS_EACH]
                if len(workers) < 2:  # noqa: PLR2004 - alone, a worker has nobody to exchange with
                    return train_trees_here(parameters, rounds, data)
                with client.as_current(), warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # LightGBM warns that its own default is ignored
                    return _train_trees(client, workers, parameters, rounds, data)
            except (KilledWorker, FutureCancelledError, CommClosedError, LightGBMError, OSError) as error:
                if client.status != RUNNING:
                    raise ClusterLostError(name) from error
                if attempt == _ATTEMPTS:
                    raise OutsideServiceError(
                        f"training on Dask workers failed {_ATTEMPTS} times; the last time: {type(error).__name__}",
                        remedy="Look into the workers' logs; with more memory per worker, or fewer learning_members, run again.",
                    ) from error
        raise AssertionError("unreachable")

    return train_trees


def _train_trees(client: Client, workers: list[str], parameters: Mapping[str, object], rounds: int, data: TrainingData) -> str:
    from lightgbm.dask import DaskLGBMRegressor

    _hush()
    client.run(_hush)
    unfitted = DaskLGBMRegressor(
        client=client, n_estimators=rounds, **{name: value for name, value in parameters.items() if name not in _ITS_OWN}
    )
    fitted = unfitted.fit(
        _distribute(client, workers, data.laid_out),
        _distribute(client, workers, data.target),
        sample_weight=None if data.weight is None else _distribute(client, workers, data.weight),
        init_score=None if data.start is None else _distribute(client, workers, data.start),
        feature_name=data.feature_names,
        categorical_feature=data.categorical_positions,
    )
    return str(fitted.booster_.model_to_string())


def _hush() -> None:
    """Send LightGBM's messages, such as its network ports, to the log and not to the terminal."""
    import lightgbm

    lightgbm.register_logger(logging.getLogger("lightgbm"))


def _distribute(client: Client, workers: list[str], rows: Rows) -> Any:
    """Distribute rows round-robin, so that every worker has rows of every cut-off; returns a Dask array in that order."""
    import dask
    import dask.array

    count = len(workers)
    shares = [np.ascontiguousarray(rows[position::count]) for position in range(count)]
    # `hash=False`: keyed by content, two equal shares would be one piece of data on one worker.
    futures = [client.scatter(share, workers=[worker], hash=False) for share, worker in zip(shares, workers, strict=True)]
    parts = [
        dask.array.from_delayed(dask.delayed(future), shape=share.shape, dtype=share.dtype)
        for future, share in zip(futures, shares, strict=True)
    ]
    return dask.array.concatenate(parts)
