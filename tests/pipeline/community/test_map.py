from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.member_index import scan_member_index
from lake.storage.delta import Lake
from pipeline.community.map import NetworkMap, count_cores, innermost, measure_leaders, neighbours, read_map
from runtime.run_context import open_run
from tests.features.builders import AS_OF
from tests.pipeline.community.planted_workspace import measured
from tests.planted_community import NOW, PlantedNight

NIGHT_AFTER = AS_OF + timedelta(days=1)


@pytest.fixture(scope="module")
def listed(planted_night: PlantedNight) -> pl.DataFrame:
    """The member list with the numbers of members."""
    index = scan_member_index(Lake(planted_night.root / "lake")).collect()
    return planted_night.members.join(index, on="member_id").sort("member_no")


@pytest.fixture(scope="module")
def shown(planted_night: PlantedNight) -> NetworkMap:
    found = read_map(planted_night.run())
    assert found is not None
    return found


@pytest.fixture
def copy(planted_night: PlantedNight, tmp_path: Path) -> Path:
    return shutil.copytree(planted_night.root, tmp_path / "copy", ignore=shutil.ignore_patterns("ml*"))


def test_communities_are_counted_as_the_list_has_them(shown: NetworkMap, listed: pl.DataFrame) -> None:
    rows = listed.drop_nulls("community_id").rows(named=True)
    for one in shown.communities.rows(named=True):
        own = [row for row in rows if row["community_id"] == one["community_id"]]
        here = [row for row in own if row["presence"] == "still_here"]
        assert one["members"] == len(own)
        assert one["still_here"] == len(here)
        assert one["high_risk"] == sum(row["churn_risk"] == "high" for row in here)
        assert one["leaders"] == sum(row["is_opinion_leader"] for row in own)
        assert one["members_before"] is None
    sizes = shown.communities["members"].to_list()
    assert sizes == sorted(sizes, reverse=True)
    assert shown.communities["place"].to_list() == list(range(1, len(sizes) + 1))


def test_lines_sum_the_ties_between_members_of_two_communities(shown: NetworkMap) -> None:
    place = dict(shown.communities.select("community_id", "place").iter_rows())
    of = {row["member_no"]: place.get(row["community_id"]) for row in shown.members.rows(named=True)}
    expected: dict[tuple[int, int], list[float]] = {}
    network = shown.network
    for giver, receiver, weight in zip(network.giver, network.receiver, network.weight, strict=True):
        one, two = of[int(network.members[giver])], of[int(network.members[receiver])]
        if one is not None and two is not None and one != two:
            expected.setdefault((min(one, two), max(one, two)), []).append(float(weight))
    rows = {(first, second): (ties, weight) for first, second, ties, weight in shown.between.iter_rows()}
    assert rows == {ends: (len(weights), pytest.approx(sum(weights))) for ends, weights in expected.items()}
    assert shown.between["weight"].is_sorted(descending=True)


def test_cores_are_counted_in_ranges_where_there_are_many(shown: NetworkMap) -> None:
    numbers = shown.members["core_number"].drop_nulls().to_list()
    one_by_one = count_cores(shown.members, most_bars=1000)
    assert dict(one_by_one.select("core_from", "members").iter_rows()) == {one: numbers.count(one) for one in set(numbers)}
    for low, count, high, is_innermost in count_cores(shown.members, most_bars=3).iter_rows():
        assert count == sum(low <= one <= high for one in numbers)
        assert is_innermost == (high == max(numbers))
    core = innermost(shown.members)
    assert core.height == numbers.count(max(numbers))
    assert core["influence_score"].is_sorted(descending=True)
    nobody = shown.members.clear()
    assert count_cores(nobody).is_empty()
    assert innermost(nobody).is_empty()


