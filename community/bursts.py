"""What members write of: words that tell a burst of bad answers apart, and topics that suddenly many write of with bad tone.

People are counted, not texts, and no word of fewer than `FEWEST_PEOPLE` is looked at: it could tell who wrote it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from community.alarms import Alarm
from community.figures import WHOLE
from community.tone import NEGATIVE
from community.watched import BAD_ANSWERS, JUDGED_ANSWERS
from community.words import words_of

FEWEST_PEOPLE: Final = 5
PAST_DAYS: Final = 56
# From here down a score is bad: the detractors of the net promoter score.
BAD_SCORE: Final = 6
TEXTS_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "day": pl.Date(),
        "text": pl.String(),
        "is_answer": pl.Boolean(),
        "score": pl.Float64(),
        "tone": pl.Float64(),
    }
)
CRISIS: Final = "crisis"
_CRISIS_DAYS: Final = (1, 3, 7)
# Nights without a false alarm among so many.
_FALSE_ALARMS: Final = 1 / 300
_MOST_BAD: Final = 0.5
_LEAST_RATIO: Final = 2.0
_MOST_WORDS: Final = 3
_SAME: Final = 0.5
_PRIOR: Final = 0.5
# People write more on some days than on others: counts vary this much more than Poisson ones.
_OVERDISPERSION: Final = 1.5


def is_bad() -> pl.Expr:
    """Return whether an answer is bad: by its score, or without one by its tone; null where it has neither."""
    return pl.when(pl.col("score").is_not_null()).then(pl.col("score") <= BAD_SCORE).otherwise(pl.col("tone") < NEGATIVE)


def bad_answer_figures(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the share of bad answers and the answers judged, by day: rows of `community.rates.FIGURES_SCHEMA`.

    Args:
        texts: Rows of `TEXTS_SCHEMA`; answers without score and text count for nothing.
    """
    judged = texts.filter("is_answer").with_columns(bad=is_bad()).drop_nulls("bad")
    by_day = judged.group_by("day").agg(share=pl.col("bad").mean(), n=pl.len().cast(pl.Float64))
    names = {"share": BAD_ANSWERS, "n": JUDGED_ANSWERS}
    rows = [
        by_day.select("day", figure=pl.lit(figure), dimension=pl.lit(WHOLE), value=pl.col(column))
        for column, figure in names.items()
    ]
    return pl.concat(rows)


def telling_words(
    texts: pl.DataFrame, *, since: date, as_of: date, hidden: Collection[str], fewest_people: int = FEWEST_PEOPLE
) -> tuple[str, ...]:
    """Return the words that tell the bad answers of a burst from all texts before, the most telling first.

    Args:
        texts: Rows of `TEXTS_SCHEMA`.
        since: The first day of the burst.
        as_of: The night.
        hidden: Words that are never shown, such as members' names, in lower case.
        fewest_people: No word of fewer is looked at.
    """
    answers = texts.filter("is_answer").with_columns(bad=is_bad())
    burst = answers.filter(pl.col("day").is_between(since, as_of), "bad")
    before = answers.filter(pl.col("day") < since, pl.col("day") >= since - timedelta(days=PAST_DAYS))
    people = _people(burst)
    counted = people.filter(pl.col("people") >= fewest_people, ~pl.col("word").is_in(list(hidden)))
    usual = counted.join(_people(before), on="word", how="left", suffix="_before").with_columns(
        pl.col("people_before").fill_null(0)
    )
    writers, writers_before = (max(1, part["member_no"].n_unique()) for part in (burst, before))
    now = pl.col("people") / writers
    was = (pl.col("people_before") + _PRIOR) / (writers_before + 1)
    telling = usual.with_columns(ratio=now / was).filter(pl.col("ratio") >= _LEAST_RATIO)
    # Many people and much more than before: neither a rare word nor one that is always there.
    weighed = telling.with_columns(weight=pl.col("people") * pl.col("ratio").log())
    return tuple(weighed.sort(["weight", "word"], descending=[True, False]).head(_MOST_WORDS)["word"].to_list())


