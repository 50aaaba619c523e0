"""Uplift is learnt from the ledger, judged on its later half, and ranks an action only once it has earned that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engagement.contact_history import LISTED
from engagement.holdouts import ARMS_SCHEMA
from lake.member_index import scan_member_index
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.ledger import OUTCOME, record_night
from pipeline.engagement.ranking import UPLIFT_MODELS, predicted_uplifts, ranking_facts
from pipeline.engagement.uplift_training import train_uplift
from pipeline.history.daily_rollups import load_history
from pipeline.stored_nights import NIGHT, SCORES, store_night
from runtime.run_context import RunContext, open_run
from tests.forum import take_in

FIRST_DAY, TONIGHT = date(2025, 1, 1), date(2025, 4, 30)
NOW = datetime(2025, 5, 1, 3, tzinfo=UTC)
NIGHTS = [date(2025, 3, 1) + timedelta(days=5 * number) for number in range(10)]
PER_NIGHT = 220
CONFIGURATION = """\
[community]
name = "Club"

[churn]
horizon_days = 10

[sources.members]
path = "landing/members.csv"
[sources.events]
path = "landing/events.csv"

[[actions]]
name = "call"
message = "Call."
audience = "TRUE"
holdout_share = 0.3
"""


def community(folder: Path, *, effect: float) -> RunContext:
    """A club that made decisions on ten nights: a call moves members who post by `effect`, and nobody else."""
    random = np.random.default_rng(2)
    size = PER_NIGHT * len(NIGHTS)
    posts, is_treated = random.random(size) < 0.5, random.random(size) >= 0.3
    came = random.random(size) < 0.3 + effect * (posts & is_treated)
    people = pl.DataFrame(
        {"member_id": [f"m{number:04}" for number in range(size)], "night": [night for night in NIGHTS for _ in range(PER_NIGHT)]}
    ).with_columns(
        kind=pl.when(pl.Series(posts)).then(pl.lit("post")).otherwise(pl.lit("login")),
        arm=pl.when(pl.Series(is_treated)).then(pl.lit(LISTED)).otherwise(pl.lit("call")),
        outcome=pl.Series(came).cast(pl.Float64),
    )
    earlier = [people.select("member_id", event_type="kind", day=FIRST_DAY + timedelta(days=day)) for day in (3, 20, 40)]
    later = people.filter(pl.col("outcome") == 1).select(
        "member_id", event_type=pl.lit("login"), day=pl.col("night") + timedelta(3)
    )
    last = pl.DataFrame({"member_id": ["m0000"], "event_type": ["login"], "day": [TONIGHT + timedelta(days=1)]})
    (folder / "landing").mkdir()
    (folder / "evenfall.toml").write_text(CONFIGURATION, encoding="utf-8")
    people.select("member_id").write_csv(folder / "landing" / "members.csv")
    events = pl.concat([*earlier, later, last]).select("member_id", "event_type", occurred_at="day")
    events.write_csv(folder / "landing" / "events.csv")
    take_in(folder, night=TONIGHT, now=NOW)
    run = open_run(folder, TONIGHT, now=NOW)
    decide(run, people.join(scan_member_index(run.workspace.lake).collect(), on="member_id").sort("member_id"))
    return run


def decide(run: RunContext, people: pl.DataFrame) -> None:
    """Record scores and decisions of each night, and the outcomes with the last."""
    lake = run.workspace.lake
    chance = np.random.default_rng(3).uniform(0.3, 0.7, people.height)
    scored = people.with_columns(churn_probability=chance, score=chance, holdout_share=pl.lit(0.3), action=pl.lit("call"))
    scores = scored.select(
        "member_no", "member_id", "churn_probability", expected_value=pl.lit(None, pl.Float64), member_value_score=50.0
    )
    no_arms = pl.DataFrame(schema=ARMS_SCHEMA)
    for night in NIGHTS:
        store_night(lake, SCORES, scores.with_columns(pl.lit(night).alias(NIGHT)), night)
        own = scored.filter(night=night).select("member_no", "action", "arm", "score", "holdout_share")
        record_night(lake, as_of=night, decided=own, arms=no_arms, observed=own.clear())
    observed = scored.select("member_no", "action", "outcome", returned="outcome", as_of="night", kind=pl.lit(OUTCOME))
    record_night(lake, as_of=TONIGHT - timedelta(days=1), decided=own.clear(), arms=no_arms, observed=observed)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    run = community(tmp_path_factory.mktemp("moved"), effect=0.5)
    assert train_uplift(run, history(run)) == 1
    return run


def history(run: RunContext):
    return load_history(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)


def tonight(run: RunContext) -> pl.LazyFrame:
    from features.compute import compute_features

    return compute_features(history(run), as_of=run.as_of).lazy()


def test_an_action_that_moves_some_is_ranked_by_uplift(moved: RunContext) -> None:
    (facts,) = ranking_facts(moved)
    assert (facts.action, facts.as_of, facts.accepted, facts.reason) == ("call", TONIGHT, True, "surely better")
    assert 0 < facts.low < facts.qini - facts.champion_qini < facts.high  # type: ignore[operator]
    assert facts.learnt_from == PER_NIGHT * len(NIGHTS)
    assert facts.treated + facts.held_out == facts.learnt_from / 2
    predicted = predicted_uplifts(moved, configured_actions(moved.settings), tonight(moved))
    assert predicted is not None
    by_kind = (
        predicted.join(tonight(moved).collect(), on="member_no")
        .group_by(pl.col("post_count_365d") > 0)
        .agg(pl.col("uplift").mean())
    )
    uplift = dict(by_kind.iter_rows())
    assert uplift[True] > 0.2
    assert abs(uplift[False]) < 0.15


def test_a_night_that_is_run_again_trains_nothing_again_nor_does_the_next(moved: RunContext) -> None:
    version = moved.workspace.lake.version(UPLIFT_MODELS)
    assert train_uplift(moved, history(moved)) == 0
    assert train_uplift(moved.on(TONIGHT + timedelta(days=1)), history(moved)) == 0
    assert moved.workspace.lake.version(UPLIFT_MODELS) == version


def test_nights_before_know_nothing_of_it_and_actions_that_are_gone_are_not_ranked(moved: RunContext) -> None:
    before = moved.on(TONIGHT - timedelta(days=1))
    assert ranking_facts(before) == ()
    assert predicted_uplifts(before, configured_actions(moved.settings), tonight(moved)) is None
    assert predicted_uplifts(moved, (), tonight(moved)) is None


def test_an_action_that_moves_nobody_stays_ranked_by_what_is_at_stake(tmp_path: Path) -> None:
    run = community(tmp_path, effect=0.0)
    assert train_uplift(run, history(run)) == 1
    (facts,) = ranking_facts(run)
    assert (facts.accepted, facts.reason) == (False, "not surely better")
    assert predicted_uplifts(run, configured_actions(run.settings), tonight(run)) is None


def test_few_decisions_are_not_learnt_from_nor_judged(moved: RunContext) -> None:
    # Only what nights before this one have recorded counts: no outcome yet.
    early = replace(moved, asked=None).on(NIGHTS[5])
    assert train_uplift(early, history(early)) == 0
    assert ranking_facts(early) == ()
