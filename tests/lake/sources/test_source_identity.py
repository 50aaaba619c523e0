"""What a source goes by: its name, else what it reads, never its place; and which arrivals of the ledger are its own."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.arrivals import SCHEMA
from lake.errors import ConfigurationError
from lake.sources.source_identity import identify, match_ledger
from lake.sources.source_settings import SourceSettings

A, B = SourceSettings(path="a/*.csv"), SourceSettings(path="b/*.csv")
C = SourceSettings(path="c.csv")
SHOP = SourceSettings(path="a/*.csv", name="shop")
QUERY = SourceSettings(uri="sqlite:///shop.db", query="SELECT 1")


def ledger(*arrivals: tuple[str, str]) -> pl.DataFrame:
    """Arrivals of orders, by source and path."""
    rows: list[dict[str, Any]] = [
        {"arrival_id": str(number), "table": "orders", "source": source, "path": path, "sequence": number}
        for number, (source, path) in enumerate(arrivals)
    ]
    return pl.DataFrame(rows, schema=dict(SCHEMA))


def matched(arrivals: pl.DataFrame, *settings: SourceSettings) -> list[str]:
    return match_ledger(arrivals, {"orders": identify("orders", settings)}, root=Path("/srv/shop"))["source"].to_list()


def test_a_source_goes_by_its_name_else_by_what_it_reads() -> None:
    found = identify("orders", [SHOP, B, SourceSettings(path=("c.csv", "d.csv")), QUERY])
    assert [source.identity for source in found[:3]] == ["shop", "b/*.csv", "c.csv, d.csv"]
    assert found[3].identity.startswith("query ")
    assert [source.label for source in found] == ["orders 'shop'", "orders[2]", "orders[3]", "orders[4]"]


@given(st.permutations([A, B, QUERY, SourceSettings(path="c.csv", name="x")]))
def test_reordering_sources_changes_nothing_they_go_by(order: list[SourceSettings]) -> None:
    found = {source.settings.path: source.identity for source in identify("orders", order)}
    assert found == {"a/*.csv": "a/*.csv", "b/*.csv": "b/*.csv", "c.csv": "x", None: identify("orders", [QUERY])[0].identity}


def test_two_sources_of_one_file_are_told_apart_by_what_they_take_from_it() -> None:
    asked, answered = (SourceSettings(path="posts.csv", where=f"kind = {kind}") for kind in (1, 2))
    first = [source.identity for source in identify("events", [asked, answered])]
    second = [source.identity for source in identify("events", [answered, asked])]
    assert first == second[::-1]
    assert len(set(first)) == 2
    with pytest.raises(ConfigurationError, match="two sources of events go by 'posts"):
        identify("events", [asked, asked])


def test_places_of_the_first_release_are_matched_to_the_source_that_reads_the_path() -> None:
    old = ledger(("orders[1]", "a/1.csv"), ("orders[2]", "b/1.csv"), ("orders[3]", "query"))
    assert matched(old, A, B, QUERY) == ["a/*.csv", "b/*.csv", identify("orders", [QUERY])[0].identity]
    assert matched(old, QUERY, B, A) == matched(old, A, B, QUERY)
    assert matched(ledger(("orders", "a/1.csv"), ("orders", "gone.csv")), A) == ["a/*.csv", "a/*.csv"]
    assert matched(ledger(("orders[2]", "gone/1.csv")), A, B) == ["orders[2]"]


def test_a_source_that_gets_a_name_or_loses_it_keeps_what_it_brought() -> None:
    assert matched(ledger(("a/*.csv", "a/1.csv"), ("b/*.csv", "b/1.csv")), SHOP, B) == ["shop", "b/*.csv"]
    assert matched(ledger(("shop", "a/1.csv"), ("b/*.csv", "b/1.csv")), A, B) == ["a/*.csv", "b/*.csv"]
    assert matched(ledger(("shop", "a/1.csv")), SourceSettings(path="a/*.csv", name="store"), B) == ["store"]


def test_the_only_source_may_move() -> None:
    assert matched(ledger(("a/*.csv", "a/1.csv")), SourceSettings(path="archive/*.csv")) == ["archive/*.csv"]


def test_an_unnamed_one_of_several_that_moved_is_asked_for_a_name() -> None:
    held = ledger(("a/*.csv", "a/1.csv"), ("b/*.csv", "b/1.csv"))
    moved = SourceSettings(path="moved/*.csv")
    with pytest.raises(ConfigurationError, match=r"orders\[2\] reads 'moved/\*\.csv', and no .* 'b/\*\.csv'") as error:
        matched(held, A, moved)
    assert "name = 'b/*.csv' if it is the same source" in error.value.remedy
    assert matched(held, A, moved.model_copy(update={"name": "b/*.csv"})) == ["a/*.csv", "b/*.csv"]
    assert matched(held, A, moved.model_copy(update={"name": "new"})) == ["a/*.csv", "b/*.csv"]


def test_a_source_that_was_taken_away_keeps_its_arrivals() -> None:
    held = ledger(("a/*.csv", "a/1.csv"), ("b/*.csv", "b/1.csv"))
    assert matched(held, A) == ["a/*.csv", "b/*.csv"]
    assert matched(held, A, B, SourceSettings(path="c.csv")) == ["a/*.csv", "b/*.csv"]


def test_of_two_sources_of_one_file_the_one_that_is_left_is_known_by_its_mapping() -> None:
    asked, answered = (SourceSettings(path="posts.csv", where=f"kind = {kind}") for kind in (1, 2))
    of_asked, of_answered = (source.identity for source in identify("orders", [asked, answered]))
    held = ledger((of_asked, "posts.csv"), (of_answered, "posts.csv"))
    assert matched(held, asked) == ["posts.csv", of_answered]
    assert matched(held, answered) == [of_asked, "posts.csv"]


def test_another_query_or_a_wider_path_is_not_guessed_to_be_a_source_that_is_gone() -> None:
    other = SourceSettings(uri="sqlite:///crm.db", query="SELECT 2")
    old = identify("orders", [QUERY])[0].identity
    with pytest.raises(ConfigurationError, match="it cannot be told whether they are the same source"):
        matched(ledger((old, "query"), ("a/*.csv", "a/1.csv")), A, other)
    with pytest.raises(ConfigurationError, match="it cannot be told whether they are the same source"):
        matched(ledger(("a/*.csv", "a/1.csv"), ("b/*.csv", "b/1.csv"), ("c.csv", "c.csv")), SourceSettings(path="*/*.csv"), C)
    assert matched(ledger(("a/sub/*.csv", "a/sub/1.csv"), ("c.csv", "c.csv")), A.model_copy(update={"name": "a"}), C) == [
        "a/sub/*.csv",
        "c.csv",
    ]


def test_a_named_source_in_the_place_of_the_only_one_is_another() -> None:
    assert matched(ledger(("forum", "a/1.csv")), SourceSettings(path="b.csv", name="crm")) == ["forum"]


@pytest.mark.parametrize("pattern", ["./a/*.csv", "/srv/shop/a/*.csv", "**/*.csv", "a/[0-9].csv", "a/**"])
def test_a_path_is_known_however_it_is_written(pattern: str) -> None:
    assert matched(ledger(("orders[1]", "a/1.csv"), ("orders[2]", "c.csv")), SourceSettings(path=pattern), C)[0] == pattern


def test_of_several_old_places_the_only_source_left_has_what_it_reads() -> None:
    assert matched(ledger(("orders[1]", "a/1.csv"), ("orders[2]", "b/1.csv")), B) == ["orders[1]", "b/*.csv"]
    assert matched(ledger(("orders[2]", "b/1.csv")), A) == ["orders[2]"]
