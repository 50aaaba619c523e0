from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.panel import (
    churn_rows,
    empty_panel,
    feature_names,
    held_out_scores,
    member_folds,
    members_per_class,
    subsample,
    value_rows,
)
from tests.models.panels import cutoffs, make_panel

DAY = date(2024, 1, 1)
ROWS = pl.DataFrame(
    {
        "as_of": [DAY, DAY, DAY, DAY],
        "member_no": [1, 2, 3, 4],
        "member_id": ["d", "c", "b", "a"],
        "spend_28d": [1.0, None, 3.0, 4.0],
        "is_eligible": [True, True, False, True],
        "is_churned": [True, False, None, None],
        "future_spend_minor": [0, 5, 7, None],
    }
)


def test_features_are_what_is_neither_key_nor_label() -> None:
    assert feature_names(ROWS) == ("spend_28d",)
    assert feature_names(empty_panel()) == ()


def test_churn_is_learnt_from_eligible_members_with_an_outcome_sorted_by_id() -> None:
    assert churn_rows(ROWS, [DAY])["member_id"].to_list() == ["c", "d"]
    assert churn_rows(ROWS, [date(2024, 1, 2)]).is_empty()
    assert churn_rows(ROWS, []).is_empty()


def test_value_is_learnt_from_everyone_with_an_outcome() -> None:
    assert value_rows(ROWS, [DAY])["member_id"].to_list() == ["b", "c", "d"]


def test_members_are_counted_once_per_class() -> None:
    twice = pl.concat([ROWS, ROWS]).filter(pl.col("is_churned").is_not_null())
    assert members_per_class(twice, pl.col("is_churned")) == (1, 1)


def test_thinning_keeps_every_member_and_every_cutoff_in_even_share() -> None:
    panel = make_panel(members=100, cutoff_count=4)
    kept = subsample(panel, max_rows=200)
    assert kept.height == 400 / 2
    assert kept["member_id"].n_unique() == 100
    assert kept.group_by("as_of").len()["len"].to_list() == [100 / 2] * 4
    assert subsample(panel, max_rows=400).equals(panel)


def test_a_member_is_in_one_fold_whatever_its_number() -> None:
    full = make_panel(members=50, cutoff_count=3)
    # Members come and go, so that no place in the panel tells who it is.
    panel = full.filter((pl.col("member_no") + pl.col("as_of").rank("dense")) % 3 != 0)
    assert panel.group_by("as_of").len()["len"].n_unique() > 1
    folds = panel.with_columns(fold=member_folds(panel, folds=5))
    assert folds.group_by("member_id").agg(pl.col("fold").n_unique())["fold"].max() == 1
    renumbered = panel.with_columns(member_no=100 - pl.col("member_no"))
    assert (member_folds(renumbered, folds=5) == folds["fold"].to_numpy()).all()


def test_held_out_scores_come_from_models_that_never_saw_the_member() -> None:
    panel = make_panel(members=20, cutoff_count=2)

    def fit(rows: pl.DataFrame):  # type: ignore[no-untyped-def]
        seen = set(rows["member_id"])
        return lambda scored: np.array([float(member in seen) for member in scored["member_id"]])

    scores = held_out_scores(panel, cutoffs(2)[1:], folds=5, fit=fit)
    assert scores.tolist() == [0.0] * 20
