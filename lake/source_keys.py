"""Key prefixes of sources, and how references find prefixed keys.

Sources that number their records independently have the same keys for different records. With `keys = "own"` each key of a source
gets the source's identity as a prefix, `posts:17`. Derived keys get a prefix too wherever a table has several sources. The prefix
of a source is recorded in the ledger with its first arrival; naming the source later does not change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl

from lake.arrivals import record
from lake.contracts import TABLES, Table
from lake.errors import ConfigurationError
from lake.record_keys import prefixed
from lake.sources.discovery import Export
from lake.sources.source_identity import Source
from lake.storage.delta import DAY, Lake

_DERIVED_KEY: Final = r"^[0-9a-f]{32}$"
_DAYS_PER_BATCH: Final = 60
_AMBIGUOUS: Final = "more than one source has"


def key_prefix(export: Export, ledger: pl.DataFrame, *, is_derived: bool) -> str | None:
    """Return the prefix of an export's keys; None for keys without prefix.

    Args:
        export: The export.
        ledger: One row per arrival.
        is_derived: Whether its keys are derived, because it maps none.
    """
    # A member has one id in all sources, and a figure of a platform one value a day: they describe the same.
    if export.table.name == "members" or export.table.identity:
        return None
    earlier = ledger.filter(pl.col("table") == export.table.name, pl.col("source") == export.source)["key_prefix"]
    # The recorded prefix, not the current settings: keys of one source must not change from one arrival to the next.
    if earlier.len():
        prefix: str | None = earlier[-1]
        return prefix
    has_prefix = not export.is_alone if is_derived else export.settings.whose_keys == "own"
    return export.source if has_prefix else None


def add_key_prefixes(lake: Lake, ledger: pl.DataFrame, sources: Mapping[str, Sequence[Source]]) -> pl.DataFrame:
    """Add the prefix to a source's keys in the lake if `keys = "own"` was configured after they landed.

    Args:
        lake: The lake, with everything recorded.
        ledger: One row per arrival.
        sources: Table → its configured sources.

    Returns:
        The ledger with the prefixes; recorded if records changed.

    Raises:
        ConfigurationError: A source with prefixed keys is no longer configured with `keys = "own"`.
    """
    updated_ledger = ledger
    for source in (source for table_sources in sources.values() for source in table_sources):
        is_of_source = (pl.col("table") == source.table) & (pl.col("source") == source.identity)
        prefixes = set(updated_ledger.filter(is_of_source)["key_prefix"])
        table = TABLES[source.table]
        if source.settings.whose_keys != "own" and prefixes - {None} and table.key in source.settings.columns:
            raise _prefix_error(source)
        if source.settings.whose_keys == "own" and None in prefixes and _has_mapped_keys(lake, table, updated_ledger, source):
            # Renamed before the ledger is recorded: a run killed in between is undone, and renames again.
            _rename_keys(lake, table, updated_ledger, source)
            updated_ledger = updated_ledger.with_columns(
                key_prefix=pl.when(is_of_source).then(pl.lit(source.identity)).otherwise("key_prefix")
            )
    if updated_ledger is not ledger:
        record(lake, updated_ledger)
    return updated_ledger


def reference_names(
    lake: Lake, table: Table, ledger: pl.DataFrame, arriving: Sequence[tuple[pl.Series, str, str | None]]
) -> pl.DataFrame:
    """Return the names by which references may refer to the records of a table with prefixed keys.

    A record may be referred to by its key without prefix, and by the source's identity, a colon and that key.

    Args:
        lake: The lake.
        table: The table that is referred to.
        ledger: One row per arrival.
        arriving: Tonight's keys, each series with its source's identity and prefix.

    Returns:
        One row per name: `name` and `key`, the stored key, null if records of several sources share the name. Empty if no source
        has prefixed keys.
    """
    arrivals = ledger.filter(pl.col("table") == table.name).select("arrival_id", today="source", prefix="key_prefix")
    if arrivals["prefix"].null_count() == arrivals.height and all(prefix is None for _, _, prefix in arriving):
        return pl.DataFrame(schema={"name": pl.String(), "key": pl.String()})
    stored_keys = lake.scan_or_empty(table.name, table.landed_schema).select(table.key, "arrival_id").collect()
    frames = [stored_keys.join(arrivals, on="arrival_id").select(pl.col(table.key).alias("key"), source="today", prefix="prefix")]
    frames += [
        pl.DataFrame({"key": keys}).select("key", source=pl.lit(source), prefix=pl.lit(prefix, dtype=pl.String))
        for keys, source, prefix in arriving
    ]
    stored = pl.concat(frames).unique()
    plain = pl.when(pl.col("prefix").is_null()).then("key").otherwise(pl.col("key").str.strip_prefix(pl.col("prefix") + ":"))
    with_names = stored.with_columns(plain=plain).select(
        "key", pl.concat_list("plain", pl.concat_str(pl.col("source"), pl.lit(":"), pl.col("plain"))).alias("name")
    )
    # A record is found by its key alone if only one source has that key, and by its source and key.
    by_name = with_names.explode("name").unique().group_by("name").agg(pl.col("key").first(), pl.len())
    return by_name.select("name", key=pl.when(pl.col("len") == 1).then("key"))


def resolve(references: pl.Expr, names: pl.DataFrame) -> pl.Expr:
    """Replace references by the stored keys they mean; one that several sources share becomes a text that is no key."""
    keys = dict(names.with_columns(pl.col("key").fill_null(pl.format("{} {}", pl.lit(_AMBIGUOUS), "name"))).iter_rows())
    return references.replace(keys)


def _has_mapped_keys(lake: Lake, table: Table, ledger: pl.DataFrame, source: Source) -> bool:
    """Return whether a source's keys are mapped from its export; derived keys are not renamed."""
    if source.settings.columns:
        return table.key in source.settings.columns
    keys = lake.scan_or_empty(table.name, table.landed_schema).filter(_is_of_source(ledger, source)).select(table.key)
    return not keys.select(pl.col(table.key).str.contains(_DERIVED_KEY).all() & (pl.len() > 0)).collect(engine="streaming").item()


