"""A small message board in a lake: newcomers, staff, a bot, members who refuse, questions answered and not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from runtime.run_context import RunContext, open_run
from tests.forum import take_in

NIGHT: Final = date(2025, 6, 30)
NOW: Final = datetime(2025, 7, 2, 3, tzinfo=UTC)
BOARD: Final = """\
[community]
name = "Board"
timezone = "Europe/Berlin"

[run]
as_of = "latest"

[churn]
horizon_days = 14

[sources.members]
path = "landing/members.csv"
[sources.events]
path = "landing/events.csv"
[sources.content]
path = "landing/content.csv"
"""
# Id, joined on, may be contacted, may be profiled, role.
MEMBERS: Final = [
    ("old", "2024-01-01", "yes", "yes", None),
    ("helper", "2024-01-01", "yes", "yes", None),
    ("second", "2024-01-01", "no", "yes", None),
    ("fresh", "2025-06-20", "yes", "yes", None),
    ("shy", "2025-06-21", "no", "yes", None),
    ("refuser", "2024-01-01", "yes", "no", None),
    ("team", "2024-01-01", None, None, "staff"),
    ("robot", "2024-01-01", None, None, "bot"),
]
# Id, author, local time, topic, format, title.
CONTENT: Final = [
    ("q-answered", "old", "2025-06-10 09:00:00", "ale", "question", "Which yeast?"),
    ("q-own-reply", "old", "2025-06-12 09:00:00", "ale", "question", "=1+1"),
    ("q-by-bot", "old", "2025-06-13 09:00:00", "stout", "question", None),
    ("q-by-refuser", "old", "2025-06-14 09:00:00", None, "question", " "),
    ("q-by-staff", "old", "2025-06-15 09:00:00", "stout", "question", "Opening hours?"),
    ("q-fresh", "fresh", "2025-06-25 22:30:00", "ale", "question", "New here"),
    ("q-shy", "shy", "2025-06-28 09:00:00", "ale", "question", "Hello"),
    ("q-today", "fresh", "2025-06-30 12:00:00", "ale", "question", "And today?"),
    ("q-of-refuser", "refuser", "2025-06-20 09:00:00", "ale", "question", "Mine"),
    ("story", "old", "2025-06-20 09:00:00", "ale", "story", "A trip"),
    ("q-tomorrow", "fresh", "2025-07-01 08:00:00", "ale", "question", "Too late"),
    ("q-long-ago", "old", "2025-03-01 09:00:00", "ale", "question", "Old"),
]
# Who, what, local time, about which piece, in which channel.
EVENTS: Final = [
    ("old", "question", "2025-06-10 09:00:00", "q-answered", "brewing"),
    ("helper", "answer", "2025-06-10 11:30:00", "q-answered", "elsewhere"),
    ("second", "comment", "2025-06-11 09:00:00", "q-answered", None),
    ("old", "comment", "2025-06-12 10:00:00", "q-own-reply", None),
    ("helper", "like", "2025-06-12 11:00:00", "q-own-reply", None),
    ("helper", "read", "2025-06-21 11:00:00", "story", None),
    ("robot", "answer", "2025-06-13 09:01:00", "q-by-bot", None),
    ("refuser", "answer", "2025-06-14 10:00:00", "q-by-refuser", None),
    ("team", "answer", "2025-06-15 10:00:00", "q-by-staff", None),
    ("helper", "answer", "2025-07-01 09:00:00", "q-fresh", None),  # after the night
    ("helper", "answer", "2025-06-09 09:00:00", "q-shy", None),  # before it was published
    ("old", "login", "2025-07-01 09:00:00", None, None),
]


def write_board(folder: Path, *, more: str = "", content: list[tuple[str | None, ...]] | None = None) -> None:
    """Write the workspace with its exports; `content` replaces its pieces."""
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(BOARD + more, encoding="utf-8")
    tables = {
        "members": (MEMBERS, ["member_id", "joined_at", "can_contact", "can_profile", "role"]),
        "content": (
            CONTENT if content is None else content,
            ["content_id", "author_id", "published_at", "topic", "format", "title"],
        ),
        "events": (EVENTS, ["member_id", "event_type", "occurred_at", "content_id", "channel"]),
    }
    for name, (rows, columns) in tables.items():
        pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row").write_csv(folder / "landing" / f"{name}.csv")


def board(folder: Path, *, more: str = "", content: list[tuple[str | None, ...]] | None = None) -> RunContext:
    """The board after taking in, as of its last full day."""
    write_board(folder, more=more, content=content)
    take_in(folder, night=NIGHT + timedelta(days=1), now=NOW)
    return open_run(folder, NIGHT, now=NOW)
