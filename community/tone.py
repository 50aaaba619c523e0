"""Tone of what members write, from −1 to 1: English by VADER's lexicon, Chinese by ours; no text leaves the machine.

Source: Hutto and Gilbert (2014), "VADER"; its normalisation of a sum of tones is used for Chinese, too.
"""

from __future__ import annotations

import re
from functools import cache
from math import sqrt
from typing import Any, Final

import polars as pl

from community.tone_words import DEGREES, LONGEST, NEGATIONS, TONES

# Where VADER's authors put the limit of negative texts.
NEGATIVE: Final = -0.05
_HAN: Final = re.compile(r"[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF]+")
_CLAUSE: Final = re.compile(r"[^\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFFa-z]+")
_LATIN: Final = re.compile(r"[A-Za-z]{2,}")
_NORMAL: Final = 15
_TURNED: Final = -0.8
# So many words before a tone may turn or strengthen it.
_REACH: Final = 3


def tone_of(texts: pl.Series) -> pl.Series:
    """Return the tone of each text: 0 where nothing in it has one, null where there is no text.

    Args:
        texts: The texts, in English, Chinese or both.
    """
    different = {text: _tone(text) for text in texts.unique().drop_nulls().to_list()}
    return pl.Series(texts.name, [None if text is None else different[text] for text in texts.to_list()], dtype=pl.Float64)


def _tone(text: str) -> float:
    han = sum(len(run) for run in _HAN.findall(text))
    latin = " ".join(_LATIN.findall(text))
    if not han:
        return _english(text) if latin else 0.0
    chinese = _chinese(text)
    if not latin:
        return chinese
    # A Chinese character says about as much as two letters.
    weight = 2 * han / (2 * han + len(latin))
    return weight * chinese + (1 - weight) * _english(_HAN.sub(" ", text))


def _english(text: str) -> float:
    return float(_vader().polarity_scores(text)["compound"])


@cache
def _vader() -> Any:
    # Its lexicon is read on first use, which only communities that write pay for.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def _chinese(text: str) -> float:
    import rjieba

    total = 0.0
    for clause in _CLAUSE.split(text.lower()):
        words = _with_phrases(list(rjieba.cut(clause))) if clause else []
        for place, word in enumerate(words):
            tone = TONES.get(word)
            if tone is None:
                continue
            before = words[max(0, place - _REACH) : place]
            for one in before:
                tone *= DEGREES.get(one, 1.0)
            if sum(one in NEGATIONS for one in before) % 2:
                tone *= _TURNED
            total += tone
    return total / sqrt(total * total + _NORMAL) if total else 0.0


def _with_phrases(words: list[str]) -> list[str]:
    """Put together neighbours that are one entry of the lexicon, such as 态度 and 差."""
    joined: list[str] = []
    place = 0
    while place < len(words):
        for last in range(min(len(words), place + LONGEST), place, -1):
            phrase = "".join(words[place:last])
            if last == place + 1 or phrase in TONES:
                joined.append(phrase)
                place = last
                break
    return joined
