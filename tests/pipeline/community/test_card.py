from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from lake.member_index import scan_member_index
from pipeline.community.card import network_lines
from pipeline.community.score_trends import EarlierScores
from runtime.run_context import RunContext, open_run
from tests.features.builders import AS_OF
from tests.features.network.planted import planted
from tests.forum import take_in
from tests.pipeline.community.planted_workspace import NOW, write_planted

FOUND = planted()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    folder = tmp_path_factory.mktemp("card")
    write_planted(folder, FOUND)
    take_in(folder, night=AS_OF, now=NOW)
    return open_run(folder, AS_OF, now=NOW).on(AS_OF)


def number_of(run: RunContext, member: int) -> int:
    index = scan_member_index(run.workspace.lake).filter(pl.col("member_id") == f"m{member}").collect()
    return int(index["member_no"][0])


def test_a_card_says_influence_community_and_whom_the_member_reaches(run: RunContext) -> None:
    leader = FOUND.leaders[0]
    member = {
        "influence_score": 99.4,
        "influence_low": 97.0,
        "influence_high": 100.0,
        "community": "Wine",
        "is_opinion_leader": True,
    }
    said = dict(network_lines(run, member, number_of(run, leader), EarlierScores()))
    direct = set(FOUND.rows.filter(pl.col("other_no") == leader)["member_no"]) - {leader}
    indirect = set(FOUND.rows.filter(pl.col("other_no").is_in(list(direct)))["member_no"]) - direct - {leader}
    assert said == {
        "Influence score": "99 of 100, between 97 and 100 by chance",
        "reach": f"{len(direct)} members respond to them, {len(indirect)} more to those",
        "community": "Wine",
        "opinion leader": "yes, one of the team that reaches most of the others",
    }


def test_a_card_says_influence_of_28_days_before_where_it_is_known(run: RunContext) -> None:
    member = {"influence_score": 99.4, "influence_low": 97.0, "influence_high": 100.0}
    earlier = EarlierScores(AS_OF - timedelta(days=28), {"influence_score": 41.2})
    said = dict(network_lines(run, member, number_of(run, FOUND.leaders[0]), earlier))
    assert said["Influence score"] == "99 of 100, between 97 and 100 by chance; 41 on 3 Mar 2024"


def test_a_card_of_an_earlier_version_or_of_who_has_no_influence_says_nothing(run: RunContext) -> None:
    assert list(network_lines(run, {"influence_score": None}, 1, EarlierScores())) == []
    assert list(network_lines(run, {"influence_score": 5.0}, 1, EarlierScores())) == []
