"""The text forms of simulated members, times and texts in an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import polars as pl

from lake.simulate.population import NEVER, Column, Flags, Ints

HOSTILE_TEXTS: Final = (
    "=SUM(A1:A9) is not a formula here",
    'She said "no, thanks", twice',
    "Semicolons; commas, and a tab\tin one line",
    "🌱🌿 Frühling in Łódź — тест 试验",
    "+44 is a prefix, -1 a number, @all a mention",
    "Two lines\nin one text",
    "<b>bold</b> &amp; <script>alert(1)</script>",
)


@dataclass(frozen=True)
class Calendar:
    """Conversion of simulated days and local seconds to dates and times.

    Args:
        first_day: The first simulated day.
        timezone: The community's timezone.
    """

    first_day: date
    timezone: str

    def dates(self, day: Ints) -> pl.Series:
        """Return calendar days; null for `NEVER`."""
        offset = pl.lit(pl.Series(np.where(day == NEVER, 0, day)))
        is_known = pl.lit(pl.Series(day != NEVER))
        return pl.select(pl.when(is_known).then(pl.lit(self.first_day) + pl.duration(days=offset))).to_series()

    def local(self, day: Ints, second: Column) -> pl.Series:
        """Return wall-clock times without a zone, to the millisecond."""
        midnight = datetime.combine(self.first_day, datetime.min.time())
        milliseconds = day * 86_400_000 + np.floor(np.asarray(second, dtype=np.float64) * 1000).astype(np.int64)
        return pl.select(
            pl.lit(midnight).cast(pl.Datetime("us")) + pl.duration(milliseconds=pl.lit(pl.Series(milliseconds)))
        ).to_series()

    def moments(self, day: Ints, second: Column) -> pl.Series:
        """Return times in UTC; a wall-clock time that a clock change skips is moved one hour forward."""
        return self.zoned(self.local(day, second)).dt.convert_time_zone("UTC")

    def zoned(self, local: pl.Series) -> pl.Series:
        """Attach the community's timezone to wall-clock times."""
        # The time after the change that has the same distance to it as the skipped one.
        skipped = local.dt.offset_by("1h").dt.replace_time_zone(self.timezone, ambiguous="earliest", non_existent="null")
        regular = local.dt.replace_time_zone(self.timezone, ambiguous="earliest", non_existent="null")
        return pl.select(pl.coalesce(regular, skipped)).to_series()


def ids(prefix: str, number: Ints, *, width: int) -> pl.Series:
    """Return ids such as `m00042`; null for negative numbers.

    Args:
        prefix: The letters before the number.
        number: The numbers.
        width: Number of digits, filled up with zeros.
    """
    numbers = pl.Series(number)
    text = pl.lit(prefix) + numbers.cast(pl.String).str.zfill(width)
    return pl.select(pl.when(numbers >= 0).then(text)).to_series()


def member_ids(number: Ints) -> pl.Series:
    """Return the ids of members by their row in the population; null for negative rows."""
    return ids("m", number, width=5)


def words(vocabulary: Sequence[str], code: Ints) -> pl.Series:
    """Return the word of each code; null for the empty word, which stands for unknown."""
    return pl.Series(vocabulary, dtype=pl.String).replace("", None).gather(pl.Series(code, dtype=pl.Int64))


def blanked(values: pl.Series, where: Flags) -> pl.Series:
    """Return the values with null where the mask is true."""
    return pl.select(pl.when(~pl.Series(where)).then(values)).to_series()


def with_hostile(texts: pl.Series, *, every: int) -> pl.Series:
    """Replace every `every`-th text, beginning with the third, by a text that is valid but difficult to read or write."""
    row = pl.int_range(len(texts))
    awkward = pl.Series(HOSTILE_TEXTS).gather((np.arange(len(texts)) // every) % len(HOSTILE_TEXTS))
    return pl.select(pl.when(row % every == 2 % every).then(awkward).otherwise(texts)).to_series()
