"""What the best tenth of pieces have in common that the others have less, or more, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from community.quality import LEAST_AUTHORS, LEAST_PIECES, Measured, by_piece
from community.shares import is_more, z_for

BEST_SHARE: Final = 0.1


@dataclass(frozen=True)
class Standout:
    """A trait that the best tenth of pieces has more, or less, often than the others.

    Args:
        of: What it is a trait of, as in `community.groupings`.
        group: The trait.
        best_share: Share of the best pieces that have it.
        other_share: Share of the others.
    """

    of: str
    group: str
    best_share: float
    other_share: float


def best_pieces(measured: Measured) -> pl.Series:
    """Return the numbers of the best tenth of pieces by shrunk quality, sorted; empty where all are alike."""
    ranked = by_piece(measured)
    best = ranked.filter(pl.col("quality") > 1).head(round(measured.pieces.height * BEST_SHARE))
    return best["piece_no"].sort()


def standouts(measured: Measured, groups: pl.DataFrame) -> tuple[Standout, ...]:
    """Find the traits of the best tenth, those with the largest difference first.

    Authors are counted, not pieces: the pieces of one author are alike, so that they say no more than the author.

    Args:
        measured: The pieces.
        groups: One row per piece and trait, in `community.groupings.GROUPS_SCHEMA`.
    """
    best = best_pieces(measured)
    if best.is_empty():
        return ()
    pieces = measured.pieces.select("piece_no", "author_no", is_best=pl.col("piece_no").is_in(best.implode()))
    traits = groups.join(pieces, on="piece_no")
    counted = traits.group_by("of", "group").agg(
        best=pl.col("is_best").sum(), all=pl.len(), authors=pl.col("author_no").n_unique()
    )
    tried = counted.filter(pl.col("all") >= LEAST_PIECES, pl.col("authors") >= LEAST_AUTHORS).sort("of", "group")
    authors = {is_best: rows["author_no"].n_unique() for (is_best,), rows in pieces.partition_by("is_best", as_dict=True).items()}
    if authors[True] < LEAST_AUTHORS:
        return ()
    z, others = z_for(tried.height), pieces.height - best.len()
    found = []
    for of, group, in_best, in_all, _ in tried.iter_rows():
        share, other = in_best / best.len(), (in_all - in_best) / others
        if is_more(share * authors[True], authors[True], other * authors[False], authors[False], z=z) is not None:
            found.append(Standout(of, group, share, other))
    return tuple(sorted(found, key=lambda one: (-abs(one.best_share - one.other_share), one.of, one.group)))
