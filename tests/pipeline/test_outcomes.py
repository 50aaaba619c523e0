"""What members did after a decision and before it, to the minute on the day of the decision."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from lake.errors import ConfigurationError
from lake.storage.delta import Lake
from pipeline.outcomes import check_outcome, end_of_day, outcomes
from runtime.run_context import RunContext
from tests.campaigns import club

POSTING = ("post", "comment")
SENT = datetime(2025, 6, 10, 10, tzinfo=UTC)  # noon in Berlin


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return club(tmp_path_factory.mktemp("club"))


def measured(run: RunContext, outcome: str, *, start: datetime = SENT, days: int = 14) -> dict[str, Any]:
    """Member id → outcome and before."""
    lake = run.workspace.lake
    index = lake.scan("member_index").collect().sort("member_id")
    decisions = index.with_columns(start=pl.lit(start), why=pl.lit("kept"))
    found = outcomes(lake, decisions, outcome=outcome, horizon_days=days, timezone="Europe/Berlin", posting_events=POSTING)
    assert found.columns == ["member_no", "member_id", "start", "why", "outcome", "before"]
    assert found["member_no"].equals(decisions["member_no"])
    return {one: (after, before) for one, after, before in found.select("member_id", "outcome", "before").iter_rows()}


def test_an_event_type_is_counted_to_the_minute_on_the_first_day_and_to_the_end_of_the_last(run: RunContext) -> None:
    logins = measured(run, "login")
    assert logins["m0"] == (1, 1)
    assert logins["m1"] == (1, 0)
    assert logins["m2"] == (0, 0)
    assert logins["m3"] == (0, 1)
    assert measured(run, "post")["m3"] == (2, 0)


def test_returned_is_any_event_or_order_once(run: RunContext) -> None:
    returned = measured(run, "returned")
    assert {who for who, (after, _) in returned.items() if after} == {"m0", "m1", "m3", "m4"}
    assert {who for who, (_, before) in returned.items() if before} == {"m0", "m2", "m3"}
    assert returned["m3"] == (1, 1)


def test_spent_is_in_currency_units_with_refunds_taken_off(run: RunContext) -> None:
    spent = measured(run, "spent")
    assert spent["m1"] == (20.5 - 5.25, 0)
    assert spent["m2"] == (0, 7 + 3)
    assert spent["m0"] == (0, 0)


def test_posted_is_a_piece_of_content_or_an_event_that_counts_as_posting(run: RunContext) -> None:
    assert {who for who, (after, _) in measured(run, "posted").items() if after} == {"m3", "m4"}


def test_a_nights_window_begins_with_the_day_after_it(run: RunContext) -> None:
    night = end_of_day(date(2025, 6, 10), timezone="Europe/Berlin")
    assert night == datetime(2025, 6, 10, 21, 59, 59, 999999, tzinfo=UTC)
    spent = measured(run, "spent", start=night, days=10)
    assert spent["m1"] == (-5.25, 20.5)
    assert measured(run, "login", start=night, days=1)["m4"] == (1, 0)
    assert measured(run, "login", start=night, days=1)["m0"] == (0, 2)


def test_two_decisions_of_a_member_have_windows_of_their_own(run: RunContext) -> None:
    number = run.workspace.lake.scan("member_index").filter(pl.col("member_id") == "m3").collect()["member_no"].item()
    later = datetime(2025, 6, 12, 10, tzinfo=UTC)
    decisions = pl.DataFrame({"member_no": [number] * 2, "start": [SENT, later]}, schema_overrides={"member_no": pl.Int32})
    found = outcomes(
        run.workspace.lake, decisions, outcome="post", horizon_days=3, timezone="Europe/Berlin", posting_events=POSTING
    )
    assert found["outcome"].to_list() == [2, 1]
    assert found["before"].to_list() == [0, 1]


def test_no_decisions_have_no_outcomes(run: RunContext) -> None:
    none = pl.DataFrame(schema={"member_no": pl.Int32, "start": pl.Datetime("us", "UTC")})
    found = outcomes(run.workspace.lake, none, outcome="spent", horizon_days=3, timezone="UTC", posting_events=POSTING)
    assert found.schema == {**none.schema, "outcome": pl.Float64, "before": pl.Float64}


@pytest.mark.parametrize("outcome", ["returned", "spent", "posted", "login"])
def test_an_outcome_with_data_is_accepted(run: RunContext, outcome: str) -> None:
    check_outcome(run.workspace.lake, outcome, posting_events=POSTING)


def test_an_unknown_outcome_is_refused_with_the_nearest(run: RunContext) -> None:
    with pytest.raises(ConfigurationError, match="'logn'; did you mean 'login'"):
        check_outcome(run.workspace.lake, "logn", posting_events=POSTING)


@pytest.mark.parametrize("outcome", ["spent", "posted"])
def test_an_outcome_without_data_is_refused(run: RunContext, outcome: str, tmp_path: pytest.TempPathFactory) -> None:
    empty = Lake(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=f"no data for the outcome '{outcome}'") as refused:
        check_outcome(empty, outcome, posting_events=POSTING)
    assert "Map a source" in refused.value.remedy
