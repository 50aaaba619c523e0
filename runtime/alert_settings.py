"""`[alerts]`, typed: addresses are judged as soon as they are read."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from lake.errors import ConfigurationError
from outputs.alerts import check_written
from outputs.apprise_delivery import check_address


class Alerts(BaseModel):
    """`[alerts]`: who hears of a night that failed; addresses may hold `${NAME}`, read from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: Literal["warning", "failure"] = Field(
        default="warning", description="warning: also when a night finished with warnings; failure: only when it failed."
    )
    deviation: float = Field(
        default=2.5,
        gt=0,
        description="Warn when members come back more or less than expected by more than so many standard errors.",
    )
    webhook: str | None = Field(
        default=None, description="http(s) address, never a link-local one, that gets the alert as JSON, its words in `text`."
    )
    smtp: str | None = Field(
        default=None, description="Mail server: `smtp://user:${PASSWORD}@host:587` (encrypted where offered) or `smtps://…`."
    )
    mail_from: str | None = Field(default=None, description="Sender of the mail.")
    mail_to: tuple[str, ...] = Field(default=(), description="Recipients of the mail.")

    send_to: tuple[str, ...] = Field(
        default=(),
        description="Addresses of [apprise](https://appriseit.com/services/), such as `wecombot://${WECOM_KEY}`; "
        "each gets every alert.",
    )

    @field_validator("send_to")
    @classmethod
    def _known_services(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            try:
                check_address(address)
            except ConfigurationError as error:
                raise ValueError(f"{error.what.partition(' ')[2]}. {error.remedy}") from None
        return addresses

    @field_validator("webhook", "smtp")
    @classmethod
    def _known_address(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is not None:
            try:
                check_written(address, key="webhook" if info.field_name == "webhook" else "smtp")
            except ConfigurationError as error:
                raise ValueError(f"{error.what.partition(' ')[2]}. {error.remedy}") from None
        return address

    @model_validator(mode="after")
    def _whole_letter(self) -> Self:
        is_set = (self.smtp is not None, self.mail_from is not None, bool(self.mail_to))
        if any(is_set) and not all(is_set):
            raise ValueError("`smtp`, `mail_from` and `mail_to` go together")
        for address in (*self.mail_to, *((self.mail_from,) if self.mail_from else ())):
            if not re.fullmatch(r"[^@\s,<>]+@[^@\s,<>]+", address):
                raise ValueError(f"{address!r} is not a mail address")
        return self
