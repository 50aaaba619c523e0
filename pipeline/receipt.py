"""The receipt of a night: hashes of its data, code, configuration, models and lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from engagement.holdouts import SEED_VERSION
from lake.arrivals import REFUSALS, RETIRED
from lake.contracts import DAILY, TABLES, TIES
from lake.member_index import MEMBER_INDEX
from lake.roles import CONFIGURED_ROLES
from models.bundle import files_hash
from pipeline.community.showing import SHOW_RULES
from pipeline.community.stored_network import COMMUNITY_NAMES, NETWORK
from pipeline.community.thanks import BADGES
from pipeline.engagement.ledger import HOLDOUTS, LEDGER
from pipeline.engagement.ranking import UPLIFT_MODELS
from pipeline.learning.champions import Champions
from pipeline.lists import count_not_profiled
from pipeline.stored_nights import GROUPS, SCORES, TIERS_TABLE
from runtime.run_context import RunContext, code_hash, settings_hash

RECEIPT: Final = "receipt.json"
# The inputs of the lists: `evenfall verify` recomputes a night from these tables at the versions in the receipt.
_COMPUTED_FROM: Final = (
    *TABLES,
    REFUSALS,
    RETIRED,
    MEMBER_INDEX,
    DAILY,
    TIES,
    TIERS_TABLE,
    GROUPS,
    SCORES,
    LEDGER,
    HOLDOUTS,
    UPLIFT_MODELS,
    SHOW_RULES,
    CONFIGURED_ROLES,
    NETWORK,
    COMMUNITY_NAMES,
    BADGES,
)
# The counts of these steps depend on the tables alone, so that the same night gives the same receipt; others are in the log.
_REPEATABLE_STEPS: Final = ("computing features", "scoring", "segmenting", "publishing the lists")
_FORMAT_VERSION: Final = 2


def write_receipt(folder: Path, run: RunContext, champions: Champions, *, lists: Mapping[str, str]) -> dict[str, Any]:
    """Write `receipt.json` into the folder of the lists; the same night gives the same bytes.

    Args:
        folder: The folder of the lists, not published yet.
        run: The run.
        champions: The models that scored.
        lists: File name → SHA-256.

    Returns:
        The content of the receipt.
    """
    models = {champion.registered.name: champion.registered for champion in champions.all}
    receipt: dict[str, Any] = {
        "format_version": _FORMAT_VERSION,
        "as_of": run.as_of.isoformat(),
        "data": {table: _content(run, table) for table in TABLES if run.workspace.lake.exists(table)},
        "code": code_hash(),
        "configuration": settings_hash(run.settings),
        "models": {name: model.label for name, model in models.items()},
        # Trees that several machines train differ within a tolerance, so that the receipt says who trained.
        "trained_by": {champion.registered.name: _trainers(champion.model.machines) for champion in champions.all},
        "model_files": {name: files_hash(model.files) for name, model in models.items()},
        "tables": {name: run.workspace.lake.version(name) for name in _COMPUTED_FROM if run.workspace.lake.exists(name)},
        "holdout_seed": SEED_VERSION,
        "not_profiled": count_not_profiled(run),
        "steps": {step: run.counts[step] for step in _REPEATABLE_STEPS if step in run.counts},
        "log": f"{run.workspace.logs.name}/{run.as_of.isoformat()}.jsonl",
        "lists": dict(sorted(lists.items())),
    }
    (folder / RECEIPT).write_text(json.dumps(receipt, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return receipt


def _trainers(machines: int) -> str:
    return "one process" if machines == 1 else f"{machines} Dask workers"


def _content(run: RunContext, table: str) -> dict[str, Any]:
    """Return the version of a table and the number of its rows up to the night."""
    lake = run.workspace.lake
    if TABLES[table].time is None:
        return {"version": lake.version(table), "rows": lake.row_count(table)}
    rows = lake.rows_by_day(table).filter(pl.col("event_date") <= run.as_of)["rows"].sum()
    return {"version": lake.version(table), "rows": int(rows)}
