"""Map rows of an export as its source is configured, in the timezone of the source or of the community."""

from __future__ import annotations

import polars as pl

from lake.sources.discovery import Export
from lake.sources.mapping import Mapped, map_export


def map_rows(rows: pl.DataFrame, export: Export, *, timezone: str) -> Mapped:
    """Map rows of an export; one row per row that the source's filter keeps.

    Args:
        rows: Rows as they are in the export.
        export: The export.
        timezone: The community's, for a source without a timezone of its own.

    Raises:
        ConfigurationError: A column or an expression of the mapping is wrong.
    """
    zone = export.settings.timezone or timezone
    return map_export(rows, table=export.table, settings=export.settings, name=export.name, timezone=zone)
