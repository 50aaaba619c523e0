"""The lake: Delta tables in a folder or a bucket, each write of which is one atomic commit."""

from __future__ import annotations

import copy
import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from lake.contracts import ADDED_COLUMNS
from lake.errors import ConfigurationError
from lake.storage.bucket import Bucket
from lake.storage.local_copies import copies, drop_copies
from lake.storage.object_store import scan_options, storage_options, translate_store_errors
from lake.storage.snapshots import FACTS_KEY, LOG, Snapshot, find_snapshot, read_snapshot
from lake.storage.storage import Root, Storage, storage_of

DAY: Final = "event_date"
# deltalake 1.6 converts the path to a URL without escaping these characters: it panics or opens another folder.
_UNFIT_FOLDER: Final = re.compile(r"[\[\]\\^|]|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Lake:
    """A folder or bucket prefix with Delta tables.

    Tables with a day are partitioned by it, so that a night rewrites only the days it touches. In a bucket every commit
    is written on the condition that no object of its number exists: the second of two concurrent writers fails.

    Args:
        root: The folder, which need not exist yet, or the bucket prefix.
        copies_folder: Folder for this machine's copies of a bucket's small tables; None keeps no copies.

    Raises:
        ConfigurationError: Delta Lake cannot work in a folder of this name.
    """

    root: Root
    copies_folder: Path | None = field(default=None, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.root, Bucket):
            return
        unfit = _UNFIT_FOLDER.search(str(self.root.absolute()))
        if unfit:
            raise ConfigurationError(
                f"Delta Lake cannot keep tables in {self.root}, because of {unfit[0]!r} in its name",
                remedy="Give the workspace a folder without [ ] \\ ^ | and percent codes.",
            )

    def path(self, table: str) -> Root:
        """Return the folder or bucket prefix of a table."""
        return self.root / table

    def storage(self, table: str = "") -> Storage:
        """Return the storage of a table, or of the whole lake."""
        return storage_of(self.path(table) if table else self.root)

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the names of all tables ever written, sorted."""
        return tuple(name for name in self.storage().folders() if self.exists(name))

    def exists(self, table: str) -> bool:
        """Return whether the table was ever written."""
        if isinstance(self.root, Bucket):
            # `DeltaTable.is_deltatable` holds the GIL, and so blocks all threads, until the store has answered.
            return not (self.root / table / LOG).is_empty()
        return DeltaTable.is_deltatable(str(self.path(table)))

    def version(self, table: str) -> int:
        """Return the number of the table's newest commit; -1 for a table never written."""
        snapshot = self._newest_snapshot(table)
        return -1 if snapshot is None else snapshot.delta_table.version()

    def day_column(self, table: str) -> str | None:
        """Return the column a table is partitioned by; None for a table without a day."""
        columns = self._snapshot(table).delta_table.metadata().partition_columns
        return columns[0] if columns else None

    def scan(self, table: str, *, version: int | None = None) -> pl.LazyFrame:
        """Read a table lazily.

        Args:
            table: Its name; it must exist.
            version: A past commit, or None for the newest.
        """
        return self._scan(table, self._snapshot(table, version))

    def scan_or_empty(self, table: str, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        """Read a table lazily, or an empty frame of `schema` when it was never written."""
        snapshot = self._newest_snapshot(table)
        return pl.LazyFrame(schema=dict(schema)) if snapshot is None else self._scan(table, snapshot)

    def replace_days(
        self,
        table: str,
        rows: pl.DataFrame,
        *,
        days: Collection[date],
        column: str = DAY,
        metadata: Mapping[str, Any] | None = None,
        may_add_columns: bool = False,
    ) -> None:
        """Replace all rows of `days` by `rows`; other days are not touched.

        Args:
            table: A table with a day.
            rows: One row per record of those days, in the order they shall be stored.
            days: The days to replace; rows of other days are an error.
            column: The column that holds the day.
            metadata: Small facts recorded with the commit.
            may_add_columns: Whether `rows` may have columns that the table lacks; they are null on the other days.

        Raises:
            AssertionError: `rows` has rows of other days.
        """
        other_days = set(rows[column].unique()) - set(days)
        assert not other_days, f"{table}: rows of days that are not being replaced: {sorted(other_days)[:3]}"
        # Without days there is nothing to write; a table that does not exist is created, so that its columns are known.
        if not days and self.exists(table):
            return
        # If all days are new, there is nothing to remove, and a plain append suffices.
        present = self.days(table, column=column) & set(days)
        self._write(
            table,
            rows,
            metadata,
            partition_by=[column],
            mode="overwrite" if present else "append",
            schema_mode="merge" if may_add_columns else None,
            predicate=_days_predicate(column, present | set(rows[column].unique())) if present else None,
        )

    def replace(self, table: str, rows: pl.DataFrame, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Replace all rows of the table, and its columns, by those of `rows`.

        Args:
            table: Its name; created if it does not exist.
            rows: The new rows, in the order they shall be stored.
            metadata: Small facts recorded with the commit.
        """
        self._write(table, rows, metadata, mode="overwrite", schema_mode="overwrite")

    def append(self, table: str, rows: pl.DataFrame, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Append rows to a table; without rows only a missing table is created.

        Args:
            table: Its name; created if it does not exist.
            rows: The rows to add, with the table's columns.
            metadata: Small facts recorded with the commit.
        """
        if rows.height or not self.exists(table):
            self._write(table, rows, metadata, mode="append")

    def restore(self, table: str, *, version: int) -> bool:
        """Undo every commit after `version` by a new commit; version -1 leaves the table without rows.

        Returns:
            Whether there was anything to undo.
        """
        # Compared by data files: a version number alone does not say whether the content differs.
        before = self._paths(table, version) if version >= 0 else set()
        if self._paths(table) == before:
            return False
        with self.translate_store_errors():
            # Not the cached snapshot, which must not be written through.
            now = DeltaTable(str(self.path(table)), storage_options=self.storage_options)
            # The facts of the undone commits are undone too: the new commit repeats those of `version`.
            properties = _properties(self._facts_until(table, version))
            if version >= 0:
                now.restore(version, commit_properties=properties)
            else:
                now.delete(commit_properties=properties)
        return True

    def _facts_until(self, table: str, version: int) -> dict[str, Any]:
        # Opened at an older version, deltalake's history numbers the commits wrongly: read it from the newest.
        commits = self._snapshot(table).delta_table.history()
        recorded = (commit[FACTS_KEY] for commit in commits if FACTS_KEY in commit and commit["version"] <= version)
        return dict(json.loads(next(recorded, "{}")))

    def days(self, table: str, *, column: str = DAY) -> set[date]:
        """Return the days a table has rows for; read from the log, not from data files."""
        snapshot = self._newest_snapshot(table)
        return set() if snapshot is None else set(snapshot.files[f"partition.{column}"])

    def days_changed(self, table: str, *, since_version: int) -> set[date]:
        """Return the days whose data files differ between a past commit and now; every day when `since_version` is -1."""
        now = self._files(table, None)
        try:
            before = self._files(table, since_version) if since_version >= 0 else set()
        except DeltaError:
            before = set()  # that commit's log has expired: every day counts as changed
        # Data files are immutable, so a day with the same files has the same rows.
        return {day for day, _ in now ^ before}

    def row_count(self, table: str) -> int:
        """Return a table's number of rows; read from the log, not from data files."""
        snapshot = self._newest_snapshot(table)
        return 0 if snapshot is None else int(snapshot.files["num_records"].sum())

    def rows_by_day(self, table: str) -> pl.DataFrame:
        """Return one row per day of a table, sorted: `event_date`, `rows` (Int64); read from the log."""
        snapshot = self._newest_snapshot(table)
        if snapshot is None:
            return pl.DataFrame(schema={DAY: pl.Date, "rows": pl.Int64})
        return (
            snapshot.files.select(pl.col(f"partition.{DAY}").alias(DAY), rows=pl.col("num_records").cast(pl.Int64))
            .group_by(DAY)
            .agg(pl.col("rows").sum())
            .sort(DAY)
        )

    def filled_columns(self, table: str, *, until: date | None = None) -> set[str]:
        """Return the columns with any value that is not null, read from the log; empty for a table without rows.

        Args:
            table: Its name; it must exist.
            until: Only days up to this one count; None for all days.
        """
        actions = self._snapshot(table).files
        if until is not None:
            actions = actions.filter(pl.col(f"partition.{DAY}") <= until)
        actions = actions.filter(pl.col("num_records") > 0)
        # Statistics without a null count are treated as filled, so a feature is never left out by mistake.
        nulls = {name.removeprefix("null_count."): name for name in actions.columns if name.startswith("null_count.")}
        filled = actions.select(
            (pl.col(count).fill_null(0) < pl.col("num_records")).any().alias(name) for name, count in nulls.items()
        )
        return {name for name, has_any in zip(filled.columns, filled.row(0), strict=True) if has_any} if actions.height else set()

    def days_that_may_hold(self, table: str, keys: pl.Series, *, column: str) -> set[date]:
        """Return the days with a data file that may contain one of `keys`, by the log's statistics.

        A file counts when one of the keys lies between its minimum and maximum of `column`, or these are unknown.

        Args:
            table: A table with a day.
            keys: Values of the column, without nulls.
            column: A column of strings.
        """
        sorted_keys = keys.unique().sort().to_list()
        actions = self._snapshot(table).files.select(f"partition.{DAY}", f"min.{column}", f"max.{column}")
        return {
            day for day, low, high in actions.iter_rows() if low is None or high is None or _any_between(sorted_keys, low, high)
        }

    def metadata(self, table: str) -> dict[str, Any]:
        """Return the facts of the newest commit that has any; empty for a table never written."""
        with self.translate_store_errors():
            snapshot = self._newest_snapshot(table)
            # A copy, as the cached snapshot is shared.
            return {} if snapshot is None else copy.deepcopy(snapshot.facts)

    @property
    def storage_options(self) -> dict[str, str] | None:
        """Return the options for clients of the object store; None for a folder."""
        return storage_options() if isinstance(self.root, Bucket) else None

    def translate_store_errors(self) -> AbstractContextManager[None]:
        """Translate errors of the object store's clients in the block into Evenfall's; a folder's errors are not translated."""
        return translate_store_errors(self.root.name) if isinstance(self.root, Bucket) else nullcontext()

    def drop_copies(self, table: str, *, but_newest: bool) -> None:
        """Remove this machine's copies of a table's files: all, or those that its newest version does not need."""
        if isinstance(self.root, Bucket) and self.copies_folder is not None:
            needed = {unquote(path) for path in self._paths(table)} if but_newest else set()
            drop_copies(self.copies_folder / table, but=needed)

    def _scan(self, table: str, snapshot: Snapshot) -> pl.LazyFrame:
        # `pl.scan_delta` fails below folders with blanks or accents in their names; the log's paths are percent-encoded.
        sizes = {
            unquote(path): size_bytes for path, size_bytes in snapshot.files.select("path", "size_bytes").sort("path").iter_rows()
        }
        schema = _with_added_columns(table, snapshot.schema)
        if not sizes:
            return pl.LazyFrame(schema=schema)
        local_files = None
        if isinstance(self.root, Bucket) and self.copies_folder is not None:
            local_files = copies(self.root / table, sizes, self.copies_folder / table)
        stored = pl.scan_parquet(
            sorted(str(file) for file in local_files or (self.path(table) / name for name in sizes)),
            hive_partitioning=True,
            # Files from before a column was added do not have it.
            missing_columns="insert",
            schema=schema,
            glob=False,
            storage_options=scan_options() if isinstance(self.root, Bucket) and local_files is None else None,
            credential_provider=None,
        )
        return stored.select(schema.names())

    def _newest_snapshot(self, table: str) -> Snapshot | None:
        """Return the newest version, or None for a table never written; in a bucket one listing of the log answers both."""
        if not isinstance(self.root, Bucket):
            return self._snapshot(table) if self.exists(table) else None
        with self.translate_store_errors():
            return find_snapshot(self.root / table, options=self.storage_options)

    def _snapshot(self, table: str, version: int | None = None) -> Snapshot:
        with self.translate_store_errors():
            return read_snapshot(self.path(table), version=version, options=self.storage_options)

    def _paths(self, table: str, version: int | None = None) -> set[str]:
        return set(self._snapshot(table, version).files["path"])

    def _files(self, table: str, version: int | None, *, column: str = DAY) -> set[tuple[date, str]]:
        actions = self._snapshot(table, version).files
        return set(actions.select(f"partition.{column}", "path").iter_rows())

    def _write(self, table: str, rows: pl.DataFrame, metadata: Mapping[str, Any] | None, **options: Any) -> None:
        if isinstance(self.root, Path):
            self.root.mkdir(parents=True, exist_ok=True)
        with self.translate_store_errors():
            write_deltalake(
                str(self.path(table)),
                rows,
                storage_options=self.storage_options,
                writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
                commit_properties=_properties(metadata),
                # Only `lake.storage.versions` removes past versions, never a write as a side effect.
                post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
                **{option: value for option, value in options.items() if value is not None},
            )


def _with_added_columns(table: str, stored: pl.Schema) -> pl.Schema:
    """Return the schema with the contract's columns that the table lacks, where a table of this release has them."""
    added = {name: dtype for name, dtype in ADDED_COLUMNS.get(table, {}).items() if name not in stored}
    if not added or "ingested_at" not in stored:
        return stored
    columns = list(stored.items())
    before_provenance = list(stored).index("ingested_at")
    return pl.Schema([*columns[:before_provenance], *added.items(), *columns[before_provenance:]])


def _properties(facts: Mapping[str, Any] | None) -> CommitProperties:
    # Sorted keys, so that the same facts give the same bytes.
    custom = {FACTS_KEY: json.dumps(facts, sort_keys=True, default=str)} if facts is not None else None
    return CommitProperties(custom_metadata=custom)


def _any_between(ordered: Sequence[str], low: str, high: str) -> bool:
    position = bisect_left(ordered, low)
    return position < len(ordered) and ordered[position] <= high


def _days_predicate(column: str, days: Iterable[date]) -> str:
    return f"{column} IN ({', '.join(repr(day.isoformat()) for day in sorted(days))})"
