"""What a workspace holds when nobody looks at how it came about: lists, tables by value, models and their aliases."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import polars as pl

from lake.arrivals import check_identity, read_arrivals
from lake.contracts import TABLES
from lake.storage.delta import Lake


def state_of(workspace: Path) -> dict[str, Any]:
    """Everything a person or a later night could tell two workspaces apart by."""
    return {
        "lists": lists_of(workspace),
        "lake": lake_of(workspace),
        "models": models_of(workspace),
        "pages": pages_of(workspace),
    }


def lists_of(workspace: Path) -> dict[str, Any]:
    """Night and file → content; a hidden folder left behind would show as one."""
    files = (path for path in sorted((workspace / "lists").rglob("*")) if path.is_file())
    return {
        str(path.relative_to(workspace)): _receipt(path) if path.name == "receipt.json" else path.read_bytes() for path in files
    }


def _receipt(path: Path) -> dict[str, Any]:
    """A receipt without the numbers of commits, which count what was taken back too."""
    receipt: dict[str, Any] = json.loads(path.read_text())
    receipt.pop("tables", None)
    for held in receipt["data"].values():
        held.pop("version")
    return receipt


def lake_of(workspace: Path) -> dict[str, pl.DataFrame]:
    """Table → its rows in an order of their own; that every row is accounted for is checked on the way."""
    lake = Lake(workspace / "lake")
    check_identity(read_arrivals(lake), record_counts={name: lake.row_count(name) for name in TABLES})
    return {table: _sorted(lake.scan(table).collect()) for table in lake.tables}


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    flat = rows.with_columns(
        pl.struct(name).struct.json_encode().alias(name) for name, dtype in rows.schema.items() if dtype.is_nested()
    )
    return flat.sort(flat.columns)


def models_of(workspace: Path) -> dict[str, Any]:
    """Aliases, promotions and decisions of every model, and the bytes of every version."""
    store = workspace / "mlflow.db"
    if not store.exists():
        return {}
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as tables:
        aliases = tables.execute("SELECT name, alias, version FROM registered_model_aliases ORDER BY 1, 2").fetchall()
        tags = tables.execute(
            "SELECT name, version, key, value FROM model_version_tags WHERE key != 'fingerprint' ORDER BY 1, 2, 3"
        ).fetchall()
        versions = tables.execute("SELECT name, version, storage_location FROM model_versions ORDER BY 1, 2").fetchall()
        running = tables.execute("SELECT COUNT(*) FROM runs WHERE status = 'RUNNING'").fetchone()[0]
    files = {(name, version): _files(Path(unquote(urlparse(place).path))) for name, version, place in versions}
    return {"aliases": aliases, "tags": tags, "files": files, "running": running}


def _files(folder: Path) -> dict[str, str]:
    bundle = folder / "data" / "bundle"
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(bundle.iterdir())}


def pages_of(workspace: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((workspace / "reports").iterdir())}


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Where two states differ, in words short enough for a test's message."""
    told = []
    for part in ("lists", "lake", "models", "pages"):
        here, there = one.get(part, {}), other.get(part, {})
        for name in sorted(set(here) | set(there)):
            mine, theirs = here.get(name), there.get(name)
            same = mine.equals(theirs) if isinstance(mine, pl.DataFrame) and isinstance(theirs, pl.DataFrame) else mine == theirs
            if not same:
                told.append(f"{part}: {name}: {_short(mine)} | {_short(theirs)}")
    return told


def _short(value: Any) -> str:
    if isinstance(value, pl.DataFrame):
        return f"{value.height} rows"
    return "absent" if value is None else str(value)[:600]
