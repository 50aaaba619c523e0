"""A member's history with us, as the ledger has it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.engagement.member_history import member_history
from runtime.run_context import RunContext
from tests.campaigns import NIGHT, club
from tests.pipeline.engagement.ledgers import FIRST, SECOND, record


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    opened = club(tmp_path_factory.mktemp("club"))
    record(opened)
    return opened.on(NIGHT)


def test_decisions_are_told_with_contact_and_outcome_the_newest_first(run: RunContext) -> None:
    assert member_history(run, "m0").decisions.rows() == [
        (SECOND, "Thank contributor", "to be contacted", "not known yet", "known on 4 Jul 2025"),
        (FIRST, "Save valuable", "to be contacted", "3 Jun 2025", "came back"),
    ]
    assert member_history(run, "m1").decisions.rows() == [(FIRST, "Save valuable", "to be contacted", "no", "did not come back")]


def test_a_member_left_alone_is_told_by_whom(run: RunContext) -> None:
    assert member_history(run, "m2").decisions["decision"].to_list() == ["left alone, to measure this action"]
    assert member_history(run, "m3").decisions["decision"].to_list() == ["left alone by every action"]
    assert member_history(run, "m3").decisions["contacted"].to_list() == [""]


def test_a_past_night_knows_nothing_of_what_came_later(run: RunContext) -> None:
    told = member_history(run.on(FIRST + timedelta(days=1)), "m0").decisions
    assert told.rows() == [(FIRST, "Save valuable", "to be contacted", "not known yet", "known on 15 Jun 2025")]
    run.on(NIGHT)


def test_who_refuses_profiling_or_is_unknown_has_no_history(run: RunContext) -> None:
    for member in ("m5", "nobody", "m8"):
        history = member_history(run, member)
        assert (history.display_name, history.decisions.height) == (None, 0)
