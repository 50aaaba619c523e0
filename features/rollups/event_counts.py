"""Counts of events by day, member and type, and of interactions between members, computed by sorting packed keys.

An event becomes one integer whose bits are day, member, activity and part of the day. Sorted, all events of a day and member are
adjacent in the order of the rollups, and one pass counts the runs of equal keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from features.history import DAILY_SCHEMA, EVENT_PREFIX, TIES_SCHEMA
from features.incremental.packed_keys import KeyPacking, Keys, run_starts, sorted_keys

DAY_PARTS: Final = ("n_night", "n_morning", "n_afternoon", "n_evening")
HOURS_PER_DAY_PART: Final = 6
_RECEIVED: Final = "received"
_NAMES: Final = ("event_date", "member_no", "activity")
_COUNTS: Final = [name for name in DAILY_SCHEMA if name not in _NAMES]
_EVENTS_AT_ONCE: Final = 1_000_000


def count_events(
    events: pl.LazyFrame, content: pl.LazyFrame | None, others: pl.DataFrame, *, member_index: pl.LazyFrame, timezone: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Count events by day, member and type, and the interactions that other members received.

    Args:
        events: Landed events.
        content: Landed content, whose authors are reached by events about it; None without a content table.
        others: Rows of the rollup that are not computed from events; they are merged into the result.
        member_index: One row per member: member_no, member_id.
        timezone: The community's timezone, which decides hours.

    Returns:
        The daily rollup and the ties, sorted, with the columns of `features.rollups.daily.Rollups`.
    """
    types = events.select(pl.col("event_type").unique()).collect(engine="streaming").to_series().drop_nulls()
    activities = sorted({f"{EVENT_PREFIX}{name}" for name in types} | {_RECEIVED} | set(others["activity"].unique()))
    rank = {name: position for position, name in enumerate(activities)}
    own_events = _own_events(events, member_index, rank, timezone)
    reached = pl.concat(
        [
            _reached(own_events.lazy()),
            *([] if content is None else [_reached_through_content(events, content, member_index, timezone)]),
        ]
    )
    received = reached.collect(engine="streaming")
    # Days count from the first one, which leaves more of the 64 bits to the other fields.
    days = pl.concat([own_events["day"], others["event_date"].to_physical()])
    first = int(days.min() or 0)  # type: ignore[arg-type]
    largest_no = member_index.select(pl.col("member_no").max().fill_null(0)).collect().item()
    largest = {"day": int(days.max() or 0) - first, "member_no": largest_no}  # type: ignore[arg-type]
    packing = KeyPacking.for_largest(**largest, activity=len(activities) - 1, part=len(DAY_PARTS) - 1)
    keys = _keys(own_events, received, packing, first=first, received_rank=rank[_RECEIVED])
    others = _with_keys(others, packing, rank, first=first)
    daily = pl.concat(
        [_with_unpacked_keys(part, packing, activities, first=first) for part in _count_slices(keys, others, packing)]
    )
    return daily, _ties(received, KeyPacking.for_largest(**largest, other_no=largest_no), first=first)


def _own_events(events: pl.LazyFrame, members: pl.LazyFrame, rank: dict[str, int], timezone: str) -> pl.DataFrame:
    """Return one row per event of a member: day, member_no, activity (its rank), part (of the day), other_no (null: none)."""
    ranks = {name.removeprefix(EVENT_PREFIX): position for name, position in rank.items() if name.startswith(EVENT_PREFIX)}
    targets = members.select(pl.col("member_no").alias("other_no"), pl.col("member_id").alias("target_member_id"))
    return (
        events.select("event_date", "member_id", "event_type", "occurred_at", "target_member_id")
        .join(members, on="member_id")
        .join(targets, on="target_member_id", how="left")
        .select(
            _day(),
            "member_no",
            _part("occurred_at", timezone),
            "other_no",
            activity=pl.col("event_type").replace_strict(ranks, return_dtype=pl.UInt32),
        )
        .collect(engine="streaming")
    )