def _is_of_source(ledger: pl.DataFrame, source: Source) -> pl.Expr:
    arrivals = ledger.filter(pl.col("table") == source.table, pl.col("source") == source.identity)["arrival_id"]
    return pl.col("arrival_id").is_in(arrivals.implode())


def _prefix_error(source: Source) -> ConfigurationError:
    return ConfigurationError(
        f'{source.label}: its records landed with `keys = "own"`, and it no longer says so',
        remedy='Put keys = "own" back; to share keys from the beginning, load the exports into a new lake.',
    )


def _rename_keys(lake: Lake, table: Table, ledger: pl.DataFrame, source: Source) -> None:
    """Rewrite a source's records with prefixed keys, and the references to them in other tables."""
    # Derived keys are hashes, which no reference contains, so they stay.
    is_mapped = _is_of_source(ledger, source) & ~pl.col(table.key).str.contains(_DERIVED_KEY)
    # Collected before the rewrite: afterwards the old keys are gone, and references to them could not be found.
    old = lake.scan_or_empty(table.name, table.landed_schema).filter(is_mapped).select(table.key).collect()[table.key]
    if old.is_empty():
        return
    _rewrite(lake, table, is_mapped, prefixed(pl.col(table.key), source.identity))
    for other in TABLES.values():
        for column, referred in other.references.items():
            if referred == table.name and lake.exists(other.name):
                _rewrite(lake, other, pl.col(column).is_in(old.implode()), prefixed(pl.col(column), source.identity))


def _rewrite(lake: Lake, table: Table, chosen: pl.Expr, value: pl.Expr) -> None:
    column = value.meta.output_name()
    stored = lake.scan(table.name)
    days = stored.filter(chosen).select(pl.col(DAY).unique()).collect(engine="streaming")[DAY].sort().to_list()
    # In batches of days, as a table may not fit into memory.
    for batch in _batches(days):
        rows = stored.filter(pl.col(DAY).is_in(batch)).with_columns(pl.when(chosen).then(value).otherwise(column).alias(column))
        lake.replace_days(table.name, rows.collect().sort(DAY, table.key), days=batch)


def _batches(days: Sequence[date]) -> Iterator[list[date]]:
    for first in range(0, len(days), _DAYS_PER_BATCH):
        yield list(days[first : first + _DAYS_PER_BATCH])
