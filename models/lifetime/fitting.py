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
    """Climb from each start and return the highest top found.

    The climb (L-BFGS-B) goes through the logarithms of the parameters, which keeps them positive and of one scale. The
    bounds keep an ill-determined parameter, such as the spread of a rate that does not vary, finite.
    """
    # L-BFGS-B solves systems of a few rows, for which waking a second thread costs thirty times what it saves.
    with threadpool_limits(limits=1, user_api="blas"):
        tops = [_climb(likelihood, start, lowest, highest) for start in starts]
    return max(tops, key=lambda top: top[0])[1]


def _climb(likelihood: Likelihood, start: Floats, lowest: Floats, highest: Floats) -> tuple[float, Floats]:
    def descent(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        value, gradient = likelihood(parameters)
        return -value, -gradient * parameters

    bounds = list(zip(np.log(lowest), np.log(highest), strict=True))
    options = {"maxiter": _MOST_STEPS, "ftol": _VALUE_TOLERANCE, "gtol": _SLOPE_TOLERANCE}
    first = np.log(np.clip(start, lowest, highest))
    from scipy.optimize import minimize

    found = minimize(descent, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return -float(found.fun), np.exp(found.x)
