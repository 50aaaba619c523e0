"""Contribution of each feature to a churn score: Shapley values of trees and of the buy-till-you-die model averaged with them.

Shapley values of a sum are the sums of Shapley values. Those of the trees are exact and path-dependent (`models.shapley`).
The buy-till-you-die model reads three numbers, so its values are computed by definition, over all eight choices of which of
the three are the member's own and which the typical member's (Shapley 1953, A Value for n-Person Games).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Final

import numpy as np

from models.churn import ChurnModel
from models.encoding import Matrix
from models.lifetime.silence import PURCHASES, Silence
from models.panel import Floats
from models.shapley import TreeExplainer, make_explainer
from models.starting import ScaleFree

_PLAYERS: Final = range(len(PURCHASES))


@dataclass(frozen=True)
class ScoreExplainer:
    """The log-odds of a churn model of trees before calibration, prepared for Shapley values.

    Args:
        trees: The trees' own explainer.
        silence: The buy-till-you-die model averaged with the trees; None where there is none.
        share: Its weight.
        typical: The typical member, as the trees' encoding lays it out.
        starting: The explainer of the starting model averaged with both; None where there is none.
        starting_share: Its weight.
    """

    trees: TreeExplainer
    silence: Silence | None
    share: float
    typical: Matrix
    starting: TreeExplainer | None = None
    starting_share: float = 0.0

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions in the encoding of the features that contribute, in the order of the columns of `contributions`."""
        more = sorted({*self._purchases, *self._starting_positions} - {*self.trees.positions})
        return (*self.trees.positions, *more)

    @property
    def features(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.trees.trees.encoding.features[position] for position in self.positions)

    @property
    def base(self) -> float:
        """The score that a row's contributions are added to: base and contributions add up to the row's score."""
        own = self.trees.base
        if self.silence is not None:
            own = (1 - self.share) * own + self.share * float(self._silence_of(self.typical[np.newaxis])[0])
        return own if self.starting is None else (1 - self.starting_share) * own + self.starting_share * self.starting.base

    def score(self, laid_out: Matrix) -> Floats:
        """Score the rows of a matrix laid out by the trees' encoding."""
        scores = self.trees.trees.raw_matrix(laid_out)
        if self.silence is not None:
            scores = (1 - self.share) * scores + self.share * self._silence_of(laid_out)
        if self.starting is None:
            return scores
        started = self.starting.trees.raw_matrix(self._for_starting(laid_out))
        return (1 - self.starting_share) * scores + self.starting_share * started

    def contributions(self, laid_out: Matrix) -> Floats:
        """Compute what each feature adds to each row's score: one row per row of the matrix, one column per position."""
        contributions = np.zeros((laid_out.shape[0], len(self.positions)))
        contributions[:, : len(self.trees.positions)] = (1 - self.share) * self.trees.contributions(laid_out)
        if self.silence is not None:
            contributions[:, [self.positions.index(position) for position in self._purchases]] += (
                self.share * self._silence_contributions(laid_out)
            )
        if self.starting is not None:
            contributions *= 1 - self.starting_share
            columns = [self.positions.index(position) for position in self._starting_positions]
            contributions[:, columns] += self.starting_share * self.starting.contributions(self._for_starting(laid_out))
        return contributions

    @property
    def _starting_positions(self) -> tuple[int, ...]:
        """Positions of the features that the starting model reads, in the order of its contributions."""
        features = self.trees.trees.encoding.features
        return () if self.starting is None else tuple(features.index(name) for name in self.starting.features)

    def _for_starting(self, laid_out: Matrix) -> Matrix:
        """Lay rows out for the starting model, which reads features that every community has."""
        assert self.starting is not None
        layout, features = self.starting.trees.encoding, self.trees.trees.encoding.features
        assert isinstance(layout, ScaleFree)
        return layout.without_scale(laid_out[:, [features.index(name) for name in layout.features]])

    @property
    def _purchases(self) -> tuple[int, ...]:
        features = self.trees.trees.encoding.features
        return () if self.silence is None else tuple(features.index(name) for name in PURCHASES)

    def _silence_of(self, laid_out: Matrix) -> Floats:
        assert self.silence is not None
        return self.silence.log_odds_of(laid_out[:, list(self._purchases)].astype(np.float64))

    def _silence_contributions(self, laid_out: Matrix) -> Floats:
        """Divide the distance of each row's log-odds from the typical member's among the three purchase features."""
        # All eight coalitions: `own` are the players that keep the member's own numbers.
        scores = {own: self._silence_of(self._mixed(laid_out, own)) for size in range(4) for own in combinations(_PLAYERS, size)}
        contributions = np.zeros((laid_out.shape[0], len(PURCHASES)))
        # The Shapley value: what a player adds to each coalition of s others among n, weighted by s! (n - s - 1)! / n!.
        for own, score in scores.items():
            for player in own:
                others = tuple(one for one in own if one != player)
                weight = factorial(len(others)) * factorial(len(PURCHASES) - len(own)) / factorial(len(PURCHASES))
                contributions[:, player] += weight * (score - scores[others])
        return contributions

    def _mixed(self, laid_out: Matrix, own: tuple[int, ...]) -> Matrix:
        """Replace the purchase features of every row by the typical member's, except those in `own`."""
        mixed = laid_out.copy()
        typical = [self._purchases[player] for player in _PLAYERS if player not in own]
        mixed[:, typical] = self.typical[typical]
        return mixed


def explain_score(model: ChurnModel, typical: Matrix) -> ScoreExplainer:
    """Prepare a model that has trees; reuse the result while several batches of rows are explained.

    Args:
        model: The model.
        typical: The typical member, as the trees' encoding lays it out.
    """
    assert model.trees is not None
    share = 0.0 if model.silence is None else model.settings.lifetime_share
    starting = None if model.starting is None else make_explainer(model.starting)
    return ScoreExplainer(make_explainer(model.trees), model.silence, share, typical, starting, model.starting_share)
