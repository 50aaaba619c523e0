from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.network.graph import Network
from features.network.neighbourhood import neighbourhood
from outputs.network_charts import MOST_CIRCLES, core_chart, map_chart, neighbours_chart, reach_chart
from tests.features.network.planted import planted

COMMUNITIES = 300
MEMBERS = 10_000


def marks(chart: Any) -> int:
    """How many marks a chart draws, text included."""
    spec = chart.to_dict()
    layers = spec.get("layer", [spec])
    datasets = spec.get("datasets", {})
    return sum(
        len(data["values"] if "values" in data else datasets[data["name"]]) for layer in layers for data in [layer["data"]]
    )


def communities(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "place": range(1, n + 1),
            "community": [f"Topic {one}" for one in range(n)],
            "members": [5 + (n - one) ** 2 for one in range(n)],
            "still_here": [0 if one == 1 else 3 for one in range(n)],
            "high_risk": [0 if one == 1 else one % 4 for one in range(n)],
            "leaders": [0] * n,
        }
    )


def between(n: int) -> pl.DataFrame:
    pairs = [(one, two, 3, 2.0) for two in range(2, n + 1) for one in range(1, two)]
    return pl.DataFrame(pairs, schema=["first", "second", "ties", "weight"], orient="row")


def test_of_a_large_community_no_more_than_some_hundred_marks_are_drawn() -> None:
    assert marks(map_chart(communities(COMMUNITIES), between(COMMUNITIES))) == 80 + 2 * MOST_CIRCLES
    rng = np.random.default_rng(1)
    pairs = pl.DataFrame({"member_no": rng.integers(0, MEMBERS, 200_000), "other_no": rng.integers(0, 40, 200_000)})
    ties = pairs.unique().filter(pl.col("member_no") != pl.col("other_no")).with_columns(weight=pl.lit(1.0))
    network = Network.of(ties)
    found = neighbourhood(network, 0)
    assert found.direct > 1000
    members = around(found.positions.tolist(), found.parent.tolist())
    assert 60 < marks(neighbours_chart(members, found.ties(network))) <= 60 + 59 + 150 + 9


def around(positions: list[int], parent: list[int]) -> pl.DataFrame:
    """Members of a neighbourhood; one of eleven communities each, and some of none."""
    return pl.DataFrame(
        {
            "member_id": [f"m{one}" for one in positions],
            "community": [None if one % 13 == 0 else f"Topic {one % 11}" for one in positions],
            "tier": [None if one % 5 == 0 else "gold" for one in positions],
            "churn_risk": [None if one % 7 == 0 else "high" if one % 2 else "low" for one in positions],
            "parent": parent,
        }
    )


def test_a_community_in_which_nobody_is_still_here_is_drawn_all_the_same() -> None:
    spec = map_chart(communities(3), between(3)).to_dict()
    circles = spec["layer"][1]["data"]["values"]
    assert [circle["share"] for circle in circles] == [0, 0.0, 2 / 3]
    assert len({(circle["x"], circle["y"]) for circle in circles}) == 3


def test_lines_lead_from_the_member_outwards_and_join_the_others_weakly() -> None:
    network = planted().network
    found = neighbourhood(network, 0)
    spec = neighbours_chart(around(found.positions.tolist(), found.parent.tolist()), found.ties(network)).to_dict()
    lines, dots = (spec["layer"][layer]["data"]["values"] for layer in (0, 1))
    place = [(dot["x"], dot["y"]) for dot in dots]
    leading = {(place.index((line["x"], line["y"])), place.index((line["x2"], line["y2"]))) for line in lines if line["leads"]}
    assert leading == {(int(from_), to) for to, from_ in enumerate(found.parent) if to}
    assert len({dot["colour"] for dot in dots}) == 7
    assert len(place) == len(set(place))
    labels = spec["layer"][2]["data"]["values"]
    assert labels[0]["member_id"] == dots[0]["member_id"]
    apart = [abs(one["x"] - two["x"]) > 0.4 or abs(one["y"] - two["y"]) > 0.18 for one in labels for two in labels if one != two]
    assert len(labels) > 2
    assert all(apart)


def test_cores_and_leaders_have_a_bar_each() -> None:
    cores = pl.DataFrame({"core_from": [1, 3], "core_to": [2, 3], "members": [5, 4], "is_innermost": [False, True]})
    bars = core_chart(cores).to_dict()["data"]["values"]
    assert [bar["range"] for bar in bars] == ["1 to 2", "3"]
    leaders = pl.DataFrame({"member_id": ["12", "7"], "responders": [9, 4], "more": [1, 2]})
    drawn = reach_chart(leaders).to_dict()["data"]["values"]
    assert sorted((bar["member_id"], bar["n"]) for bar in drawn) == [("12", 1), ("12", 9), ("7", 2), ("7", 4)]
