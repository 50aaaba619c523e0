from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.member_index import scan_member_index
from lake.storage.delta import Lake
from pipeline.community.network import NETWORK_COLUMNS, NightNetwork, measure_network, with_network
from pipeline.community.stored_network import COMMUNITY_NAMES, NETWORK
from tests.features.builders import AS_OF
from tests.features.network.planted import RINGS, Planted, planted
from tests.pipeline.community.planted_workspace import TOPICS, measured, night_of, write_events, write_planted

FOUND = planted()
NIGHT_AFTER = AS_OF + timedelta(days=1)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    write_planted(folder, FOUND)
    night_of(folder)
    return folder


@pytest.fixture(scope="module")
def tonight(workspace: Path) -> NightNetwork:
    return measured(workspace)


def by_number(folder: Path, members: pl.DataFrame) -> pl.DataFrame:
    """Members by the number they have in the truth."""
    index = scan_member_index(Lake(folder / "lake")).select("member_no", "member_id").collect()
    planted_no = pl.col("member_id").str.strip_prefix("m").cast(pl.Int64).alias("planted_no")
    return members.join(index, on="member_no").with_columns(planted_no).sort("planted_no")


def test_leaders_rings_and_communities_are_found_in_a_whole_workspace(workspace: Path, tonight: NightNetwork) -> None:
    network, members = tonight, by_number(workspace, tonight.members)
    assert network.rings == tuple(sorted(RINGS, reverse=True))
    leaders = set(members.filter("is_opinion_leader")["planted_no"].to_list())
    assert len(leaders & set(FOUND.leaders)) >= 6
    assert set(members.sort("influence_score")["planted_no"].tail(5).to_list()) <= set(FOUND.leaders)
    topics = members.filter(pl.col("planted_no") < len(FOUND.community) - sum(RINGS)).with_columns(
        topic=pl.col("planted_no").map_elements(lambda one: TOPICS[FOUND.community[one]].capitalize(), return_dtype=pl.String)
    )
    assert (topics["community"].str.starts_with("Wine") == (topics["topic"] == "Wine")).mean() > 0.95
    named = topics.select((pl.col("community").str.split(",").list.first() == pl.col("topic")).mean()).item()
    assert named > 0.95
    assert sum(leader.posts_share or 0 for leader in network.leaders) > 0
    assert all(0 < (leader.given_share or 0) < 1 for leader in network.leaders)
    assert network.absence[-1].factor > 0
    assert network.changes == ()


def test_a_night_that_is_run_again_stores_and_says_the_same(workspace: Path, tonight: NightNetwork) -> None:
    lake = Lake(workspace / "lake")
    versions = {table: lake.version(table) for table in (NETWORK, COMMUNITY_NAMES)}
    again = measured(workspace)
    assert_frame_equal(tonight.members, again.members)
    assert (tonight.names, tonight.team, tonight.changes) == (again.names, again.team, again.changes)
    assert versions == {table: lake.version(table) for table in (NETWORK, COMMUNITY_NAMES)}


def test_the_next_night_without_change_has_the_same_communities_and_names(workspace: Path, tonight: NightNetwork) -> None:
    after = measured(workspace, NIGHT_AFTER)
    columns = ["member_no", "community_id", "community"]
    assert_frame_equal(after.members.select(columns), tonight.members.select(columns))
    assert after.changes == ()
    assert set(after.sizes_before) == set(tonight.members["community_id"].drop_nulls())


def test_what_happens_after_a_night_changes_nothing_of_it(workspace: Path, tonight: NightNetwork, tmp_path: Path) -> None:
    write_planted(tmp_path, FOUND)
    later = FOUND.rows.with_columns(event_date=pl.lit(AS_OF + timedelta(days=3)), n=pl.lit(9)).unique(["member_no", "other_no"])
    write_events(tmp_path, "events2.csv", later)
    night_of(tmp_path, AS_OF + timedelta(days=10))
    after = measured(tmp_path)
    columns = ["planted_no", *NETWORK_COLUMNS]
    assert_frame_equal(by_number(workspace, tonight.members).select(columns), by_number(tmp_path, after.members).select(columns))
    assert (tonight.absence, tonight.leaders, tonight.rings) == (after.absence, after.leaders, after.rings)


def test_who_refuses_profiling_is_nowhere(tmp_path: Path) -> None:
    leader = FOUND.leaders[0]
    write_planted(tmp_path / "refused", FOUND, refuses=(leader,))
    gone = FOUND.rows.filter((pl.col("member_no") != leader) & (pl.col("other_no") != leader))
    write_planted(tmp_path / "never", Planted(gone, FOUND.community, FOUND.popularity, FOUND.leaders, FOUND.ring))
    found = []
    for folder in (tmp_path / "refused", tmp_path / "never"):
        night_of(folder)
        members = by_number(folder, measured(folder).members)
        assert leader not in members["planted_no"].to_list()
        found.append(members.select("planted_no", "influence_score", "influence_low", "community_id", "is_opinion_leader"))
    assert_frame_equal(*found)


def test_a_community_in_which_nobody_responds_has_no_network_and_no_columns(tmp_path: Path) -> None:
    alone = FOUND.rows.with_columns(other_no=pl.col("member_no"))
    write_planted(tmp_path, Planted(alone, FOUND.community, FOUND.popularity, FOUND.leaders, FOUND.ring))
    run, history, features = night_of(tmp_path)
    assert measure_network(run, history, features) is None
    assert not run.workspace.lake.exists(NETWORK)
    members = pl.DataFrame({"member_no": [1]}, schema={"member_no": pl.Int32})
    assert with_network(members, None) is members


def test_members_without_a_tie_are_no_leaders_and_have_no_influence(tonight: NightNetwork) -> None:
    members = pl.DataFrame({"member_no": [99_999, int(tonight.members["member_no"][0])]}, schema={"member_no": pl.Int32})
    added = with_network(members, tonight)
    assert added.columns == ["member_no", *NETWORK_COLUMNS]
    assert added["influence_score"].is_null().to_list() == [True, False]
    assert added["is_opinion_leader"][0] is False
