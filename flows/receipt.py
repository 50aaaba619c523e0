"""The receipt of a night: hashes of data, code, configuration and models, tied to the hash of each list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from flows.night import Night, code_hash, settings_hash
from flows.training import Champions
from lake.contracts import TABLES

RECEIPT = "receipt.json"
_FORMAT_VERSION = 1


def write_receipt(folder: Path, night: Night, champions: Champions, *, lists: Mapping[str, str]) -> dict[str, Any]:
    """Write `receipt.json` beside the lists it vouches for; the same night gives the same bytes.

    Args:
        folder: The lists' folder, not published yet.
        night: The run.
        champions: The models that scored.
        lists: File name → SHA-256.

    Returns:
        What was written.
    """
    models = {"churn": champions.churn.registered.label}
    if champions.value is not None:
        models["value"] = champions.value.registered.label
    receipt: dict[str, Any] = {
        "format_version": _FORMAT_VERSION,
        "as_of": night.as_of.isoformat(),
        "data": {table: _content(night, table) for table in TABLES if night.workspace.lake.exists(table)},
        "code": code_hash(),
        "configuration": settings_hash(night.settings),
        "models": models,
        "lists": dict(sorted(lists.items())),
    }
    (folder / RECEIPT).write_text(json.dumps(receipt, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return receipt


def _content(night: Night, table: str) -> dict[str, Any]:
    """The rows a night could see of a table, and the newest commit that holds them."""
    lake = night.workspace.lake
    if TABLES[table].time is None:
        return {"version": lake.version(table), "rows": lake.row_count(table)}
    rows = lake.rows_by_day(table).filter(pl.col("event_date") <= night.as_of)["rows"].sum()
    return {"version": lake.version(table), "rows": int(rows)}
