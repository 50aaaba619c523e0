from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.contracts import TIES
from lake.member_index import scan_member_index
from lake.storage.delta import Lake
from pipeline.community.network import NETWORK_COLUMNS, NightNetwork, measure_network, with_network
from pipeline.community.stored_network import COMMUNITY_NAMES, NETWORK
from tests.features.builders import AS_OF
from tests.features.network.planted import RINGS
from tests.forum import take_in
from tests.pipeline.community.planted_workspace import measured, prepared
from tests.planted_community import NOW, REFUSER, PlantedNight, write_ties

NIGHT_AFTER = AS_OF + timedelta(days=1)
CARRIED = ["member_no", "community_id", "community"]


@pytest.fixture(scope="module")
def tonight(planted_night: PlantedNight) -> NightNetwork:
    """Measure the network of the planted night again."""
    return measured(planted_night.root)


@pytest.fixture
def copy(planted_night: PlantedNight, tmp_path: Path) -> Path:
    """A copy of the planted community after its night."""
    return shutil.copytree(planted_night.root, tmp_path / "copy", ignore=shutil.ignore_patterns("lists", "reports", "ml*"))


@pytest.fixture
def fresh(copy: Path) -> Path:
    """A copy that has stored no network yet."""
    for table in (NETWORK, COMMUNITY_NAMES):
        shutil.rmtree(copy / "lake" / table)
    return copy


def test_a_night_tells_how_the_network_is(tonight: NightNetwork) -> None:
    assert tonight.rings == tuple(sorted(RINGS, reverse=True))
    assert sum(leader.posts_share or 0 for leader in tonight.leaders) > 0
    assert all(0 < (leader.given_share or 0) < 1 for leader in tonight.leaders)
    assert tonight.absence[-1].factor > 0
    assert tonight.changes == ()


def test_a_night_that_is_run_again_stores_and_says_the_same(planted_night: PlantedNight, tonight: NightNetwork) -> None:
    lake = Lake(planted_night.root / "lake")
    versions = {table: lake.version(table) for table in (NETWORK, COMMUNITY_NAMES)}
    assert set(versions.values()) == {0}
    again = measured(planted_night.root)
    assert_frame_equal(tonight.members, again.members)
    assert (tonight.names, tonight.team, tonight.changes) == (again.names, again.team, again.changes)
    assert versions == {table: lake.version(table) for table in (NETWORK, COMMUNITY_NAMES)}
    index = scan_member_index(lake).collect()
    listed = planted_night.members.join(index, on="member_id").select("member_no", *NETWORK_COLUMNS).sort("member_no")
    of_network = pl.col("member_no").is_in(again.members["member_no"].implode())
    assert_frame_equal(listed.filter(of_network), again.members)


def test_the_next_night_without_change_has_the_same_communities_and_names(copy: Path, tonight: NightNetwork) -> None:
    after = measured(copy, NIGHT_AFTER)
    assert_frame_equal(after.members.select(CARRIED), tonight.members.select(CARRIED))
    assert after.changes == ()
    assert set(after.sizes_before) == set(tonight.members["community_id"].drop_nulls())


def test_what_happens_after_a_night_changes_nothing_of_it(
    planted_night: PlantedNight, fresh: Path, tonight: NightNetwork
) -> None:
    truth = planted_night.truth
    pairs = truth.rows.unique(["member_no", "other_no"], maintain_order=True).gather_every(4)
    later = pairs.with_columns(event_date=pl.lit(AS_OF + timedelta(days=3)), n=pl.lit(3))
    write_ties(fresh, "later", truth, later)
    take_in(fresh, night=AS_OF + timedelta(days=10), now=NOW)
    after = measured(fresh)
    assert_frame_equal(tonight.members, after.members)
    assert (tonight.absence, tonight.leaders, tonight.rings) == (after.absence, after.leaders, after.rings)


def test_without_the_ties_of_who_refuses_profiling_the_night_is_the_same(fresh: Path, tonight: NightNetwork) -> None:
    lake = Lake(fresh / "lake")
    refuser = scan_member_index(lake).filter(pl.col("member_id") == REFUSER).collect()["member_no"].item()
    assert refuser not in tonight.members["member_no"]
    is_theirs = (pl.col("member_no") == refuser) | (pl.col("other_no") == refuser)
    ties = lake.scan(TIES).collect()
    assert ties.filter(is_theirs).height > 50
    lake.replace_days(TIES, ties.filter(~is_theirs), days=ties["event_date"].unique().to_list())
    assert_frame_equal(measured(fresh).members, tonight.members)


def test_a_community_in_which_nobody_responds_has_no_network_and_no_columns(fresh: Path) -> None:
    lake = Lake(fresh / "lake")
    ties = lake.scan(TIES).collect()
    lake.replace_days(TIES, ties.clear(), days=ties["event_date"].unique().to_list())
    assert measure_network(*prepared(fresh)) is None
    assert not lake.exists(NETWORK)
    members = pl.DataFrame({"member_no": [1]}, schema={"member_no": pl.Int32})
    assert with_network(members, None) is members


def test_members_without_a_tie_are_no_leaders_and_have_no_influence(tonight: NightNetwork) -> None:
    members = pl.DataFrame(
        {"member_no": [99_999, int(tonight.members.drop_nulls("influence_score")["member_no"][0])]},
        schema={"member_no": pl.Int32},
    )
    added = with_network(members, tonight)
    assert added.columns == ["member_no", *NETWORK_COLUMNS]
    assert added["influence_score"].is_null().to_list() == [True, False]
    assert added["is_opinion_leader"][0] is False
