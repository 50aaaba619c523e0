"""Count how fast and how often pieces are answered: read the pieces of the days and of the 30 before, and who answered them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date

import polars as pl

from community.answer_figures import ASKED_SCHEMA, answer_figures
from community.answers import is_asking_format
from community.figures import FIGURES_SCHEMA, Days
from lake.contracts import CONTENT, EVENTS
from lake.member_index import scan_member_index
from lake.roles import BOT, scan_roles
from lake.storage.delta import DAY
from pipeline.community.content import night_end
from pipeline.community.figure_members import FigureMembers
from runtime.run_context import RunContext


def first_asking_day(run: RunContext, before: date | None, *, changed: AbstractSet[date] | None) -> date | None:
    """Return the first day with a piece whose format asks for an answer; None where no piece has such a format.

    Args:
        run: The run.
        before: The same as an earlier night returned it.
        changed: Days whose content may differ since then; None for all.
    """
    lake = run.workspace.lake
    if not lake.exists(CONTENT.name):
        return None
    asking = lake.scan(CONTENT.name).filter(is_asking_format(run.settings.content.asks_formats))
    if changed is None or before in changed:
        return _first(asking)
    found = _first(asking.filter(pl.col(DAY).is_in(sorted(changed)))) if changed else None
    return min((day for day in (before, found) if day is not None), default=None)


def count_answers(run: RunContext, days: Days, members: FigureMembers, *, asking_from: date | None) -> pl.DataFrame:
    """Return the figures of answers on some days, of the whole community: rows of `FIGURES_SCHEMA`.

    Pieces are those of members that count. Everybody but bots may have answered, staff too.

    Args:
        run: The run.
        days: The days.
        members: The members.
        asking_from: As `first_asking_day` returns it.
    """
    if not run.workspace.lake.exists(CONTENT.name):
        return FIGURES_SCHEMA.to_frame()
    return answer_figures(
        _pieces(run, days, members),
        pl.date_range(days.first, days.last, eager=True).to_list(),
        day_end=lambda day: night_end(day, run.timezone),
        asking_from=asking_from,
        unanswered_after_hours=run.settings.content.unanswered_after_hours,
    )


def _first(rows: pl.LazyFrame) -> date | None:
    found: date | None = rows.select(pl.col(DAY).min()).collect(engine="streaming").item()
    return found


def _pieces(run: RunContext, days: Days, members: FigureMembers) -> pl.DataFrame:
    lake = run.workspace.lake
    is_read = pl.col(DAY).is_between(days.first_read, days.last)
    authors = scan_member_index(lake).join(members.counted.lazy().select("member_no"), on="member_no", how="semi")
    pieces = (
        lake.scan(CONTENT.name)
        .filter(is_read)
        .join(authors, left_on="author_id", right_on="member_id", how="semi")
        .select(
            "content_id",
            "author_id",
            "published_at",
            published_on=DAY,
            asks=is_asking_format(run.settings.content.asks_formats),
        )
    )
    answered = pieces.join(_first_answers(run, pieces, is_read), on="content_id", how="left")
    return answered.select(ASKED_SCHEMA.names()).collect(engine="streaming").cast(ASKED_SCHEMA)


def _first_answers(run: RunContext, pieces: pl.LazyFrame, is_read: pl.Expr) -> pl.LazyFrame:
    lake = run.workspace.lake
    if not lake.exists(EVENTS.name):
        return pl.LazyFrame(schema={"content_id": pl.String(), "first_answer_at": pl.Datetime("us", "UTC")})
    is_answer = pl.col("event_type").is_in(run.settings.content.answering(run.settings.community.posting_events))
    given = lake.scan(EVENTS.name).filter(is_read, is_answer, pl.col("content_id").is_not_null())
    bots = scan_roles(lake).filter(pl.col("role") == BOT)
    by_others = (
        given.select("content_id", "member_id", "occurred_at")
        .join(pieces.select("content_id", "author_id", "published_at"), on="content_id")
        .filter(pl.col("member_id") != pl.col("author_id"), pl.col("occurred_at") >= pl.col("published_at"))
        .join(bots, on="member_id", how="anti")
    )
    return by_others.group_by("content_id").agg(first_answer_at=pl.col("occurred_at").min())
