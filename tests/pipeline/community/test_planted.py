"""The simulated community with a cohort that nobody answers and a post that goes viral: both are found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from community.quality import by_piece
from flows.scaffold import DEMO_CONFIGURATION
from lake.simulate import simulate
from pipeline.community.content import NightContent, read_content
from pipeline.community.content_facts import unanswered_facts
from pipeline.community.content_lists import best_content_list, unanswered_list
from pipeline.community.works_facts import works_facts
from pipeline.history.daily_rollups import load_snapshot
from runtime.run_context import RunContext, open_run
from tests.forum import take_in

NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
COHORT = [f"n{number:02d}" for number in range(12)]
FANS = 120


@dataclass(frozen=True)
class Planted:
    run: RunContext
    content: NightContent


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    made = simulate(folder, seed=3, members=160, days=50)
    (folder / "evenfall.toml").write_text(DEMO_CONFIGURATION)
    plant(folder / "landing", made.last_day)
    take_in(folder, night=made.last_day, now=NOW)
    run = open_run(folder, made.last_day, now=NOW)
    content = read_content(run, load_snapshot(run).history)
    assert content is not None
    return Planted(run, content)


def plant(landing: Path, last: date) -> None:
    """Twelve newcomers ask two days before the end and nobody answers; 120 members comment on one question of ten days before."""
    members = pl.read_csv(landing / "members.csv", infer_schema=False)
    new = pl.DataFrame({"member_id": COHORT, "joined": [(last - timedelta(days=4)).isoformat()] * len(COHORT)})
    pl.concat([members, new], how="diagonal").write_csv(landing / "members.csv")

    def piece(name: str, author: str, days: int) -> dict[str, Any]:
        at = datetime.combine(last - timedelta(days=days), datetime.min.time(), UTC) + timedelta(hours=12)
        return {
            "content_id": name, "author_id": author, "published_at": at.isoformat(), "topic": "books", "format": "question",
            "title": "Who can help?",
        }  # fmt: skip

    asked = [piece(f"asked-{who}", who, 2) for who in COHORT] + [piece("viral", members["member_id"][0], 10)]
    with (landing / "content.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in asked)
    told = {"type": "comment", "ts": f"{last - timedelta(days=9)}T10:00:00.000Z", "item": "viral"}
    fans = [
        {"id": f"fan-{number}", "user": who, **told, "to": None, "room": "books", "device": "ios"}
        for number, who in enumerate(members["member_id"][1 : FANS + 1])
    ]
    (landing / "events" / "app-fans.jsonl").write_text("".join(json.dumps(row) + "\n" for row in fans), encoding="utf-8")


def test_the_cohort_heads_the_list_and_is_counted_in_the_report(planted: Planted) -> None:
    listed = unanswered_list(planted.run, planted.content)
    assert listed is not None
    assert {f"asked-{who}" for who in COHORT} <= set(listed["content_id"].head(len(COHORT) + 8))
    assert listed.filter(pl.col("member_id").is_in(COHORT))["is_first_post"].all()
    facts = unanswered_facts(planted.run, planted.content)
    assert facts is not None
    assert facts.first_posts >= len(COHORT)
    assert "viral" not in set(listed["content_id"])


def test_the_list_of_the_best_content_begins_with_the_viral_post_and_has_what_is_beyond_chance(planted: Planted) -> None:
    best = best_content_list(planted.run, planted.content)
    assert best is not None
    first = best.row(0, named=True)
    assert (first["content_id"], first["rank"], first["title"]) == ("viral", 1, "Who can help?")
    assert first["responders"] >= FANS - 10
    assert first["times_expected_low"] > 5
    assert (best["times_expected_low"] >= 1).all()
    assert best["times_expected"].is_sorted(descending=True)
    may = planted.content.people.filter(pl.col("can_contact").fill_null(value=True))["member_id"]
    assert set(best["member_id"].drop_nulls()) <= set(may)
    assert (best["author_posts"] >= 1).all()


def test_their_waiting_is_known_to_audiences(planted: Planted) -> None:
    assert planted.content.waiting is not None
    of_cohort = planted.content.waiting.join(planted.content.people.filter(pl.col("member_id").is_in(COHORT)), on="member_no")
    assert of_cohort["unanswered_posts"].to_list() == [1] * len(COHORT)


def test_the_viral_post_is_the_best_and_makes_its_topic_no_better(planted: Planted) -> None:
    assert planted.content.measured is not None
    best = by_piece(planted.content.measured).join(
        planted.content.pieces.select("piece_no", "content_id"), on="piece_no", maintain_order="left"
    )
    assert best["content_id"][0] == "viral"
    assert best["low"][0] > 5
    facts = works_facts(planted.run, planted.content)
    assert facts is not None
    assert [one for one in facts.groups if one.of in {"topic", "format"}] == []
