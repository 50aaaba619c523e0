"""Alerts: a message by webhook or mail when a night failed or finished with warnings.

An alert says what happened and what to do, and names no member. Addresses may hold secrets: no error message shows one.
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
    """What an alert says.

    Args:
        community: Whose night it was.
        night: Which night, as people write it.
        outcome: `failed`; `warned` where it finished with warnings; `noticed` where figures left what is
            usual; `late` where a night has not run.
        exit_code: What the command ended with.
        says: What happened, a sentence each.
        remedy: What to do about it, or None.
    """

    community: str
    night: str
    outcome: Literal["failed", "warned", "noticed", "late"]
    exit_code: int
    says: tuple[str, ...]
    remedy: str | None = None

    @property
    def subject(self) -> str:
        """Return one line that can be understood on the lock screen of a telephone."""
        kind = fill(f"alert.kind.{self.exit_code:d}") if self.outcome == "failed" else ""
        sentence = fill(f"alert.{self.outcome}", community=self.community, night=self.night, kind=kind, code=self.exit_code)
        # A community's name may hold a line break, the subject of a mail may not.
        return " ".join(sentence.split())

    @property
    def text(self) -> str:
        """Return the whole alert as plain text."""
        remedy = (fill("alert.remedy", remedy=self.remedy),) if self.remedy else ()
        return "\n\n".join((fill("form.stop", sentence=self.subject), *self.says, *remedy))

    def as_json(self) -> dict[str, Any]:
        """Return the alert for programs; `text` is what chat services show."""
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
    """Check an address as the configuration has it, before any `${NAME}` in it is filled in.

    Args:
        address: The address.
        key: The setting it stands under.

    Raises:
        ConfigurationError: Its scheme is not allowed, or it is a link-local address.
    """
    if not address.startswith("${"):
        _split(VARIABLE.sub("1", address), key=key)


def check_filled_in(address: str, *, key: Literal["webhook", "smtp"]) -> SplitResult:
    """Check an address before something is sent to it, and what its host's name resolves to.

    Args:
        address: The address, with its variables filled in.
        key: The setting it stands under.

    Returns:
        The parts of the address.

    Raises:
        ConfigurationError: As `check_written`, or its host resolves to link-local addresses only.
    """
    parts = _split(address, key=key)
    if resolves_to_link_local(parts.hostname or ""):
        raise _refused(key, "leads to a link-local address, where machines keep their own credentials")
    return parts


def post_alert(alert: Alert, *, url: str) -> None:
    """Send an alert to a webhook as JSON; a redirect is not followed, because the body would be lost.

    Raises:
        ConfigurationError: The address cannot be used, or is a link-local one.
        OutsideServiceError: The receiver did not accept it.
    """
    parts = check_filled_in(url, key="webhook")
    body = json.dumps(alert.as_json(), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "evenfall"}
    request = urllib.request.Request(parts.geturl(), data=body, headers=headers, method="POST")  # noqa: S310 - http or https only
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        # An answer with an error code is a response as well, and keeps its connection open until it is closed.
        error.close()
        raise _undelivered(f"the webhook at {parts.hostname} answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise _undelivered(f"the webhook at {parts.hostname} did not answer: {type(error).__name__}") from None


def mail_alert(alert: Alert, *, server: str, sender: str, recipients: Sequence[str]) -> None:
    """Send an alert by mail.

    With `smtp://` the connection is encrypted where the server offers it, and a password never travels unencrypted to another
    machine; with `smtps://` it is encrypted from the first byte.

    Args:
        alert: What to send.
        server: `smtp://user:password@host:587` or `smtps://…`; user, password and port may be left out.
        sender: The address it comes from.
        recipients: The addresses it goes to.

    Raises:
        ConfigurationError: The address of the server cannot be used, or is a link-local one.
        OutsideServiceError: The server did not accept it.
    """
    parts = check_filled_in(server, key="smtp")
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = alert.subject, sender, ", ".join(recipients)
    mail.set_content(alert.text)
    try:
        with _connect(parts) as connection:
            if parts.username is not None:
                connection.login(unquote(parts.username), unquote(parts.password or ""))
            connection.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        # What a server answers may repeat what it was sent.
        raise _undelivered(f"the mail server at {parts.hostname} did not take it: {type(error).__name__}") from None


def _connect(parts: SplitResult) -> smtplib.SMTP:
    assert parts.hostname is not None
    port = parts.port or _MAIL_PORTS[parts.scheme]
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(parts.hostname, port, timeout=TIMEOUT_SECONDS, context=context)
    connection = smtplib.SMTP(parts.hostname, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
            # What the server offered before is forgotten: somebody on the way could have changed it.
            connection.ehlo()
        elif parts.username is not None and parts.hostname not in _HERE:
            raise _undelivered(f"the mail server at {parts.hostname} offers no encryption, and a password would be readable")
    except BaseException:
        # Nobody else has this connection yet, so nobody else could close it.
        connection.close()
        raise
    return connection


def _split(address: str, *, key: Literal["webhook", "smtp"]) -> SplitResult:
    schemes, _ = _KINDS[key]
    try:
        parts = urlsplit(address)
        # Reading a port that is no number raises ValueError, as an address that cannot be split does.
        is_usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or any(sign.isspace() or not sign.isprintable() for sign in address):
        raise _refused(key, f"is not an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if is_link_local(parts.hostname or ""):
        raise _refused(key, "is a link-local address, where machines keep their own credentials")
    return parts


def _refused(key: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"`alerts.{key}` {why} (not shown: it may hold a secret)", remedy=f"Write it like {_KINDS[key][1]}."
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Treat a redirect as an answer like any other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect."""


class _NotLinkLocal(http.client.HTTPConnection):
    """A connection that sends nothing to a link-local peer: since the check the name may resolve to another address."""

    def connect(self) -> None:
        """Connect, then check the peer's address.

        Raises:
            ConnectionRefusedError: The peer is link-local.
        """
        super().connect()
        if is_link_local(self.sock.getpeername()[0]):
            self.close()
            raise ConnectionRefusedError("link-local")


class _NotLinkLocalEncrypted(_NotLinkLocal, http.client.HTTPSConnection):
    """The same over TLS."""


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
