"""What works: every grouping of the pieces of a window beside what was to be expected, as far as it is beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from community.groupings import WHAT, WHEN, groups_of
from community.quality import Measured, by_group, by_groups, within_groups
from community.standouts import Standout, standouts

FORMAT = "format"
TOPIC = "topic"


@dataclass(frozen=True)
class Works:
    """What works, and how much there is of it.

    Args:
        groups: One row per group with enough pieces, the best first: `of` (as in `community.groupings`), and the columns of
            `community.quality.by_group`. But for formats, pieces are compared with others of their format. The intervals hold for
            all groups together.
        standouts: What the best tenth of pieces have in common.
    """

    groups: pl.DataFrame
    standouts: tuple[Standout, ...]

    @property
    def supported(self) -> pl.DataFrame:
        """Return the groups that draw more or fewer responses than expected beyond chance, the best first."""
        return self.groups.filter((pl.col("low") > 1) | (pl.col("high") < 1))

    @property
    def topics(self) -> pl.DataFrame:
        """Return the topics, those with most pieces first."""
        return self.groups.filter(pl.col("of") == TOPIC).sort("pieces", "group", descending=[True, False])


def what_works(pieces: pl.DataFrame, measured: Measured) -> Works:
    """Compare all groupings of the pieces.

    Args:
        pieces: One row per piece, in `community.answers.PIECES_SCHEMA`.
        measured: The same pieces beside what was expected of them.
    """
    groups = groups_of(pieces)
    formats = groups.filter(pl.col("of") == FORMAT).select("piece_no", "group")
    within = within_groups(measured, formats)
    others = [of for of in (*WHAT, *WHEN) if of != FORMAT]
    return Works(by_groups(measured, groups, others=within, others_of=others), standouts(measured, groups))


def expected_responses(pieces: pl.DataFrame, measured: Measured) -> pl.DataFrame:
    """Estimate how many people respond to each piece in all: by age, following, form and topic.

    One row per measured piece, sorted: `piece_no`, `expected_responses`.

    Args:
        pieces: One row per piece: piece_no, topic, format.
        measured: The same pieces beside what was expected of them.
    """
    within = within_groups(measured, pieces.select("piece_no", group="format"))
    by_topic = pieces.select("piece_no", group="topic")
    factors = by_topic.drop_nulls().join(by_group(within, by_topic).select("group", "quality"), on="group")
    joined = within.pieces.join(factors.select("piece_no", "quality"), on="piece_no", how="left", maintain_order="left")
    return joined.select("piece_no", expected_responses=pl.col("expected_in_all") * pl.col("quality").fill_null(1.0))
