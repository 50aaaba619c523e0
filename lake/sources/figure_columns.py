"""Exports of platforms that have a row per day and a column per figure, as rows of one figure each."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lake.errors import ConfigurationError
from lake.sources.casting import as_text, without_blanks
from lake.sources.expressions import listed
from lake.sources.source_settings import FIGURE, VALUE


def one_row_per_figure(rows: pl.DataFrame, figures: Mapping[str, str], *, name: str) -> pl.DataFrame:
    """Return one row per record and figure that has a value in it, in the order of the records.

    Args:
        rows: One row per record.
        figures: What a figure is called → its column.
        name: The export's name in messages.

    Returns:
        The other columns, `figure` and `value` as it was written; empty cells have no row.

    Raises:
        ConfigurationError: A column is not in the export.
    """
    for figure, column in figures.items():
        if column not in rows.columns:
            raise ConfigurationError(
                f"{name}: the figure `{figure}` is to be read from `{column}`, and the export has no such column",
                remedy=f"Correct it under `figures`; the export has: {listed(rows.columns)}.",
            )
    columns = list(dict.fromkeys(figures.values()))
    others = [column for column in rows.columns if column not in {*columns, FIGURE, VALUE}]
    # As text, because a column of whole numbers and one of fractions or texts have no type in common.
    texts = rows.select(*others, *(without_blanks(as_text(rows[column])).alias(column) for column in columns))
    numbered = texts.with_row_index("record")
    values = pl.concat(
        numbered.select("record", *others, pl.lit(figure).alias(FIGURE), pl.col(column).alias(VALUE), place=pl.lit(place))
        for place, (figure, column) in enumerate(figures.items())
    )
    return values.filter(pl.col(VALUE).is_not_null()).sort("record", "place").select(*others, FIGURE, VALUE)
