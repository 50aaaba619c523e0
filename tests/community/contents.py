"""Small frames of pieces and responses, with the columns that a test does not name filled in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from community.answers import PIECES_SCHEMA, RESPONSES_SCHEMA

AS_OF = date(2025, 6, 30)
NIGHT_ENDS_AT = datetime(2025, 7, 1, tzinfo=UTC)


def pieces(*rows: dict[str, Any]) -> pl.DataFrame:
    """One row per piece, `hours` before the end of the night, with `age_days`."""
    filled = []
    for number, row in enumerate(rows):
        at = NIGHT_ENDS_AT - timedelta(hours=row.get("hours", 48))
        known = {
            "piece_no": number, "content_id": f"p{number}", "author_no": 1, "published_at": at, "published_on": at.date(),
            "hour": at.hour, "weekday": at.isoweekday(), "topic": None, "format": None, "title": None, "channel": None,
            "author_seen_from": date(2020, 1, 1),
        }  # fmt: skip
        filled.append(known | {name: value for name, value in row.items() if name != "hours"})
    frame = pl.DataFrame(filled, schema=dict(PIECES_SCHEMA))
    return frame.with_columns(age_days=(pl.lit(AS_OF) - pl.col("published_on")).dt.total_days())


def responses(*rows: tuple[int, int, float | None], staff: tuple[int, ...] = ()) -> pl.DataFrame:
    """One row per piece and person: piece_no, member_no, hours before the end of the night of an answer; None reads."""
    filled = [
        (piece, who, who in staff, at, None if at is None else at.date(), at is None)
        for piece, who, hours in rows
        for at in (None if hours is None else NIGHT_ENDS_AT - timedelta(hours=hours),)
    ]
    return pl.DataFrame(filled, schema=dict(RESPONSES_SCHEMA), orient="row")
