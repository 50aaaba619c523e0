"""Remove members from the lake: delete their own rows and blank the references to them in other members' rows.

Deleted rows count as left out, so that the counting identity holds. A row of another member that refers to the member (such as
the referrer) stays without the reference. Content stays without author and title, since other members' events refer to it;
`docs/decisions/0012` gives the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from lake.arrivals import (
    ARRIVALS,
    ORDERS_PARTS,
    REFUSALS,
    RETIRED,
    move_counts,
    read_arrivals,
    record,
    undo_unrecorded,
)
from lake.contracts import MEMBERS_PARTS, PROVENANCE, TABLES, Table
from lake.member_index import MEMBER_INDEX, scan_member_index
from lake.quarantine import QUARANTINE, READMITTED, read_quarantine, write_quarantine
from lake.record_parts import BY_FILE, BY_SOURCE, remove_orphaned_parts
from lake.storage.delta import Lake
from pipeline.erasure.id_matcher import json_lines
from pipeline.erasure.id_matchers import IdMatchers

_OWNERS: Final = ("member_id", "member_no", "other_no")
_REFERENCES: Final = ("referrer_id", "target_member_id", "author_id")
_AUTHOR: Final = "author_id"
# A derived key is a hash of the row, after the prefix of its source where there is one.
_DERIVED_KEY: Final = r"(^|:)[0-9a-f]{32}$"
_FILES: Final = ("source", "source_file", "retired_by_file")
_SUPPORTING_TABLES: Final = (MEMBERS_PARTS, ORDERS_PARTS, REFUSALS, RETIRED)


@dataclass(frozen=True)
class TableErasure:
    """The counts of an erasure in one table.

    Args:
        table: The name of the table.
        rows: The number of rows removed.
        values: The number of values blanked in rows that stayed.
    """

    table: str
    rows: int
    values: int


def erase_landed(lake: Lake, matchers: IdMatchers, *, masks: Mapping[str, str]) -> list[TableErasure]:
    """Remove members from the landed tables, the quarantine and the ledger, and move the ledger's counts accordingly.

    If it is killed, nothing has happened: the next run, of an erasure or of a night, undoes what was not recorded.

    Args:
        lake: The lake; no other run writes to it.
        matchers: The members.
        masks: Member → the text that replaces the id in paths of exports.

    Returns:
        One entry per table that changed.
    """
    undo_unrecorded(lake)
    ledger = read_arrivals(lake)
    ledger, taken = _erase_landed_rows(lake, ledger, matchers, masks)
    ledger, from_supporting = _erase_supporting(lake, ledger, matchers, masks)
    ledger, from_quarantine = _erase_quarantined(lake, ledger, matchers, masks)
    renamed = ledger
    # A file may be named after a member, a source after its file, and the keys after the source.
    for column in ("path", "source", "key_prefix"):
        renamed = _masked(renamed, column, matchers, masks)
    renamed_paths = TableErasure(ARRIVALS, 0, int((renamed["path"] != ledger["path"]).sum()))
    taken = [one for one in (*taken, *from_supporting, from_quarantine, renamed_paths) if one.rows or one.values]
    if taken:
        # Last: the ledger is the commit point of all tables above.
        record(lake, renamed)
    return taken


def _erase_landed_rows(
    lake: Lake, ledger: pl.DataFrame, matchers: IdMatchers, masks: Mapping[str, str]
) -> tuple[pl.DataFrame, list[TableErasure]]:
    """Remove members from the landed tables; return the ledger with its counts moved, and one entry per table."""
    taken: list[TableErasure] = []
    for name, table in TABLES.items():
        if not lake.exists(name):
            continue
        # Which content is referred to costs a scan of all events, and only content needs it.
        edit = _LandedEdit(table, matchers, masks, referred=_content_referred_to(lake) if name == "content" else None)
        _rewrite(lake, name, edit.touches, edit)
        rows_gone = dict(sorted(edit.rows_gone.items()))
        # Counted as left out, as the same file would count them if it arrived again.
        ledger = move_counts(ledger, count="landed", changes={arrival: -rows for arrival, rows in rows_gone.items()})
        ledger = move_counts(ledger, count="left_out", changes=rows_gone)
        taken.append(TableErasure(name, sum(rows_gone.values()), edit.values))
    return ledger, taken


def erase_derived(lake: Lake, matchers: IdMatchers) -> list[TableErasure]:
    """Remove members from every table that is computed from the landed tables, and from the member index last.

    If it is killed, running it again finishes it: the index, which translates ids to numbers, is complete until the end.
    """
    is_erased = pl.col("member_id").is_in(matchers.ids)
    numbers = set(scan_member_index(lake).filter(is_erased).collect()["member_no"])
    taken = []
    for name in lake.tables:
        if name in TABLES or name in (QUARANTINE, ARRIVALS, MEMBER_INDEX, *_SUPPORTING_TABLES):
            continue
        edit = _DerivedEdit(matchers, numbers, day=lake.day_column(name))
        _rewrite(lake, name, edit.touches, edit)
        taken.append(TableErasure(name, edit.rows, edit.values))
    if numbers:
        index_left = scan_member_index(lake).filter(~is_erased).collect().sort("member_no")
        lake.replace(MEMBER_INDEX, index_left)
        taken.append(TableErasure(MEMBER_INDEX, len(numbers), 0))
    return [table_erasure for table_erasure in taken if table_erasure.rows or table_erasure.values]


class _LandedEdit:
    """The edit of the rows of one landed table, with counts of what it has changed."""

    def __init__(self, table: Table, matchers: IdMatchers, masks: Mapping[str, str], *, referred: pl.Series | None) -> None:
        self.table = table
        self.matchers = matchers
        self.masks = masks
        self.referred = referred
        self.rows_gone: dict[str, int] = {}
        self.values = 0

    def touches(self, schema: pl.Schema) -> pl.Expr:
        """Return the filter for rows that may name a member."""
        return _may_name(schema, self.matchers)

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows to store: without the members' own rows, references and names."""
        is_removed = self._removed(rows)
        for arrival, count in rows.filter(is_removed).group_by("arrival_id").len().iter_rows():
            self.rows_gone[arrival] = self.rows_gone.get(arrival, 0) + count
        rows_left = rows.filter(~is_removed)
        blanked, values = _blank(rows_left, self.matchers, references=_REFERENCES, texts=self._free_texts(rows_left))
        blanked = _masked(blanked, "source_file", self.matchers, self.masks)
        blanked = _masked(blanked, "source", self.matchers, self.masks)
        self.values += values + int((blanked["source_file"] != rows_left["source_file"]).sum())
        return blanked

    def _removed(self, rows: pl.DataFrame) -> pl.Series:
        """Return for each row whether it is deleted as a whole."""
        is_erased = (
            pl.col("member_id").is_in(self.matchers.ids) if "member_id" in rows.columns else pl.repeat(value=False, n=pl.len())
        )
        if _AUTHOR in rows.columns:
            is_referred = pl.col(self.table.key).is_in(
                (self.referred if self.referred is not None else pl.Series([""])).implode()
            )
            # A derived key is a hash over the whole row, author included: it goes with the author where no event needs it.
            is_unreferenced = pl.col(self.table.key).str.contains(_DERIVED_KEY) & ~is_referred
            is_erased |= pl.col(_AUTHOR).is_in(self.matchers.ids) & is_unreferenced
        required_texts = [column for column in (self.table.key, *self.table.required) if rows.schema.get(column) == pl.String]
        is_removed = rows.select(is_erased.fill_null(value=False).alias("gone"))["gone"]
        # A required text cannot be blanked, since the row would no longer be valid.
        for column in set(required_texts) - {"member_id", _AUTHOR}:
            is_removed |= self.matchers.named_in(rows[column])
        return is_removed

    def _free_texts(self, rows: pl.DataFrame) -> list[str]:
        not_free_text = {self.table.key, *self.table.required, *PROVENANCE, *_REFERENCES, "member_id"}
        return [name for name, dtype in rows.schema.items() if dtype == pl.String and name not in not_free_text]


