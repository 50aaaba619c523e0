"""The reference of a model: what the members were like whom it learnt from last, stored beside it for later nights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from models.churn import ChurnModel
from models.drift import SCORE, Reference, learn_reference
from models.panel import churn_rows, feature_names

REFERENCE_FILE: Final = "reference.json"


def reference_files(model: Any, panel: pl.DataFrame) -> dict[str, str]:
    """Return the file with the reference of a churn model; none for a value model, or before any outcome is known.

    Args:
        model: The model.
        panel: What it was trained on; the reference is its newest cut-off.
    """
    if not isinstance(model, ChurnModel) or not model.split.calibrate:
        return {}
    rows = churn_rows(panel, model.split.calibrate)
    if rows.is_empty():
        return {}
    described = learn_reference(rows.with_columns(model.predict(rows).alias(SCORE)), (*feature_names(panel), SCORE))
    return {REFERENCE_FILE: json.dumps(described, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"}


def read_reference(files: Mapping[str, str]) -> Reference:
    """Return the reference among the files of a model; empty for models of earlier releases."""
    reference: Reference = json.loads(files.get(REFERENCE_FILE, "{}"))
    return reference
