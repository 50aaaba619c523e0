"""The contracts of the seven tables that a community may bring: their columns, keys, times and references.

The shape of a table is defined only here. Sources are mapped to it, expectations check it, the lake stores it, features read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import available_timezones

import polars as pl

TIMESTAMP: Final = pl.Datetime("us", "UTC")
MINOR_UNITS_PER_UNIT: Final = 100
# A cell of these that cannot be read counts as no.
CONSENT: Final = ("can_contact", "can_profile", "can_show")
# The tables of rollups: what each member did on each day, and whom they reached.
DAILY: Final = "daily"
TIES: Final = "ties"
# The parts of members that each source describes.
MEMBERS_PARTS: Final = "members_parts"


@dataclass(frozen=True)
class Column:
    """One column of a table as a source maps it.

    Args:
        dtype: The type the mapped value is cast to.
        required: Whether a source must map it, and whether a null in it is a bad row.
        meaning: One plain sentence for the configuration reference.
        words: The only values, where a text may not be any; another counts as one that does not cast.
    """

    dtype: pl.DataType
    meaning: str
    required: bool = False
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    Args:
        name: Its name in `evenfall.toml` and on disk.
        key: The column that identifies a record; derived when the source has none.
        time: The column that says when it happened, or None for a table without a day.
        columns: Every column a source may map, by name, the key first.
        references: Column → name of the table whose key it must be in, where that table has a source.
        identity: Columns that tell records apart where no source has a key: a row with the same values corrects the earlier.
        section: What it is called in `evenfall.toml`; None for its name.
    """

    name: str
    key: str
    time: str | None
    columns: Mapping[str, Column]
    references: Mapping[str, str] = field(default_factory=dict)
    identity: tuple[str, ...] = ()
    section: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Return the columns a source must map; the key is not among them unless it cannot be derived."""
        return tuple(name for name, column in self.columns.items() if column.required)

    def needs(self, column: str) -> bool:
        """Return whether a row is bad without a valid value in this column; in other columns a bad value becomes null."""
        return column == self.key or self.columns[column].required

    @property
    def is_of_members(self) -> bool:
        """Return whether each record is that of a member."""
        return bool({"member_id", "author_id"} & set(self.columns))

    @property
    def owner(self) -> str:
        """Return the column with the member whose record it is, in a table whose records are those of members."""
        assert self.is_of_members, self.name
        return "author_id" if "author_id" in self.columns else "member_id"

    @property
    def landed_schema(self) -> dict[str, pl.DataType]:
        """Return the stored columns and their types: money in minor units, the local day, and each record's provenance."""
        landed: dict[str, pl.DataType] = {}
        for name, column in self.columns.items():
            if name == "amount":
                landed["amount_minor"] = pl.Int64()
            else:
                landed[name] = column.dtype
        if self.time is not None:
            landed["event_date"] = pl.Date()
        return {**landed, **PROVENANCE}


PROVENANCE: Final[Mapping[str, pl.DataType]] = {
    "ingested_at": TIMESTAMP,
    "source": pl.String(),
    "source_file": pl.String(),
    "arrival_id": pl.String(),
}

_TEXT: Final = pl.String()

MEMBERS: Final = Table(
    name="members",
    key="member_id",
    time=None,
    columns={
        "member_id": Column(_TEXT, "Who it is, as the community's other systems call them.", required=True),
        "joined_at": Column(TIMESTAMP, "When the member joined."),
        "platform": Column(_TEXT, "Where the member mostly comes from, such as web or ios."),
        "region": Column(_TEXT, "Country or region."),
        "birth_year": Column(pl.Int32(), "Year of birth."),
        "gender": Column(_TEXT, "Gender as the member states it."),
        "referrer_id": Column(_TEXT, "The member who brought this one."),
        "can_contact": Column(pl.Boolean(), "Whether the member may be contacted; unknown counts as yes, unreadable as no."),
        "can_profile": Column(pl.Boolean(), "Whether the member may be scored; unknown counts as yes, unreadable as no."),
        "role": Column(
            _TEXT,
            "member, staff or bot; staff and bots are never listed, scored or learnt from.",
            words=frozenset({"member", "staff", "bot"}),
        ),
        "timezone": Column(
            _TEXT, "The member's timezone, such as Europe/London, for a suggested hour.", words=frozenset(available_timezones())
        ),
        "display_name": Column(_TEXT, "The name to address the member by; in lists and the app only."),
        "handle": Column(_TEXT, "How tools that send know the member, such as an e-mail address; in lists and the app only."),
        "join_source": Column(_TEXT, "How the member came, such as search, event or newsletter."),
        "can_show": Column(
            pl.Boolean(), "Whether the member's display name may stand on the board page; unknown and unreadable count as no."
        ),
    },
)

