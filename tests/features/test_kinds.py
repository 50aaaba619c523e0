from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import feature_catalog
from features.kinds import RESERVED_SLUGS, event_kinds, event_slug
from tests.features.builders import EVERYTHING


@pytest.mark.parametrize(
    ("event_type", "slug"),
    [
        ("Post", "post"),
        ("Sent  a-Message!", "sent_a_message"),
        ("order", "order_event"),
        ("Other event", "other_event_event"),
        ("评论", "评论"),
        ("🎉", "unnamed"),
    ],
)
def test_an_event_type_becomes_a_part_of_a_name(event_type: str, slug: str) -> None:
    assert event_slug(event_type) == slug


def test_types_that_share_a_slug_are_one_kind() -> None:
    assert event_kinds(("Post", "like", "post")) == ("post", "like")


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from(sorted(RESERVED_SLUGS))), max_size=24).map(tuple))
def test_no_event_types_make_two_features_share_a_name(event_types: tuple[str, ...]) -> None:
    names = [feature.name for feature in feature_catalog(EVERYTHING, event_types)]
    assert len(names) == len(set(names))
    assert not {"member_no", "member_id", "as_of"} & set(names)
