"""What is shown is read from the lake for a bounded window, without those who refuse profiling, by the rule that was stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from community.rule_choice import RuleTest
from lake.member_index import scan_member_index
from pipeline.community.show_training import show_metrics, try_show_rules
from pipeline.community.showing import (
    SHOW_RULES,
    chosen_rule,
    last_tested,
    pieces_to_show,
    read_pieces,
    store_tests,
    stored_tests,
)
from runtime.run_context import RunContext, open_run
from tests.forum import FORUM, NIGHT, NOW, take_in, write_forum


def forum(folder: Path, *, configuration: str = FORUM) -> RunContext:
    write_forum(folder, configuration=configuration)
    take_in(folder)
    return replace(open_run(folder, NIGHT.isoformat()), now=NOW)


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    """A forum that nobody changes."""
    return forum(tmp_path_factory.mktemp("showing"))


def numbers(run: RunContext) -> dict[str, int]:
    return dict(scan_member_index(run.workspace.lake).collect().select("member_id", "member_no").iter_rows())


def test_everybody_is_shown_titles_of_pieces_they_neither_wrote_nor_came_to(taken_in: RunContext) -> None:
    run = taken_in
    known = numbers(run)
    shown = pieces_to_show(run, pl.Series(list(known.values()), dtype=pl.Int32))
    assert shown is not None
    lake = run.workspace.lake
    own = lake.scan("content").select(pl.col("author_id").alias("member_id"), "content_id").collect()
    came = lake.scan("events").select("member_id", "content_id").drop_nulls().collect()
    touched = {(known[member], piece) for member, piece in pl.concat([own, came]).iter_rows()}
    named = [(member, title.replace("title ", "piece")) for member, show in shown.iter_rows() for title in show.split("; ")]
    assert len(named) == 3 * len(known)
    assert not touched & set(named)


def test_pieces_of_who_refuses_profiling_are_not_shown_to_anybody(tmp_path: Path) -> None:
    refusing = FORUM.replace('path = "landing/members.csv"', 'path = "landing/members.csv"\n[sources.members.columns]\n'
                             'member_id = "member_id"\ncan_profile = "member_id <> \'carl\'"')  # fmt: skip
    run = forum(tmp_path, configuration=refusing)
    pieces = read_pieces(run.workspace.lake, since=NIGHT - timedelta(days=89), until=NIGHT)
    assert pieces.height
    assert numbers(run)["carl"] not in pieces["author_no"].to_list()


def test_without_titles_and_topics_nothing_is_shown_or_tested(tmp_path: Path) -> None:
    run = forum(
        tmp_path,
        configuration=FORUM.replace(
            'path = "landing/content.csv"',
            'path = "landing/content.csv"\n[sources.content.columns]\ncontent_id = "content_id"\nauthor_id = "author_id"\n'
            'published_at = "published_at"\ntitle = "\'  \'"',
        ),
    )
    assert pieces_to_show(run, pl.Series(list(numbers(run).values()), dtype=pl.Int32)) is None
    assert not try_show_rules(run)
    assert show_metrics(run) == {}


def test_a_test_is_made_when_due_and_the_newest_counts(tmp_path: Path) -> None:
    run = forum(tmp_path)
    assert try_show_rules(run)
    version = run.workspace.lake.version(SHOW_RULES)
    assert not try_show_rules(run)
    assert not try_show_rules(run.on(NIGHT + timedelta(days=6)))
    assert run.workspace.lake.version(SHOW_RULES) == version
    assert try_show_rules(run.on(NIGHT + timedelta(days=7)))
    # Six members are too few to choose another rule.
    assert chosen_rule(stored_tests(run.workspace.lake, NIGHT)) == "popular"
    assert show_metrics(run) == {}
    store_tests(run.workspace.lake, winner(), NIGHT)
    assert chosen_rule(stored_tests(run.workspace.lake, NIGHT)) == "item_to_item"
    assert chosen_rule(stored_tests(run.workspace.lake, NIGHT - timedelta(days=1))) == "popular"
    assert last_tested(run.workspace.lake, date(2020, 1, 1)) is None
    assert show_metrics(run)["show.item_to_item.low"] == 0.01


def winner() -> tuple[RuleTest, ...]:
    return (
        RuleTest("popular", False, 90, 0.2, 0.1),
        RuleTest("popular_in_topics", False, 90, 0.2, 0.1, 0.0, -0.01, 0.01),
        RuleTest("item_to_item", True, 90, 0.3, 0.2, 0.1, 0.01, 0.2),
    )


@pytest.mark.parametrize("pieces", [0, 1])
def test_the_setting_bounds_how_many_are_named(taken_in: RunContext, pieces: int) -> None:
    show = taken_in.settings.show.model_copy(update={"pieces": pieces})
    run = replace(taken_in, settings=taken_in.settings.model_copy(update={"show": show}))
    shown = pieces_to_show(run, pl.Series(list(numbers(run).values()), dtype=pl.Int32))
    assert (None if shown is None else {len(show.split("; ")) for show in shown["show"]}) == (None if pieces == 0 else {1})
