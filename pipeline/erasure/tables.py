"""Taking members out of the lake: their own rows go, other members' rows lose the reference, nothing else changes.

Rows the member owns are removed and count as left out, so the counting identity holds. Another member's row that refers to
the member (who was spoken to, who referred them) is that member's own and stays without the reference. A piece of content
stays without author and title, because what others did with it is theirs and must not break; `docs/decisions/0012` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from lake.arrivals import (
    ARRIVALS,
    MEMBERS_PARTS,
    ORDERS_PARTS,
    REFUSALS,
    RETIRED,
    move_counts,
    read_arrivals,
    record,
    undo_unrecorded,
)
from lake.contracts import PROVENANCE, TABLES, Table
from lake.member_index import MEMBER_INDEX, scan_member_index
from lake.quarantine import QUARANTINE, READMITTED, read_quarantine, write_quarantine
from lake.record_parts import BY_FILE, BY_SOURCE, remove_orphaned_parts
from lake.storage.delta import Lake
from pipeline.erasure.id_matcher import json_lines
from pipeline.erasure.id_matchers import IdMatchers

_OWNERS: Final = ("member_id", "member_no", "other_no")
_REFERENCES: Final = ("referrer_id", "target_member_id", "author_id")
_AUTHOR: Final = "author_id"
# Behind the name of its source, where there is one.
_DERIVED_KEY: Final = r"(^|:)[0-9a-f]{32}$"
_FILES: Final = ("source", "source_file", "retired_by_file")
_BEHIND_RECORDS: Final = (MEMBERS_PARTS, ORDERS_PARTS, REFUSALS, RETIRED)


@dataclass(frozen=True)
class Taken:
    """What was taken out of one table.

    Args:
        table: Its name.
        rows: Rows removed.
        values: Single values blanked in rows that stayed.
    """

    table: str
    rows: int
    values: int


def erase_landed(lake: Lake, matchers: IdMatchers, *, masks: Mapping[str, str]) -> list[Taken]:
    """Take members out of the landed tables, the quarantine and the ledger, and record where their rows went.

    Killed before the end, the lake is as it was: the next run, of this or of a night, takes back what was not recorded.

    Args:
        lake: The lake, with nobody else writing to it.
        matchers: The members.
        masks: Member → what stands for them in paths of exports.

    Returns:
        What changed, tables without a change left out.
    """
    undo_unrecorded(lake)
    ledger = read_arrivals(lake)
    taken: list[Taken] = []
    for name, table in TABLES.items():
        if not lake.exists(name):
            continue
        edit = _LandedEdit(table, matchers, masks, referred=_content_referred_to(lake) if name == "content" else None)
        _rewrite(lake, name, edit.touches, edit)
        gone = dict(sorted(edit.gone.items()))
        ledger = move_counts(ledger, count="landed", changes={arrival: -rows for arrival, rows in gone.items()})
        ledger = move_counts(ledger, count="left_out", changes=gone)
        taken.append(Taken(name, sum(gone.values()), edit.values))
    ledger, behind = _erase_behind(lake, ledger, matchers, masks)
    taken += behind
    ledger, from_quarantine = _erase_quarantined(lake, ledger, matchers, masks)
    renamed = ledger
    for column in ("path", "source", "key_prefix"):
        renamed = _masked(renamed, column, matchers, masks)
    found = Taken(ARRIVALS, 0, int((renamed["path"] != ledger["path"]).sum()))
    taken = [one for one in (*taken, from_quarantine, found) if one.rows or one.values]
    if taken:
        record(lake, renamed)
    return taken


def erase_derived(lake: Lake, matchers: IdMatchers) -> list[Taken]:
    """Take members out of everything made from the landed tables, the index of members last.

    Killed before the end, it finishes when run again.
    """
    theirs = pl.col("member_id").is_in(matchers.ids)
    numbers = set(scan_member_index(lake).filter(theirs).collect()["member_no"])
    taken = []
    for name in lake.tables:
        if name in TABLES or name in (QUARANTINE, ARRIVALS, MEMBER_INDEX, *_BEHIND_RECORDS):
            continue
        edit = _DerivedEdit(matchers, numbers, day=lake.day_column(name))
        _rewrite(lake, name, edit.touches, edit)
        taken.append(Taken(name, edit.rows, edit.values))
    if numbers:
        kept = scan_member_index(lake).filter(~theirs).collect().sort("member_no")
        lake.replace(MEMBER_INDEX, kept)
        taken.append(Taken(MEMBER_INDEX, len(numbers), 0))
    return [one for one in taken if one.rows or one.values]


class _LandedEdit:
    """What the erasure does to rows of one landed table; counts what it did."""

    def __init__(self, table: Table, matchers: IdMatchers, masks: Mapping[str, str], *, referred: pl.Series | None) -> None:
        self.table = table
        self.matchers = matchers
        self.masks = masks
        self.referred = referred
        self.gone: dict[str, int] = {}
        self.values = 0

    def touches(self, schema: pl.Schema) -> pl.Expr:
        """Which rows may name one of the members."""
        return _may_name(schema, self.matchers)

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows as they shall be kept."""
        keys_of_ours = self._removed(rows)
        for arrival, count in rows.filter(keys_of_ours).group_by("arrival_id").len().iter_rows():
            self.gone[arrival] = self.gone.get(arrival, 0) + count
        kept = rows.filter(~keys_of_ours)
        blanked, values = _blank(kept, self.matchers, references=_REFERENCES, texts=self._free_texts(kept))
        blanked = _masked(blanked, "source_file", self.matchers, self.masks)
        blanked = _masked(blanked, "source", self.matchers, self.masks)
        self.values += values + int((blanked["source_file"] != kept["source_file"]).sum())
        return blanked

    def _removed(self, rows: pl.DataFrame) -> pl.Series:
        is_theirs = pl.col("member_id").is_in(self.matchers.ids) if "member_id" in rows.columns else pl.lit(False)
        if _AUTHOR in rows.columns:
            is_referred = pl.col(self.table.key).is_in(
                (self.referred if self.referred is not None else pl.Series([""])).implode()
            )
            is_alone = pl.col(self.table.key).str.contains(_DERIVED_KEY) & ~is_referred
            is_theirs |= pl.col(_AUTHOR).is_in(self.matchers.ids) & is_alone
        must = [column for column in (self.table.key, *self.table.required) if rows.schema.get(column) == pl.String]
        gone = rows.select(is_theirs.fill_null(value=False).alias("gone"))["gone"]
        for column in set(must) - {"member_id", _AUTHOR}:
            gone |= self.matchers.named_in(rows[column])
        return gone

    def _free_texts(self, rows: pl.DataFrame) -> list[str]:
        bound = {self.table.key, *self.table.required, *PROVENANCE, *_REFERENCES, "member_id"}
        return [name for name, dtype in rows.schema.items() if dtype == pl.String and name not in bound]


