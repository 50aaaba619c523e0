"""The feature catalog: which features a community has, in the order of their columns."""

from __future__ import annotations

from features.families.activity import activity_features, recency_features
from features.families.habits import diversity_features, hour_features, weekday_features
from features.families.orders import order_features, purchase_features
from features.families.people import people_features
from features.families.profile import profile_features
from features.families.responses import contact_features, feedback_features
from features.families.rhythm import gap_features, streak_features, tenure_features
from features.families.trends import trend_features
from features.feature import Feature


def feature_catalog(available: frozenset[str], event_types: tuple[str, ...]) -> tuple[Feature, ...]:
    """Return the features of a community: those whose needs are all available.

    Args:
        available: As `History.available`.
        event_types: As `History.event_types`.
    """
    extended = with_interactions(available)
    families = feature_families(event_types).values()
    return tuple(feature for family in families for feature in family if feature.needs <= extended)


def feature_families(event_types: tuple[str, ...]) -> dict[str, list[Feature]]:
    """Return every declared feature by family, whether or not a community has the data for it.

    Raises:
        AssertionError: Two features have the same name.
    """
    families = {
        "Activity": activity_features(event_types),
        "Recency": recency_features(event_types),
        "Tenure": tenure_features(),
        "Gaps": gap_features(),
        "Streaks": streak_features(),
        "Trends": trend_features(),
        "Hours": hour_features(),
        "Weekdays": weekday_features(),
        "Diversity": diversity_features(event_types),
        "People": people_features(),
        "Orders": order_features(),
        "Purchase history": purchase_features(),
        "Contacts": contact_features(),
        "Feedback": feedback_features(),
        "Profile": profile_features(),
    }
    names = [feature.name for family in families.values() for feature in family]
    assert len(names) == len(set(names)), "two features share a name"
    return families


def with_interactions(available: frozenset[str]) -> frozenset[str]:
    """Add "interactions" if events reach other members: by naming a target, or content whose author is known."""
    # Both are needed: the content table says whose content an event is about.
    through_content = {"events.content_id", "content"} <= available
    return available | {"interactions"} if through_content or "events.target_member_id" in available else available
