"""A member's card says what the scores were four weeks before, where a night of then is stored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline.community.score_trends import EarlierScores, earlier_scores, score_text
from pipeline.explain import _scores
from pipeline.stored_nights import SCORES, store_night
from runtime.run_context import RunContext, open_run
from tests.communities import LAST_DAY, write_shop


def store(run: RunContext, days_ago: int, **scores: list[float | None]) -> None:
    night = run.as_of - timedelta(days=days_ago)
    numbers = pl.Series("member_no", [1, 2], dtype=pl.Int32)
    store_night(run.workspace.lake, SCORES, pl.DataFrame({"as_of": [night] * 2, "member_no": numbers, **scores}), night)


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    write_shop(tmp_path)
    return open_run(tmp_path, LAST_DAY).on(LAST_DAY)


def test_the_newest_night_of_28_to_34_days_ago_counts(run: RunContext) -> None:
    assert earlier_scores(run, 1) == EarlierScores()
    store(run, 27, activity_score=[1.0, 1.0])
    store(run, 35, activity_score=[2.0, 2.0])
    assert earlier_scores(run, 1) == EarlierScores()
    store(run, 34, activity_score=[3.0, 3.0])
    store(run, 30, activity_score=[65.4, None])
    night = LAST_DAY - timedelta(days=30)
    assert earlier_scores(run, 1) == EarlierScores(night, {"activity_score": 65.4})
    # Who had no score then, and who was not there yet.
    assert earlier_scores(run, 2) == EarlierScores(night)
    assert earlier_scores(run, 3) == EarlierScores(night)


def test_the_text_names_the_night_only_where_the_score_is_known() -> None:
    earlier = EarlierScores(LAST_DAY, {"activity_score": 65.4})
    when = f"{LAST_DAY.day} {LAST_DAY:%b %Y}"
    assert score_text("72 of 100", "activity_score", earlier) == f"72 of 100; 65 on {when}"
    assert score_text("72 of 100", "influence_score", earlier) == "72 of 100"


def test_the_card_says_it_of_every_score_that_is_known(run: RunContext) -> None:
    member = {
        "tier": "gold",
        "lifecycle": "active",
        "segment": "regulars",
        "presence": None,
        "expected_value": None,
        "churn_probability": None,
        "activity_score": 72.2,
        "commercial_score": 50.0,
        "member_value_score": None,
    }
    said = dict(_scores(run, member, EarlierScores(LAST_DAY - timedelta(days=28), {"activity_score": 65.4})))
    assert said["Activity score"] == "72 of 100; 65 on 21 Jun 2025"
    assert said["Commercial score"] == "50 of 100"
    assert "Member value score" not in said
    ranges = {"activity_low": 64.6, "activity_high": 80.2, "commercial_low": 31.0, "commercial_high": 77.7}
    said = dict(_scores(run, member | ranges, EarlierScores(LAST_DAY - timedelta(days=28), {"activity_score": 65.4})))
    assert said["Activity score"] == "72 of 100, between 65 and 80 by chance; 65 on 21 Jun 2025"
    assert said["Commercial score"] == "50 of 100, between 31 and 78 by what eight of ten like them spend"
