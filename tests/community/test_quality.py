"""How well pieces do beside what was expected of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.groupings import groups_of, topics_of
from community.quality import Measured, by_author, by_group, by_piece, measure, within_groups
from community.standouts import best_pieces, standouts
from community.works import expected_responses, what_works
from tests.community.contents import pieces, responses

NOBODY = pl.DataFrame(schema={"author_no": pl.Int32, "following": pl.Int64})
QUIET_NIGHTS = 100


def forum(
    rng: np.random.Generator, *, factor: dict[str, float] | None = None, following: bool = False, posts: int = 400
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Posts of 40 authors over 80 days on four topics; responses are Poisson with mean 3, times the topic's factor."""
    author = rng.integers(0, 40, posts)
    topics = np.array(["ale", "stout", "cider", "mead"])[rng.integers(0, 4, posts)]
    rows = [
        {"hours": float(hours), "author_no": int(who), "topic": topic, "format": "story", "title": f"On {topic}"}
        for hours, who, topic in zip(rng.integers(1, 80 * 24, posts), author, topics, strict=True)
    ]
    fans = rng.choice([0, 2, 20], 40)
    mean = np.array([3 * (factor or {}).get(topic, 1.0) for topic in topics]) * (1 + 0.2 * fans[author] if following else 1.0)
    every = pieces(*rows)
    ages = every["age_days"].to_numpy()
    given_: list[tuple[int, int, float | None]] = []
    for number, count in enumerate(rng.poisson(mean)):
        after = rng.exponential(3.0, count)
        open_days = ages[number] + 1
        given_ += [(number, 1000 + place, 24 * (open_days - day)) for place, day in enumerate(after) if day < open_days]
    known = pl.DataFrame({"author_no": range(40), "following": fans}, schema={"author_no": pl.Int32, "following": pl.Int64})
    return every, responses(*given_), known if following else NOBODY


def measured(parts: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]) -> Measured:
    made = measure(*parts)
    assert made is not None
    return made


def quality_of(every: pl.DataFrame, made: Measured, of: str) -> dict[str, tuple[float, float, float]]:
    groups = groups_of(every).filter(pl.col("of") == of).select("piece_no", "group")
    return {group: rest for group, *rest in by_group(made, groups).select("group", "quality", "low", "high").iter_rows()}  # type: ignore[misc]


def test_what_is_expected_adds_up_to_what_there_was_and_grows_with_age() -> None:
    every, given_, nobody = forum(np.random.default_rng(1))
    made = measured((every, given_, nobody))
    assert made.basis == "age"
    assert made.pieces["expected"].sum() == pytest.approx(made.pieces["responders"].sum())
    aged = made.pieces.join(every.select("piece_no", "age_days"), on="piece_no").sort("age_days", "piece_no")
    assert aged["expected"].is_sorted()
    # A piece of the last day has most of its responses to come.
    young = aged.filter(pl.col("age_days") == 0).row(0, named=True)
    assert young["expected_in_all"] > 2 * young["expected"]
    assert young["expected_in_all"] == pytest.approx(aged["expected_in_all"].max())


def test_responses_are_people_other_than_staff_each_once_a_piece() -> None:
    every = pieces({}, {"author_no": 2}, {"author_no": 3})
    made = measured((every, responses((0, 5, 3.0), (0, 6, 2.0), (1, 7, 3.0), (1, 5, None), staff=(7,)), NOBODY))
    assert made.pieces["responders"].to_list() == [2, 0, 0]
    assert made.pieces["readers"].to_list() == [2, 1, 0]


def test_staff_who_respond_to_everything_change_nothing() -> None:
    every, given_, nobody = forum(np.random.default_rng(8), posts=60)
    ages = every["age_days"].to_list()
    by_staff = responses(*((number, 9, 24.0 * age + 0.5) for number, age in enumerate(ages) if age % 3), staff=(9,))
    assert measured((every, pl.concat([given_, by_staff]), nobody)).pieces.equals(measured((every, given_, nobody)).pieces)


def test_where_readers_are_known_they_say_what_was_expected() -> None:
    read = [(piece, 100 + reader, None) for piece, readers in enumerate((40, 10)) for reader in range(readers)]
    made = measured((pieces({}, {"author_no": 2}), responses(*read, (0, 300, 3.0), (1, 300, 3.0)), NOBODY))
    assert made.basis == "readers"
    # 41 and 11 people have seen them; two responded.
    assert made.pieces["expected"].to_list() == pytest.approx([2 * 41 / 52, 2 * 11 / 52])


def test_nothing_is_measured_where_nobody_responds() -> None:
    assert measure(pieces({}), responses(), NOBODY) is None


def test_a_topic_that_does_better_is_found_and_the_volume_of_another_is_not_taken_for_quality() -> None:
    every, given_, nobody = forum(np.random.default_rng(2), factor={"mead": 2.0})
    quality = quality_of(every, measured((every, given_, nobody)), "topic")
    assert quality["mead"][1] > 1
    assert [group for group, (_, low, _) in quality.items() if low > 1] == ["mead"]


def test_an_author_with_a_following_is_not_taken_for_a_good_one() -> None:
    every, given_, following = forum(np.random.default_rng(3), following=True, posts=800)
    unaware, aware = (measured((every, given_, known)) for known in (NOBODY, following))
    fans = following.filter(pl.col("following") == 20)["author_no"].implode()
    raised = [by_author(made).filter(pl.col("author_no").is_in(fans))["quality"].mean() for made in (unaware, aware)]
    assert raised[0] > 1.5  # type: ignore[operator]
    assert raised[1] == pytest.approx(1, abs=0.1)


