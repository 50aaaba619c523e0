"""The contact policy: how often, when and with which safeguards members may be contacted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

WINDOWS: Final = {"max_per_day": 1, "max_per_7_days": 7, "max_per_30_days": 30}
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Risk = Literal["low", "medium", "high"]


class ContactCaps(BaseModel):
    """Contacts of one member at most, over windows that end with the day of the contact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_per_day: int | None = Field(default=None, ge=0, description="Contacts of one member a day at most.")
    max_per_7_days: int | None = Field(default=None, ge=0, description="Contacts of one member in seven days at most.")
    max_per_30_days: int | None = Field(default=None, ge=0, description="Contacts of one member in thirty days at most.")

    @property
    def limits(self) -> dict[int, int]:
        """Return the limits that are set: days of the window → contacts."""
        given = {days: getattr(self, name) for name, days in WINDOWS.items()}
        return {days: limit for days, limit in given.items() if limit is not None}


class ContactPolicy(ContactCaps):
    """`[contact_policy]`: who may be contacted tomorrow."""

    max_per_day: int | None = Field(default=1, ge=0, description="Contacts of one member a day at most, over all channels.")
    max_per_7_days: int | None = Field(default=1, ge=0, description="Contacts of one member in seven days at most.")
    max_per_30_days: int | None = Field(default=4, ge=0, description="Contacts of one member in thirty days at most.")
    channels: Mapping[str, ContactCaps] = Field(
        default_factory=dict, description="The same limits for one channel, under `[contact_policy.channels.NAME]`."
    )
    quiet_days: tuple[date | str, ...] = Field(
        default=(), description="Days on which nobody is contacted: names of weekdays, or dates."
    )
    allowed_hours: str = Field(default="09:00-20:00", description="Hours of the member's day in which a contact is suggested.")
    holdout_share: float = Field(
        default=0.05, ge=0, lt=1, description="Share of members whom no action contacts, so that the whole can be measured."
    )
    exploration_share: float = Field(
        default=0.0, ge=0, le=1, description="Share of the contact list that is drawn at random instead of by gain."
    )
    min_risk: Risk | float | None = Field(
        default=None, description="Least churn risk of a listed member: medium, high or a probability; by default none."
    )
    unit: str = Field(default="member", description="What a holdout is drawn by: member, or a column of members such as region.")
    match_days: int = Field(
        default=7,
        ge=1,
        le=90,
        description="Days after a night in which a contact belongs to it; until then the member counts as contacted.",
    )

    @field_validator("quiet_days", mode="before")
    @classmethod
    def _known_days(cls, days: Any) -> Any:
        return tuple(_quiet_day(day) for day in days) if isinstance(days, list | tuple) else days

    @field_validator("allowed_hours")
    @classmethod
    def _hours(cls, text: str) -> str:
        first, last = parse_hours(text)
        if first >= last:
            raise ValueError("the first allowed hour must be before the last, such as 09:00-20:00")
        return text

    @field_validator("min_risk")
    @classmethod
    def _is_a_risk(cls, risk: Any) -> Any:
        if isinstance(risk, float) and not 0 <= risk <= 1:
            raise ValueError("write low, medium, high or a probability from 0 to 1")
        return risk

    @model_validator(mode="after")
    def _known_unit(self) -> Self:
        if self.unit not in UNITS:
            raise ValueError(f"`unit` is one of {', '.join(UNITS)}")
        return self

    @property
    def hours(self) -> tuple[int, int]:
        """Return the first and the last whole hour in which a contact may begin."""
        first, last = parse_hours(self.allowed_hours)
        return first.hour + (first.minute > 0), max(last.hour - (last.minute == 0), first.hour)

    def is_quiet(self, day: date) -> bool:
        """Return whether nobody is contacted on a day."""
        return day in self.quiet_days or WEEKDAYS[day.weekday()] in self.quiet_days


UNITS: Final = ("member", "region", "platform", "gender")


def parse_hours(text: str) -> tuple[time, time]:
    """Parse hours such as 09:00-20:00.

    Raises:
        ValueError: They are not two times of a day.
    """
    first, _, last = text.partition("-")
    try:
        return time.fromisoformat(first.strip()), time.fromisoformat("23:59" if last.strip() == "24:00" else last.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no pair of hours, such as 09:00-20:00") from None


def _quiet_day(day: Any) -> date | str:
    if isinstance(day, date):
        return day
    if isinstance(day, str) and day.casefold() in WEEKDAYS:
        return day.casefold()
    try:
        return date.fromisoformat(day)
    except (TypeError, ValueError):
        raise ValueError(f"{day!r} is neither a weekday such as sunday nor a date such as 2026-12-24") from None