def test_leaders_reach_who_responds_to_them_and_who_responds_to_those(shown: NetworkMap, listed: pl.DataFrame) -> None:
    leaders = measure_leaders(shown)
    assert set(leaders["member_no"]) == set(listed.filter("is_opinion_leader")["member_no"])
    network = shown.network
    gives: dict[int, set[int]] = {}
    for giver, receiver in zip(network.members[network.giver].tolist(), network.members[network.receiver].tolist(), strict=True):
        gives.setdefault(receiver, set()).add(giver)
    team = leaders["member_no"].to_list()
    for row in leaders.rows(named=True):
        direct = gives[row["member_no"]]
        indirect = set().union(*(gives.get(one, set()) for one in direct)) - direct - {row["member_no"]}
        others = set().union(*(gives[one] for one in team if one != row["member_no"]))
        assert (row["responders"], row["more"], row["alone"]) == (len(direct), len(indirect), len(direct - others))


def test_a_leader_who_adds_hardly_anybody_is_told_all_the_same(shown: NetworkMap) -> None:
    fewest = shown.members.sort("responders", "member_no").filter(pl.col("responders") > 0)["member_no"].head(2)
    members = shown.members.with_columns(is_opinion_leader=pl.col("member_no").is_in(fewest.implode()))
    assert set(measure_leaders(replace(shown, members=members))["member_no"]) == set(fewest)


def test_a_neighbourhood_says_who_responds_to_whom(shown: NetworkMap) -> None:
    leader = int(measure_leaders(shown)["member_no"][0])
    found = neighbours(shown, leader)
    assert found is not None
    neighbourhood, rows = found
    assert rows.height == len(neighbourhood.positions) <= 60
    assert rows["member_no"][0] == leader
    network = shown.network
    pairs = set(zip(network.members[network.giver].tolist(), network.members[network.receiver].tolist(), strict=True))
    for row in rows.rows(named=True):
        assert row["gives"] == ((row["member_no"], leader) in pairs)
        assert row["takes"] == ((leader, row["member_no"]) in pairs)
    assert neighbours(shown, 999_999) is None


def test_who_refuses_profiling_since_the_night_is_nowhere(planted_night: PlantedNight, listed: pl.DataFrame, copy: Path) -> None:
    run = planted_night.run(copy)
    leader = listed.filter("is_opinion_leader")["member_id"][0]
    lake = run.workspace.lake
    refused = pl.when(pl.col("member_id") == leader).then(pl.lit(value=False)).otherwise("can_profile").alias("can_profile")
    lake.replace("members", lake.scan("members").with_columns(refused).collect())
    shown = read_map(run)
    assert shown is not None
    number = listed.filter(pl.col("member_id") == leader)["member_no"][0]
    assert number not in shown.members["member_no"]
    assert leader not in shown.members["member_id"]
    assert shown.communities["members"].sum() < listed["community_id"].count()
    assert neighbours(shown, number) is None


def test_a_later_night_knows_the_sizes_before(planted_night: PlantedNight, copy: Path) -> None:
    members = measured(copy, NIGHT_AFTER).members
    assert members.height > 200
    later = copy / "lists" / str(NIGHT_AFTER)
    later.mkdir()
    planted_night.members.with_columns(as_of=pl.lit(NIGHT_AFTER)).write_parquet(later / "members.parquet")
    shown = read_map(open_run(copy, NIGHT_AFTER, now=NOW).on(NIGHT_AFTER))
    assert shown is not None
    assert shown.communities["members_before"].to_list() == shown.communities["members"].to_list()


def test_lists_without_the_columns_of_the_network_give_cores_and_ties_alone(planted_night: PlantedNight, copy: Path) -> None:
    dropped = ("community_id", "community", "is_opinion_leader", "influence_low", "influence_high")
    planted_night.members.drop(dropped).write_parquet(copy / "lists" / str(AS_OF) / "members.parquet")
    shown = read_map(planted_night.run(copy))
    assert shown is not None
    assert (shown.communities.height, shown.between.height, measure_leaders(shown).height) == (0, 0, 0)
    assert count_cores(shown.members)["members"].sum() == shown.members.height


def test_a_night_that_stored_no_network_has_no_map(planted_night: PlantedNight) -> None:
    assert read_map(open_run(planted_night.root, NIGHT_AFTER, now=NOW).on(NIGHT_AFTER)) is None
