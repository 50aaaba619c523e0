"""The rule is chosen on later data: one that knows more wins only where it surely gains."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from community.recommendations import PIECES_SCHEMA, RULES, SEEN_SCHEMA
from community.rule_choice import FEWEST_MEMBERS, RuleTest, choose_rule, past_days
from community.show_policy import ShowPolicy

AS_OF = date(2026, 3, 31)
POLICY = ShowPolicy(window_days=28)
MEMBERS, DAYS = 80, 60


def club(*, loyal: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A club with one piece a day on each of six topics; members come to their own topic, or else to any."""
    rng = np.random.default_rng(4)
    first = AS_OF - timedelta(days=DAYS - 1)
    pieces = [(f"t{topic}-{day}", None, first + timedelta(days=day), f"t{topic}") for day in range(DAYS) for topic in range(6)]
    rows = []
    for member in range(1, MEMBERS + 1):
        for day in range(DAYS):
            topic = member % 6 if rng.random() < loyal else int(rng.integers(6))
            rows.append((member, f"t{topic}-{max(day - int(rng.integers(4)), 0)}", first + timedelta(days=day)))
    return pl.DataFrame(rows, schema=SEEN_SCHEMA, orient="row"), pl.DataFrame(pieces, schema=PIECES_SCHEMA, orient="row")


def chosen(tests: tuple[RuleTest, ...]) -> str:
    return next(test.rule for test in tests if test.is_chosen)


def test_topics_win_where_members_keep_to_theirs_and_the_simplest_where_they_do_not() -> None:
    tests = choose_rule(*club(loyal=1.0), as_of=AS_OF, policy=POLICY, cut_offs=2)
    assert [test.rule for test in tests] == list(RULES)
    by_rule = {test.rule: test for test in tests}
    assert chosen(tests) != "popular"
    assert (by_rule["popular_in_topics"].ndcg or 0) > (by_rule["popular"].ndcg or 0)
    assert (by_rule["popular_in_topics"].low or 0) > 0
    assert by_rule["popular"].gain is None
    assert FEWEST_MEMBERS <= tests[0].members <= MEMBERS
    assert chosen(choose_rule(*club(loyal=0.0), as_of=AS_OF, policy=POLICY, cut_offs=2)) == "popular"


def test_nothing_after_the_night_and_no_order_of_rows_changes_the_choice() -> None:
    seen, pieces = club(loyal=0.6)
    before = choose_rule(seen, pieces, as_of=AS_OF, policy=POLICY, cut_offs=1)
    later = seen.with_columns(pl.col("event_date") + pl.duration(days=DAYS)).cast(dict(SEEN_SCHEMA))
    mixed = pl.concat([seen, later]).sample(fraction=1, shuffle=True, seed=3)
    assert choose_rule(mixed, pieces.reverse(), as_of=AS_OF, policy=POLICY, cut_offs=1) == before


def test_with_too_few_members_the_simplest_is_used_and_says_so() -> None:
    seen, pieces = club(loyal=1.0)
    few = choose_rule(seen.filter(pl.col("member_no") < FEWEST_MEMBERS), pieces, as_of=AS_OF, policy=POLICY, cut_offs=1)
    assert (chosen(few), few[0].hit_rate) == ("popular", None)
    assert 0 < few[0].members < FEWEST_MEMBERS
    nobody = choose_rule(seen.head(0), pieces.head(0), as_of=AS_OF, policy=POLICY, cut_offs=2)
    assert (chosen(nobody), nobody[0].members) == ("popular", 0)


def test_measures_are_those_of_a_slow_count() -> None:
    """Sixty members came to a, and come to b afterwards; that they come to a again is nothing that could have been shown."""
    cut_off = AS_OF - timedelta(days=14)
    pieces = pl.DataFrame(
        [("a", None, cut_off, None), ("b", None, cut_off, None), ("c", 77, cut_off, None)], schema=PIECES_SCHEMA, orient="row"
    )
    came = [(member, "a", cut_off) for member in range(60)] + [(77, "c", cut_off), (78, "c", cut_off)]
    later = [(member, piece, cut_off + timedelta(days=1)) for member in range(60) for piece in "ab"]
    tests = choose_rule(
        pl.DataFrame(came + later, schema=SEEN_SCHEMA, orient="row"), pieces, as_of=AS_OF, policy=POLICY, cut_offs=1
    )
    # c is more popular, b comes second.
    assert tests[0].hit_rate == 1.0
    assert tests[0].ndcg == pytest.approx(1 / np.log2(3))
    assert past_days(POLICY, cut_offs=2) == 28 + 2 * 14
