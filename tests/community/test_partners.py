"""Communities are compared by hashes that need the key, or by counts; small ones stay hidden."""

import hashlib
import hmac

import polars as pl
import pytest

from community.partners import (
    COUNTS_SCHEMA,
    DIMENSIONS,
    UNKNOWN,
    alike,
    closest,
    compare_counts,
    count_members,
    find_overlap,
    member_hashes,
)
from community.small_cells import OTHER

KEY = b"a long key of both"


def members(size: int, *, topic: str = "wine") -> pl.DataFrame:
    ids = pl.Series([f"m{number}" for number in range(size)])
    platforms = ["web" if number % 2 else "app" for number in range(size)]
    frame = pl.DataFrame({"member_hash": member_hashes(ids, key=KEY, salt="s"), "platform": platforms})
    return frame.with_columns(region=pl.lit(None, pl.String), topic=pl.lit(topic), tier=pl.lit("gold"))


def test_a_hash_is_hmac_sha256_of_salt_and_id_and_differs_by_key_and_salt() -> None:
    ids = pl.Series(["m1", " M1 ", None])
    hashed = member_hashes(ids, key=KEY, salt="s")
    assert hashed[0] == hmac.new(KEY, b"s\0m1", hashlib.sha256).hexdigest()
    assert hashed[1] == hashed[0]
    assert hashed[2] is None
    assert member_hashes(ids, key=b"another", salt="s")[0] != hashed[0]
    assert member_hashes(ids, key=KEY, salt="t")[0] != hashed[0]


def test_an_overlap_is_counted_in_total_and_by_each_dimension() -> None:
    ours = members(100)
    theirs = pl.concat([ours["member_hash"].head(40), pl.Series([f"{number:064x}" for number in range(60)]), pl.Series([None])])
    found = find_overlap(ours, theirs)
    assert (found.ours, found.theirs, found.shared) == (100, 100, 40)
    assert found.new_share == pytest.approx(0.6)
    by_platform = found.cells.filter(pl.col("dimension") == "platform")
    assert by_platform.select("value", "ours", "shared", "shared_share").rows() == [("web", 50, 20, 0.4), ("app", 50, 20, 0.4)]
    # One value is the total, and is not shown again.
    assert set(found.cells["dimension"]) == {"platform"}


@pytest.mark.parametrize(("shared", "only_theirs"), [(9, 60), (0, 60), (95, 60), (40, 9)])
def test_a_small_overlap_or_a_small_rest_is_not_told(shared: int, only_theirs: int) -> None:
    ours = members(100)
    theirs = pl.concat([ours["member_hash"].head(shared), pl.Series([f"{number:064x}" for number in range(only_theirs)])])
    found = find_overlap(ours, theirs)
    assert (found.shared, found.new_share, found.cells.height) == (None, None, 0)
    assert closest(found) is None


def test_the_closest_row_is_one_that_chance_did_not_make() -> None:
    wine, beer = members(200), members(400).tail(200).with_columns(topic=pl.lit("beer"))
    theirs = pl.concat([wine["member_hash"].head(120), beer["member_hash"].head(40), pl.Series([f"{n:064x}" for n in range(60)])])
    best = closest(find_overlap(pl.concat([wine, beer]), theirs))
    assert best is not None
    assert (best["dimension"], best["value"], best["shared"]) == ("topic", "wine", 120)
    even = pl.concat([wine["member_hash"].head(80), beer["member_hash"].head(80), pl.Series([f"{n:064x}" for n in range(60)])])
    assert closest(find_overlap(pl.concat([wine, beer]), even)) is None


def test_our_counts_hide_small_ones_and_members_without_a_value_are_unknown() -> None:
    people = pl.DataFrame(
        {"platform": ["web"] * 50 + ["app"] * 30 + ["tv"] * 3 + ["car"] * 8 + [None] * 20, "region": ["x"] * 111}
    )
    counts = count_members(people, ["platform", "region"])
    assert counts.rows() == [("platform", "web", 50), ("platform", "app", 30), ("platform", UNKNOWN, 20), ("platform", OTHER, 11)]


def test_counts_of_two_communities_are_compared_where_both_have_them() -> None:
    ours = pl.DataFrame(
        [("topic", "wine", 60), ("topic", "beer", 20), ("topic", UNKNOWN, 900), ("topic", OTHER, 20), ("region", "x", 10)],
        schema=COUNTS_SCHEMA,
        orient="row",
    )
    theirs = pl.DataFrame(
        [("topic", "beer", 30), ("topic", "wine", 10), ("topic", "cars", 60), ("topic", OTHER, 500)],
        schema=COUNTS_SCHEMA,
        orient="row",
    )
    compared = compare_counts(ours, theirs)
    assert compared.rows() == [
        ("topic", "beer", 20, 30, 20 / 80, 30 / 100),
        ("topic", "wine", 60, 10, 60 / 80, 10 / 100),
        ("topic", "cars", None, 60, None, 60 / 100),
    ]
    assert alike(compared) == {"topic": pytest.approx(0.25 + 0.1)}
    assert compare_counts(ours, theirs.clear()).is_empty()


def test_dimensions_are_those_that_every_member_has_one_value_of() -> None:
    assert find_overlap(members(0), pl.Series([], dtype=pl.String)).shared is None
    assert set(DIMENSIONS) <= set(members(1).columns)