class _DerivedEdit:
    """What the erasure does to rows of a table made from the landed ones; counts what it did."""

    def __init__(
        self, matchers: IdMatchers, numbers: Collection[int], *, day: str | None, masks: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.matchers = matchers
        self.masks = masks
        self.numbers = sorted(numbers)
        self.day = day
        self.rows = 0
        self.values = 0

    def touches(self, schema: pl.Schema) -> pl.Expr:
        """Which rows may be theirs."""
        return self._is_theirs(schema) | _may_name(schema, self.matchers)

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows as they shall be kept."""
        kept = rows.filter(~self._is_theirs(rows.schema))
        self.rows += rows.height - kept.height
        # Whoever is left is not one of them, and what a file is called tells its parts apart.
        bound = {*_REFERENCES, *_FILES, "member_id", self.day}
        texts = [name for name, dtype in rows.schema.items() if dtype == pl.String and name not in bound]
        blanked, values = _blank(kept, self.matchers, references=_REFERENCES, texts=texts)
        self.values += values
        for column in _FILES:
            if column in blanked.columns:
                blanked = _masked(blanked, column, self.matchers, self.masks)
        return blanked

    def _is_theirs(self, schema: pl.Schema) -> pl.Expr:
        theirs = pl.lit(value=False)
        for column in _OWNERS:
            if column in schema:
                wanted = self.matchers.ids if column == "member_id" else self.numbers
                theirs |= pl.col(column).is_in(wanted).fill_null(value=False)
        if {"table", "key"} <= set(schema):
            # Of a retired record the key alone is kept; that of a member is the member.
            theirs |= (pl.col("table") == "members") & pl.col("key").is_in(self.matchers.ids)
        return theirs


def _rewrite(
    lake: Lake, table: str, touches: Callable[[pl.Schema], pl.Expr], edit: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Rewrite the days of a table that hold rows to edit, or all of a table without days, keeping what its commits noted."""
    stored = lake.scan(table)
    wanted = touches(stored.collect_schema())
    day = lake.day_column(table)
    facts: dict[str, Any] | None = lake.metadata(table) or None
    touched = stored.filter(wanted)
    if day is None:
        if touched.select(pl.len()).collect(engine="streaming").item():
            lake.replace(table, edit(stored.collect()), metadata=facts)
        return
    days = touched.select(pl.col(day).unique()).collect(engine="streaming")[day].sort().to_list()
    if days:
        rows = stored.filter(pl.col(day).is_in(days)).collect()
        lake.replace_days(table, edit(rows).sort(day, maintain_order=True), days=days, column=day, metadata=facts)


def _erase_behind(
    lake: Lake, ledger: pl.DataFrame, matchers: IdMatchers, masks: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Taken]]:
    """Take members out of what stands behind the landed tables: parts, refusals and retired records."""
    taken = []
    for composition in (BY_SOURCE, BY_FILE):
        gone = remove_orphaned_parts(lake, composition, ledger)
        ledger = move_counts(ledger, count="added", changes={arrival: -rows for arrival, rows in gone.items()})
        ledger = move_counts(ledger, count="left_out", changes=gone)
    for name in _BEHIND_RECORDS:
        if lake.exists(name):
            edit = _DerivedEdit(matchers, (), day=None, masks=masks)
            _rewrite(lake, name, edit.touches, edit)
            taken.append(Taken(name, edit.rows, edit.values))
    return ledger, taken


