"""Reasons as data, told as sentences."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from wording.columns import RAISES, SentenceContext
from wording.reasons.said import Said
from wording.reasons.sentences import sentence


def add_text(
    reasons: pl.DataFrame, members: pl.DataFrame, features: Mapping[str, Said], context: SentenceContext
) -> pl.DataFrame:
    """Add the column `text`, without a full stop; one that lowers the risk says so.

    One row per row of `reasons`, in another order.

    Args:
        reasons: `row`, the member's place in `members`; `feature`, which it is told by; `contribution`, 0 or more where it
            raises the risk.
        members: The features of the members.
        features: Every feature that may be told, by name.
        context: What sentences draw on.
    """
    told = [
        _told(features[str(name)], rows, members, context) for (name,), rows in reasons.group_by("feature", maintain_order=True)
    ]
    return pl.concat([reasons.clear().with_columns(text=pl.lit(None, pl.String)), *told])


def _told(feature: Said, reasons: pl.DataFrame, members: pl.DataFrame, context: SentenceContext) -> pl.DataFrame:
    said = sentence(feature, context)
    text = pl.when(RAISES).then(said).otherwise(context.say("lowers", sentence=said))
    read = reasons.select((pl.col("contribution") >= 0).alias(RAISES))
    needed = sorted({*said.meta.root_names()} - {RAISES})
    if needed:
        read = read.hstack(members.select(needed)[reasons["row"]])
    return reasons.hstack(read.lazy().select(text=text).collect())
