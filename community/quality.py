"""Quality of content: how many people respond to a piece beside how many were to be expected, apart from how much is published.

Expected are the responses that pieces of the same age and of authors with a like following get; where it is known who read a
piece, the responses that so many readers give. Only how well pieces did is measured, not why: nobody draws topics and hours
at random.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def by_group(measured: Measured, groups: pl.DataFrame, *, compared: int | None = None) -> pl.DataFrame:
    """Estimate the quality of groups of pieces.

    One row per group with enough pieces by enough authors, the best first: `group`, `pieces`, `authors`, `responders`,
    `expected`, `quality` (responses in multiples of the expected ones, drawn towards 1), `low`, `high` (its 95 % interval, wider
    the more groups are compared).

    Args:
        measured: The pieces.
        groups: One row per piece and group that it belongs to: piece_no, group (text; null rows do not count).
        compared: How many groups are looked at together; by default those of this frame.
    """
    members = measured.pieces.join(groups.drop_nulls("group").unique(), on="piece_no")
    by_author = _summed(members, "group", "author_no").sort("group", "author_no")
    summed = (
        by_author.group_by("group", maintain_order=True)
        .agg(
            pl.col("pieces", "responders").sum(),
            pl.col("expected").sum(),
            authors=pl.len().cast(pl.Int64),
            apart=_apart().sort().sum() * (pl.len() / (pl.len() - 1)),
        )
        .filter(pl.col("pieces") >= LEAST_PIECES, pl.col("authors") >= LEAST_AUTHORS)
        .sort("group")
    )
    # Pieces of one author are alike: the spread between the authors of a group counts, where it is the wider one.
    spread = np.maximum(measured.spread, _floats(summed["apart"]) / _floats(summed["expected"]))
    z = z_for(summed.height if compared is None else compared)
    order = ("group", "pieces", "authors", "responders", "expected")
    return _with_quality(summed.select(order), spread=spread, z=z)


def within_formats(measured: Measured, groups: pl.DataFrame) -> Measured:
    """Correct what was expected for the form of the piece, so that a topic of questions is compared with other questions.

    Args:
        measured: The pieces.
        groups: One row per piece with a format: piece_no, group.
    """
    formats = by_group(measured, groups).select("group", factor="quality")
    named = groups.drop_nulls("group").unique("piece_no").join(formats, on="group").select("piece_no", "factor")
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
    # Sorted before it is summed, so that the order of rows changes no bit.
    sums = {"responders": pl.col("responders").sum(), "expected": pl.col("expected").sort().sum()}
    return pieces.group_by(by).agg(pieces=pl.len().cast(pl.Int64), **sums)


def _apart() -> pl.Expr:
    """Return how far each author of a group is from the group's own ratio, squared."""
    ratio = pl.col("responders").sum() / pl.col("expected").sum()
    return (pl.col("responders") - pl.col("expected") * ratio) ** 2


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
