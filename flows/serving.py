"""The module that stored models name as their loader: it keeps its name, because every registered model holds it."""

from __future__ import annotations

from runtime.tracking.serving import load_pyfunc as _load_pyfunc

__all__ = ["_load_pyfunc"]