class _DerivedEdit:
    """The edit of the rows of a derived or supporting table, with counts of what it has changed."""

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
        """Return the filter for rows that belong to a member or may name one."""
        return self._is_theirs(schema) | _may_name(schema, self.matchers)

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows to store: without the members' own rows, references and names."""
        rows_left = rows.filter(~self._is_theirs(rows.schema))
        self.rows += rows.height - rows_left.height
        # Owners are left out because their rows are gone, files because a blank would merge the parts of different files.
        not_free_text = {*_REFERENCES, *_FILES, "member_id", self.day}
        texts = [name for name, dtype in rows.schema.items() if dtype == pl.String and name not in not_free_text]
        blanked, values = _blank(rows_left, self.matchers, references=_REFERENCES, texts=texts)
        self.values += values
        for column in _FILES:
            if column in blanked.columns:
                blanked = _masked(blanked, column, self.matchers, self.masks)
        return blanked

    def _is_theirs(self, schema: pl.Schema) -> pl.Expr:
        is_erased = pl.lit(value=False)
        for column in _OWNERS:
            if column in schema:
                erased_ids = self.matchers.ids if column == "member_id" else self.numbers
                is_erased |= pl.col(column).is_in(erased_ids).fill_null(value=False)
        if {"table", "key"} <= set(schema):
            # A retired record is stored as its key alone, and the key of a member is the member's id.
            is_erased |= (pl.col("table") == "members") & pl.col("key").is_in(self.matchers.ids)
        return is_erased


