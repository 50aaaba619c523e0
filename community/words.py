"""Words of titles: English and other spaced scripts by letters, Chinese by rjieba; words that carry no meaning are left out."""

from __future__ import annotations

from typing import Final

import polars as pl

_HAN_RUN: Final = r"[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF]+"
# A word begins with a letter and may have an apostrophe, a hyphen or digits inside, such as covid-19 and don't.
_WORD: Final = r"\p{L}[\p{L}\p{N}_'-]*[\p{L}\p{N}]|\p{L}"
LEAST_LETTERS: Final = 3
_STOP_WORDS: Final = (
    "a about after again all also am an and any anybody anyone are aren't as at be because been before being best better "
    "between both but by can can't could did didn't do does doesn't doing don't down during each else ever every few find "
    "first for from get gets getting give go going good got had has hasn't have haven't having he help her here hers him "
    "his how how's i i'd i'll i'm i've if in into is isn't it it's its just know let like long look looking lot made make "
    "makes making many may me might more most much must my need needs never new no nor not now of off on once one only or "
    "other our ours out over own please possible put question really same see she should show since so some someone "
    "something still such take than thank thanks that that's the their them then there these they thing things think this "
    "those through time to too try trying two under until up us use used using very want was wasn't way we well were "
    "weren't what what's when where which while who whom whose why will with without won't work works would wouldn't yes "
    "yet you your yours "
)
_STOP_WORDS_HAN: Final = (
    "一下 一个 一些 一样 不是 不能 为什么 为何 什么 今天 他们 以及 你们 使用 关于 其他 几个 分享 别人 可以 "
    "可能 哪些 哪里 因为 多少 大家 如何 如果 它们 就是 已经 应该 怎么 怎么办 怎么样 怎样 我们 所以 推荐 "
    "时候 是不是 是否 最近 有人 有没有 求助 没有 现在 的话 知道 能不能 能否 自己 觉得 请教 请问 谢谢 还是 "
    "还有 这个 这些 这样 那个 那么 那些 都是 问题 需要 "
)
STOP_WORDS: Final = frozenset(_STOP_WORDS.split() + _STOP_WORDS_HAN.split())


def words_of(titles: pl.Series) -> pl.DataFrame:
    """Find the words of titles.

    One row per title and different word of it, sorted: `row`, the title's place in the series; `word`, in lower case. Words of
    fewer than three letters, in Chinese of fewer than two characters, and those that carry no meaning are left out.

    Args:
        titles: The titles; nulls have no words.
    """
    lower = titles.cast(pl.String).str.to_lowercase().str.replace_all("’", "'", literal=True)
    rows = pl.DataFrame({"row": pl.int_range(len(lower), dtype=pl.UInt32, eager=True), "title": lower}).drop_nulls()
    spaced = rows.select("row", word=pl.col("title").str.replace_all(_HAN_RUN, " ").str.extract_all(_WORD)).explode("word")
    found = [spaced.filter(pl.col("word").str.len_chars() >= LEAST_LETTERS), _chinese(rows)]
    stopped = pl.Series(sorted(STOP_WORDS))
    return pl.concat(found).filter(~pl.col("word").is_in(stopped.implode())).unique().sort("row", "word")


def _chinese(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the words of the Chinese parts of titles: row, word."""
    runs = rows.select("row", run=pl.col("title").str.extract_all(_HAN_RUN)).explode("run").drop_nulls("run")
    if runs.is_empty():
        return pl.DataFrame(schema={"row": pl.UInt32, "word": pl.String})
    # Its dictionary is read on import, which only communities that write Chinese pay for.
    import rjieba

    cut = [(row, word) for row, run in runs.iter_rows() for word in rjieba.cut(run) if len(word) > 1]
    return pl.DataFrame(cut, schema={"row": pl.UInt32, "word": pl.String}, orient="row")