def _erase_quarantined(
    lake: Lake, ledger: pl.DataFrame, matchers: IdMatchers, masks: Mapping[str, str]
) -> tuple[pl.DataFrame, Taken]:
    held = read_quarantine(lake)
    if held.is_empty():
        return ledger, Taken(QUARANTINE, 0, 0)
    named = pl.Series([_row_names(values, matchers) for values in held["values"]], dtype=pl.Boolean)
    kept = _masked(held.filter(~named), "path", matchers, masks)
    renamed = int((kept["path"] != held.filter(~named)["path"]).sum())
    if not named.any() and not renamed:
        return ledger, Taken(QUARANTINE, 0, 0)
    write_quarantine(lake, kept)
    # A re-admitted row has landed since and is counted there.
    counted = held.filter(named & (held["status"] != READMITTED)).group_by("arrival_id").len()
    gone = dict(sorted(counted.iter_rows()))
    ledger = move_counts(ledger, count="quarantined", changes={arrival: -rows for arrival, rows in gone.items()})
    return move_counts(ledger, count="left_out", changes=gone), Taken(QUARANTINE, int(named.sum()), renamed)


def _row_names(values: str | None, matchers: IdMatchers) -> bool:
    found = () if values is None else (one for value in json_lines(values.encode()) for one in matchers.in_json(value))
    return any(True for _ in found)


def _content_referred_to(lake: Lake) -> pl.Series:
    if not lake.exists("events"):
        return pl.Series([], dtype=pl.String)
    return lake.scan("events").select(pl.col("content_id").drop_nulls().unique()).collect(engine="streaming")["content_id"]


def _may_name(schema: pl.Schema, matchers: IdMatchers) -> pl.Expr:
    """Whether a row may name one of the members: a literal search, to be judged more closely where it finds something."""
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    ids = [name for name in ("member_id", *_REFERENCES) if name in texts]
    found = [pl.col(name).is_in(list(matchers.values)) for name in ids] if matchers.values else []
    found += [matchers.near(pl.col(name)) for name in texts] if matchers.words else []
    return pl.any_horizontal(pl.lit(value=False), *found).fill_null(value=False)


def _blank(
    rows: pl.DataFrame, matchers: IdMatchers, *, references: Collection[str], texts: Collection[str]
) -> tuple[pl.DataFrame, int]:
    """Blank references to the members and free texts that name them; returns the rows and how many values were blanked."""
    values = 0
    theirs = pl.Series(matchers.ids, dtype=pl.String).implode()
    hits = {name: rows[name].is_in(theirs).fill_null(value=False) for name in references if name in rows.columns}
    if _AUTHOR in hits and "title" in rows.columns:
        hits["title"] = hits[_AUTHOR] & rows["title"].is_not_null()
    for name in texts:
        named = matchers.named_in(rows[name])
        hits[name] = hits[name] | named if name in hits else named
    blanks = []
    for name, hit in hits.items():
        values += int(hit.sum())
        blanks.append(pl.when(~pl.lit(hit)).then(pl.col(name)).alias(name))
    return rows.with_columns(blanks), values


def _masked(rows: pl.DataFrame, column: str, matchers: IdMatchers, masks: Mapping[str, str]) -> pl.DataFrame:
    """Take the members out of the names of exports."""
    names = {name: matchers.redacted(name, by=masks) for name in rows[column].drop_nulls().unique()}
    changed = {name: masked for name, masked in names.items() if name != masked}
    return rows.with_columns(pl.col(column).replace(changed)) if changed else rows
