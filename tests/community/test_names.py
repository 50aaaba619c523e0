from __future__ import annotations

import math

import polars as pl
import pytest

from community.names import TRAIT_SCHEMA, Trait, name_communities, rate_traits

WINE, BEER, EVENING = Trait("topic", "wine"), Trait("topic", "beer"), Trait("day_part", "evening")


def communities(**members: range) -> pl.DataFrame:
    rows = [(member, name) for name, numbers in members.items() for member in numbers]
    return pl.DataFrame(rows, schema={"member_no": pl.Int32, "community_id": pl.String}, orient="row")


def traits(*of: tuple[range, Trait]) -> pl.DataFrame:
    rows = [(member, trait.kind, trait.value) for members, trait in of for member in members]
    return pl.DataFrame(rows, schema=dict(TRAIT_SCHEMA), orient="row")


TWO = communities(a=range(10), b=range(10, 20))


def test_a_community_is_named_by_what_sets_it_apart() -> None:
    morning = Trait("day_part", "morning")
    known = traits((range(9), WINE), (range(9, 20), BEER), (range(8), EVENING), (range(8, 20), morning))
    assert name_communities(TWO, known) == {"a": (WINE, EVENING), "b": (BEER, morning)}


def test_what_all_share_or_few_have_names_nobody() -> None:
    german = Trait("region", "DE")
    assert name_communities(TWO, traits((range(20), german), (range(2), WINE))) == {"a": (), "b": ()}
    assert name_communities(TWO, traits()) == {"a": (), "b": ()}


def test_no_two_communities_have_one_name_and_the_larger_chooses_first() -> None:
    three = communities(a=range(12), b=range(12, 20), c=range(20, 40))
    known = traits((range(12), WINE), (range(12, 20), WINE), (range(12, 18), EVENING), (range(20, 40), BEER))
    names = name_communities(three, known)
    assert names["a"] == (WINE,)
    assert names["c"] == (BEER,)
    assert names["b"] not in {names["a"], names["c"], ()}


def test_a_name_stays_while_it_holds() -> None:
    known = traits((range(9), WINE), (range(9, 20), BEER), (range(9), Trait("topic", "grapes")), (range(14, 20), EVENING))
    for name in ((WINE,), (Trait("topic", "grapes"),)):
        assert name_communities(TWO, known, {"a": name})["a"] == name
    assert name_communities(TWO, known, {"a": (BEER,)})["a"] != (BEER,)


def test_certainty_is_the_log_odds_ratio_in_standard_errors() -> None:
    rated = rate_traits(TWO, traits((range(9), WINE), (range(9, 20), BEER)))
    of_wine = rated.filter(pl.col("value") == "wine").row(0, named=True)
    # 9 of 10 in a, none of 10 in b, each count half a member more.
    odds = (9.5 / 1.5) / (0.5 / 10.5)
    error = (1 / 9.5 + 1 / 1.5 + 1 / 0.5 + 1 / 10.5) ** 0.5
    assert of_wine["members"] == 9
    assert of_wine["share"] == 0.9
    assert of_wine["certainty"] == pytest.approx(math.log(odds) / error, abs=1e-6)


def test_the_order_of_the_rows_changes_nothing() -> None:
    known = traits((range(9), WINE), (range(9, 20), BEER), (range(5), EVENING), (range(9, 15), Trait("region", "FR")))
    assert name_communities(TWO.reverse(), known.sample(fraction=1.0, shuffle=True, seed=3)) == name_communities(TWO, known)
