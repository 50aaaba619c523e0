"""The ledger of decisions: whom a night chose, whether the member was contacted, and what came of it.

The table is append-only. A row is never changed: a night that is run again with another result, or an outcome that later data
change, adds a row with the next `revision`, and the newest revision counts. Only the erasure of a member removes rows.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from engagement.contact_history import DECISIONS_SCHEMA
from engagement.holdouts import ARMS_SCHEMA
from lake.storage.delta import Lake
from pipeline.stored_nights import NIGHT, store_night

LEDGER: Final = "ledger"
HOLDOUTS: Final = "holdouts"
DECISION: Final = "decision"
CONTACT: Final = "contact"
OUTCOME: Final = "outcome"
# A decision that the same night, run again, did not make.
WITHDRAWN: Final = "withdrawn"
LEDGER_SCHEMA: Final = pl.Schema(
    {
        "recorded_as_of": pl.Date(),
        "as_of": pl.Date(),
        "member_no": pl.Int32(),
        "action": pl.String(),
        "kind": pl.String(),
        "revision": pl.Int32(),
        "arm": pl.String(),
        "channel": pl.String(),
        "score": pl.Float64(),
        "expected_gain": pl.Float64(),
        "holdout_share": pl.Float64(),
        "overall_holdout_share": pl.Float64(),
        "why": pl.String(),
        "cluster": pl.String(),
        "contacted_on": pl.Date(),
        "outcome": pl.Float64(),
        "outcome_before": pl.Float64(),
        "returned": pl.Float64(),
        "spent": pl.Float64(),
        "spent_before": pl.Float64(),
    }
)
_KEY: Final = ("as_of", "member_no", "action", "kind")
_SAID: Final = tuple(name for name in LEDGER_SCHEMA if name not in (*_KEY, "recorded_as_of", "revision"))
_ARMS_STORED: Final = pl.Schema({NIGHT: pl.Date(), **ARMS_SCHEMA})


def read_ledger(lake: Lake, *, before: date | None = None, kind: str | None = None, member_no: int | None = None) -> pl.DataFrame:
    """Read the newest revision of each row, sorted by its key; columns of `LEDGER_SCHEMA`.

    Args:
        lake: The lake.
        before: Only what nights before this one recorded; None for everything.
        kind: decision, contact or outcome; None for all.
        member_no: The member; None for all.
    """
    rows = lake.scan_or_empty(LEDGER, LEDGER_SCHEMA)
    if before is not None:
        rows = rows.filter(pl.col("recorded_as_of") < before)
    if kind is not None:
        rows = rows.filter(pl.col("kind") == kind)
    if member_no is not None:
        rows = rows.filter(pl.col("member_no") == member_no)
    newest = rows.collect().sort(*_KEY, "revision").unique(list(_KEY), keep="last", maintain_order=True)
    return newest.select(list(LEDGER_SCHEMA))


def read_decisions(lake: Lake, *, before: date) -> pl.DataFrame:
    """Read the decisions of the nights before one: one row per night, member and action; columns of `DECISIONS_SCHEMA`."""
    decisions = read_ledger(lake, before=before, kind=DECISION).filter(pl.col("arm") != WITHDRAWN, pl.col("as_of") < before)
    return decisions.select(list(DECISIONS_SCHEMA))


def read_arms(lake: Lake, *, before: date) -> pl.DataFrame:
    """Read the arms that nights before one have frozen: one row per member and action, the earliest; columns of `ARMS_SCHEMA`."""
    frozen = lake.scan_or_empty(HOLDOUTS, _ARMS_STORED).filter(pl.col(NIGHT) < before)
    # A night that is run later for an earlier day may consider a member first: the arm of the earliest night counts.
    return (
        frozen.collect()
        .sort(NIGHT, "member_no", "action")
        .unique(["member_no", "action"], keep="first", maintain_order=True)
        .select(list(ARMS_SCHEMA))
    )


def record_night(lake: Lake, *, as_of: date, decided: pl.DataFrame, arms: pl.DataFrame, observed: pl.DataFrame) -> int:
    """Record a night in the ledger, and freeze the arms of whom it considered first; recording it again changes nothing.

    Args:
        lake: The lake.
        as_of: The night.
        decided: One row per member chosen, as `Decisions.chosen`.
        arms: One row per member and action considered first; columns of `ARMS_SCHEMA`.
        observed: Contacts and outcomes of earlier decisions: as_of, member_no, action, kind and what is known of them.

    Returns:
        The number of rows added to the ledger.
    """
    _freeze(lake, arms, as_of)
    known = read_ledger(lake)
    decisions = decided.select(pl.all(), as_of=pl.lit(as_of), kind=pl.lit(DECISION))
    # Two members may be chosen for one action only; a member for one action: the key is unique within the night.
    tonight = pl.concat([_complete(decisions), _complete(observed)])
    before = known.filter((pl.col("as_of") == as_of) & (pl.col("kind") == DECISION) & (pl.col("arm") != WITHDRAWN))
    gone = before.join(tonight, on=list(_KEY), how="anti").with_columns(arm=pl.lit(WITHDRAWN))
    changed = _changed(pl.concat([tonight, gone.select(tonight.columns)]), known)
    rows = changed.with_columns(recorded_as_of=pl.lit(as_of)).select(pl.col(n).cast(t) for n, t in LEDGER_SCHEMA.items())
    # One commit: a run that is killed has recorded all of the night or nothing, and the next one adds what is missing.
    lake.append(LEDGER, rows.sort(*_KEY))
    return rows.height


def _freeze(lake: Lake, arms: pl.DataFrame, as_of: date) -> None:
    """Add arms to those that the night has frozen already, which stay as they are."""
    frozen = lake.scan_or_empty(HOLDOUTS, _ARMS_STORED).filter(pl.col(NIGHT) == as_of).select(list(_ARMS_STORED)).collect()
    drawn = arms.select(pl.lit(as_of).alias(NIGHT), *ARMS_SCHEMA).join(frozen, on=["member_no", "action"], how="anti")
    # Without new ones nothing is written: that would add a version each time the night is run.
    if drawn.height:
        store_night(lake, HOLDOUTS, pl.concat([frozen, drawn]).sort("member_no", "action"), as_of)


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    columns = [name for name in LEDGER_SCHEMA if name not in ("recorded_as_of", "revision")]
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(LEDGER_SCHEMA[name]).alias(name) for name in columns
    )


def _changed(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that say something else than the newest revision, with the next revision."""
    joined = rows.join(known.select(*_KEY, *_SAID, "revision"), on=list(_KEY), how="left", suffix="_known", maintain_order="left")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_known")) for name in _SAID)
    differs = pl.col("revision").is_null() | ~same
    return joined.filter(differs).with_columns(revision=pl.col("revision").fill_null(0) + 1).select(*rows.columns, "revision")
