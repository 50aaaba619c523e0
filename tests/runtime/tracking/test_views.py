"""The list of an experiment's runs shows the figures that people compare, and no others."""

from __future__ import annotations

from runtime.tracking.views import headline_columns


def test_figures_of_members_still_here_come_first_then_the_headline_of_every_model_then_ours_alone() -> None:
    logged = [
        "rows/final_train", "log_loss/evenfall", "brier/recency", "brier/evenfall", "auc/recency", "auc/evenfall",
        "gone_auc/evenfall", "still_here_auc/past_rate", "still_here_brier/evenfall", "still_here_auc/evenfall",
    ]  # fmt: skip
    assert headline_columns("churn", logged) == [
        "still_here_auc/evenfall", "still_here_auc/past_rate", "still_here_brier/evenfall",
        "auc/evenfall", "auc/recency", "brier/evenfall", "gone_auc/evenfall",
    ]  # fmt: skip


def test_a_night_shows_only_what_it_has() -> None:
    logged = ["seconds/landing", "contacts", "members", "matured/churn/auc"]
    assert headline_columns("nights", logged) == ["members", "contacts", "matured/churn/auc"]
