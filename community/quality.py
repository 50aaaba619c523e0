"""Quality of content: how many people respond to a piece beside how many were to be expected, apart from how much is published.

Expected are the responses that pieces of the same age and of authors with a like following get; where it is known who read a
piece, the responses that so many readers give. Only how well pieces did is measured, not why: nobody draws topics and hours
at random.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from community.shares import Z95, z_for
from community.shrinkage import Floats, dispersion, shrink

# Lower bounds of the bands of following: people who responded to the author in the window before.
FOLLOWING_BANDS: Final = (1, 3, 10, 30, 100)
# Fewer pieces or authors say nothing of a topic, format, word, hour or weekday.
LEAST_PIECES: Final = 8
LEAST_AUTHORS: Final = 4
_UNITS: Final = 2**20
Basis = Literal["readers", "age"]
MEASURED_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "piece_no": pl.UInt32(),
    "author_no": pl.Int32(),
    "responders": pl.Int64(),
    "readers": pl.Int64(),
    "expected": pl.Float64(),
    "expected_in_all": pl.Float64(),
}


@dataclass(frozen=True)
class Measured:
    """The pieces of a window beside what was expected of them.

    Args:
        pieces: One row per piece with exposure, in `MEASURED_SCHEMA`, sorted by piece_no; `responders` are distinct people other
            than the author and staff, `expected` those to be expected by now, `expected_in_all` those by the window's end. The
            expected responses of all add up to those there were.
        basis: Whether readers or age and following say what was expected.
        spread: How many times wider pieces spread than Poisson counts.
    """

    pieces: pl.DataFrame
    basis: Basis
    spread: float


def measure(pieces: pl.DataFrame, responses: pl.DataFrame, following: pl.DataFrame) -> Measured | None:
    """Count who responded to each piece and what was to be expected; None where nobody responded to anything.

    Args:
        pieces: One row per piece: piece_no, author_no, published_on, age_days.
        responses: One row per piece and other person, in `community.answers.RESPONSES_SCHEMA`.
        following: One row per author: author_no, following, the people who responded to the author before the window.
    """
    counted = _counted(pieces, responses, following)
    # One reader a piece on average: where reading is hardly ever recorded, it cannot say how far a piece reached.
    basis: Basis = "readers" if int(counted["has_read"].sum()) >= counted.height else "age"
    if basis == "readers":
        aged = counted.with_columns(expected=pl.col("readers").cast(pl.Float64), growth=1.0)
    else:
        aged = counted.hstack(_by_age(counted, responses))
    known = aged.filter(pl.col("expected") > 0)
    if not known["responders"].sum():
        return None
    known = known.with_columns(pl.col("expected") * _excess(known))
    if basis == "age":
        known = _by_following(known)
    known = known.with_columns(expected_in_all=pl.col("expected") * pl.col("growth"))
    known = known.select(pl.col(name).cast(dtype) for name, dtype in MEASURED_SCHEMA.items())
    return Measured(known, basis, _spread(known))


def by_group(measured: Measured, groups: pl.DataFrame) -> pl.DataFrame:
    """Estimate the quality of groups of pieces of one kind, such as all topics; see `by_groups`."""
    return by_groups(measured, groups.with_columns(of=pl.lit("group")), others=measured, others_of=()).drop("of")


def by_groups(measured: Measured, groups: pl.DataFrame, *, others: Measured, others_of: Collection[str]) -> pl.DataFrame:
    """Estimate the quality of groups of pieces.

    One row per group with enough pieces by enough authors, the best first: `of`, `group`, `pieces`, `authors`, `responders`,
    `expected`, `quality` (responses in multiples of the expected ones, drawn towards 1 within `of`), `low`, `high` (its 95 %
    interval, wider the more groups there are).

    Args:
        measured: The pieces.
        groups: One row per piece and group that it belongs to, each once: piece_no, of, group (text; null rows do not count).
        others: The same pieces with other expectations.
        others_of: The kinds of groups that these are for.
    """
    both = measured.pieces.join(others.pieces.select("piece_no", other="expected"), on="piece_no")
    # Groups go by a number while they are summed: a row per piece and group is long, and text is slow to group by.
    named = groups.select("of", "group").drop_nulls().unique().sort("of", "group").with_row_index("group_no")
    numbered = groups.join(named, on=["of", "group"]).select("piece_no", "group_no", is_other=pl.col("of").is_in(list(others_of)))
    members = numbered.join(both, on="piece_no").with_columns(expected=pl.when("is_other").then("other").otherwise("expected"))
    summed = _over_authors(_summed(members, "group_no", "author_no")).join(named, on="group_no").sort("of", "group")
    summed = summed.filter(pl.col("pieces") >= LEAST_PIECES, pl.col("authors") >= LEAST_AUTHORS)
    z = z_for(summed.height)
    told = []
    for (of,), rows in summed.partition_by("of", as_dict=True, maintain_order=True).items():
        # Pieces of one author are alike: the spread between the authors of a group counts, where it is the wider one.
        least = others.spread if of in others_of else measured.spread
        spread = np.maximum(least, _floats(rows["apart"]) / _floats(rows["expected"]))
        told.append(_with_quality(rows, spread=spread, z=z))
    order = ("of", "group", "pieces", "authors", "responders", "expected", "quality", "low", "high")
    every = pl.concat(told) if told else _with_quality(summed, spread=1.0, z=z)
    return every.select(order).sort("quality", "of", "group", descending=[True, False, False])


def within_groups(measured: Measured, groups: pl.DataFrame) -> Measured:
    """Correct what was expected for the group of a piece, so that it is compared with others of its group.

    Args:
        measured: The pieces.
        groups: One row per piece with a group, such as its format: piece_no, group.
    """
    factors = by_group(measured, groups).select("group", factor="quality")
    named = groups.drop_nulls("group").unique("piece_no").join(factors, on="group").select("piece_no", "factor")
    corrected = measured.pieces.join(named, on="piece_no", how="left", maintain_order="left")
    both = pl.col("expected", "expected_in_all")
    corrected = corrected.with_columns(both * pl.col("factor").fill_null(1.0)).drop("factor")
    corrected = corrected.with_columns(both * _excess(corrected))
    return Measured(corrected, measured.basis, _spread(corrected))


def by_author(measured: Measured) -> pl.DataFrame:
    """Estimate the quality of each author: `author_no`, `pieces`, `responders`, `expected`, `quality`, `low`, `high`.

    The intervals hold for one author looked at alone.
    """
    return _with_quality(_summed(measured.pieces, "author_no").sort("author_no"), spread=measured.spread, z=Z95)


def by_piece(measured: Measured) -> pl.DataFrame:
    """Estimate the quality of each piece: the columns of `MEASURED_SCHEMA`, `quality`, `low` and `high`, the best first."""
    return _with_quality(measured.pieces, spread=1.0, z=Z95)


def _summed(pieces: pl.DataFrame, *by: str) -> pl.DataFrame:
    sums = {"responders": pl.col("responders").sum(), "expected": _units("expected").sum() / _UNITS}
    return pieces.group_by(by).agg(pieces=pl.len().cast(pl.Int64), **sums)


def _units(column: str) -> pl.Expr:
    """Return a number as a whole number of small units: their sum is the same to the bit in any order of rows."""
    return (pl.col(column) * _UNITS).round().cast(pl.Int64)


def _over_authors(by_author: pl.DataFrame) -> pl.DataFrame:
    """Sum authors to groups; `apart` sums the squared distances of the authors from their group's own ratio.

    One row per group_no: pieces, responders, expected, authors, apart.
    """
    exact = _units("expected")
    sums = by_author.group_by("group_no").agg(
        pl.col("pieces", "responders").sum(), expected=exact.sum() / _UNITS, authors=pl.len().cast(pl.Int64)
    )
    ratios = sums.select("group_no", ratio=pl.col("responders") / pl.col("expected"))
    squared = by_author.join(ratios, on="group_no").select(
        "group_no", squared=(pl.col("responders") - pl.col("expected") * pl.col("ratio")) ** 2
    )
    apart = squared.group_by("group_no").agg(apart=_units("squared").sum() / _UNITS)
    # One degree of freedom is spent on the ratio.
    return sums.join(apart, on="group_no").with_columns(pl.col("apart") * pl.col("authors") / (pl.col("authors") - 1))


def _counted(pieces: pl.DataFrame, responses: pl.DataFrame, following: pl.DataFrame) -> pl.DataFrame:
    by_people = responses.filter(~pl.col("is_staff"))
    counts = by_people.group_by("piece_no").agg(
        responders=pl.col("responded_on").count().cast(pl.Int64),
        # Whoever responded has seen the piece, whether reading is recorded or not.
        readers=pl.len().cast(pl.Int64),
        has_read=pl.col("has_read").sum().cast(pl.Int64),
    )
    return (
        pieces.select("piece_no", "author_no", "published_on", "age_days")
        .join(counts, on="piece_no", how="left")
        .join(following, on="author_no", how="left")
        .with_columns(pl.col("responders", "readers", "has_read", "following").fill_null(0))
        .sort("piece_no")
    )


def _by_age(counted: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """Return, for each piece, the responses that pieces get by its age on average, and what they grow by until the window's age.

    On each day since publication, people who responded on it are divided by the pieces that have reached it: the mean cumulative
    function of recurrent events. Source: Nelson (2003).
    """
    ages = counted["age_days"].to_numpy()
    days = int(ages.max()) + 1
    dated = responses.filter(~pl.col("is_staff")).drop_nulls("responded_on").join(counted, on="piece_no")
    after = (dated["responded_on"] - dated["published_on"]).dt.total_days().to_numpy()
    given = np.bincount(np.clip(after, 0, days - 1), minlength=days)
    # A piece of age a has been open on the days 0 to a.
    reached = np.cumsum(np.bincount(ages, minlength=days)[::-1])[::-1]
    so_far = np.cumsum(given / np.maximum(reached, 1))
    expected = so_far[ages]
    growth = np.divide(so_far[-1], expected, out=np.ones(len(ages)), where=expected > 0)
    return pl.DataFrame({"expected": expected, "growth": growth}, schema={"expected": pl.Float64, "growth": pl.Float64})


def _by_following(known: pl.DataFrame) -> pl.DataFrame:
    """Correct what was expected for the author's following, by the shrunk ratios of bands of it."""
    bands = np.searchsorted(FOLLOWING_BANDS, known["following"].to_numpy(), side="right")
    banded = known.with_columns(band=pl.Series(bands, dtype=pl.Int64))
    sums = banded.group_by("band").agg(pl.col("responders").sum(), pl.col("expected").sort().sum()).sort("band")
    ratios = shrink(_floats(sums["responders"]), _floats(sums["expected"]), spread=_spread(known), z=Z95)
    factors = sums.select("band", factor=pl.Series(ratios.ratio))
    corrected = banded.join(factors, on="band", how="left", maintain_order="left")
    corrected = corrected.with_columns(pl.col("expected") * pl.col("factor"))
    return corrected.with_columns(pl.col("expected") * _excess(corrected))


def _with_quality(summed: pl.DataFrame, *, spread: float | Floats, z: float) -> pl.DataFrame:
    ratios = shrink(_floats(summed["responders"]), _floats(summed["expected"]), spread=spread, z=z)
    columns = {"quality": ratios.ratio, "low": ratios.low, "high": ratios.high}
    told = summed.with_columns(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items())
    return told.sort("quality", told.columns[0], descending=[True, False])


def _excess(rows: pl.DataFrame) -> float:
    """Return what makes the expected responses add up to those there were."""
    return float(_floats(rows["responders"]).sum() / _floats(rows["expected"]).sum())


def _spread(rows: pl.DataFrame) -> float:
    return dispersion(_floats(rows["responders"]), _floats(rows["expected"]))


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).to_numpy()
