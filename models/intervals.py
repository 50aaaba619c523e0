"""How sure an expected spend is: the range that holds what eight of ten members like this one went on to spend.

Split conformal prediction (Vovk, Gammerman & Shafer 2005), conditional on the size of the prediction: members of the newest
measured cut-off, whose outcomes the model had not seen, are put into groups of like predictions; quantiles of actual over
predicted in each group are what the range of tonight's members is made of.

Where more than a tenth of a group spent nothing, the range begins at 0 and its upper end alone is chosen: a lower end above what
many did would be wrong, and one below 0 does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.panel import Floats, Mask

COVERAGE: Final = 0.8
_MOST_GROUPS: Final = 12
# Quantiles of fewer members say little.
_FEWEST_IN_GROUP: Final = 40


@dataclass(frozen=True)
class SpendInterval:
    """Ratios of what was spent to what was predicted, by the size of the prediction; each tuple has one entry per group.

    Args:
        predicted_minor: Median prediction of the group, ascending.
        low: Lower end of the range as a ratio to the prediction.
        high: Upper end.
    """

    predicted_minor: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def bounds(self, predicted_minor: Floats) -> tuple[Floats, Floats]:
        """Return the lower and the upper end for each prediction, in minor units; the prediction lies between them.

        Args:
            predicted_minor: Expected spend, minor units, one per member.
        """
        low, high = (predicted_minor * self._ratio(predicted_minor, ratios) for ratios in (self.low, self.high))
        # The mean of much zero and little large spend may lie above the range of eight in ten.
        return np.minimum(low, predicted_minor), np.maximum(high, predicted_minor)

    def says_something(self, predicted_minor: Floats) -> Mask:
        """Mark the members whose range was chosen by its coverage.

        The others' is wider than eight in ten: nearly all of them spend nothing, and their range is stretched to the expectation.
        """
        return self._ratio(predicted_minor, self.high) >= 1

    def _ratio(self, predicted_minor: Floats, ratios: tuple[float, ...]) -> Floats:
        # Between groups by the logarithm of the prediction, so that no two neighbours in the list differ by a jump.
        return np.interp(np.log1p(predicted_minor), np.log1p(np.array(self.predicted_minor)), ratios)


def fit_spend_interval(actual_minor: Floats, predicted_minor: Floats) -> SpendInterval | None:
    """Learn the range from predictions whose outcomes the model had not seen; None where too few members were predicted.

    Args:
        actual_minor: What each member spent, minor units; refunds may make it negative.
        predicted_minor: What was predicted, above 0.
    """
    usable = predicted_minor > 0
    actual, predicted = actual_minor[usable], predicted_minor[usable]
    groups = min(_MOST_GROUPS, predicted.size // _FEWEST_IN_GROUP)
    if groups == 0:
        return None
    # By outcome within equal predictions, so that the order of the members decides nothing.
    order = np.lexsort((actual, predicted))
    parts = np.array_split(order, groups)
    ends = [_ends(actual[part] / predicted[part]) for part in parts]
    medians = [float(np.median(predicted[part])) for part in parts]
    return SpendInterval(tuple(medians), tuple(low for low, _ in ends), tuple(high for _, high in ends))


def coverage(interval: SpendInterval, actual_minor: Floats, predicted_minor: Floats) -> float | None:
    """Return the share of members whose spend was within their range, of those whose range says something; None without any.

    Args:
        interval: Learnt from earlier outcomes.
        actual_minor: What each member spent, minor units.
        predicted_minor: What was predicted.
    """
    judged = interval.says_something(predicted_minor)
    if not judged.any():
        return None
    low, high = interval.bounds(predicted_minor[judged])
    return float(np.mean((actual_minor[judged] >= low) & (actual_minor[judged] <= high)))


def _ends(ratio: Floats) -> tuple[float, float]:
    tail = (1 - COVERAGE) / 2
    low = _quantile(ratio, tail, upward=False)
    return (low, _quantile(ratio, 1 - tail, upward=True)) if low > 0 else (0.0, max(_quantile(ratio, COVERAGE, upward=True), 0.0))


def _quantile(values: Floats, share: float, *, upward: bool) -> float:
    """Return the order statistic of a conformal bound: one more observation, tonight's, is allowed for."""
    ordered, n = np.sort(values), values.size
    position = int(np.ceil(share * (n + 1))) - 1 if upward else int(np.floor(share * (n + 1))) - 1
    return float(ordered[min(max(position, 0), n - 1)])
