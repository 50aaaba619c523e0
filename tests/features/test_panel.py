from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.compute import compute_features
from features.panel import build_panel
from lake.errors import ConfigurationError
from tests.features.builders import AS_OF, history_of

EARLIER = AS_OF - timedelta(days=28)
HORIZONS: dict[str, Any] = {
    "churn_horizon_days": 28,
    "value_horizon_days": 28,
    "seen_until": AS_OF + timedelta(days=28),
    "eligible_days": 28,
}
HISTORY = history_of(
    daily=[
        (EARLIER, 1, "event:post", 1, 0),
        (AS_OF, 2, "order", 1, 700),
        (AS_OF + timedelta(days=1), 2, "order", 1, 300),
    ],
    members=[{"member_no": 1}, {"member_no": 2, "seen_from": AS_OF}],
)


def test_the_panel_has_a_row_per_cutoff_and_member_known_by_then() -> None:
    panel = build_panel(HISTORY, cutoffs=[AS_OF, EARLIER, AS_OF], **HORIZONS)
    names = ["as_of", "member_id", "post_count_28d", "is_eligible", "is_churned", "future_spend_minor"]
    assert panel.select(names).rows() == [
        (EARLIER, "m1", 1, True, True, 0),
        (AS_OF, "m1", 0, False, None, 0),
        (AS_OF, "m2", 0, True, False, 300),
    ]
    assert panel.columns[:3] == ["as_of", "member_no", "member_id"]
    assert panel.columns[-3:] == names[-3:]


def test_the_features_of_a_cutoff_are_those_of_its_night() -> None:
    panel = build_panel(HISTORY, cutoffs=[EARLIER, AS_OF], **HORIZONS)
    features = compute_features(HISTORY, as_of=EARLIER)
    assert_frame_equal(panel.filter(as_of=EARLIER).select(features.columns), features)


def test_a_panel_can_keep_eligible_members_only() -> None:
    panel = build_panel(HISTORY, cutoffs=[EARLIER, AS_OF], keep=pl.col("is_eligible"), **HORIZONS)
    assert panel.select("as_of", "member_no").rows() == [(EARLIER, 1), (AS_OF, 2)]


def test_a_panel_without_a_cutoff_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no cut-off"):
        build_panel(HISTORY, cutoffs=[], **HORIZONS)
