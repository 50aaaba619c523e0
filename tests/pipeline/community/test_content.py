"""The content of a night, read from the lake: bounded by the night, and without anybody who refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.community.content import NightContent, night_end, read_content
from pipeline.community.content_facts import unanswered_facts
from pipeline.community.content_lists import content_lists, unanswered_list
from pipeline.history.daily_rollups import load_snapshot
from runtime.run_context import RunContext
from tests.community.boards import CONTENT, NIGHT, board


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return board(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def content(run: RunContext) -> NightContent:
    read = read_content(run, load_snapshot(run).history)
    assert read is not None
    return read


@pytest.fixture(scope="module")
def listed(run: RunContext, content: NightContent) -> pl.DataFrame:
    rows = unanswered_list(run, content)
    assert rows is not None
    return rows


def waits(content: NightContent) -> dict[str, tuple[bool, float]]:
    answers = content.answers.select("content_id", "is_answered", "waited_hours")
    return {piece: (is_answered, hours) for piece, is_answered, hours in answers.iter_rows()}


def test_only_pieces_of_the_window_by_profiled_members_are_read(content: NightContent) -> None:
    left_out = {"q-of-refuser", "q-tomorrow", "q-long-ago"}
    assert set(content.pieces["content_id"]) == {piece for piece, *_ in CONTENT} - left_out
    assert "story" not in set(content.answers["content_id"])
    assert content.pieces["title"].null_count() == 2


def test_an_answer_is_one_by_another_person_after_the_piece_and_before_the_night_ends(content: NightContent) -> None:
    answered = waits(content)
    assert {piece for piece, (is_answered, _) in answered.items() if is_answered} == {"q-answered", "q-by-staff"}
    assert answered["q-answered"][1] == 2.5
    # 22:30 on the 25th to midnight after the 30th.
    assert answered["q-fresh"][1] == 1.5 + 5 * 24
    assert content.answers.filter("is_by_staff_only")["content_id"].to_list() == ["q-by-staff"]


def test_bots_and_those_who_refused_profiling_do_nothing(content: NightContent) -> None:
    numbers = content.pieces.select("piece_no", "content_id")
    by_piece = content.responses.join(numbers, on="piece_no")
    assert {"q-by-bot", "q-by-refuser"}.isdisjoint(by_piece["content_id"])


def test_reading_is_no_response(content: NightContent) -> None:
    story = content.pieces.filter(pl.col("content_id") == "story")["piece_no"].item()
    assert content.responses.filter(pl.col("piece_no") == story).select("responded_on", "answered_at", "has_read").rows() == [
        (None, None, True)
    ]


def test_times_are_local_and_the_channel_is_the_authors(content: NightContent) -> None:
    first = content.pieces.filter(pl.col("content_id") == "q-answered").row(0, named=True)
    assert (first["hour"], first["weekday"], first["channel"]) == (9, 2, "brewing")
    assert night_end(NIGHT, "Europe/Berlin") == datetime(2025, 6, 30, 22, tzinfo=UTC)


def test_the_list_has_newcomers_first_and_names_only_who_may_be_contacted(listed: pl.DataFrame) -> None:
    assert listed["content_id"].to_list() == ["q-shy", "q-fresh", "q-by-refuser", "q-by-bot", "q-own-reply"]
    assert listed["member_id"].to_list() == [None, "fresh", "old", "old", "old"]
    assert listed["is_newcomer"].to_list() == [True, True, False, False, False]
    assert listed["published_at"][1] == "2025-06-25 22:30"
    assert listed["rank"].to_list() == [1, 2, 3, 4, 5]
    # `second` answered, too, and does not want to be contacted; nobody answers on stout but staff.
    assert listed["best_answerer"].to_list() == ["helper", "helper", None, None, "helper"]


def test_the_facts_count_what_the_list_has(run: RunContext, content: NightContent, listed: pl.DataFrame) -> None:
    facts = unanswered_facts(run, content)
    assert facts is not None
    assert (facts.posts, facts.waiting, facts.by_newcomers, facts.first_posts) == (8, listed.height, 2, 2)
    assert (facts.by_staff_only, facts.waited_a_week) == (1, 3)
    assert [(one.topic, one.waiting, one.posts) for one in facts.topics] == [("ale", 3, 5), ("stout", 1, 2)]


def test_posts_that_wait_are_known_of_each_author(content: NightContent) -> None:
    assert content.waiting is not None
    waiting = content.waiting.join(content.people, on="member_no").select("member_id", "unanswered_posts")
    assert dict(waiting.iter_rows()) == {"old": 3, "fresh": 1, "shy": 1}


def test_a_community_that_never_asks_by_format_asks_with_every_piece(tmp_path: Path) -> None:
    plain = [(*row[:4], None, row[5]) for row in CONTENT]
    run = board(tmp_path, content=plain)
    content = read_content(run, load_snapshot(run).history)
    assert content is not None
    assert content.answers.height == content.pieces.height == 9


def test_an_older_question_keeps_other_formats_from_asking(tmp_path: Path) -> None:
    run = board(tmp_path, content=[("q-long-ago", "old", "2025-03-01 09:00:00", None, "question", None), CONTENT[9]])
    content = read_content(run, load_snapshot(run).history)
    assert content is not None
    assert (content.pieces.height, content.answers.height) == (1, 0)
    assert unanswered_list(run, content) is None
    assert unanswered_facts(run, content) is None


def test_without_an_answer_by_anybody_nothing_counts_as_waiting(tmp_path: Path) -> None:
    run = board(tmp_path, more='[content]\nanswer_events = ["essay"]\n')
    content = read_content(run, load_snapshot(run).history)
    assert content is not None
    assert content.waiting is None
    assert unanswered_list(run, content) is None


def test_the_lists_of_a_community_are_those_it_has(run: RunContext, content: NightContent) -> None:
    assert set(content_lists(run, content)) == {"unanswered", "best_content"}
    assert content_lists(run, None) == {}


def test_without_content_in_the_window_there_is_none(tmp_path: Path) -> None:
    run = board(tmp_path, content=[CONTENT[-1]])
    assert read_content(run, load_snapshot(run).history) is None