def test_quiet_communities_hardly_ever_have_something_that_works() -> None:
    """Nights on which no topic, weekday or hour makes a difference."""
    rng = np.random.default_rng(5)
    claims = 0
    for _ in range(QUIET_NIGHTS):
        every, given_, nobody = forum(rng, posts=150)
        works = what_works(every, measured((every, given_, nobody)))
        claims += bool(works.supported.height or works.standouts)
    assert claims <= 0.1 * QUIET_NIGHTS


def test_a_topic_of_questions_is_compared_with_other_questions() -> None:
    rows: list[dict[str, Any]] = []
    given_: list[tuple[int, int, float | None]] = []
    for number in range(120):
        is_question = number % 3 == 0
        topic = ("ale", "stout")[number // 3 % 2] if is_question else None
        rows.append({"hours": 900.0, "author_no": number % 20, "format": "question" if is_question else "answer", "topic": topic})
        given_ += [(number, 100 + place, 890.0) for place in range(6 if is_question else 1)]
    every = pieces(*rows)
    made = measured((every, responses(*given_), NOBODY))
    assert {low > 1 for _, low, _ in quality_of(every, made, "topic").values()} == {True}
    within = within_groups(made, every.select("piece_no", group="format"))
    assert within.pieces["expected"].sum() == pytest.approx(within.pieces["responders"].sum())
    assert all(quality == pytest.approx(1, abs=0.2) for quality, _, _ in quality_of(every, within, "topic").values())


def test_what_the_best_tenth_shares_counts_authors_and_not_pieces() -> None:
    rows = [
        {"hours": 900.0, "author_no": number % 60, "title": "why?" if number % 10 == 0 else "on malt"} for number in range(300)
    ]
    given_ = [(number, 100 + place, 890.0) for number in range(300) for place in range(9 if number % 10 == 0 else 1)]
    every = pieces(*rows)
    made = measured((every, responses(*given_), NOBODY))
    assert best_pieces(made).to_list() == list(range(0, 300, 10))
    found = standouts(made, groups_of(every))
    assert ("title", "question_mark", 1.0, 0.0) in [(one.of, one.group, one.best_share, one.other_share) for one in found]
    one_author = every.with_columns(author_no=pl.when(pl.col("piece_no") % 10 == 0).then(0).otherwise("author_no").cast(pl.Int32))
    alike = measured((one_author, responses(*given_), NOBODY))
    assert standouts(alike, groups_of(one_author)) == ()


def test_many_good_pieces_of_few_authors_say_no_more_than_these_authors() -> None:
    # Three of five good authors ask in the title, of their thirty pieces; a fifth of the sixty others does.
    rows = [{"hours": 900.0, "author_no": number % 5, "title": "why?" if number % 5 < 3 else "malt"} for number in range(30)]
    rows += [{"hours": 900.0, "author_no": 10 + number % 60, "title": "malt" if number % 5 else "why?"} for number in range(270)]
    given_ = [(number, 100 + place, 890.0) for number in range(300) for place in range(9 if number < 30 else 1)]
    every = pieces(*rows)
    made = measured((every, responses(*given_), NOBODY))
    assert best_pieces(made).to_list() == list(range(30))
    assert standouts(made, groups_of(every)) == ()


def test_a_viral_post_leads_its_own_kind_and_raises_no_topic_by_itself() -> None:
    every, given_, nobody = forum(np.random.default_rng(7))
    viral = responses(*((7, 5000 + fan, 1.0) for fan in range(150)))
    made = measured((every, pl.concat([given_, viral]), nobody))
    assert by_piece(made)["piece_no"][0] == 7
    assert by_piece(made)["low"][0] > 10
    assert what_works(every, made).supported.is_empty()


def test_expected_responses_rise_with_the_topic() -> None:
    every, given_, nobody = forum(np.random.default_rng(2), factor={"mead": 3.0})
    reach = expected_responses(every, measured((every, given_, nobody))).join(every, on="piece_no")
    means = dict(reach.group_by("topic").agg(pl.col("expected_responses").mean()).iter_rows())
    assert means["mead"] > 1.5 * means["ale"]


def test_words_stand_in_where_there_are_no_topics() -> None:
    every = pieces({"title": "Malt and hops", "author_no": 4}, {"title": None})
    assert topics_of(every).select("author_no", "topic").rows() == [(4, "hops"), (4, "malt")]
    assert topics_of(pieces({"title": "Malt", "topic": "ale"}, {}))["topic"].to_list() == ["ale"]


@settings(max_examples=20)
@given(st.integers(0, 2**31 - 1))
def test_rows_in_any_order_give_the_same_bits(seed: int) -> None:
    every, given_, following = forum(np.random.default_rng(seed), factor={"ale": 2.0}, following=True, posts=60)
    shuffled = tuple(part.sample(fraction=1, shuffle=True, seed=seed) for part in (every, given_, following))
    first, again = measured((every, given_, following)), measured(shuffled)  # type: ignore[arg-type]
    assert again.pieces.equals(first.pieces)
    assert by_author(again).equals(by_author(first))
    works = [what_works(parts, made) for parts, made in ((every, first), (shuffled[0], again))]
    assert works[0].groups.equals(works[1].groups)
    assert works[0].standouts == works[1].standouts
