"""Whether two sides of a comparison made the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

# Sums of floats depend on their order in the last places; everything else has to agree exactly.
RELATIVE_TOLERANCE: Final = 1e-9
_KEYS: Final = {
    "daily": ["event_date", "member_no", "activity"],
    "ties": ["event_date", "member_no", "other_no"],
    "features": ["member_no"],
    "contributions": ["row"],
}
_TOLERANCES: Final = {"contributions": 2e-5}


@dataclass(frozen=True)
class Agreement:
    """What was compared.

    Args:
        values: Values that both sides made.
        columns: Columns that both sides made, keys included.
        columns_of_ours: Columns that ours made.
        differing: Column → how many of its values differ; empty when the sides agree.
    """

    values: int
    columns: int
    columns_of_ours: int
    differing: dict[str, int]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differing


def compare(ours: Path, rival: Path) -> Agreement:
    """Compare the columns that a rival made with ours, row by row.

    Args:
        ours: Folder with our result, one Parquet file per table.
        rival: Folder with the rival's, the same names; it may have fewer columns, never others or other rows.
    """
    values = columns = columns_of_ours = 0
    differing: dict[str, int] = {}
    for path in sorted(ours.glob("*.parquet")):
        key = _KEYS[path.stem]
        left, right = pl.read_parquet(path), pl.read_parquet(rival / path.name)
        shared = [column for column in right.columns if column in left.columns and column not in key]
        differing |= dict.fromkeys((f"{path.stem}.{c}" for c in right.columns if c not in left.columns), right.height)
        both = left.select(*key, *shared).join(right.select(*key, *shared), on=key, how="full", coalesce=True, suffix=":rival")
        if not left.height == right.height == both.height:
            differing[f"{path.stem} (rows)"] = abs(both.height - left.height) + abs(both.height - right.height)
        tolerance = _TOLERANCES.get(path.stem)
        counted = both.select((~_same(column, both.schema[column], tolerance)).sum().alias(column) for column in shared)
        found = counted.row(0, named=True) if shared else {}
        differing |= {f"{path.stem}.{column}": int(count) for column, count in found.items() if count}
        values += both.height * len(shared)
        columns += len(shared) + len(key)
        columns_of_ours += left.width
    return Agreement(values, columns, columns_of_ours, differing)


def _same(column: str, dtype: pl.DataType, tolerance: float | None) -> pl.Expr:
    ours, rival = pl.col(column), pl.col(f"{column}:rival")
    if not dtype.is_numeric():
        return ours.cast(pl.String).eq_missing(rival.cast(pl.String))
    ours, rival = ours.cast(pl.Float64), rival.cast(pl.Float64)
    away = (ours - rival).abs()
    close = away <= (tolerance if tolerance is not None else RELATIVE_TOLERANCE * pl.max_horizontal(ours.abs(), pl.lit(1.0)))
    return ours.eq_missing(rival) | close.fill_null(value=False)
