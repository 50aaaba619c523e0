"""Alerts: a sentence by webhook or mail when a night failed or finished with warnings.

An alert says what happened and what to do, and names no member. Addresses may hold secrets: no message of ours shows one.
"""

from __future__ import annotations

import http.client
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

from lake.environment_variables import VARIABLE
from lake.errors import ConfigurationError, OutsideServiceError
from outputs.link_local import is_link_local, resolves_to_link_local
from wording.texts import fill

TIMEOUT_SECONDS: Final = 15
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_MAIL_PORTS: Final = {"smtp": 587, "smtps": 465}
_KINDS: Final = {
    "webhook": (("http", "https"), "https://chat.example/hooks/${TOKEN}"),
    "smtp": (tuple(_MAIL_PORTS), "smtp://user:${PASSWORD}@mail.example:587"),
}


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
        said = fill(f"alert.{self.outcome}", community=self.community, night=self.night, code=self.exit_code)
        return " ".join(said.split())

    @property
    def text(self) -> str:
        """The whole alert as plain text."""
        remedy = (fill("alert.remedy", remedy=self.remedy),) if self.remedy else ()
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


def check_written(address: str, *, key: Literal["webhook", "smtp"]) -> None:
    """Judge an address as the configuration has it, before any `${NAME}` in it is filled in.

    Raises:
        ConfigurationError: Its scheme is another one, or it is a link-local address.
    """
    if not address.startswith("${"):
        _split(VARIABLE.sub("1", address), key=key)


def check_filled_in(address: str, *, key: Literal["webhook", "smtp"]) -> SplitResult:
    """Judge an address that something is about to be sent to, and what its host's name stands for.

    Raises:
        ConfigurationError: As `check_written`, or its host is known by link-local addresses alone.
    """
    place = _split(address, key=key)
    if resolves_to_link_local(place.hostname or ""):
        raise _refused(key, "leads to a link-local address, where machines keep their own credentials")
    return place


def post_alert(alert: Alert, *, url: str) -> None:
    """Send an alert to a webhook as JSON; a redirect is not followed, since what is posted would be lost on the way.

    Raises:
        ConfigurationError: The address is none, or a link-local one.
        OutsideServiceError: The receiver did not take it.
    """
    place = check_filled_in(url, key="webhook")
    body = json.dumps(alert.as_json(), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "evenfall"}
    request = urllib.request.Request(place.geturl(), data=body, headers=headers, method="POST")  # noqa: S310 - http or https only
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS):
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
        ConfigurationError: The address of the server is none, or a link-local one.
        OutsideServiceError: The server did not take it.
    """
    place = check_filled_in(server, key="smtp")
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


def _split(address: str, *, key: Literal["webhook", "smtp"]) -> SplitResult:
    schemes, _ = _KINDS[key]
    try:
        place = urlsplit(address)
        known = place.scheme in schemes and bool(place.hostname) and (place.port is None or place.port > 0)
    except ValueError:
        known = False
    if not known or any(sign.isspace() or not sign.isprintable() for sign in address):
        raise _refused(key, f"is not an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if is_link_local(place.hostname or ""):
        raise _refused(key, "is a link-local address, where machines keep their own credentials")
    return place


def _refused(key: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"`alerts.{key}` {why} (not shown: it may hold a secret)", remedy=f"Write it like {_KINDS[key][1]}."
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Let a redirect be an answer like any other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Never ask again elsewhere."""


class _NotLinkLocal(http.client.HTTPConnection):
    """A connection that sends nothing where its other end is link-local: a name may stand for another address by now."""

    def connect(self) -> None:
        """Connect, and look at who is there.

        Raises:
            ConnectionRefusedError: It is a link-local address.
        """
        super().connect()
        if is_link_local(self.sock.getpeername()[0]):
            self.close()
            raise ConnectionRefusedError("link-local")


class _NotLinkLocalEncrypted(_NotLinkLocal, http.client.HTTPSConnection):
    """The same with encryption."""


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_NotLinkLocal, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_NotLinkLocalEncrypted, req, context=ssl.create_default_context())


_OPENER: Final = urllib.request.build_opener(_NoRedirect, _Http, _Https)


def _undelivered(why: str) -> OutsideServiceError:
    return OutsideServiceError(
        f"an alert was not delivered: {why}", remedy="Check the addresses under [alerts]; the night itself is not touched."
    )
