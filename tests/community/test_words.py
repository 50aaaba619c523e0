"""Words of titles, English and Chinese."""

from __future__ import annotations

import re
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.words import STOP_WORDS, words_of

TITLES = pl.Series([
    "Which yeast is best for a Belgian-style ale? Don’t ask: YEAST, covid-19",
    None,
    "请问如何酿造比利时啤酒？推荐 IPA 酵母",
    "",
    "naïve Größe",
])  # fmt: skip


def found(titles: pl.Series) -> dict[int, list[str]]:
    return {row: words["word"].to_list() for (row,), words in words_of(titles).partition_by("row", as_dict=True).items()}


def test_words_carry_meaning_and_stand_once_a_title() -> None:
    words = found(TITLES)
    assert words[0] == ["ale", "ask", "belgian-style", "covid-19", "yeast"]
    assert words[4] == ["größe", "naïve"]
    assert set(words) == {0, 2, 4}


def test_chinese_is_cut_into_words_beside_letters() -> None:
    assert found(TITLES)[2] == ["ipa", "啤酒", "比利时", "酵母", "酿造"]


def test_no_titles_have_no_words() -> None:
    assert words_of(pl.Series([None, None], dtype=pl.String)).is_empty()


def test_the_chinese_dictionary_is_read_only_for_chinese() -> None:
    code = """
import sys, polars as pl
from community.words import words_of
words_of(pl.Series(["beer"]))
print("rjieba" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


@given(st.lists(st.text(st.sampled_from("ab c-'19?,.Éñ"), max_size=20), max_size=6))
def test_words_are_those_found_letter_by_letter(titles: list[str]) -> None:
    def slow(title: str) -> list[str]:
        runs = re.findall(r"[^\W\d_][\w'-]*[^\W_]|[^\W\d_]", title.lower())
        return sorted({run for run in runs if len(run) >= 3} - STOP_WORDS)

    expected = {row: words for row, title in enumerate(titles) if (words := slow(title))}
    assert found(pl.Series(titles, dtype=pl.String)) == expected


@pytest.mark.parametrize("word", ["the", "what's", "如何"])
def test_stop_words_are_left_out(word: str) -> None:
    assert words_of(pl.Series([word])).is_empty()