def find_crises(
    texts: pl.DataFrame, *, as_of: date, hidden: Collection[str], fewest_people: int = FEWEST_PEOPLE
) -> tuple[Alarm, ...]:
    """Find topics of which suddenly many members write, most of them with bad tone.

    People per day of each word are compared with the eight weeks before as Poisson counts; the chances of all words are held
    against one rate of false alarms (Bonferroni). Words that the same people use are one topic.

    Args:
        texts: Rows of `TEXTS_SCHEMA`.
        as_of: The night.
        hidden: Words that are never shown, in lower case.
        fewest_people: No word of fewer is looked at.
    """
    longest = max(_CRISIS_DAYS)
    rows = texts.filter(pl.col("day").is_between(as_of - timedelta(days=PAST_DAYS + longest), as_of))
    rows = rows.drop_nulls("text").with_row_index("row")
    last_past = as_of - timedelta(days=longest)
    recent, past = rows.filter(pl.col("day") > last_past), rows.filter(pl.col("day") <= last_past)
    if recent["member_no"].n_unique() < fewest_people or past.is_empty():
        return ()
    days = min(PAST_DAYS, past.select((pl.lit(last_past) - pl.col("day").min()).dt.total_days()).item() + 1)
    usual = dict(_person_days(past).iter_rows())
    words = _words(recent).filter(~pl.col("word").is_in(list(hidden)))
    found: list[_Word] = []
    for window in _CRISIS_DAYS:
        counted = _counted(words.filter(pl.col("day") > as_of - timedelta(days=window)))
        likely = counted.filter(pl.col("people") >= fewest_people)
        for word, people, person_days, bad, first_day in likely.sort("word").iter_rows():
            expected = (usual.get(word, 0) + _PRIOR) * window / days
            is_bad_news = bad >= max(fewest_people, _MOST_BAD * people)
            chance = _poisson_tail(person_days, expected) * len(_CRISIS_DAYS) * likely.height
            if is_bad_news and chance <= _FALSE_ALARMS and person_days >= _LEAST_RATIO * expected:
                found.append((chance, word, first_day, people, expected))
    return tuple(_topics(sorted(found), words))


# Chance, word, first day, people, and how many person-days were to be expected.
_Word = tuple[float, str, date, int, float]


def _counted(words: pl.DataFrame) -> pl.DataFrame:
    """Count who uses each word: one row per word, with people, person_days, people in bad tone, and the first day."""
    return words.group_by("word").agg(
        people=pl.col("member_no").n_unique(),
        person_days=pl.struct("member_no", "day").n_unique(),
        bad=pl.col("member_no").filter(pl.col("tone") < NEGATIVE).n_unique(),
        first=pl.col("day").min(),
    )


def _topics(found: list[_Word], words: pl.DataFrame) -> list[Alarm]:
    """Put words together that mostly the same people use."""
    users = {word: set(part["member_no"]) for (word,), part in words.partition_by("word", as_dict=True).items()}
    topics: list[tuple[Alarm, set[int]]] = []
    for _, word, since, people, expected in found:
        own = users[word]
        at = next(
            (place for place, (_, theirs) in enumerate(topics) if len(own & theirs) >= _SAME * min(len(own), len(theirs))), None
        )
        if at is None:
            alarm = Alarm(
                f"{CRISIS}:{word}", CRISIS, WHOLE, since, float(people), expected, float(people), words=(word,), members=people
            )
            topics.append((alarm, own))
        elif word not in topics[at][0].words and len(topics[at][0].words) < _MOST_WORDS:
            alarm, theirs = topics[at]
            topics[at] = (_with_word(alarm, word), theirs)
    return [alarm for alarm, _ in topics]


def _with_word(alarm: Alarm, word: str) -> Alarm:
    return replace(alarm, words=(*alarm.words, word))


def _words(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per text and word, with who wrote it, when and in which tone."""
    found = words_of(rows["text"])
    places = rows.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), member_no="member_no", day="day", tone="tone")
    return found.join(places, on="row")


def _people(rows: pl.DataFrame) -> pl.DataFrame:
    return _words(rows).group_by("word").agg(people=pl.col("member_no").n_unique())


def _person_days(rows: pl.DataFrame) -> pl.DataFrame:
    return _words(rows).group_by("word").agg(pl.struct("member_no", "day").n_unique())


def _poisson_tail(count: int, expected: float) -> float:
    """Return the chance of so many or more, of counts that vary more than Poisson ones."""
    from scipy.special import gammainc

    return float(gammainc(count / _OVERDISPERSION, np.float64(expected / _OVERDISPERSION)))