EVENTS: Final = Table(
    name="events",
    key="event_id",
    time="occurred_at",
    columns={
        "event_id": Column(_TEXT, "Identifies the event; derived when absent."),
        "member_id": Column(_TEXT, "Who did it.", required=True),
        "event_type": Column(_TEXT, "What they did, such as post, comment or login.", required=True),
        "occurred_at": Column(TIMESTAMP, "When it happened.", required=True),
        "content_id": Column(_TEXT, "The piece of content it was about."),
        "target_member_id": Column(_TEXT, "The member it was directed at."),
        "channel": Column(_TEXT, "Room, forum or channel."),
        "platform": Column(_TEXT, "Device or client."),
    },
    references={"member_id": "members", "target_member_id": "members", "content_id": "content"},
)

ORDERS: Final = Table(
    name="orders",
    key="order_id",
    time="ordered_at",
    columns={
        "order_id": Column(_TEXT, "Identifies the order; lines sharing it within a file are summed."),
        "member_id": Column(_TEXT, "Who bought.", required=True),
        "ordered_at": Column(TIMESTAMP, "When it was ordered.", required=True),
        "amount": Column(pl.Float64(), "Money in currency units; negative is a refund.", required=True),
        "currency": Column(_TEXT, "Currency of the amount; all orders must be in one."),
        "kind": Column(_TEXT, "Kind of order, such as membership or shop."),
    },
    references={"member_id": "members"},
)

CONTENT: Final = Table(
    name="content",
    key="content_id",
    time="published_at",
    columns={
        "content_id": Column(_TEXT, "Identifies the piece; derived when absent."),
        "author_id": Column(_TEXT, "Who published it.", required=True),
        "published_at": Column(TIMESTAMP, "When it was published.", required=True),
        "topic": Column(_TEXT, "What it is about."),
        "format": Column(_TEXT, "Form, such as question, answer or video."),
        "title": Column(_TEXT, "Its title."),
    },
    references={"author_id": "members"},
)

CONTACTS: Final = Table(
    name="contacts",
    key="contact_id",
    time="sent_at",
    columns={
        "contact_id": Column(_TEXT, "Identifies the message sent; derived when absent."),
        "member_id": Column(_TEXT, "Who received it.", required=True),
        "campaign_id": Column(_TEXT, "The campaign it belonged to.", required=True),
        "sent_at": Column(TIMESTAMP, "When it was sent.", required=True),
        "channel": Column(_TEXT, "Mail, push, call."),
        "arm": Column(_TEXT, "Experiment arm; nothing was sent to `control`."),
        "opened_at": Column(TIMESTAMP, "When it was first opened."),
        "clicked_at": Column(TIMESTAMP, "When it was first clicked."),
    },
    references={"member_id": "members"},
)

FEEDBACK: Final = Table(
    name="feedback",
    key="feedback_id",
    time="answered_at",
    columns={
        "feedback_id": Column(_TEXT, "Identifies the answer; derived when absent."),
        "member_id": Column(_TEXT, "Who answered.", required=True),
        "answered_at": Column(TIMESTAMP, "When they answered.", required=True),
        "score": Column(pl.Float64(), "The score given, 0 to 10."),
        "text": Column(_TEXT, "What they wrote."),
    },
    references={"member_id": "members"},
)

PLATFORM_FIGURES: Final = Table(
    name="platform_figures",
    key="figure_id",
    time="day",
    columns={
        "figure_id": Column(_TEXT, "Identifies the value; always derived, from day, figure and platform."),
        "day": Column(TIMESTAMP, "The day, as the platform counts days.", required=True),
        "figure": Column(_TEXT, "What the platform counts, such as followers or new_followers.", required=True),
        "platform": Column(_TEXT, "Which platform or account it is, such as wechat.", required=True),
        "value": Column(pl.Float64(), "The value of that day.", required=True),
    },
    identity=("day", "figure", "platform"),
    section="figures",
)

# Referenced tables come first, so that a night lands them before what points at them.
TABLES: Final[Mapping[str, Table]] = {
    table.name: table for table in (MEMBERS, CONTENT, EVENTS, ORDERS, CONTACTS, FEEDBACK, PLATFORM_FIGURES)
}
TABLES_OF_MEMBERS: Final[Mapping[str, Table]] = {name: table for name, table in TABLES.items() if table.is_of_members}
ACTIVITY_TABLES: Final = ("events", "orders")


def section_of(table: str) -> str:
    """Return what a table is called in `evenfall.toml`."""
    return (TABLES[table].section if table in TABLES else None) or table


# In the order of the contract, the newest release's last: what a table lacks is read after what it has.
_ADDED_TO_MEMBERS: Final = ("role", "timezone", "display_name", "handle", "join_source", "can_show")
# Columns that tables of earlier releases do not have; they are read as null there.
ADDED_COLUMNS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    name: {column: MEMBERS.columns[column].dtype for column in _ADDED_TO_MEMBERS} for name in (MEMBERS.name, MEMBERS_PARTS)
}
