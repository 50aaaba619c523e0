"""One night of the simulated community with everything planted: each is found by name where operators look, and nobody else."""

from __future__ import annotations

import re

import polars as pl
import pytest

from community.quality import by_piece
from pipeline.community.card import network_lines
from pipeline.community.content import NightContent, read_content
from pipeline.community.content_facts import unanswered_facts
from pipeline.community.score_trends import EarlierScores
from pipeline.community.works_facts import works_facts
from pipeline.explain import explain, read_card
from pipeline.history.daily_rollups import load_snapshot
from tests.features.builders import AS_OF
from tests.features.network.planted import RINGS
from tests.planted_community import (
    BOT,
    FANS,
    HELPED,
    HELPER,
    REFUSER,
    REFUSER_NO,
    ROOMS,
    SHY_HELPER,
    STAFF,
    UNANSWERED,
    VIRAL,
    PlantedNight,
)


@pytest.fixture(scope="module")
def content(planted_night: PlantedNight) -> NightContent:
    run = planted_night.run()
    read = read_content(run, load_snapshot(run).history)
    assert read is not None
    return read


def reach_by_hand(planted_night: PlantedNight, leader: int) -> tuple[int, int]:
    """Who responded to a leader, and who responded to those; without who refuses."""
    rows = planted_night.truth.rows.filter((pl.col("member_no") != REFUSER_NO) & (pl.col("other_no") != REFUSER_NO))
    direct = set(rows.filter(pl.col("other_no") == leader)["member_no"])
    indirect = set(rows.filter(pl.col("other_no").is_in(list(direct)))["member_no"]) - direct - {leader}
    return len(direct), len(indirect)


def test_leaders_and_communities_stand_in_the_member_list(planted_night: PlantedNight) -> None:
    members, truth = planted_night.members, planted_night.truth
    leaders = {f"p{one}" for one in truth.leaders} - {REFUSER}
    assert len(leaders & set(members.filter("is_opinion_leader")["member_id"])) >= 6
    room = {f"p{one}": ROOMS[community] for one, community in enumerate(truth.community) if truth.ring[one] < 0}
    named = members.filter(pl.col("member_id").is_in(list(room)), pl.col("member_id") != REFUSER).select(
        pl.col("member_id").replace_strict(room), first=pl.col("community").str.split(",").list.first()
    )
    planted = members.filter(pl.col("member_id").is_in(list(room)))
    assert set(planted.drop_nulls("influence_score").sort("influence_score")["member_id"].tail(5)) <= leaders
    assert named.height == len(room) - 1
    assert (named["first"] == "In " + named["member_id"]).mean() > 0.95


def test_the_report_tells_of_the_rings_and_names_nobody(planted_night: PlantedNight) -> None:
    report = planted_night.report
    assert sorted(RINGS) == [4, 5]
    assert "1 group of 5 members responds almost only to each other" in report
    for section in ("carriers", "unanswered", "what-works", "newcomers", "recognition", "roles"):
        assert f'id="{section}"' in report, section
    for who in (BOT, SHY_HELPER, f"p{planted_night.truth.leaders[0]}", REFUSER, f"of-{UNANSWERED[0]}"):
        assert f">{who}<" not in report
        assert f"Name of {who}" not in report


def test_the_cohort_that_nobody_answers_heads_the_list(planted_night: PlantedNight, content: NightContent) -> None:
    listed = planted_night.listed("unanswered")
    assert {f"of-{who}" for who in UNANSWERED} <= set(listed["content_id"].head(len(UNANSWERED) + 8))
    assert set(listed.filter(pl.col("member_id").is_in(UNANSWERED))["is_first_post"]) == {"true"}
    assert not {VIRAL, f"of-{REFUSER}", *(f"of-{who}" for who in HELPED)} & set(listed["content_id"])
    facts = unanswered_facts(planted_night.run(), content)
    assert facts is not None
    assert facts.first_posts >= len(UNANSWERED)
    # Their waiting is known to audiences.
    assert content.waiting is not None
    of_cohort = content.waiting.join(content.people.filter(pl.col("member_id").is_in(UNANSWERED)), on="member_no")
    assert of_cohort["unanswered_posts"].to_list() == [1] * len(UNANSWERED)


