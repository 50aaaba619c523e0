"""Bad rows as in real exports: copies of good rows, each broken in one documented way.

A bad row has a key of its own, or comes after the good row with the same key, and is broken in a column that its table requires
or in its key: so leaving out exactly the bad rows leaves exactly the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

BAD_SHARE: Final = 0.002
STRANGER: Final = "x99999"
_BEFORE_1970: Final = pl.lit(datetime(1969, 12, 31, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))

Breakages = Mapping[str, Mapping[str, pl.Expr]]
"""Name of a breakage → column → the value of the bad row."""

BREAKAGES: Final[Mapping[str, Breakages]] = {
    "members": {
        "missing_id": {"member_id": pl.lit(None, dtype=pl.String)},
        "repeated_with_text_in_birth_year": {"birth_year": pl.lit("nineteen eighty")},
    },
    "events_web": {
        "unknown_member": {"member_id": pl.lit(STRANGER)},
        "time_before_1970": {"occurred_at": _BEFORE_1970},
    },
    "events_app": {
        "unknown_member": {"user": pl.lit(STRANGER)},
        "impossible_date": {"ts": pl.lit("2025-13-45T08:00:00.000Z")},
    },
    "orders": {
        "text_in_amount": {"unit_price": pl.lit("n/a")},
        "impossible_date": {"ordered_at": pl.lit("2025-02-30 10:00:00")},
        "unknown_member": {"customer": pl.lit(STRANGER)},
    },
    "content": {"unknown_member": {"author_id": pl.lit(STRANGER)}},
    "contacts": {
        "unknown_member": {"member_id": pl.lit(STRANGER)},
        "impossible_date": {"sent_at": pl.lit("31/02/2025 09:00:00")},
    },
    "feedback": {
        "impossible_date": {"answered": pl.lit("2025-13-45T08:00:00")},
        "unknown_member": {"member": pl.lit(STRANGER)},
    },
}
KEYS: Final[Mapping[str, str]] = {
    "events_web": "event_id",
    "events_app": "id",
    "orders": "order_no",
    "content": "content_id",
    "contacts": "contact_id",
}


def add_bad_rows(export: str, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the rows with about 0.2 % bad ones added at the end, and the number of each kind.

    Args:
        export: One of the keys of `BREAKAGES`.
        rows: Good rows, as they are written.
        rng: Source of randomness.
    """
    breakages = BREAKAGES[export]
    sample = np.sort(rng.choice(rows.height, size=round(rows.height * BAD_SHARE), replace=False))
    kinds = list(breakages)
    # Every kind gets the same number of rows, give or take one.
    parts = [_broken(rows[sample[start :: len(kinds)]], breakages[kind], KEYS.get(export)) for start, kind in enumerate(kinds)]
    counts = {kind: part.height for kind, part in zip(kinds, parts, strict=True)}
    return pl.concat([rows, *_renumbered(parts, KEYS.get(export))]), counts


def _broken(rows: pl.DataFrame, breakage: Mapping[str, pl.Expr], key: str | None) -> pl.DataFrame:
    broken = rows.with_columns(**breakage)
    return broken if key is None or key in breakage else broken.with_columns(pl.lit("").alias(key))


def _renumbered(parts: Sequence[pl.DataFrame], key: str | None) -> list[pl.DataFrame]:
    if key is None:
        return list(parts)
    bad_rows = pl.concat(parts)
    number = pl.int_range(bad_rows.height).cast(pl.String).str.zfill(5)
    return [bad_rows.with_columns((pl.lit("bad") + number).alias(key))]
