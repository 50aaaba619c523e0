"""What goes by a slug in tables of the lake, lists and models, as it is called in the middle of a sentence."""

from __future__ import annotations

from typing import Final

NAMES: Final = {
    # Tiers, stages, risks.
    "diamond": "diamond",
    "gold": "gold",
    "silver": "silver",
    "regular": "regular",
    "new": "new",
    "active": "active",
    "at_risk": "at risk",
    "dormant": "dormant",
    "lost": "lost",
    "returning": "returning",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "still_here": "still here",
    "gone": "gone",
    # Scores.
    "activity_score": "activity score",
    "influence_score": "influence score",
    "commercial_score": "commercial score",
    "member_value_score": "member value score",
    # Tables.
    "members": "members",
    "events": "events",
    "orders": "orders",
    "content": "content",
    "contacts": "contacts",
    "feedback": "feedback",
    # Models and simple rules.
    "evenfall": "evenfall",
    "recency": "recency",
    "past_rate": "past rate",
    "recency_weighted": "recency weighted",
    "bg_nbd": "bg nbd",
    "mbg_nbd": "mbg nbd",
    "pareto_nbd": "pareto nbd",
    # Measures, where a table has no room for more.
    "auc": "auc",
    "average_precision": "average precision",
    "brier": "brier",
    "log_loss": "log loss",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
    "ece": "ece",
    "lift_10pct": "lift 10pct",
    "still_here_auc": "still here: auc",
    "still_here_brier": "still here: brier",
    "still_here_calibration_slope": "still here: calibration slope",
    "still_here_ece": "still here: ece",
    "still_here_lift_10pct": "still here: lift 10pct",
    "gone_auc": "gone: auc",
    "gone_brier": "gone: brier",
    "gone_calibration_slope": "gone: calibration slope",
    "gone_ece": "gone: ece",
    "gone_lift_10pct": "gone: lift 10pct",
    "ngini": "ngini",
    "mae": "mae",
    "rmse": "rmse",
    "total_ratio": "total ratio",
    "top_10pct_share": "top 10pct share",
}
