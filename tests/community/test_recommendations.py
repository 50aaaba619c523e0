"""Members are shown what they have not seen, ranked by the rule; the fast way gives what the slow obvious way gives."""

import itertools
import math
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.recommendations import PIECES_SCHEMA, RULES, SEEN_SCHEMA, Rule, recommend
from community.show_policy import ShowPolicy

AS_OF = date(2026, 3, 31)
POLICY = ShowPolicy(pieces=3, window_days=30)


def seen_of(*rows: tuple[int, str, int]) -> pl.DataFrame:
    """Rows of member, piece and age in days."""
    return pl.DataFrame([(m, c, AS_OF - timedelta(days=age)) for m, c, age in rows], schema=SEEN_SCHEMA, orient="row")


def pieces_of(*rows: tuple[str, int | None, int, str | None]) -> pl.DataFrame:
    """Rows of piece, author, age in days and topic."""
    return pl.DataFrame([(c, a, AS_OF - timedelta(days=age), t) for c, a, age, t in rows], schema=PIECES_SCHEMA, orient="row")


def shown(
    seen: pl.DataFrame, pieces: pl.DataFrame, members: list[int], rule: Rule, policy: ShowPolicy = POLICY
) -> dict[int, list[str]]:
    """Member → pieces shown, the best first."""
    rows = recommend(seen, pieces, pl.Series(members, dtype=pl.Int32), rule=rule, as_of=AS_OF, policy=policy)
    by_member = {int(str(member)): own for (member,), own in rows.group_by("member_no", maintain_order=True)}
    assert all(own["place"].to_list() == list(range(1, own.height + 1)) for own in by_member.values())
    return {member: own["content_id"].to_list() for member, own in by_member.items()}


BOARD = pieces_of(("a", 9, 20, "wine"), ("b", 9, 20, "beer"), ("c", 9, 20, None), ("d", 9, 20, "wine"), ("old", 9, 40, "wine"))


def test_the_most_popular_comes_first_and_what_was_seen_long_ago_counts_less() -> None:
    seen = seen_of((1, "b", 0), (2, "b", 0), (3, "a", 0), (4, "c", 14), (5, "c", 14), (6, "c", 14), (7, "old", 0), (8, "old", 0))
    assert 0.5 * 3 > 1
    assert shown(seen, BOARD, [20], "popular") == {20: ["b", "c", "a"]}


def test_what_a_member_came_to_or_wrote_is_never_shown() -> None:
    seen = seen_of((1, "a", 29), (2, "b", 1))
    for rule in RULES:
        assert "a" not in shown(seen, BOARD, [1], rule)[1]
        assert 9 not in shown(seen, BOARD, [9], rule)


def test_topics_of_the_member_come_first() -> None:
    seen = seen_of((1, "a", 0), *((member, "b", 0) for member in (2, 3)), (4, "d", 0))
    assert shown(seen, BOARD, [1], "popular") == {1: ["b", "d", "c"]}
    many = seen_of(*((1, f"w{n}", 0) for n in range(6)), *((member, "b", 0) for member in (2, 3)), (4, "d", 0))
    wines = pl.concat([BOARD, pieces_of(*((f"w{n}", 9, 25, "wine") for n in range(6)))])
    assert shown(many, wines, [1], "popular_in_topics")[1][0] == "d"


def test_pieces_of_members_with_the_same_interests_come_first() -> None:
    seen = seen_of((1, "a", 0), (2, "a", 0), (2, "d", 0), (3, "b", 0), (4, "b", 0), (5, "b", 0))
    pieces = BOARD.with_columns(author_no=pl.Series([91, 92, 93, 94, 95], dtype=pl.Int32))
    assert shown(seen, pieces, [1], "popular")[1][0] == "b"
    assert shown(seen, pieces, [1], "item_to_item")[1][0] == "d"


def test_who_has_done_nothing_is_shown_what_is_popular() -> None:
    seen = seen_of((2, "b", 0), (3, "b", 0), (3, "a", 0))
    assert {tuple(shown(seen, BOARD, [20], rule)[20]) for rule in RULES} == {("b", "a", "c")}


@pytest.mark.parametrize("rule", RULES)
def test_nothing_after_the_night_and_no_order_of_rows_changes_what_is_shown(rule: Rule) -> None:
    seen = seen_of(*((member, f"p{(member * place) % 11}", place) for member in range(1, 9) for place in range(5)))
    pieces = pieces_of(*((f"p{n}", 20 + n % 3, n, ["wine", "beer", None][n % 3]) for n in range(11)))
    before = shown(seen, pieces, list(range(1, 9)), rule)
    later_seen, later_pieces = seen_of((1, "p1", -1), (2, "p3", -2)), pieces_of(("new", 1, -1, "wine"))
    shuffled = pl.concat([later_seen, seen, seen]).sample(fraction=1, shuffle=True, seed=5)
    assert shown(shuffled, pl.concat([later_pieces, pieces.reverse()]), list(range(8, 0, -1)), rule) == before


def test_a_community_without_pieces_or_members_shows_nothing() -> None:
    assert shown(seen_of((1, "a", 0)), pieces_of(), [1], "item_to_item") == {}
    assert shown(seen_of(), BOARD, [], "popular") == {}
    assert shown(seen_of(), BOARD, [1], "popular", ShowPolicy(pieces=0)) == {}


def obvious_scores(came: dict[int, dict[str, int]], member: int, candidates: list[str], items: list[str]) -> dict[str, float]:
    """Score item by item with the formula of BM25 as it is written."""
    length = {item: sum(days.get(item, 0) for days in came.values()) for item in items}
    mean = sum(length.values()) / len(items)

    def weight(item: str, of: int) -> float:
        days = came[of].get(item, 0)
        idf = math.log1p((len(items) - len(came[of]) + 0.5) / (len(came[of]) + 0.5))
        return idf * days * 2.2 / (days + 1.2 * (0.25 + 0.75 * length[item] / mean)) if days else 0.0

    own = came.get(member, {})
    return {one: sum(weight(item, of) * weight(one, of) for item in own for of in came) for one in candidates}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=40))
def test_similar_pieces_are_those_of_the_formula(rows: list[tuple[int, int, int]]) -> None:
    pieces = pieces_of(*((f"p{n}", None, 29, None) for n in range(8)))
    seen = seen_of(*((member, f"p{item}", age) for member, item, age in rows))
    came: dict[int, dict[str, int]] = {}
    for member, item, _ in set(rows):
        came.setdefault(member, {}).setdefault(f"p{item}", 0)
        came[member][f"p{item}"] += 1
    names = [f"p{n}" for n in range(8)]
    for member, chosen in shown(seen, pieces, sorted(came), "item_to_item", ShowPolicy(pieces=8, window_days=30)).items():
        last = {(m, i): min(age for mm, ii, age in rows if (mm, ii) == (m, i)) for m, i, _ in rows}
        popularity = {name: sum(0.5 ** (age / 14) for (_, i), age in last.items() if f"p{i}" == name) for name in names}
        scores = obvious_scores(came, member, names, names)
        expected = {name: scores[name] * math.sqrt(popularity[name]) for name in names if name not in came[member]}
        assert sorted(chosen) == sorted(expected)
        values = [expected[name] for name in chosen]
        assert all(first >= second - 1e-9 for first, second in itertools.pairwise(values))
