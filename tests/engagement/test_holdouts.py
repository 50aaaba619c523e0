"""Holdouts: drawn by a hash, frozen when somebody is first considered."""

import polars as pl
import pytest

from engagement.holdouts import ARMS_SCHEMA, draw, draw_arms
from tests.engagement.deciding import action, decided, members, policy


def considered(count: int) -> pl.DataFrame:
    numbers = pl.int_range(count, dtype=pl.Int32, eager=True)
    return pl.DataFrame({"member_no": numbers, "unit": [f"m{no}" for no in range(count)]})


def test_a_draw_is_the_same_on_every_machine_and_that_of_another_action_is_independent() -> None:
    units = pl.Series([f"m{number}" for number in range(20_000)])
    assert draw(pl.Series(["m1", "m2"]), action="call").to_list() == [0.4280845907936659, 0.12275471612398792]
    one, other = draw(units, action="call"), draw(units, action="write")
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert pl.DataFrame({"one": one, "other": other}).select(pl.corr("one", "other")).item() == pytest.approx(0, abs=0.02)


def test_a_higher_share_only_adds_members_and_a_lower_one_releases_nobody() -> None:
    nobody = pl.DataFrame(schema=ARMS_SCHEMA)
    first = draw_arms(considered(1_000), nobody, action="a", share=0.2)
    frozen = first.select(list(ARMS_SCHEMA))
    for share in (0.05, 0.5):
        later = draw_arms(considered(2_000), frozen, action="a", share=share)
        assert later.head(1_000).select(list(ARMS_SCHEMA)).equals(frozen)
        assert later["is_first"].to_list() == [False] * 1_000 + [True] * 1_000
        assert later.tail(1_000)["is_held_out"].mean() == pytest.approx(share, abs=0.05)
    raised = draw_arms(considered(1_000), nobody, action="a", share=0.5)
    assert raised.filter(first["is_held_out"])["is_held_out"].all()


def test_members_of_a_cluster_are_held_out_together() -> None:
    people = members([{"region": f"r{number % 40}"} for number in range(800)])
    arms = decided(people, [action("a", holdout_share=0.3)], policy(unit="region"), capacity=800).arms.filter(
        pl.col("action") == "a"
    )
    by_region = (
        arms.join(people.select("member_no", "region"), on="member_no").group_by("region").agg(pl.col("is_held_out").n_unique())
    )
    assert by_region["is_held_out"].to_list() == [1] * 40
    assert 0.05 < arms["is_held_out"].mean() < 0.6
