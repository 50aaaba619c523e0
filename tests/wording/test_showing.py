"""How a piece is called, and how the choice of the pieces is told."""

from datetime import date

import polars as pl

from wording.columns import SentenceContext
from wording.showing import piece_label, rule_sentence


def test_a_piece_goes_by_its_title_and_by_its_id_where_that_is_not_enough() -> None:
    pieces = pl.DataFrame(
        {
            "content_id": ["1", "2", "3", "4"],
            "topic": ["wine", "beer", "wine", None],
            "title": ["Corks", None, "Weekly", "x" * 100],
            "is_repeated": [False, False, True, False],
        }
    )
    context = SentenceContext(frozenset(pieces.columns), None, date(2026, 3, 10))
    labels = pieces.select(label=piece_label(context))["label"].to_list()
    assert labels == ["Corks", "beer (2)", "Weekly (3)", "x" * 79 + "…"]


def test_the_choice_is_told_with_its_figures() -> None:
    few = rule_sentence("popular", members=7, hit_rate=None, simplest_hit_rate=None, is_simplest=True)
    assert "Too few members" in few
    assert "7 members" in few
    simple = rule_sentence("popular", members=700, hit_rate=0.2, simplest_hit_rate=0.2, is_simplest=True)
    assert "no other rule was surely better" in simple
    better = rule_sentence("item_to_item", members=700, hit_rate=0.3, simplest_hit_rate=0.2, is_simplest=False)
    assert better.endswith("of the most popular pieces 20\N{NO-BREAK SPACE}% did.")
