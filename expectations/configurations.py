"""Great Expectations made to build each configuration once.

While it plans a validation, Great Expectations asks every expectation for its configuration a dozen times and builds it anew
each time: with few rows, 40 % of what validating costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any


@contextmanager
def configurations_built_once() -> Iterator[None]:
    """Build a configuration again only when the expectation has changed, while the block runs; for one thread at a time."""
    from great_expectations.expectations.expectation import Expectation

    build = Expectation.configuration
    # The expectation itself is kept, or another one could come to lie at its address.
    built: dict[int, tuple[Any, dict[str, Any], Any]] = {}

    def configuration(expectation: Any) -> Any:
        known = built.get(id(expectation))
        if known is None or known[1] != expectation.__dict__:
            known = (expectation, dict(expectation.__dict__), build.fget(expectation))
            built[id(expectation)] = known
        # Whoever asks may change the answer.
        own = copy(known[2])
        own.kwargs = dict(known[2].kwargs)
        return own

    Expectation.configuration = property(configuration)
    try:
        yield
    finally:
        Expectation.configuration = build
