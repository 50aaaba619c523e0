"""Alerts: a sentence by webhook or mail when a night failed or finished with warnings.

An alert says what happened and what to do, and names no member. Addresses may hold secrets: no message of ours shows one.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from lake.errors import ConfigurationError, OutsideServiceError

TIMEOUT_SECONDS: Final = 15
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_MAIL_PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Alert:
    """What people are told.

    Args:
        community: Whose night it was.
        night: Which night, as people write it.
        outcome: `failed`, or `warned` where it finished with warnings.
        exit_code: What the command ended with.
        says: What happened, a sentence each.
        remedy: What to do about it, or None.
    """

    community: str
    night: str
    outcome: Literal["failed", "warned"]
    exit_code: int
    says: tuple[str, ...]
    remedy: str | None = None

    @property
    def subject(self) -> str:
        """One line that is understood on a locked telephone."""
        told = "failed" if self.outcome == "failed" else "finished with warnings"
        return " ".join(f"{self.community}: {self.night} {told} (exit code {self.exit_code})".split())

    @property
    def text(self) -> str:
        """The whole alert as plain text."""
        remedy = (f"What to do: {self.remedy}",) if self.remedy else ()
        return "\n\n".join((f"{self.subject}.", *self.says, *remedy))

    def as_json(self) -> dict[str, Any]:
        """The alert for machines; `text` is what chat services show."""
        return {
            "text": self.text,
            "community": self.community,
            "night": self.night,
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "says": list(self.says),
            "remedy": self.remedy,
        }


def post_alert(alert: Alert, *, url: str) -> None:
    """Send an alert to a webhook as JSON.

    Raises:
        ConfigurationError: The address is none.
        OutsideServiceError: The receiver did not take it.
    """
    place = _split(url, schemes=("http", "https"), key="webhook", example="https://chat.example/hooks/${TOKEN}")
    body = json.dumps(alert.as_json(), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "evenfall"}
    request = urllib.request.Request(place.geturl(), data=body, headers=headers, method="POST")  # noqa: S310 - http or https only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise _undelivered(f"the webhook at {place.hostname} answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise _undelivered(f"the webhook at {place.hostname} did not answer: {type(error).__name__}") from None


def mail_alert(alert: Alert, *, server: str, sender: str, recipients: Sequence[str]) -> None:
    """Send an alert by mail.

    With `smtp://` the connection is encrypted where the server offers it, and a password never travels unencrypted to another
    machine; with `smtps://` it is encrypted from the first byte.

    Args:
        alert: What to tell.
        server: `smtp://user:password@host:587` or `smtps://…`; user, password and port may be left out.
        sender: The address it comes from.
        recipients: The addresses it goes to.

    Raises:
        ConfigurationError: The address of the server is none.
        OutsideServiceError: The server did not take it.
    """
    place = _split(server, schemes=tuple(_MAIL_PORTS), key="smtp", example="smtp://user:${PASSWORD}@mail.example:587")
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = alert.subject, sender, ", ".join(recipients)
    letter.set_content(alert.text)
    try:
        with _connected(place) as connection:
            if place.username is not None:
                connection.login(unquote(place.username), unquote(place.password or ""))
            connection.send_message(letter)
    except (OSError, smtplib.SMTPException) as error:
        # What a server answers may repeat what it was sent.
        raise _undelivered(f"the mail server at {place.hostname} did not take it: {type(error).__name__}") from None


def _connected(place: SplitResult) -> smtplib.SMTP:
    assert place.hostname is not None
    port = place.port or _MAIL_PORTS[place.scheme]
    context = ssl.create_default_context()
    if place.scheme == "smtps":
        return smtplib.SMTP_SSL(place.hostname, port, timeout=TIMEOUT_SECONDS, context=context)
    connection = smtplib.SMTP(place.hostname, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif place.username is not None and place.hostname not in _HERE:
            raise _undelivered(f"the mail server at {place.hostname} offers no encryption, and a password would be readable")
    except BaseException:
        connection.close()
        raise
    return connection


def _split(address: str, *, schemes: Sequence[str], key: str, example: str) -> SplitResult:
    try:
        place = urlsplit(address)
        known = place.scheme in schemes and bool(place.hostname) and (place.port is None or place.port > 0)
    except ValueError:
        known = False
    if not known or any(sign.isspace() or not sign.isprintable() for sign in address):
        raise ConfigurationError(
            f"`alerts.{key}` is not an address (not shown: it may hold a secret)", remedy=f"Write it like {example}."
        )
    return place


def _undelivered(why: str) -> OutsideServiceError:
    return OutsideServiceError(
        f"an alert was not delivered: {why}", remedy="Check the addresses under [alerts]; the night itself is not touched."
    )
