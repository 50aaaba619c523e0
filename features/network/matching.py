"""Ids of communities that stay the same from night to night: who is in a community decides which one of yesterday's it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

GROUP_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "group_id": pl.String(), "community_id": pl.String()})
# A community has come into, or come out of, another one with at least this share of its members who are in both nights.
_LARGE_PART: Final = 0.3


MERGED: Final = "merged"
SPLIT: Final = "split"
BORN: Final = "born"
DIED: Final = "died"
CHANGES: Final = (MERGED, SPLIT, BORN, DIED)


@dataclass(frozen=True)
class Change:
    """What became of communities since the night before.

    Args:
        what: One of `CHANGES`: several became one, one became several, a new one, one that is gone.
        before: Ids of the night before, sorted.
        after: Ids of tonight, sorted.
    """

    what: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def match_ids(
    tonight: pl.DataFrame, before: pl.DataFrame, *, as_of: date, carried_on: Mapping[int, str] | None = None
) -> pl.DataFrame:
    """Give each group the id of the one of the night before with which it shares the most members, or a new one.

    One row per row of `tonight`, sorted by member_no: member_no, group_id. A new id is made of the night and a number, the
    largest group first, so that no id is used twice. No two groups have one id: of those that share members with it, the one
    that shares the most has it. To have it, a group has to share more than half of the smaller of the two, of members who are
    in both nights.

    Args:
        tonight: One row per member_no: group, any number.
        before: One row per member_no: group_id of the night before.
        as_of: The night.
        carried_on: Group → id, where it is known which groups of the night before were carried on.
    """
    ids = _matched(tonight, before) if carried_on is None else {}
    carried = {} if carried_on is None else carried_on
    ids |= {group: carried[group] for group in tonight["group"].unique() if group in carried}
    sizes = (
        tonight.filter(~pl.col("group").is_in(list(ids))).group_by("group").agg(size=pl.len(), first=pl.col("member_no").min())
    )
    new = sizes.sort("size", "first", descending=[True, False])["group"]
    ids |= {group: f"{as_of.isoformat()}-{number}" for number, group in enumerate(new, start=1)}
    named = tonight.select("member_no", group_id=pl.col("group").replace_strict(ids, return_dtype=pl.String))
    return named.sort("member_no")


def _matched(tonight: pl.DataFrame, before: pl.DataFrame) -> dict[int, str]:
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for group, group_id in _shared(tonight, before).iter_rows():
        if group not in ids and group_id not in taken:
            ids[group] = group_id
            taken.add(group_id)
    return ids


def with_communities(groups: pl.DataFrame, before: pl.DataFrame, *, fewest: int) -> pl.DataFrame:
    """Add `community_id`: the id of the group where it is large enough to be called a community, else null.

    One row per row of `groups`; columns of `GROUP_SCHEMA`. A group that was a community the night before stays one down to half
    the size, so that it does not come and go with one member.

    Args:
        groups: One row per member_no: group_id.
        before: Columns of `GROUP_SCHEMA` of the night before.
        fewest: The fewest members of a community.
    """
    was_one = before["community_id"].drop_nulls().unique()
    least = pl.when(pl.col("group_id").is_in(was_one.implode())).then(-(-fewest // 2)).otherwise(fewest)
    is_one = pl.len().over("group_id") >= least
    return groups.with_columns(community_id=pl.when(is_one).then("group_id")).select(GROUP_SCHEMA.names()).cast(GROUP_SCHEMA)


def find_changes(tonight: pl.DataFrame, before: pl.DataFrame) -> tuple[Change, ...]:
    """Find what became of the communities: births, deaths, merges and splits; none on a first night.

    Args:
        tonight: One row per member_no: community_id.
        before: The same of the night before.
    """
    if before.is_empty():
        return ()
    pairs = _flows(tonight, before)
    into: Mapping[str, Sequence[str]] = _grouped(pairs.filter(pl.col("of_before") >= _LARGE_PART), "after", "before")
    out_of: Mapping[str, Sequence[str]] = _grouped(pairs.filter(pl.col("of_after") >= _LARGE_PART), "before", "after")
    merged = [Change(MERGED, tuple(old), (new,)) for new, old in into.items() if len(old) > 1]
    split = [Change(SPLIT, (old,), tuple(new)) for old, new in out_of.items() if len(new) > 1]
    told = {one for change in (*merged, *split) for one in (*change.before, *change.after)}
    now, then = set(tonight["community_id"]), set(before["community_id"])
    born = [Change(BORN, (), (one,)) for one in sorted(now - then - told)]
    died = [Change(DIED, (one,), ()) for one in sorted(then - now - told)]
    return (*merged, *split, *born, *died)


def _shared(tonight: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return group and group_id of pairs that share more than half of the smaller one, those that share the most first."""
    both = tonight.join(before, on="member_no")
    shared = both.group_by("group", "group_id").agg(shared=pl.len(), first=pl.col("member_no").min())
    smaller = pl.min_horizontal(pl.col("shared").sum().over("group"), pl.col("shared").sum().over("group_id"))
    return (
        shared.with_columns(smaller=smaller)
        .filter(pl.col("shared") * 2 > pl.col("smaller"))
        .sort("shared", "smaller", "first", descending=[True, False, False])
        .select("group", "group_id")
    )


def _flows(tonight: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return one row per pair of ids with common members: their share of those of the one and of the other."""
    both = tonight.rename({"community_id": "after"}).join(before.rename({"community_id": "before"}), on="member_no")
    shared = both.group_by("before", "after").agg(shared=pl.len())
    return shared.with_columns(
        of_before=pl.col("shared") / pl.col("shared").sum().over("before"),
        of_after=pl.col("shared") / pl.col("shared").sum().over("after"),
    ).sort("before", "after")


def _grouped(pairs: pl.DataFrame, by: str, of: str) -> dict[str, list[str]]:
    return dict(pairs.group_by(by).agg(pl.col(of).sort()).sort(by).iter_rows())
