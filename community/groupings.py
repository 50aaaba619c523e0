"""By what pieces are grouped when their quality is compared: topic, format, words and form of the title, weekday, hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from community.quality import LEAST_PIECES
from community.words import words_of

WHAT: Final = ("format", "topic", "word", "title")
WHEN: Final = ("weekday", "hour")
GROUPS_SCHEMA: Final[Mapping[str, pl.DataType]] = {"piece_no": pl.UInt32(), "of": pl.String(), "group": pl.String()}
QUESTION_MARK: Final = "question_mark"
LONG: Final = "long"
SHORT: Final = "short"


def groups_of(pieces: pl.DataFrame) -> pl.DataFrame:
    """List every group that a piece belongs to.

    One row per piece and group, in `GROUPS_SCHEMA`: `of` is topic, format, word, title (question_mark, long or short), weekday or
    hour. Topics and formats are as they were written, words in lower case; words of few pieces are left out.

    Args:
        pieces: One row per piece, in `community.answers.PIECES_SCHEMA`.
    """
    columns = [pieces.select("piece_no", of=pl.lit(of), group=pl.col(of).cast(pl.String)) for of in ("topic", "format", *WHEN)]
    words = words_of(pieces["title"])
    # Most words are of few pieces; of these nothing is ever told.
    words = words.filter(pl.len().over("word") >= LEAST_PIECES)
    said = words.select(piece_no=pieces["piece_no"].gather(words["row"]), of=pl.lit("word"), group="word")
    every = pl.concat([*columns, said, _titles(pieces)], how="vertical_relaxed")
    return every.drop_nulls("group").select(pl.col(name).cast(dtype) for name, dtype in GROUPS_SCHEMA.items())


def topics_of(pieces: pl.DataFrame) -> pl.DataFrame:
    """One row per piece and topic: author_no, published_on, topic; words of titles stand in where no piece has a topic.

    Args:
        pieces: One row per piece: author_no, published_on, topic, title.
    """
    if pieces["topic"].is_not_null().any():
        return pieces.select("author_no", "published_on", "topic").drop_nulls("topic")
    words = words_of(pieces["title"])
    return pieces.select("author_no", "published_on")[words["row"]].with_columns(topic=words["word"])


def _titles(pieces: pl.DataFrame) -> pl.DataFrame:
    """Return the form of each title: with a question mark, and long or short beside the median of all."""
    titled = pieces.select("piece_no", "title").drop_nulls("title")
    length = pl.col("title").str.len_chars()
    asks = titled.filter(pl.col("title").str.contains(r"[?？]")).select("piece_no", group=pl.lit(QUESTION_MARK))
    sized = titled.select("piece_no", group=pl.when(length > length.median()).then(pl.lit(LONG)).otherwise(pl.lit(SHORT)))
    return pl.concat([asks, sized]).select("piece_no", of=pl.lit("title"), group="group")
