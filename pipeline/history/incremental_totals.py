"""Incremental totals in the lake: update last night's totals to tonight and store them for the next night.

The stored totals are a cache: if they are missing, incomplete or written by other code, they are recomputed from the daily
rollups.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

import polars as pl
from deltalake.exceptions import DeltaError

from features.history import DAILY_SCHEMA, TIES_SCHEMA, History, SeenHistory, cut
from features.incremental.totals import IncrementalTotals, can_update, compute_totals, update_totals
from lake.contracts import DAILY, TIES
from lake.storage.delta import Lake
from pipeline.history.consent import consenting, numbers_not_profiled
from pipeline.history.materialise import materialise_if_small
from runtime.os_errors import cores
from runtime.run_context import code_hash

# Stored beside the totals: consent may change while both rollups keep their versions.
_NOT_PROFILED: Final = "not_profiled"
_STORED: Final = ("sums", "active", "purchases", "last_scores", "people", _NOT_PROFILED)
TOTALS_TABLES: Final = {name: f"running_{name}" for name in _STORED}


@dataclass(frozen=True)
class _StoredTotals:
    """Totals stored by an earlier run, with what they were computed from.

    Args:
        totals: The totals.
        daily_version: Delta version of the daily rollups.
        ties_version: Delta version of the ties.
        not_profiled: `member_no` of the members who were left out.
    """

    totals: IncrementalTotals
    daily_version: int
    ties_version: int
    not_profiled: pl.Series


def update_stored_totals(lake: Lake, *, as_of: date, max_rows_in_memory: int) -> IncrementalTotals:
    """Return the totals as of a night; read only the days that entered, left or changed where that is possible.

    The totals are stored for the next night unless `as_of` is older than the stored ones.

    Args:
        lake: The lake with its rollups up to date.
        as_of: The night.
        max_rows_in_memory: Limit on the rows of the rollups that are materialised when the totals are recomputed.
    """
    stored, not_profiled = _read_stored(lake), numbers_not_profiled(lake)
    if stored is not None and stored.totals.as_of == as_of and _is_current(stored, lake, not_profiled):
        return stored.totals
    seen = _cut_history(lake, as_of, not_profiled)
    totals = None if stored is None else _update_or_none(lake, seen, stored, not_profiled)
    if totals is None:
        totals = compute_totals(materialise_if_small(seen, lake, max_rows=max_rows_in_memory), threads=cores())
    # A past night is computed once and never continued: storing it would cost the next night its incremental update.
    if stored is None or as_of >= stored.totals.as_of:
        _store(lake, totals, not_profiled)
    return totals


def first_days(lake: Lake, *, as_of: date) -> pl.LazyFrame:
    """Scan the first day of each member in the rollups by `as_of`, members who may not be profiled left out.

    One row per member_no: `member_no`, `first_date`. The stored totals answer where they are of exactly this state of the
    lake, which saves a scan of all days; otherwise the daily rollups are scanned.
    """
    not_profiled = numbers_not_profiled(lake)
    if _stored_provenance(lake) == _current_provenance(lake, as_of) and _stored_not_profiled(lake).equals(not_profiled):
        days = lake.scan(TOTALS_TABLES["sums"]).select("member_no", "first_date")
    else:
        days = _cut_history(lake, as_of, not_profiled).daily.select("member_no", pl.col("event_date").alias("first_date"))
    return days.group_by("member_no").agg(pl.col("first_date").min())


def _is_current(stored: _StoredTotals, lake: Lake, not_profiled: pl.Series) -> bool:
    versions = (stored.daily_version, stored.ties_version) == (lake.version(DAILY), lake.version(TIES))
    return versions and stored.not_profiled.equals(not_profiled)


def _update_or_none(lake: Lake, seen: SeenHistory, stored: _StoredTotals, not_profiled: pl.Series) -> IncrementalTotals | None:
    """Update stored totals; return None when they are too old or when versions of the rollups in between are gone."""
    if not can_update(stored.totals.as_of, seen.as_of):
        return None
    try:
        daily_before, ties_before = consenting(
            lake.scan(DAILY, version=stored.daily_version),
            lake.scan(TIES, version=stored.ties_version),
            not_profiled=stored.not_profiled,
        )
        # The old rows of a changed day are subtracted and the new ones added, so both versions of the rollups are needed.
        changed = lake.days_changed(DAILY, since_version=stored.daily_version)
        changed |= lake.days_changed(TIES, since_version=stored.ties_version)
        to_recompute = _members_to_recompute(lake, stored.not_profiled, not_profiled)
        # Later days are not in these totals, before or after.
        changed = {day for day in changed if day <= seen.as_of}
        return update_totals(
            stored.totals,
            seen,
            before=daily_before,
            ties_before=ties_before,
            changed=changed,
            recompute=to_recompute,
            threads=cores(),
        )
    except (DeltaError, FileNotFoundError, pl.exceptions.ComputeError):
        # Retention or an erasure has removed the old version's files. Polars reports that only while it collects.
        return None


def _members_to_recompute(lake: Lake, before: pl.Series, now: pl.Series) -> pl.Series:
    """Return the members whose consent changed, and the members who received something from them.

    The changed days do not show them: a change of consent changes no rollup, but it changes what of the rollups counts.
    """
    changed = pl.concat([before.filter(~before.is_in(now.implode())), now.filter(~now.is_in(before.implode()))])
    if changed.is_empty():
        return changed
    ties_given = lake.scan(TIES).filter(pl.col("member_no").is_in(changed.implode()))
    receivers = ties_given.select(pl.col("other_no").alias("member_no").unique()).collect(engine="streaming")["member_no"]
    return pl.concat([changed, receivers]).unique()


def _cut_history(lake: Lake, as_of: date, not_profiled: pl.Series) -> SeenHistory:
    daily, ties = consenting(
        lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA), not_profiled=not_profiled
    )
    # Totals are computed from activity alone; members only enter when features are made of them.
    no_members = pl.LazyFrame(schema={"member_no": pl.Int32, "seen_from": pl.Date, "joined_date": pl.Date})
    return cut(History(no_members, daily, ties, available=frozenset(), event_types=()), as_of)


def _read_stored(lake: Lake) -> _StoredTotals | None:
    """Read the stored totals; None when there are none, when they are of several runs, or when other code wrote them."""
    provenance = _stored_provenance(lake)
    if provenance is None or provenance["counted_by"] != _totals_code_hash():
        return None
    frames = {name: lake.scan(table).collect() for name, table in TOTALS_TABLES.items() if name != _NOT_PROFILED}
    totals = IncrementalTotals(date.fromisoformat(provenance["as_of"]), **frames)
    return _StoredTotals(totals, int(provenance["daily_version"]), int(provenance["ties_version"]), _stored_not_profiled(lake))


def _stored_not_profiled(lake: Lake) -> pl.Series:
    return lake.scan(TOTALS_TABLES[_NOT_PROFILED]).collect()["member_no"]


def _stored_provenance(lake: Lake) -> dict[str, Any] | None:
    """Return what the stored totals were computed from; None when not all tables were written by one run.

    Each table is a commit of its own: a run that died between two commits leaves tables with different metadata.
    """
    if not all(lake.exists(table) for table in TOTALS_TABLES.values()):
        return None
    by_table = [lake.metadata(table) for table in TOTALS_TABLES.values()]
    return by_table[0] if by_table[0] and all(others == by_table[0] for others in by_table) else None


def _current_provenance(lake: Lake, as_of: date) -> dict[str, Any]:
    return {
        "as_of": as_of.isoformat(),
        "daily_version": lake.version(DAILY),
        "ties_version": lake.version(TIES),
        "counted_by": _totals_code_hash(),
    }


def _store(lake: Lake, totals: IncrementalTotals, not_profiled: pl.Series) -> None:
    # The same metadata in every commit: it is what `_stored_provenance` recognises a complete set by.
    provenance = _current_provenance(lake, totals.as_of)
    for name, frame in {**totals.frames(), _NOT_PROFILED: not_profiled.to_frame("member_no")}.items():
        lake.replace(TOTALS_TABLES[name], frame, metadata=provenance)


@cache
def _totals_code_hash() -> str:
    """Return the hash of the code that defines what the totals mean; stored totals of other code are discarded."""
    return code_hash(rooms=("features",))
