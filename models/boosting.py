"""Gradient-boosted trees by LightGBM, the same bytes for the same rows whatever the threads.

A fitted model is its text: it is read back from that text before it predicts for the first time, so what was measured
in memory and what is stored cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import polars as pl

from models.config import PredictionSettings
from models.encoding import Encoding, Matrix
from models.panel import Floats

if TYPE_CHECKING:
    import lightgbm

Objective = Literal["binary", "tweedie", "regression"]
# Parameters that LightGBM writes into the text although the trees do not depend on them: threads, and the addresses of
# machines that train together. They are removed, so that equal trees have equal text.
_ENVIRONMENT_LINES: Final = re.compile(r"^\[(num_threads|machines|local_listen_port|time_out): .*\]\n", re.MULTILINE)
_MACHINE_COUNT: Final = re.compile(r"^\[num_machines: (\d+)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Trees:
    """A fitted LightGBM model as text, with the encoding of what it reads.

    Args:
        text: LightGBM's own text format.
        encoding: Features and categories of the matrix.
        num_threads: Threads to score with; 0 for every core.
    """

    text: str
    encoding: Encoding
    # Threads do not change a prediction, so trees that differ in nothing else are equal.
    num_threads: int = field(default=0, compare=False)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The model read from its text."""
        # Imported inside functions, here and below: the first steps of a night do not need it, and run while it is preloaded.
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def raw(self, frame: pl.DataFrame) -> Floats:
        """Score every row on the scale of the link: log-odds for binary, logarithm for Tweedie, as it is for regression."""
        return self.raw_matrix(self.encoding.matrix(frame))

    def raw_matrix(self, laid_out: Matrix, *, rounds: int | None = None) -> Floats:
        """Score the rows of a matrix laid out by the encoding; by the first `rounds` trees alone where that is given."""
        if laid_out.shape[0] == 0:
            return np.empty(0)
        scored: Floats = self.booster.predict(
            laid_out, raw_score=True, num_threads=self.num_threads, num_iteration=-1 if rounds is None else rounds
        )
        return scored

    @property
    def machines(self) -> int:
        """The number of processes that trained it together, maybe on several machines; 1 for a model trained in one process."""
        match = _MACHINE_COUNT.search(self.text)
        return 1 if match is None else int(match[1])

    def importance(self) -> pl.DataFrame:
        """Compute how much each feature is used.

        One row per feature, the highest gain first: feature, gain (loss saved by its splits), gain_share (0 to 1), splits.
        """
        gain = self.booster.feature_importance("gain")
        frame = pl.DataFrame(
            {
                "feature": list(self.encoding.features),
                "gain": gain,
                # At least the smallest positive float: trees without any split have no gain at all.
                "gain_share": gain / max(float(gain.sum()), np.finfo(float).tiny),
                "splits": self.booster.feature_importance("split").astype(np.int64),
            }
        )
        return frame.sort(["gain", "feature"], descending=[True, False])


@dataclass(frozen=True)
class TrainingData:
    """The rows trees learn from, in an order that the trees may depend on.

    Args:
        laid_out: One row per target, as an encoding lays it out.
        target: What to predict.
        weight: How much each row counts; None for 1.
        start: Raw scores the trees start from and do not include; None for the mean target.
        categorical_positions: Positions of text features in the matrix.
    """

    laid_out: Matrix
    target: Floats
    weight: Floats | None
    start: Floats | None
    categorical_positions: list[int]

    @property
    def feature_names(self) -> list[str]:
        """Positions as names: names of event types may hold characters LightGBM refuses."""
        return [f"f{position}" for position in range(self.laid_out.shape[1])]


# Parameters, number of trees and training data → LightGBM's text of the trees; the caller decides where they are trained.
TrainTrees = Callable[[Mapping[str, object], int, TrainingData], str]


def train_trees_here(parameters: Mapping[str, object], rounds: int, data: TrainingData) -> str:
    """Grow trees in this process, and return LightGBM's text of them.

    Args:
        parameters: LightGBM's parameters.
        rounds: Number of trees.
        data: The training data.
    """
    import lightgbm

    lightgbm_parameters = dict(parameters)
    dataset = lightgbm.Dataset(
        data.laid_out,
        label=data.target,
        weight=data.weight,
        init_score=data.start,
        feature_name=data.feature_names,
        categorical_feature=data.categorical_positions,
        params=lightgbm_parameters,
    )
    return str(lightgbm.train(lightgbm_parameters, dataset, num_boost_round=rounds).model_to_string())


@dataclass(frozen=True)
class UnfittedTrees:
    """Unfitted trees: parameters and no data, so that each split fits its own."""

    parameters: Mapping[str, object]
    rounds: int
    train_trees: TrainTrees = train_trees_here

    def fit(
        self, laid_out: Matrix, target: Floats, encoding: Encoding, *, weight: Floats | None = None, start: Floats | None = None
    ) -> Trees:
        """Fit on the rows of a matrix; the result depends on their order, so sort them first.

        Args:
            laid_out: One row per target, as the encoding lays it out.
            target: What to predict.
            encoding: What the columns of the matrix are.
            weight: How much each row counts; None for 1.
            start: Raw scores the trees start from and do not include; None for the mean target.
        """
        data = TrainingData(laid_out, target, weight, start, encoding.categorical_positions)
        threads = self.parameters["num_threads"]
        assert isinstance(threads, int)
        return Trees(_ENVIRONMENT_LINES.sub("", self.train_trees(self.parameters, self.rounds, data)), encoding, threads)


def make_trees(
    settings: PredictionSettings, *, objective: Objective, train_trees: TrainTrees = train_trees_here, **more: object
) -> UnfittedTrees:
    """Make unfitted trees from the settings.

    Args:
        settings: Size of the trees, sampling, seed and threads.
        objective: `binary` for churn, `tweedie` for spend, `regression` for effects, which may be negative.
        train_trees: Trains the trees, in this process or elsewhere.
        more: Further LightGBM parameters.
    """
    parameters: dict[str, object] = {
        "objective": objective,
        "num_leaves": settings.num_leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_rows_per_leaf,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.row_share,
        # LightGBM ignores the bagging fraction unless the frequency is positive.
        "bagging_freq": 1,
        "lambda_l2": settings.leaf_penalty,
        "seed": settings.seed,
        # Without a fixed layout LightGBM times two and takes the faster one; they add up in different orders.
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.num_threads,
        "verbosity": -1,
    }
    return UnfittedTrees(parameters | more, settings.rounds, train_trees)
