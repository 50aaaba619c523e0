"""What a reason is about is said in words that are the same for every member."""

from features.compute import feature_catalog
from wording.english import ENGLISH
from wording.reasons.topics import topic

TABLES = {"events", "orders", "members", "contacts", "content", "feedback"}
COLUMNS = {
    "members.joined_at", "members.platform", "members.region", "members.gender", "members.birth_year", "members.referrer_id",
    "events.target_member_id", "feedback.score", "contacts.opened_at", "contacts.clicked_at",
}  # fmt: skip
CATALOG = feature_catalog(frozenset(TABLES | COLUMNS), ("comment", "event_signup"))


def test_every_feature_has_a_topic_of_its_own_words() -> None:
    topics = {feature.name: topic(feature) for feature in CATALOG}
    assert topics["comment_count_28d"] == topics["comment_count_365d"] == "Comments"
    assert topics["event_signup_count_7d"] == "Event signups"
    assert topics["days_since_last_order"] == "Time since the last order"
    assert topics["days_since_last_activity"] == topics["gap_now_to_mean_365d"] == "Time away"
    assert topics["spend_trend_28d_vs_365d"] == "Spend"
    assert {name for name, words in topics.items() if len(words) > 45} == set()


def test_no_topic_is_of_a_feature_that_does_not_exist() -> None:
    used = {topic(feature) for feature in CATALOG}
    assert {words for words in ENGLISH.topics.values() if words[:1].upper() + words[1:] not in used} == set()