def test_the_viral_post_is_the_best_and_makes_its_topic_no_better(planted_night: PlantedNight, content: NightContent) -> None:
    best = planted_night.listed("best_content").cast({"responders": pl.Int64, "^times_expected.*$": pl.Float64})
    first = best.row(0, named=True)
    assert (first["content_id"], first["rank"], first["title"]) == (VIRAL, "1", "Who can help?")
    assert first["responders"] >= FANS - 10
    assert first["times_expected_low"] > 5
    assert (best["times_expected_low"] >= 1).all()
    assert best["times_expected"].is_sorted(descending=True)
    may = content.people.filter(pl.col("can_contact").fill_null(value=True))["member_id"]
    assert set(best["member_id"].drop_nulls()) <= set(may)
    assert content.measured is not None
    pieces = content.pieces.select("piece_no", "content_id")
    assert by_piece(content.measured).join(pieces, on="piece_no", maintain_order="left")["content_id"][0] == VIRAL
    facts = works_facts(planted_night.run(), content)
    assert facts is not None
    assert [one for one in facts.groups if one.of in {"topic", "format"}] == []


def test_helpers_of_newcomers_are_thanked_and_the_board_names_who_agreed(planted_night: PlantedNight) -> None:
    thanked = planted_night.listed("recognition")
    helpers = thanked.filter(pl.col("kind") == "helper")
    assert helpers["member_id"].head(2).to_list() == [HELPER, SHY_HELPER]
    assert dict(helpers.select("member_id", "on_board").head(2).iter_rows()) == {HELPER: "true", SHY_HELPER: "false"}
    board = (planted_night.lists / "board.html").read_text(encoding="utf-8")
    assert f"Name of {HELPER}" in board
    agreed = {f"Name of {HELPER}", f"Name of p{planted_night.truth.leaders[0]}"}
    named = set(thanked.drop_nulls("display_name")["display_name"])
    assert not any(name in board for name in named - agreed)
    assert HELPER not in board.replace(f"Name of {HELPER}", "")


def test_the_bot_is_proposed_and_no_person_is_suspected(planted_night: PlantedNight) -> None:
    assert planted_night.listed("suspected_bots").select("member_id", "setting").rows() == [(BOT, f'"{BOT}",')]


def test_who_refuses_profiling_and_staff_are_in_no_list_but_that_of_members(planted_night: PlantedNight) -> None:
    for who, why in ((REFUSER, "no consent"), (STAFF, "role")):
        told = planted_night.members.row(by_predicate=pl.col("member_id") == who, named=True)
        assert {value for name, value in told.items() if name not in {"as_of", "is_eligible"}} == {None, who, why}
        lists = [path for path in planted_night.lists.glob("*.csv") if path.stem != "members"]
        assert len(lists) > 5
        assert [path.name for path in lists if re.search(rf"\b{who}\b", path.read_text("utf-8-sig"))] == []
        assert read_card(planted_night.run(), who).scores == ()


def test_a_leaders_card_says_so_with_influence_community_and_whom_they_reach(planted_night: PlantedNight) -> None:
    listed = planted_night.members.filter("is_opinion_leader")["member_id"]
    leader = next(one for one in planted_night.truth.leaders if f"p{one}" in listed)
    direct, indirect = reach_by_hand(planted_night, leader)
    told = explain(planted_night.root, f"p{leader}")
    assert f"{direct} members respond to them, {indirect} more to those" in told
    assert "yes, one of the team that reaches most of the others" in told
    assert f"In {ROOMS[planted_night.truth.community[leader]]}" in told


def test_a_card_says_influence_of_28_days_before_where_it_is_known(planted_night: PlantedNight) -> None:
    run = planted_night.run()
    member = {"influence_score": 99.4, "influence_low": 97.0, "influence_high": 100.0}
    earlier = EarlierScores(AS_OF.replace(day=3), {"influence_score": 41.2})
    said = dict(network_lines(run, member, 1, earlier))
    assert said["Influence score"] == "99 of 100, between 97 and 100 by chance; 41 on 3 Mar 2024"
    assert "community" not in said
    # Nor of an earlier version, or of who has no influence.
    assert list(network_lines(run, {"influence_score": None}, 1, EarlierScores())) == []
    assert list(network_lines(run, {"influence_score": 5.0}, 1, EarlierScores())) == []