def _rewrite(
    lake: Lake, table: str, touches: Callable[[pl.Schema], pl.Expr], edit: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Apply an edit to the days of a table that contain rows to edit, or to a whole table without days.

    Args:
        lake: The lake.
        table: The name of the table.
        touches: Schema → filter for the rows that may have to be edited.
        edit: All rows of the affected days → the rows to store.
    """
    stored = lake.scan(table)
    is_touched = touches(stored.collect_schema())
    day = lake.day_column(table)
    # The metadata of the last commit is repeated: it holds, for instance, the versions that rollups were computed from.
    commit_metadata: dict[str, Any] | None = lake.metadata(table) or None
    touched = stored.filter(is_touched)
    if day is None:
        if touched.select(pl.len()).collect(engine="streaming").item():
            lake.replace(table, edit(stored.collect()), metadata=commit_metadata)
        return
    days = touched.select(pl.col(day).unique()).collect(engine="streaming")[day].sort().to_list()
    if days:
        rows = stored.filter(pl.col(day).is_in(days)).collect()
        # Whole days: the storage replaces a day in one commit, so that a reader never sees half of an edit.
        lake.replace_days(table, edit(rows).sort(day, maintain_order=True), days=days, column=day, metadata=commit_metadata)


def _erase_supporting(
    lake: Lake, ledger: pl.DataFrame, matchers: IdMatchers, masks: Mapping[str, str]
) -> tuple[pl.DataFrame, list[TableErasure]]:
    """Remove members from the tables that support the landed ones: parts, refusals and retired records.

    Returns:
        The ledger with its counts moved, and one entry per supporting table.
    """
    taken = []
    for composition in (BY_SOURCE, BY_FILE):
        parts_gone = remove_orphaned_parts(lake, composition, ledger)
        ledger = move_counts(ledger, count="added", changes={arrival: -rows for arrival, rows in parts_gone.items()})
        ledger = move_counts(ledger, count="left_out", changes=parts_gone)
    for name in _SUPPORTING_TABLES:
        if lake.exists(name):
            edit = _DerivedEdit(matchers, (), day=None, masks=masks)
            _rewrite(lake, name, edit.touches, edit)
            taken.append(TableErasure(name, edit.rows, edit.values))
    return ledger, taken


def _erase_quarantined(
    lake: Lake, ledger: pl.DataFrame, matchers: IdMatchers, masks: Mapping[str, str]
) -> tuple[pl.DataFrame, TableErasure]:
    quarantine = read_quarantine(lake)
    if quarantine.is_empty():
        return ledger, TableErasure(QUARANTINE, 0, 0)
    named = pl.Series([_names_a_member(values, matchers) for values in quarantine["values"]], dtype=pl.Boolean)
    rows_left = _masked(quarantine.filter(~named), "path", matchers, masks)
    renamed = int((rows_left["path"] != quarantine.filter(~named)["path"]).sum())
    if not named.any() and not renamed:
        return ledger, TableErasure(QUARANTINE, 0, 0)
    write_quarantine(lake, rows_left)
    # A re-admitted row counts as landed, and was counted with the landed tables.
    counts = quarantine.filter(named & (quarantine["status"] != READMITTED)).group_by("arrival_id").len()
    rows_gone = dict(sorted(counts.iter_rows()))
    ledger = move_counts(ledger, count="quarantined", changes={arrival: -rows for arrival, rows in rows_gone.items()})
    return move_counts(ledger, count="left_out", changes=rows_gone), TableErasure(QUARANTINE, int(named.sum()), renamed)


def _names_a_member(values: str | None, matchers: IdMatchers) -> bool:
    named = () if values is None else (member for value in json_lines(values.encode()) for member in matchers.in_json(value))
    return any(True for _ in named)


def _content_referred_to(lake: Lake) -> pl.Series:
    if not lake.exists("events"):
        return pl.Series([], dtype=pl.String)
    return lake.scan("events").select(pl.col("content_id").drop_nulls().unique()).collect(engine="streaming")["content_id"]


def _may_name(schema: pl.Schema, matchers: IdMatchers) -> pl.Expr:
    """Return a filter for rows that may name a member: a fast search for the literal ids, without word boundaries."""
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    ids = [name for name in ("member_id", *_REFERENCES) if name in texts]
    conditions = [pl.col(name).is_in(list(matchers.values)) for name in ids] if matchers.values else []
    conditions += [matchers.near(pl.col(name)) for name in texts] if matchers.words else []
    # The literal keeps the filter valid for a table without any text column.
    return pl.any_horizontal(pl.lit(value=False), *conditions).fill_null(value=False)


def _blank(
    rows: pl.DataFrame, matchers: IdMatchers, *, references: Collection[str], texts: Collection[str]
) -> tuple[pl.DataFrame, int]:
    """Blank references to members and free texts that name them; return the rows and the number of blanked values."""
    values = 0
    ids = pl.Series(matchers.ids, dtype=pl.String).implode()
    hits = {name: rows[name].is_in(ids).fill_null(value=False) for name in references if name in rows.columns}
    if _AUTHOR in hits and "title" in rows.columns:
        # The title is the author's own text, whatever it says.
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
    """Replace the members' ids in a column of names of exports by their masks."""
    names = {name: matchers.redacted(name, by=masks) for name in rows[column].drop_nulls().unique()}
    changed = {name: masked for name, masked in names.items() if name != masked}
    return rows.with_columns(pl.col(column).replace(changed)) if changed else rows
