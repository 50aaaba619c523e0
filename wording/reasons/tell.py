"""Sentences for reasons, which arrive as data."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from wording.columns import COMPARED_WITH, COMPARISON, COMPARISON_TEXT, RAISES, SentenceContext
from wording.reasons.compared import compared_sentence
from wording.reasons.described_feature import DescribedFeature


def add_text(
    reasons: pl.DataFrame, members: pl.DataFrame, features: Mapping[str, DescribedFeature], context: SentenceContext
) -> pl.DataFrame:
    """Add the column `text`, without a full stop; one that lowers the risk says so.

    One row per row of `reasons`, in another order.

    Args:
        reasons: `row`, the member's place in `members`; `feature`, which represents it; `contribution`, 0 or more where it
            raises the risk; `compared_with`, and the number `comparison` or the text `comparison_text`.
        members: The features of the members.
        features: Every feature that may represent a reason, by name.
        context: The data that sentences may use.
    """
    with_text = [
        _with_text_of_feature(features[str(name)], rows, members, context)
        for (name,), rows in reasons.group_by("feature", maintain_order=True)
    ]
    # Begins with an empty frame, so that a result without any reason has the column too.
    return pl.concat([reasons.clear().with_columns(text=pl.lit(None, pl.String)), *with_text])


def _with_text_of_feature(
    feature: DescribedFeature, reasons: pl.DataFrame, members: pl.DataFrame, context: SentenceContext
) -> pl.DataFrame:
    text_of_feature = compared_sentence(feature, context)
    text = pl.when(RAISES).then(text_of_feature).otherwise(context.say("lowers", sentence=text_of_feature))
    inputs = reasons.select(
        (pl.col("contribution") >= 0).alias(RAISES),
        pl.col("compared_with").alias(COMPARED_WITH),
        pl.col("comparison").alias(COMPARISON),
        pl.col("comparison_text").alias(COMPARISON_TEXT),
    )
    needed = sorted({*text_of_feature.meta.root_names()} - {*inputs.columns})
    if needed:
        inputs = inputs.hstack(members.select(needed)[reasons["row"]])
    return reasons.hstack(inputs.lazy().select(text=text).collect())