def _reached(events: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row per event that reaches another member: day, member_no, other_no, part."""
    return events.filter(pl.col("other_no") != pl.col("member_no")).select("day", "member_no", "other_no", "part")


def _reached_through_content(events: pl.LazyFrame, content: pl.LazyFrame, members: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
    """Return the same for events about another member's content, which reach its author."""
    pieces = content.select("content_id", "author_id", pl.col("event_date").alias("published_date"))
    authors = members.select(pl.col("member_no").alias("other_no"), pl.col("member_id").alias("author_id"))
    # An event that names the author as its target is counted already.
    about = events.join(pieces, on="content_id").filter(
        pl.col("published_date") <= pl.col("event_date"), pl.col("author_id").ne_missing(pl.col("target_member_id"))
    )
    with_members = about.join(members, on="member_id").join(authors, on="author_id")
    return _reached(with_members.select(_day(), "member_no", "other_no", _part("occurred_at", timezone)))


def _keys(own_events: pl.DataFrame, received: pl.DataFrame, packing: KeyPacking, *, first: int, received_rank: int) -> Keys:
    day, part = pl.col("day") - first, pl.col("part")
    frames = [
        own_events.lazy().select(packing.pack(day=day, member_no=pl.col("member_no"), activity=pl.col("activity"), part=part)),
        received.lazy().select(
            packing.pack(day=day, member_no=pl.col("other_no"), activity=pl.lit(received_rank), part=part).alias("day")
        ),
    ]
    return sorted_keys(pl.concat(frames), pl.all())


def _with_keys(others: pl.DataFrame, packing: KeyPacking, rank: dict[str, int], *, first: int) -> pl.DataFrame:
    """Return rows of the rollup with a key, part of the day 0, instead of day, member and activity; sorted by it."""
    key = packing.pack(
        day=pl.col("event_date").to_physical() - first,
        member_no=pl.col("member_no"),
        activity=pl.col("activity").replace_strict(rank, return_dtype=pl.UInt32),
        part=pl.lit(0),
    )
    return others.select(_COUNTS, key=key).sort("key")


def _count_slices(keys: Keys, others: pl.DataFrame, packing: KeyPacking) -> Iterator[pl.DataFrame]:
    """Yield frames of one row per day, member and activity in the sorted keys and in `others`: `key` and counts, sorted."""
    begin = 0
    other_keys = others["key"].to_numpy()
    while begin < len(keys) or not begin:
        # Slice by slice, because counting is several times slower on arrays that do not fit into the processor's cache.
        end = packing.end_of_group(keys, min(begin + _EVENTS_AT_ONCE, len(keys)) - 1, "activity") if len(keys) else 0
        next_key = keys[end] if end < len(keys) else None
        last_other = len(other_keys) if next_key is None else int(np.searchsorted(other_keys, next_key))
        first_other = 0 if not begin else int(np.searchsorted(other_keys, keys[begin]))
        counted = _count(keys[begin:end], packing)
        yield (
            counted.merge_sorted(others[first_other:last_other].select(counted.columns), key="key")
            if last_other > first_other
            else counted
        )
        begin = max(end, 1)


def _count(keys: Keys, packing: KeyPacking) -> pl.DataFrame:
    runs = run_starts(keys)
    distinct_keys = keys[runs]
    group = packing.prefix(distinct_keys, "activity")
    is_first = np.diff(group, prepend=~group[:1]) != 0
    key = (group[is_first] << np.uint64(packing.widths["part"])).astype(np.uint64, copy=False)
    # A run is one part of the day of one group, so each run has a cell of its own and plain assignment suffices.
    parts = np.zeros((len(key), len(DAY_PARTS)), dtype=np.int32)
    cell = (np.cumsum(is_first) - 1) * len(DAY_PARTS) + packing.field(distinct_keys, "part")
    parts.reshape(-1)[cell] = np.diff(runs, append=len(keys))
    counts = {name: parts[:, number].copy() for number, name in enumerate(DAY_PARTS)}
    return pl.DataFrame(
        {"key": key, "n": parts.sum(axis=1, dtype=np.int32), **counts, "amount_minor": np.zeros(len(key), np.int64)}
    )


def _with_unpacked_keys(counted: pl.DataFrame, packing: KeyPacking, activities: list[str], *, first: int) -> pl.DataFrame:
    """Return the rollup's columns instead of the packed key."""
    keys = counted["key"].to_numpy()
    day, member_no, activity = (packing.field(keys, name) for name in ("day", "member_no", "activity"))
    return counted.select(
        pl.Series("event_date", (day + first).astype(np.int32)).cast(pl.Date),
        pl.Series("member_no", member_no.astype(np.int32)),
        pl.Series("activity", activities, dtype=pl.String).gather(activity),
        *_COUNTS,
    )


def _ties(received: pl.DataFrame, packing: KeyPacking, *, first: int) -> pl.DataFrame:
    fields = {"day": pl.col("day") - first, "member_no": pl.col("member_no"), "other_no": pl.col("other_no")}
    keys = sorted_keys(received.lazy(), packing.pack(**fields))
    begins = run_starts(keys)
    columns = {name: packing.field(keys[begins], name) for name in packing.widths}
    ties = pl.DataFrame({**columns, "n": np.diff(begins, append=len(keys))}).with_columns(_date_of("day", first))
    return ties.rename({"day": "event_date"}).select(TIES_SCHEMA.keys()).cast(TIES_SCHEMA)


def _day() -> pl.Expr:
    return pl.col("event_date").to_physical().alias("day")


def _date_of(column: str, first: int) -> pl.Expr:
    return (pl.col(column) + first).cast(pl.Int32).cast(pl.Date).alias(column)


def _part(at: str, timezone: str) -> pl.Expr:
    return (pl.col(at).dt.convert_time_zone(timezone).dt.hour() // HOURS_PER_DAY_PART).alias("part")
