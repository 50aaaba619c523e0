from __future__ import annotations

from wording.communities import name_all


def test_a_name_is_made_of_what_sets_the_community_apart() -> None:
    assert name_all(
        {
            "1": [("topic", "home-brewing"), ("day_part", "evening")],
            "2": [("event_type", "take_in"), ("region", "DE")],
            "3": [("channel", "general"), ("platform", "ios")],
            "4": [("day_part", "night")],
            "5": [("event_type", "comment")],
        }
    ) == {
        "1": "Home brewing, mostly in the evening",
        "2": "Mostly “take in” events, mostly from DE",
        "3": "In general, mostly on ios",
        "4": "Mostly at night",
        "5": "Mostly comments",
    }


def test_no_two_communities_are_called_the_same() -> None:
    names = name_all({"1": [("topic", "wine_making")], "2": [("topic", "wine-making")], "3": [], "4": []})
    assert names == {"1": "Wine making (1)", "2": "Wine making (2)", "3": "Community 3", "4": "Community 4"}
