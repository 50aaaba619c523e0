"""The lake, in a folder or in a bucket: Delta tables whose every write is one atomic commit."""

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

from lake.errors import ConfigurationError
from lake.storage.bucket import Bucket
from lake.storage.local_copies import copies, drop_copies
from lake.storage.object_store import answered, scan_options, storage_options
from lake.storage.snapshots import FACTS_KEY, LOG, Snapshot, find_snapshot, read_snapshot
from lake.storage.storage import Root, Storage, storage_of

DAY: Final = "event_date"
# deltalake 1.6 makes an address of the path, and panics or looks elsewhere.
_UNFIT_FOLDER: Final = re.compile(r"[\[\]\\^|]|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Lake:
    """A folder of Delta tables, or a place in a bucket with them.

    Tables with a day are partitioned by it, so that a night rewrites the days it touches and no others. In a bucket every
    commit is written on the condition that nobody has written one of that number: the second of two writers fails.

    Args:
        root: The folder, which need not exist yet, or the place in a bucket.
        nearby: Where this machine keeps copies of a bucket's small tables; None keeps none.

    Raises:
        ConfigurationError: Delta Lake cannot work in a folder of this name.
    """

    root: Root
    nearby: Path | None = field(default=None, kw_only=True, compare=False)

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
        """Where a table lies."""
        return self.root / table

    def storage(self, table: str = "") -> Storage:
        """The file work for a table, or for the whole lake."""
        return storage_of(self.path(table) if table else self.root)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table ever written, by name."""
        return tuple(name for name in self.storage().folders() if self.exists(name))

    def exists(self, table: str) -> bool:
        """Whether the table was ever written."""
        if isinstance(self.root, Bucket):
            # deltalake's own look keeps every thread of Python waiting until the store has answered.
            return not (self.root / table / LOG).is_empty()
        return DeltaTable.is_deltatable(str(self.path(table)))

    def version(self, table: str) -> int:
        """The number of its newest commit; -1 for a table never written."""
        found = self._find(table)
        return -1 if found is None else found.opened.version()

    def day_column(self, table: str) -> str | None:
        """The column a table is partitioned by; None for a table without a day."""
        columns = self._look_at(table).opened.metadata().partition_columns
        return columns[0] if columns else None

    def scan(self, table: str, *, version: int | None = None) -> pl.LazyFrame:
        """Read a table lazily.

        Args:
            table: Its name; it must exist.
            version: A past commit, or None for the newest.
        """
        return self._scan(table, self._look_at(table, version))

    def scan_or_empty(self, table: str, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        """Read a table lazily, or an empty frame of `schema` when it was never written."""
        found = self._find(table)
        return pl.LazyFrame(schema=dict(schema)) if found is None else self._scan(table, found)

    def replace_days(
        self,
        table: str,
        rows: pl.DataFrame,
        *,
        days: Collection[date],
        column: str = DAY,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Make `rows` everything the table holds for `days`; other days are not touched.

        Args:
            table: A table with a day.
            rows: One row per record of those days, in the order they shall be stored.
            days: The days to replace; rows of other days are an error.
            column: The column that holds the day.
            metadata: Small facts kept with the commit.
        """
        strangers = set(rows[column].unique()) - set(days)
        assert not strangers, f"{table}: rows of days that are not being replaced: {sorted(strangers)[:3]}"
        if not days and self.exists(table):
            return
        present = self.days(table, column=column) & set(days)
        self._write(
            table,
            rows,
            metadata,
            partition_by=[column],
            mode="overwrite" if present else "append",
            predicate=_days_predicate(column, present | set(rows[column].unique())) if present else None,
        )

    def replace(self, table: str, rows: pl.DataFrame, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Make `rows` everything the table holds."""
        self._write(table, rows, metadata, mode="overwrite", schema_mode="overwrite")

    def append(self, table: str, rows: pl.DataFrame, *, metadata: Mapping[str, Any] | None = None) -> None:
        """Add rows to a table without touching what is there."""
        if rows.height or not self.exists(table):
            self._write(table, rows, metadata, mode="append")

    def restore(self, table: str, *, version: int) -> bool:
        """Undo every commit after `version`, as a commit of its own; before the first one (-1) a table holds nothing.

        Returns:
            Whether there was anything to undo.
        """
        before = self._paths(table, version) if version >= 0 else set()
        if self._paths(table) == before:
            return False
        with self.answered():
            now = DeltaTable(str(self.path(table)), storage_options=self.storage_options)
            # What was noted with the commits that are undone counts no more than their rows.
            noted = _properties(self._facts_until(table, version))
            if version >= 0:
                now.restore(version, commit_properties=noted)
            else:
                now.delete(commit_properties=noted)
        return True

    def _facts_until(self, table: str, version: int) -> dict[str, Any]:
        # The newest version's history: that of an older one has the same commits under other numbers.
        commits = self._look_at(table).opened.history()
        noted = (commit[FACTS_KEY] for commit in commits if FACTS_KEY in commit and commit["version"] <= version)
        return dict(json.loads(next(noted, "{}")))

    def days(self, table: str, *, column: str = DAY) -> set[date]:
        """The days a table holds rows for; read from the log, not from the rows."""
        found = self._find(table)
        return set() if found is None else set(found.files[f"partition.{column}"])

    def days_changed(self, table: str, *, since_version: int) -> set[date]:
        """The days whose files differ between a past commit and now; every day when `since_version` is -1."""
        now = self._files(table, None)
        try:
            before = self._files(table, since_version) if since_version >= 0 else set()
        except DeltaError:
            before = set()  # that commit's log has expired: every day counts as changed
        return {day for day, _ in now ^ before}

    def row_count(self, table: str) -> int:
        """How many rows a table holds; read from the log, not from the rows."""
        found = self._find(table)
        return 0 if found is None else int(found.files["num_records"].sum())

    def rows_by_day(self, table: str) -> pl.DataFrame:
        """One row per day a table holds: `event_date`, `rows`; read from the log."""
        found = self._find(table)
        if found is None:
            return pl.DataFrame(schema={DAY: pl.Date, "rows": pl.Int64})
        return (
            found.files.select(pl.col(f"partition.{DAY}").alias(DAY), rows=pl.col("num_records").cast(pl.Int64))
            .group_by(DAY)
            .agg(pl.col("rows").sum())
            .sort(DAY)
        )

    def filled_columns(self, table: str, *, until: date | None = None) -> set[str]:
        """The columns that hold any value, read from the log; empty for a table without rows.

        Args:
            table: Its name; it must exist.
            until: Look no further than this day; None looks at everything.
        """
        actions = self._look_at(table).files
        if until is not None:
            actions = actions.filter(pl.col(f"partition.{DAY}") <= until)
        actions = actions.filter(pl.col("num_records") > 0)
        nulls = {name.removeprefix("null_count."): name for name in actions.columns if name.startswith("null_count.")}
        filled = actions.select(
            (pl.col(count).fill_null(0) < pl.col("num_records")).any().alias(name) for name, count in nulls.items()
        )
        return {name for name, has_any in zip(filled.columns, filled.row(0), strict=True) if has_any} if actions.height else set()

    def days_that_may_hold(self, table: str, keys: pl.Series, *, column: str) -> set[date]:
        """The days with a file whose smallest and largest value of `column` have one of `keys` between them, or unknown.

        Args:
            table: A table with a day.
            keys: Values of the column, without nulls.
            column: A column of strings.
        """
        wanted = keys.unique().sort().to_list()
        actions = self._look_at(table).files.select(f"partition.{DAY}", f"min.{column}", f"max.{column}")
        return {day for day, low, high in actions.iter_rows() if low is None or high is None or _any_between(wanted, low, high)}

    def metadata(self, table: str) -> dict[str, Any]:
        """The facts kept with the newest commit that has any; empty for a table never written."""
        with self.answered():
            found = self._find(table)
            return {} if found is None else copy.deepcopy(found.facts)

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What clients of the object store are told; None for a folder."""
        return storage_options() if isinstance(self.root, Bucket) else None

    def answered(self) -> AbstractContextManager[None]:
        """Tell what the object store's clients raise in the block in our words; a folder's errors go on as they are."""
        return answered(self.root.name) if isinstance(self.root, Bucket) else nullcontext()

    def drop_copies(self, table: str, *, but_newest: bool) -> None:
        """Remove this machine's copies of a table, or those that its newest version does not need."""
        if isinstance(self.root, Bucket) and self.nearby is not None:
            needed = {unquote(path) for path in self._paths(table)} if but_newest else set()
            drop_copies(self.nearby / table, but=needed)

    def _scan(self, table: str, found: Snapshot) -> pl.LazyFrame:
        # Polars' own reader of Delta tables fails below folders with blanks or accents in their names.
        sizes = {
            unquote(path): size_bytes for path, size_bytes in found.files.select("path", "size_bytes").sort("path").iter_rows()
        }
        if not sizes:
            return pl.LazyFrame(schema=found.schema)
        near = None
        if isinstance(self.root, Bucket) and self.nearby is not None:
            near = copies(self.root / table, sizes, self.nearby / table)
        stored = pl.scan_parquet(
            sorted(str(file) for file in near or (self.path(table) / name for name in sizes)),
            hive_partitioning=True,
            missing_columns="insert",
            schema=found.schema,
            glob=False,
            storage_options=scan_options() if isinstance(self.root, Bucket) and near is None else None,
            credential_provider=None,
        )
        return stored.select(found.schema.names())

    def _find(self, table: str) -> Snapshot | None:
        """The newest version, or None for a table never written; of a bucket the log is listed once for both."""
        if not isinstance(self.root, Bucket):
            return self._look_at(table) if self.exists(table) else None
        with self.answered():
            return find_snapshot(self.root / table, options=self.storage_options)

    def _look_at(self, table: str, version: int | None = None) -> Snapshot:
        with self.answered():
            return read_snapshot(self.path(table), version=version, options=self.storage_options)

    def _paths(self, table: str, version: int | None = None) -> set[str]:
        return set(self._look_at(table, version).files["path"])

    def _files(self, table: str, version: int | None, *, column: str = DAY) -> set[tuple[date, str]]:
        actions = self._look_at(table, version).files
        return set(actions.select(f"partition.{column}", "path").iter_rows())

    def _write(self, table: str, rows: pl.DataFrame, metadata: Mapping[str, Any] | None, **how: Any) -> None:
        if isinstance(self.root, Path):
            self.root.mkdir(parents=True, exist_ok=True)
        with self.answered():
            write_deltalake(
                str(self.path(table)),
                rows,
                storage_options=self.storage_options,
                writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
                commit_properties=_properties(metadata),
                # Old versions go when `lake.storage.versions` says so, never as a side effect of writing.
                post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
                **{option: value for option, value in how.items() if value is not None},
            )


def _properties(facts: Mapping[str, Any] | None) -> CommitProperties:
    custom = {FACTS_KEY: json.dumps(facts, sort_keys=True, default=str)} if facts is not None else None
    return CommitProperties(custom_metadata=custom)


def _any_between(ordered: Sequence[str], low: str, high: str) -> bool:
    storage = bisect_left(ordered, low)
    return storage < len(ordered) and ordered[storage] <= high


def _days_predicate(column: str, days: Iterable[date]) -> str:
    return f"{column} IN ({', '.join(repr(day.isoformat()) for day in sorted(days))})"
