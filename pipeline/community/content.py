"""Read the content of a night: the pieces of the window, who responded to them, and which of them still wait for an answer.

Only the days of the window are read of the landed tables. Members who refused profiling are nowhere, neither as authors nor as
those who respond; bots neither. Staff write no pieces, but their answers count as answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from community.answers import PIECES_SCHEMA, RESPONSES_SCHEMA, asking, find_answers, is_asking_format, waiting_by_member
from community.quality import Measured, measure, within_groups
from features.history import History
from lake.contracts import CONTENT, EVENTS
from lake.member_index import scan_member_index
from lake.roles import BOT, STAFF, scan_roles
from lake.storage.delta import DAY, Lake
from pipeline.history.consent import of_profiled, scan_refused
from runtime.run_context import RunContext

_AUTHORS: Final = ("member_no", "member_id", "seen_from", "can_contact")


@dataclass(frozen=True)
class NightContent:
    """The content of a night.

    Args:
        pieces: One row per piece of the window by a member who may be profiled, in `PIECES_SCHEMA`, sorted by piece_no, with
            `age_days` at the night.
        responses: One row per piece and other person who responded to it or read it, in `RESPONSES_SCHEMA`.
        answers: One row per piece that wants an answer, as `find_answers` returns it.
        measured: The pieces beside what was expected of them, those that ask for an answer compared with each other; None where
            nobody responded.
        people: One row per author and per member who responded: member_no, member_id, can_contact; sorted.
    """

    pieces: pl.DataFrame
    responses: pl.DataFrame
    answers: pl.DataFrame
    measured: Measured | None
    people: pl.DataFrame

    @property
    def has_answers(self) -> bool:
        """Return whether anybody answers here at all; without one answer in the window, waiting means nothing."""
        return bool(self.answers["is_answered"].any())

    @property
    def waiting(self) -> pl.DataFrame | None:
        """Return the waiting pieces by author, as `waiting_by_member` does; None where nobody answers here."""
        return waiting_by_member(self.answers) if self.has_answers else None


def read_content(run: RunContext, history: History) -> NightContent | None:
    """Read the content of the window that ends with the night; None for a community without content in it.

    Args:
        run: The run.
        history: The history, whose members may be profiled.
    """
    if CONTENT.name not in history.available:
        return None
    authors = history.members.select(_AUTHORS)
    read = read_answers(run, authors)
    if read is None:
        return None
    pieces, responses, answers = read
    seen = pl.concat([pieces["author_no"], responses["member_no"]]).unique()
    people = authors.drop("seen_from").filter(pl.col("member_no").is_in(seen.implode())).sort("member_no")
    measured = measure(pieces, responses, _following(history, pieces, _first_day(run)))
    if measured is not None:
        # Whoever asks draws answers: that says nothing about how good questions and answers are.
        asks = is_asking_format(run.settings.content.asks_formats).cast(pl.String)
        measured = within_groups(measured, pieces.select("piece_no", group=asks))
    return NightContent(pieces, responses, answers, measured, people.collect(engine="streaming"))


def read_answers(run: RunContext, authors: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame] | None:
    """Read the pieces of some authors in the window, who responded to them, and their answers; None where there is no piece.

    Args:
        run: The run.
        authors: One row per author who may be profiled: member_no, member_id, seen_from.

    Returns:
        `pieces`, `responses` and `answers` of `NightContent`.
    """
    lake, first, policy = run.workspace.lake, _first_day(run), run.settings.content
    if not lake.exists(CONTENT.name):
        return None
    pieces = _pieces(lake, authors, first, run.as_of, timezone=run.timezone)
    if pieces.is_empty():
        return None
    responses, channels = _responses(run, pieces, first)
    pieces = pieces.join(channels, on="piece_no", how="left", maintain_order="left")
    typed = (pl.col(name).cast(dtype) for name, dtype in PIECES_SCHEMA.items())
    pieces = pieces.select(*typed, age_days=(pl.lit(run.as_of) - pl.col("published_on")).dt.total_days())
    asked = asking(pieces, formats=policy.asks_formats, has_asking_format=_has_asking_format(run, pieces))
    answers = find_answers(asked, responses, night_ends_at=night_end(run.as_of, run.timezone), policy=policy)
    return pieces, responses, answers


def _first_day(run: RunContext) -> date:
    return run.as_of - timedelta(days=run.settings.content.content_days - 1)


def night_end(as_of: date, timezone: str) -> datetime:
    """Return the moment at which the night's day ends in the community's timezone."""
    return datetime.combine(as_of + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(ZoneInfo("UTC"))


def _pieces(lake: Lake, authors: pl.LazyFrame, first: date, last: date, *, timezone: str) -> pl.DataFrame:
    local = pl.col("published_at").dt.convert_time_zone(timezone)
    return (
        of_profiled(lake, CONTENT)
        .filter(pl.col(DAY).is_between(first, last))
        .join(authors.select(author_no="member_no", author_id="member_id", author_seen_from="seen_from"), on="author_id")
        .select(
            "content_id",
            "author_no",
            "author_id",
            "published_at",
            published_on=DAY,
            hour=local.dt.hour(),
            weekday=local.dt.weekday(),
            topic=_words("topic"),
            format=_words("format"),
            title=_words("title"),
            author_seen_from="author_seen_from",
        )
        .sort("published_at", "content_id")
        .with_row_index("piece_no")
        .collect(engine="streaming")
    )


def _words(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text != "").then(text)


def _responses(run: RunContext, pieces: pl.DataFrame, first: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row per piece and other person, and one row per piece with the channel it stood in."""
    lake, policy = run.workspace.lake, run.settings.content
    if not lake.exists(EVENTS.name):
        return pl.DataFrame(schema=dict(RESPONSES_SCHEMA)), pl.DataFrame(schema={"piece_no": pl.UInt32, "channel": pl.String})
    about = lake.scan(EVENTS.name).filter(pl.col(DAY).is_between(first, run.as_of), pl.col("content_id").is_not_null())
    known = pieces.lazy().select("piece_no", "content_id", "author_id", "published_at")
    on_pieces = about.join(known, on="content_id")
    is_own = pl.col("member_id") == pl.col("author_id")
    kind = pl.col("event_type")
    is_answer = kind.is_in(policy.answering(run.settings.community.posting_events))
    is_reading = kind.is_in(policy.reading_events)
    responses = (
        on_pieces.filter(~is_own, pl.col("occurred_at") >= pl.col("published_at"))
        .group_by("piece_no", "member_id")
        .agg(
            answered_at=pl.col("occurred_at").filter(is_answer).min(),
            responded_on=pl.col(DAY).filter(~is_reading).min(),
            has_read=is_reading.any(),
        )
        # After the grouping: there are far fewer pairs of piece and person than events.
        .join(_people(lake), on="member_id")
        .select(pl.col(name).cast(dtype) for name, dtype in RESPONSES_SCHEMA.items())
        .sort("piece_no", "member_no")
    )
    return responses.collect(engine="streaming"), _channels(lake, on_pieces, is_own=is_own)


