"""Gradient-boosted trees by LightGBM, the same bytes for the same rows whatever the threads.

A fitted model is its text: it is read back from that text before it predicts for the first time, so what was measured
in memory and what is stored cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import lightgbm
import numpy as np
import polars as pl

from models.config import PredictionSettings
from models.encoding import Encoding, Matrix
from models.panel import Floats

Objective = Literal["binary", "tweedie"]
# The number of threads is the one parameter that changes the text and not the trees.
_THREADS: Final = re.compile(r"^\[num_threads: \d+\]\n", re.MULTILINE)


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
    num_threads: int = field(default=0, compare=False)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The model read from its text."""
        return lightgbm.Booster(model_str=self.text)

    def raw(self, frame: pl.DataFrame) -> Floats:
        """Score every row on the scale of the link: log-odds for binary, logarithm for Tweedie."""
        return self.raw_matrix(self.encoding.matrix(frame))

    def raw_matrix(self, laid_out: Matrix) -> Floats:
        """Score the rows of a matrix laid out by the encoding."""
        if laid_out.shape[0] == 0:
            return np.empty(0)
        scored: Floats = self.booster.predict(laid_out, raw_score=True, num_threads=self.num_threads)
        return scored

    def importance(self) -> pl.DataFrame:
        """One row per feature, the highest gain first: feature, gain (loss saved by its splits), gain_share (0 to 1), splits."""
        gain = self.booster.feature_importance("gain")
        frame = pl.DataFrame(
            {
                "feature": list(self.encoding.features),
                "gain": gain,
                "gain_share": gain / max(float(gain.sum()), np.finfo(float).tiny),
                "splits": self.booster.feature_importance("split").astype(np.int64),
            }
        )
        return frame.sort(["gain", "feature"], descending=[True, False])


@dataclass(frozen=True)
class UnfittedTrees:
    """A recipe for trees: parameters and no data, so each split fits its own."""

    parameters: Mapping[str, object]
    rounds: int

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
        parameters = dict(self.parameters)
        dataset = lightgbm.Dataset(
            laid_out,
            label=target,
            weight=weight,
            init_score=start,
            # Names of event types may hold characters LightGBM refuses, so it sees positions.
            feature_name=[f"f{position}" for position in range(len(encoding.features))],
            categorical_feature=encoding.categorical_positions,
            params=parameters,
        )
        booster = lightgbm.train(parameters, dataset, num_boost_round=self.rounds)
        threads = parameters["num_threads"]
        assert isinstance(threads, int)
        return Trees(_THREADS.sub("", booster.model_to_string()), encoding, threads)


def make_trees(settings: PredictionSettings, *, objective: Objective, **more: object) -> UnfittedTrees:
    """Make unfitted trees from the settings; `more` are further LightGBM parameters of the objective."""
    parameters: dict[str, object] = {
        "objective": objective,
        "num_leaves": settings.num_leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_rows_per_leaf,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.leaf_penalty,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.num_threads,
        "verbosity": -1,
    }
    return UnfittedTrees(parameters | more, settings.rounds)
