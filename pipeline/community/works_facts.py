"""Collect what the report tells of what works: what people respond to, and the topics whose following changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from community.groupings import topics_of
from community.quality import by_piece
from community.topics import TREND_WEEKS, find_trends
from community.works import what_works
from features.calendar import WEEK_DAYS
from lake.contracts import CONTENT
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from outputs.content_lists import BEST_CONTENT
from outputs.report.content_facts import BestShare, GroupQuality, TopicTrend, WhatWorks
from pipeline.community.content import NightContent
from pipeline.history.consent import of_profiled
from runtime.run_context import RunContext

# With fewer posts nothing could be told from chance.
_LEAST_POSTS: Final = 20
_SHOWN: Final = 6


def works_facts(run: RunContext, content: NightContent | None) -> WhatWorks | None:
    """Return what the report tells of content; None where there is little of it, or where nobody responds to it.

    Args:
        run: The run.
        content: The content of the night.
    """
    if content is None or content.measured is None or content.measured.pieces.height < _LEAST_POSTS:
        return None
    pieces, measured = content.pieces, content.measured
    works = what_works(pieces, measured)
    supported = works.supported
    return WhatWorks(
        days=run.settings.content.content_days,
        posts=pieces.height,
        authors=pieces["author_no"].n_unique(),
        responses=int(measured.pieces["responders"].sum()),
        by_readers=measured.basis == "readers",
        groups=(*_groups(supported.filter(pl.col("low") > 1)), *_groups(supported.filter(pl.col("high") < 1).reverse())),
        topics=_groups(works.topics),
        best=tuple(BestShare(one.of, one.group, one.best_share, one.other_share) for one in works.standouts[:_SHOWN]),
        trends=_trends(run),
        trend_weeks=TREND_WEEKS,
        path=f"../lists/{run.as_of.isoformat()}/{BEST_CONTENT}.xlsx" if by_piece(measured)["low"].gt(1).any() else None,
    )


def _groups(rows: pl.DataFrame) -> tuple[GroupQuality, ...]:
    columns = ("of", "group", "pieces", "authors", "responders", "quality", "low", "high")
    return tuple(GroupQuality(*row) for row in rows.head(_SHOWN).select(columns).iter_rows())


def _trends(run: RunContext) -> tuple[TopicTrend, ...]:
    first = run.as_of - timedelta(days=TREND_WEEKS * WEEK_DAYS - 1)
    numbers = scan_member_index(run.workspace.lake).select(author_no="member_no", author_id="member_id")
    pieces = (
        of_profiled(run.workspace.lake, CONTENT)
        .filter(pl.col(DAY).is_between(first, run.as_of))
        .join(numbers, on="author_id")
        .select("author_no", "topic", "title", published_on=DAY)
        .collect(engine="streaming")
    )
    changed = find_trends(topics_of(pieces), as_of=run.as_of)
    rises = [one for one in changed if one.is_rise][:_SHOWN]
    falls = [one for one in changed if not one.is_rise][:_SHOWN]
    return tuple(TopicTrend(one.topic, one.since, one.before, one.after) for one in (*rises, *falls))