def _channels(lake: Lake, on_pieces: pl.LazyFrame, *, is_own: pl.Expr) -> pl.DataFrame:
    """Return one row per piece with the channel it stood in: that of its author's event, else the first by name."""
    if "channel" not in lake.filled_columns(EVENTS.name):
        return pl.DataFrame(schema={"piece_no": pl.UInt32, "channel": pl.String})
    allowed = on_pieces.join(_people(lake), on="member_id", how="semi").with_columns(channel=_words("channel"))
    named = allowed.group_by("piece_no").agg(channel=pl.coalesce(pl.col("channel").filter(is_own).min(), pl.col("channel").min()))
    return named.sort("piece_no").collect(engine="streaming")


def _following(history: History, pieces: pl.DataFrame, first: date) -> pl.DataFrame:
    """Return one row per author: author_no, following: who responded to the author in as many days before the window."""
    days = int(pieces["age_days"].to_numpy().max()) + 1
    before = pl.col(DAY).is_between(first - timedelta(days=days), first - timedelta(days=1))
    is_author = pl.col("other_no").is_in(pieces["author_no"].unique().implode())
    followers = history.ties.filter(before & is_author & (pl.col("member_no") != pl.col("other_no")))
    counted = followers.group_by(author_no="other_no").agg(following=pl.col("member_no").n_unique().cast(pl.Int64))
    return counted.collect(engine="streaming").sort("author_no")


def _people(lake: Lake) -> pl.LazyFrame:
    """Scan everybody whose response counts: one row per person, member_id, member_no, is_staff."""
    roles = scan_roles(lake)
    bots = roles.filter(pl.col("role") == BOT)
    staff = roles.filter(pl.col("role") == STAFF).select("member_id", is_staff=pl.lit(value=True)).unique("member_id")
    people = scan_member_index(lake).join(scan_refused(lake), on="member_id", how="anti").join(bots, on="member_id", how="anti")
    return people.join(staff, on="member_id", how="left").with_columns(pl.col("is_staff").fill_null(value=False))


def _has_asking_format(run: RunContext, pieces: pl.DataFrame) -> bool:
    """Return whether any piece up to the night has a format that asks, looking beyond the window only where it has none."""
    asks = is_asking_format(run.settings.content.asks_formats)
    if pieces.select(asks.any()).item():
        return True
    every = of_profiled(run.workspace.lake, CONTENT).filter(pl.col(DAY) <= run.as_of, asks)
    return not every.select("content_id").head(1).collect(engine="streaming").is_empty()
