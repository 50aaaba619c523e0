"""A small community with a campaign in three arms, each cell of which can be counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from runtime.run_context import RunContext, open_run
from tests.forum import take_in

NIGHT = date(2025, 6, 30)
NOW = datetime(2025, 7, 2, 3, tzinfo=UTC)
SENT = "2025-06-10 12:00:00"
CONFIGURATION = """\
[community]
name = "Club"
timezone = "Europe/Berlin"
currency = "EUR"

[run]
as_of = "latest"

[churn]
horizon_days = 14

[sources.members]
path = "landing/members.csv"
[sources.events]
path = "landing/events.csv"
[sources.orders]
path = "landing/orders.csv"
[sources.content]
path = "landing/content.csv"
[sources.contacts]
path = "landing/contacts.csv"
"""
# Times are local, and so is the end of a window: that of the day 14 days after the one on which the contact was sent.
EVENTS = [
    ("m0", "login", "2025-06-10 11:59:00"),  # just before
    ("m0", "login", "2025-06-10 12:00:00"),  # at that moment
    ("m1", "login", "2025-06-24 23:59:00"),  # the last minute of the window
    ("m2", "login", "2025-06-25 00:01:00"),  # two minutes later
    ("m3", "post", "2025-06-12 08:00:00"),
    ("m3", "post", "2025-06-13 08:00:00"),
    ("m3", "login", "2025-05-28 08:00:00"),  # the first day of the window before
    ("m3", "login", "2025-05-27 08:00:00"),  # the day before it
    ("m4", "login", "2025-06-11 08:00:00"),
    ("m8", "login", "2025-07-01 08:00:00"),  # makes 30 June the last full day
]
ORDERS = [
    ("o1", "m1", "2025-06-10 18:00:00", 20.5),
    ("o2", "m1", "2025-06-20 18:00:00", -5.25),
    ("o3", "m2", "2025-06-01 18:00:00", 7.0),
    ("o4", "m2", "2025-06-10 09:00:00", 3.0),
]
CONTENT = [("p1", "m4", "2025-06-15 09:00:00")]
CONTACTS = [
    ("m0", "spring", SENT, "control"),
    ("m1", "spring", SENT, "mail"),
    ("m1", "spring", "2025-06-17 12:00:00", "control"),  # a second contact changes nothing
    ("m2", "spring", SENT, "control"),
    ("m3", "spring", SENT, "mail"),
    ("m4", "spring", SENT, " mail "),
    ("m5", "spring", SENT, "mail"),  # refuses profiling
    ("m6", "spring", "2025-06-20 12:00:00", "mail"),  # not matured on 30 June
    ("m7", "spring", SENT, None),
    ("m0", "newsletter", SENT, None),
    ("m0", "pair", SENT, "a"),
    ("m1", "pair", SENT, "b"),
    ("m0", "lonely", SENT, "control"),
]


def write_club(folder: Path) -> None:
    """Write the workspace with its exports."""
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(CONFIGURATION, encoding="utf-8")
    ids = [f"m{number}" for number in range(9)]
    consent = ["no" if one == "m5" else "yes" for one in ids]
    exports = {
        "members": pl.DataFrame({"member_id": ids, "joined_at": "2025-01-01 09:00:00", "can_profile": consent}),
        "events": pl.DataFrame(EVENTS, schema=["member_id", "event_type", "occurred_at"], orient="row"),
        "orders": pl.DataFrame(ORDERS, schema=["order_id", "member_id", "ordered_at", "amount"], orient="row"),
        "content": pl.DataFrame(CONTENT, schema=["content_id", "author_id", "published_at"], orient="row"),
        "contacts": pl.DataFrame(CONTACTS, schema=["member_id", "campaign_id", "sent_at", "arm"], orient="row"),
    }
    for name, rows in exports.items():
        rows.write_csv(folder / "landing" / f"{name}.csv")


def club(folder: Path) -> RunContext:
    """The club after taking in, as of its last full day."""
    write_club(folder)
    take_in(folder, night=date(2025, 7, 1), now=NOW)
    return open_run(folder, None, now=NOW)
