"""Maximum likelihood for a handful of positive parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.panel import Floats

# From positive parameters to the mean log-likelihood of a buyer and its gradient.
Likelihood = Callable[[Floats], tuple[float, Floats]]

_MOST_STEPS: Final = 500
_VALUE_TOLERANCE: Final = 1e-13
_SLOPE_TOLERANCE: Final = 1e-8


def maximise(likelihood: Likelihood, starts: Sequence[Floats], *, lowest: Floats, highest: Floats) -> Floats:
    """Maximise from each start, and return the parameters of the highest likelihood.

    L-BFGS-B works on the logarithms of the parameters, which keeps them positive and of one scale. The bounds keep an
    ill-determined parameter finite, such as the spread of a rate that does not vary.

    Args:
        likelihood: Parameters → mean log-likelihood of a buyer, and its gradient.
        starts: Parameters to start from.
        lowest: Lower bound of each parameter, above 0.
        highest: Upper bound of each parameter.
    """
    # L-BFGS-B solves systems of a few rows, for which waking a second thread costs thirty times what it saves.
    with threadpool_limits(limits=1, user_api="blas"):
        optima = [_maximise_from(likelihood, start, lowest, highest) for start in starts]
    return max(optima, key=lambda optimum: optimum[0])[1]


def _maximise_from(likelihood: Likelihood, start: Floats, lowest: Floats, highest: Floats) -> tuple[float, Floats]:
    def negative_likelihood(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        value, gradient = likelihood(parameters)
        # The chain rule: the slope by log(p) is p times the slope by p.
        return -value, -gradient * parameters

    bounds = list(zip(np.log(lowest), np.log(highest), strict=True))
    options = {"maxiter": _MOST_STEPS, "ftol": _VALUE_TOLERANCE, "gtol": _SLOPE_TOLERANCE}
    start_logarithms = np.log(np.clip(start, lowest, highest))
    from scipy.optimize import minimize

    result = minimize(negative_likelihood, start_logarithms, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return -float(result.fun), np.exp(result.x)
