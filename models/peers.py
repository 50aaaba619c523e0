"""Members whom a reason compares somebody with: the typical member, and the typical member of the same tenure band."""

from __future__ import annotations

from typing import Final

import polars as pl

from models.bands import EVERYBODY, TENURE, TENURE_BANDS, tenure_band

# The band of the row against which reasons are tried.
TYPICAL: Final = "typical"
BAND: Final = "peer:band"
# The mean probability with which members leave.
LEVEL: Final = "peer:level"
# A band of fewer members says little about anybody.
_LEAST_MEMBERS: Final = 20
_LAST_TIME: Final = "days_since_last_"


def describe_peers(members: pl.DataFrame, *, probability: pl.Series | None = None) -> pl.DataFrame:
    """Describe the typical members of a community.

    One row per `peer:band`, with the columns of `members`: `typical`, as `typical_member` has it; `everybody`, the same but
    null where fewer than half of the members have a value; and so for each tenure band. Numbers are medians; a member who never
    did something counts as longest ago, so that a median is null where most never did. A text is there where most have it.
    `peer:level` is the mean of the probability on each row.

    Args:
        members: One row per scored member: features, `tenure_days` among them unless no band is wanted.
        probability: Their churn probabilities; None leaves the level null.
    """
    bands = {EVERYBODY: members}
    if TENURE in members.columns:
        band = members.select(tenure_band(pl.col(TENURE))).to_series()
        bands |= {name: members.filter(band == name) for name in TENURE_BANDS}
    rows = [typical_member(members), *(_most_have(rows) for rows in bands.values())]
    # Sorted, because the last bit of a sum depends on the order of its terms.
    level = None if probability is None else probability.sort().mean()
    peers = pl.concat(rows, how="vertical_relaxed")
    return peers.with_columns(pl.Series(BAND, [TYPICAL, *bands]), pl.lit(level, pl.Float64).alias(LEVEL))


def typical_member(population: pl.DataFrame) -> pl.DataFrame:
    """Compute the typical member.

    One row: the median of each number and the most frequent value of each text, among the members who have one.
    """
    return population.select(_NUMBERS.cast(pl.Float64).median(), _MOST_FREQUENT)


def _most_have(members: pl.DataFrame) -> pl.DataFrame:
    """Compute the typical member as `typical_member` does; null where fewer than half have a value, or the members are few."""
    is_last_time = pl.selectors.starts_with(_LAST_TIME) & _NUMBERS
    others = _NUMBERS - is_last_time
    median = is_last_time.cast(pl.Float64).fill_null(float("inf")).median()
    columns = members.select(
        pl.when(median.is_finite()).then(median),
        pl.when(others.count() * 2 >= pl.len()).then(others.cast(pl.Float64).median()),
        pl.when((_TEXT.cast(pl.String) == _MOST_FREQUENT).sum() * 2 >= pl.len()).then(_MOST_FREQUENT),
    )
    known = columns if members.height >= _LEAST_MEMBERS else columns.select(pl.when(pl.lit(value=False)).then(pl.all()))
    return known.select(typical_member(members.head(0)).columns)


_NUMBERS: Final = pl.selectors.numeric() | pl.selectors.boolean()
_TEXT: Final = pl.selectors.string() | pl.selectors.categorical()
_MOST_FREQUENT: Final = _TEXT.cast(pl.String).drop_nulls().mode().sort().first()
