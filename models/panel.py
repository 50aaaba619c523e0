"""The panel, one row per past cut-off and member, and the selection of rows from it.

Selected rows are sorted by (as_of, member_id), so that no model depends on the order in which rows arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

KEYS: Final = ("as_of", "member_no", "member_id")
LABELS: Final = ("is_eligible", "is_churned", "future_spend_minor")

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def feature_names(panel: pl.DataFrame) -> tuple[str, ...]:
    """Name the feature columns: all but keys and labels, in the panel's order."""
    return tuple(name for name in panel.columns if name not in KEYS and name not in LABELS)


def empty_panel() -> pl.DataFrame:
    """Make the panel of a community that has no matured cut-off yet: keys, labels and no rows."""
    keys = {"as_of": pl.Date(), "member_no": pl.Int32(), "member_id": pl.String()}
    labels = {"is_eligible": pl.Boolean(), "is_churned": pl.Boolean(), "future_spend_minor": pl.Int64()}
    return pl.DataFrame(schema=keys | labels)


def churn_rows(panel: pl.DataFrame, cutoffs: Collection[date]) -> pl.DataFrame:
    """Pick the rows churn is learnt from: one per cut-off and member eligible there, with a known outcome."""
    return _at(panel, cutoffs).filter(pl.col("is_eligible") & pl.col("is_churned").is_not_null())


def value_rows(panel: pl.DataFrame, cutoffs: Collection[date]) -> pl.DataFrame:
    """Pick the rows value is learnt from: one per cut-off and member seen by then, with a known outcome."""
    return _at(panel, cutoffs).filter(pl.col("future_spend_minor").is_not_null())


def subsample(rows: pl.DataFrame, *, max_rows: int) -> pl.DataFrame:
    """Keep every k-th row of each member, starting later for each next member, so that at most `max_rows` remain.

    Every member and every cut-off stays represented evenly, and the choice depends on no random draw.
    """
    step = -(-rows.height // max_rows)
    if step <= 1:
        return rows
    # The sum shifts the kept cut-offs by one from each member to the next, so that no cut-off loses all of its rows.
    cutoff_no = pl.col("as_of").rank("dense").cast(pl.Int64)
    member_rank = pl.col("member_id").rank("dense").cast(pl.Int64)
    return rows.filter((cutoff_no + member_rank) % step == 0)


def newest_cutoffs(rows: pl.DataFrame, *, most: int) -> pl.DataFrame:
    """Keep the rows of the newest cut-offs, at most so many."""
    cutoffs = rows["as_of"].unique().sort()
    return rows if len(cutoffs) <= most else rows.filter(pl.col("as_of") >= cutoffs[-most])


def age_weights(rows: pl.DataFrame, *, half_life_days: int) -> Floats:
    """Weigh each row by the age of its cut-off: 1 at the newest, half of it for every `half_life_days` before."""
    age_days = rows.select((pl.col("as_of").max() - pl.col("as_of")).dt.total_days()).to_series()
    return np.asarray(0.5 ** (floats(age_days) / half_life_days), dtype=np.float64)


def member_folds(rows: pl.DataFrame, *, folds: int) -> npt.NDArray[np.int64]:
    """Give each row the group of its member, 0 to `folds` - 1; a member is in one group at every cut-off.

    Groups follow the order of `member_id`, never `member_no`, whose numbers may depend on members not seen yet.
    """
    return np.asarray(rows["member_id"].rank("dense").cast(pl.Int64).to_numpy() % folds, dtype=np.int64)


def held_out_scores(
    train: pl.DataFrame, cutoffs: Collection[date], *, folds: int, fit: Callable[[pl.DataFrame], Callable[[pl.DataFrame], Floats]]
) -> Floats:
    """Score the training rows of some cut-offs by models that never saw the row's member.

    Args:
        train: Training rows, which include those cut-offs.
        cutoffs: Cut-offs whose rows are scored; the scores follow their order in `train`.
        folds: Groups of members, one left out at a time.
        fit: Fits on rows and returns how to score rows.
    """
    # By member, not by row: rows of one member at neighbouring cut-offs are nearly equal, and would leak.
    fold = member_folds(train, folds=folds)
    is_scored = train["as_of"].is_in(sorted(cutoffs)).to_numpy()
    scores = np.full(train.height, np.nan)
    for held_out_fold in np.unique(fold):
        is_held_out = (fold == held_out_fold) & is_scored
        scores[is_held_out] = fit(train.filter(fold != held_out_fold))(train.filter(is_held_out))
    return np.asarray(scores[is_scored], dtype=np.float64)


def outcomes(rows: pl.DataFrame) -> Floats:
    """Return 1.0 where the member churned, else 0.0."""
    return floats(rows["is_churned"])


def spend_minor(rows: pl.DataFrame) -> Floats:
    """Return the net spend of each row's future in minor units; negative where refunds prevail."""
    return floats(rows["future_spend_minor"])


def floats(values: pl.Series) -> Floats:
    """Return a series as floats; null becomes NaN."""
    return np.asarray(values.cast(pl.Float64).to_numpy(), dtype=np.float64)


def members_per_class(rows: pl.DataFrame, outcome: pl.Expr) -> tuple[int, int]:
    """Count the different members that have the outcome at some cut-off, and those that lack it at some."""
    member = pl.col("member_id")
    counted = rows.select(having=member.filter(outcome).n_unique(), lacking=member.filter(~outcome).n_unique())
    return int(counted["having"][0]), int(counted["lacking"][0])


def _at(panel: pl.DataFrame, cutoffs: Collection[date]) -> pl.DataFrame:
    days = pl.Series("as_of", sorted(cutoffs), dtype=pl.Date)
    return panel.filter(pl.col("as_of").is_in(days.implode())).sort("as_of", "member_id")
