"""The loader that stored models name: its name is part of every model in a registry and stays, wherever the code lives."""

from __future__ import annotations

from runtime.tracking.serving import load_pyfunc as _load_pyfunc

__all__ = ["_load_pyfunc"]
