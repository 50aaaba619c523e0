from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from community.bursts import FEWEST_PEOPLE, TEXTS_SCHEMA, bad_answer_figures, find_crises, telling_words
from community.tone import NEGATIVE, tone_of

LAST = date(2025, 9, 1)


def texts(rows: list[tuple[int, int, str, bool, float | None]]) -> pl.DataFrame:
    """Who, how many days ago, what, whether an answer, score."""
    frame = pl.DataFrame(
        [(who, LAST - timedelta(days=ago), text, is_answer, score, None) for who, ago, text, is_answer, score in rows],
        schema=TEXTS_SCHEMA,
        orient="row",
    )
    return frame.with_columns(tone=tone_of(frame["text"]))


QUIET = [(who, ago, "which grinder for coffee", False, None) for ago in range(70) for who in range(ago % 7, 40, 7)]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("I love it, great people", 1), ("This is terrible, they lie", -1), ("not good at all", -1),
        ("the shop opens at nine", 0),
        ("服务很差，非常失望", -1), ("这里的人真热情，很喜欢", 1), ("不好用，经常闪退", -1), ("没有骗人，很靠谱", 1),
        ("明天下午三点开会", 0),
        ("这个 app 太差了 terrible", -1), ("客服态度差，投诉没人管", -1), ("物美价廉，强烈推荐", 1), ("", 0), ("???", 0),
    ],
)  # fmt: skip
def test_the_tone_of_a_text(text: str, sign: int) -> None:
    tone = tone_of(pl.Series([text]))[0]
    assert (tone > -NEGATIVE) - (tone < NEGATIVE) == sign
    assert -1 <= tone <= 1


def test_no_text_has_no_tone() -> None:
    assert tone_of(pl.Series([None, "good"], dtype=pl.String)).is_null().to_list() == [True, False]


def crisis(people: int, *, word: str = "refunds", text: str = "{} are a scam, terrible") -> pl.DataFrame:
    return texts([*QUIET, *((100 + who, who % 2, text.format(word), False, None) for who in range(people))])


def test_a_topic_that_many_suddenly_write_of_in_bad_tone_is_a_crisis() -> None:
    (found,) = find_crises(crisis(12), as_of=LAST, hidden=())
    assert set(found.words) <= {"refunds", "scam", "terrible"}
    assert found.members == 12
    assert found.since == LAST - timedelta(days=1)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (crisis(FEWEST_PEOPLE - 1), "too few people"),
        (crisis(12, text="{} are lovely, great"), "good tone"),
        (texts(QUIET), "nothing happens"),
        (texts([*QUIET, *((100, 0, "refunds are a scam", False, None) for _ in range(30))]), "one person"),
    ],
)  # fmt: skip
def test_it_is_no_crisis(written: pl.DataFrame, why: str) -> None:
    assert find_crises(written, as_of=LAST, hidden=()) == (), why


def test_a_members_name_is_never_a_topic() -> None:
    shown = [one.words for one in find_crises(crisis(12, word="annabel"), as_of=LAST, hidden={"annabel"})]
    assert shown
    assert all("annabel" not in words for words in shown)


def test_a_crisis_in_chinese_is_named_in_chinese() -> None:
    (found, *_) = find_crises(crisis(12, text="退款太慢，客服骗人，非常失望"), as_of=LAST, hidden=())
    assert {"退款", "客服", "骗人", "失望"} & set(found.words)


def test_a_burst_is_named_by_the_words_of_several_people_and_not_by_those_always_used() -> None:
    before = [(who, 10 + who % 30, "coffee is fine", True, 9.0) for who in range(60)]
    burst = [(100 + who, 0, "coffee arrived mouldy", True, 2.0) for who in range(FEWEST_PEOPLE)]
    lone = [(200, 0, "coffee by zebedee", True, 1.0)]
    rows = texts([*before, *burst, *lone])
    assert set(telling_words(rows, since=LAST, as_of=LAST, hidden=())) == {"arrived", "mouldy"}
    assert telling_words(rows, since=LAST, as_of=LAST, hidden={"mouldy"}) == ("arrived",)


def test_an_answer_is_bad_by_its_score_or_without_one_by_its_tone() -> None:
    rows = texts(
        [(1, 0, "terrible", True, 9.0), (2, 0, "lovely", True, 6.0), (3, 0, "terrible", True, None), (4, 0, "lovely", True, None),
         (5, 0, "terrible", False, None)]
    )  # fmt: skip
    figures = {figure: value for _, figure, _, value in bad_answer_figures(rows).iter_rows()}
    assert figures == {"bad_answers": 2 / 4, "judged_answers": 4.0}
