"""What members wrote: titles of content and answers, of members who allow profiling, with their tone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from community.bursts import TEXTS_SCHEMA
from community.tone import tone_of
from community.words import words_of
from lake.contracts import CONTENT, FEEDBACK, MEMBERS, Table
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.history.consent import of_profiled
from runtime.run_context import RunContext

# Eight weeks to compare with, and half a year of their errors.
_READ_DAYS: Final = 252
# A tone takes a tenth of a millisecond; scores are read of all answers.
_MOST_TEXTS: Final = 10_000
_WORD: Final = r"\p{L}[\p{L}\p{N}_'-]*"
_GIVEN_NAME: Final = r"^\p{Han}(\p{Han}+)$"


def read_texts(run: RunContext) -> pl.DataFrame:
    """Read what members who allow profiling wrote up to the night: rows of `TEXTS_SCHEMA`, the oldest first.

    Args:
        run: The run.
    """
    parts = [pl.DataFrame(schema=TEXTS_SCHEMA)]
    for table, text, score, is_answer in ((CONTENT, "title", None, False), (FEEDBACK, "text", "score", True)):
        if run.workspace.lake.exists(table.name):
            parts.append(_read(run, table, text=text, score=score, is_answer=is_answer))
    rows = pl.concat(parts).sort("day", "member_no", "text", "score", nulls_last=True)
    texts = rows.with_columns(tone=pl.lit(None, pl.Float64), row=pl.int_range(pl.len()))
    # The newest, so that time spent does not grow with the community.
    newest = texts.drop_nulls("text").tail(_MOST_TEXTS)
    toned = newest.select("row", tone=tone_of(newest["text"]))
    return texts.drop("tone").join(toned, on="row", how="left", maintain_order="left").select(TEXTS_SCHEMA.names())


def words_of_names(run: RunContext, texts: pl.DataFrame) -> frozenset[str]:
    """Return the words of the texts that are in a member's id, name or handle, and must not be shown.

    Args:
        run: The run.
        texts: Rows of `TEXTS_SCHEMA`.
    """
    lake = run.workspace.lake
    words = words_of(texts["text"])["word"].unique()
    ids = scan_member_index(lake).select(name="member_id")
    landed = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema)
    columns = [one for one in ("display_name", "handle") if one in landed.collect_schema().names()]
    names = pl.concat([ids, *(landed.select(name=pl.col(one)) for one in columns)]).drop_nulls()
    lower = names.select(pl.col("name").str.to_lowercase()).unique()
    whole, given = pl.col("name"), pl.col("name").str.extract(_GIVEN_NAME)
    parts = pl.concat(
        [
            lower.select(word=pl.col("name").str.extract_all(_WORD)).explode("word"),
            lower.select(word=whole),
            lower.select(word=given),
        ]
    )
    hidden = parts.filter(pl.col("word").is_in(words.implode())).unique().collect(engine="streaming")
    return frozenset(hidden["word"].drop_nulls().to_list())


def _read(run: RunContext, table: Table, *, text: str, score: str | None, is_answer: bool) -> pl.DataFrame:
    lake = run.workspace.lake
    numbers = scan_member_index(lake).select("member_no", owner="member_id")
    rows = of_profiled(lake, table).filter(pl.col(DAY).is_between(run.as_of - timedelta(days=_READ_DAYS - 1), run.as_of))
    read = rows.join(numbers, left_on=table.owner, right_on="owner").select(
        "member_no",
        day=pl.col(DAY),
        text=pl.col(text),
        is_answer=pl.lit(is_answer),
        score=pl.lit(None, pl.Float64) if score is None else pl.col(score),
        tone=pl.lit(None, pl.Float64),
    )
    return read.collect(engine="streaming").cast(TEXTS_SCHEMA)
