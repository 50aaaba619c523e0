"""The running totals in the lake: last night's are carried to tonight, and tonight's are kept for tomorrow.

They are a cache: whatever is missing, of other code or half-written is counted anew from the daily rollups.
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

_NOT_PROFILED: Final = "not_profiled"
_KEPT: Final = ("sums", "active", "purchases", "last_scores", "people", _NOT_PROFILED)
TOTALS_TABLES: Final = {name: f"running_{name}" for name in _KEPT}


@dataclass(frozen=True)
class _Held:
    """Totals of an earlier run, and what they were counted from: versions of the rollups, and who was left out."""

    totals: IncrementalTotals
    daily_version: int
    ties_version: int
    not_profiled: pl.Series


def update_stored_totals(lake: Lake, *, as_of: date, max_rows_in_memory: int) -> IncrementalTotals:
    """Bring the running totals to a night, reading only the days that moved or changed where that is possible.

    Args:
        lake: The lake with its rollups up to date.
        as_of: The night.
        max_rows_in_memory: Rows of the rollups that may be held to count them from the beginning.
    """
    held, not_profiled = _held(lake), numbers_not_profiled(lake)
    if held is not None and held.totals.as_of == as_of and _is_current(held, lake, not_profiled):
        return held.totals
    seen = _seen(lake, as_of, not_profiled)
    totals = None if held is None else _updated(lake, seen, held, not_profiled)
    if totals is None:
        totals = compute_totals(materialise_if_small(seen, lake, max_rows=max_rows_in_memory), threads=cores())
    # A past night is looked at once; the totals that are kept are those of the newest.
    if held is None or as_of >= held.totals.as_of:
        _keep(lake, totals, not_profiled)
    return totals


def first_days(lake: Lake, *, as_of: date) -> pl.LazyFrame:
    """One row per member_no with anything in the rollups by `as_of`, but for those who may not be profiled: `first_date`."""
    not_profiled = numbers_not_profiled(lake)
    if _facts(lake) == _facts_of(lake, as_of) and _kept_not_profiled(lake).equals(not_profiled):
        days = lake.scan(TOTALS_TABLES["sums"]).select("member_no", "first_date")
    else:
        days = _seen(lake, as_of, not_profiled).daily.select("member_no", pl.col("event_date").alias("first_date"))
    return days.group_by("member_no").agg(pl.col("first_date").min())


def _is_current(held: _Held, lake: Lake, not_profiled: pl.Series) -> bool:
    versions = (held.daily_version, held.ties_version) == (lake.version(DAILY), lake.version(TIES))
    return versions and held.not_profiled.equals(not_profiled)


def _updated(lake: Lake, seen: SeenHistory, held: _Held, not_profiled: pl.Series) -> IncrementalTotals | None:
    """Carry what is held; None when it cannot be, because it is too old or the versions between are gone."""
    if not can_update(held.totals.as_of, seen.as_of):
        return None
    try:
        before, ties_before = consenting(
            lake.scan(DAILY, version=held.daily_version),
            lake.scan(TIES, version=held.ties_version),
            not_profiled=held.not_profiled,
        )
        changed = lake.days_changed(DAILY, since_version=held.daily_version)
        changed |= lake.days_changed(TIES, since_version=held.ties_version)
        anew = _touched_by_consent(lake, held.not_profiled, not_profiled)
        changed = {day for day in changed if day <= seen.as_of}
        return update_totals(
            held.totals, seen, before=before, ties_before=ties_before, changed=changed, recompute=anew, threads=cores()
        )
    except (DeltaError, FileNotFoundError, pl.exceptions.ComputeError):
        return None


def _touched_by_consent(lake: Lake, before: pl.Series, now: pl.Series) -> pl.Series:
    """Members who said otherwise than before, and those who received something from them."""
    otherwise = pl.concat([before.filter(~before.is_in(now.implode())), now.filter(~now.is_in(before.implode()))])
    if otherwise.is_empty():
        return otherwise
    given = lake.scan(TIES).filter(pl.col("member_no").is_in(otherwise.implode()))
    reached = given.select(pl.col("other_no").alias("member_no").unique()).collect(engine="streaming")["member_no"]
    return pl.concat([otherwise, reached]).unique()


def _seen(lake: Lake, as_of: date, not_profiled: pl.Series) -> SeenHistory:
    daily, ties = consenting(
        lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA), not_profiled=not_profiled
    )
    nobody = pl.LazyFrame(schema={"member_no": pl.Int32, "seen_from": pl.Date, "joined_date": pl.Date})
    return cut(History(nobody, daily, ties, available=frozenset(), event_types=()), as_of)


def _held(lake: Lake) -> _Held | None:
    """The totals as they were kept; None when there are none, or not all of them are of one run and of this code."""
    facts = _facts(lake)
    if facts is None or facts["counted_by"] != _code():
        return None
    frames = {name: lake.scan(table).collect() for name, table in TOTALS_TABLES.items() if name != _NOT_PROFILED}
    totals = IncrementalTotals(date.fromisoformat(facts["as_of"]), **frames)
    return _Held(totals, int(facts["daily_version"]), int(facts["ties_version"]), _kept_not_profiled(lake))


def _kept_not_profiled(lake: Lake) -> pl.Series:
    return lake.scan(TOTALS_TABLES[_NOT_PROFILED]).collect()["member_no"]


def _facts(lake: Lake) -> dict[str, Any] | None:
    """What the kept totals were counted from; None when they are not all of one run."""
    if not all(lake.exists(table) for table in TOTALS_TABLES.values()):
        return None
    kept = [lake.metadata(table) for table in TOTALS_TABLES.values()]
    return kept[0] if kept[0] and all(others == kept[0] for others in kept) else None


def _facts_of(lake: Lake, as_of: date) -> dict[str, Any]:
    return {
        "as_of": as_of.isoformat(),
        "daily_version": lake.version(DAILY),
        "ties_version": lake.version(TIES),
        "counted_by": _code(),
    }


def _keep(lake: Lake, totals: IncrementalTotals, not_profiled: pl.Series) -> None:
    facts = _facts_of(lake, totals.as_of)
    for name, frame in {**totals.frames(), _NOT_PROFILED: not_profiled.to_frame("member_no")}.items():
        lake.replace(TOTALS_TABLES[name], frame, metadata=facts)


@cache
def _code() -> str:
    """What the totals mean follows from the code that counts them."""
    return code_hash(rooms=("features",))
