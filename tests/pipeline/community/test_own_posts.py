"""How a member's own posts were answered, as the card tells it."""

from __future__ import annotations

import polars as pl
import pytest

from lake.member_index import scan_member_index
from pipeline.community.own_posts import OwnPosts, own_posts
from pipeline.explain import _own_posts
from runtime.run_context import RunContext
from tests.community.boards import board


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return board(tmp_path_factory.mktemp("board"))


def number(run: RunContext, member: str) -> int:
    index = scan_member_index(run.workspace.lake).filter(pl.col("member_id") == member)
    return int(index.select("member_no").collect().item())


def test_own_posts_are_counted_with_those_that_wait(run: RunContext) -> None:
    # Answers after 2.5 hours and a day; three posts that wait, the youngest for 17 days: half are never answered.
    assert own_posts(run, number(run, "old")) == OwnPosts(posts=5, answered=2, waiting=3, median_hours=None)
    assert own_posts(run, number(run, "fresh")) == OwnPosts(posts=2, answered=0, waiting=1, median_hours=None)
    assert own_posts(run, number(run, "helper")) is None


def test_the_card_says_so(run: RunContext) -> None:
    assert list(_own_posts(run, number(run, "old"))) == [
        ("posts answered", "2 of 5 posts in 90 days"),
        ("posts waiting", "3 posts without an answer"),
    ]
    assert list(_own_posts(run, number(run, "helper"))) == []


def test_reading_a_card_writes_nothing(run: RunContext) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.workspace.root.rglob("*") if path.is_file()}
    own_posts(run, number(run, "old"))
    assert {path: path.stat().st_mtime_ns for path in run.workspace.root.rglob("*") if path.is_file()} == before
