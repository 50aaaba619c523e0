"""Send alerts about nights that failed or finished with warnings.

An alert that cannot be sent is reported on the terminal and changes nothing else: the night ends with its own exit code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote, unquote, urlsplit

from lake.environment_variables import VARIABLE, expand_environment
from lake.errors import EvenfallError, ExitCode
from outputs.alerts import Alert, mail_alert, post_alert
from runtime.completed_steps import done_so_far
from runtime.os_errors import with_causes
from runtime.progress import say
from runtime.run_context import RunContext
from wording.retelling import retold
from wording.texts import fill

# Shorter texts are not replaced: they occur inside ordinary words.
_SHORTEST_SECRET: Final = 4
_SHORTEST_SENTENCE: Final = 3
_LIBRARY_TEXT: Final = "(see the terminal)"


@contextmanager
def alerted(run: RunContext, purpose: str) -> Iterator[None]:
    """Send an alert when the block fails, and re-raise the failure unchanged.

    Args:
        run: The run.
        purpose: What was being done, such as `nightly`.
    """
    try:
        yield
    except Exception as error:
        _send(run, _failure_alert(run, purpose, error))
        raise


def alert_of_warnings(run: RunContext, warnings: Sequence[str], *, noticed: bool = False, remedy: str | None = None) -> bool:
    """Send an alert when a finished night has warnings and `[alerts] on` is `warning`; return whether somebody was told.

    Args:
        run: The run.
        warnings: What to tell, a sentence or a line each.
        noticed: Whether they are about the community alone, and none about the night.
        remedy: What to do about it, or None.
    """
    if not warnings or run.settings.alerts.on != "warning":
        return False
    community, night = run.settings.community.name, _named(run, "nightly")
    outcome: Literal["noticed", "warned"] = "noticed" if noticed else "warned"
    return _send(run, Alert(community, night, outcome, ExitCode.DONE, tuple(warnings), remedy))


def alert_of_late_night(run: RunContext, night: str, says: str, remedy: str) -> bool:
    """Send an alert that a night is late, whatever `[alerts] on` says; return whether somebody was told.

    Args:
        run: The run.
        night: The night that is late, as people write it.
        says: What is the matter.
        remedy: What to do about it.
    """
    return _send(run, Alert(run.settings.community.name, night, "late", ExitCode.DONE, (says,), remedy))


def without_secrets(text: str, settings: Any) -> str:
    """Replace in a text, by `***`, every value that the configuration reads from the environment and every password in it."""
    # Longest first: a secret may be part of a longer one, of which the rest would stay readable.
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def message_and_remedy(error: EvenfallError, settings: Any) -> tuple[str, str]:
    """Return an error's message and remedy as they may leave the terminal: without secrets and without text of a library.

    Text of a library may repeat the content of a file or a member's row. It is taken from the errors that led to ours.
    """
    what, remedy = error.what, error.remedy
    for library_text in sorted(_said_by_libraries(error), key=len, reverse=True):
        what, remedy = (text.replace(library_text, _LIBRARY_TEXT) for text in (what, remedy))
    return without_secrets(what, settings), without_secrets(remedy, settings)


def _said_by_libraries(error: BaseException) -> set[str]:
    """Return every line of every library error that led to this one."""
    lines: set[str] = set()
    for one in with_causes(error):
        if not isinstance(one, EvenfallError):
            texts = (str(one), *map(str, one.args))
            lines |= {line.strip().rstrip(".") for text in texts for line in (text, *text.splitlines())}
    return {line for line in lines if len(line) >= _SHORTEST_SENTENCE}


def _failure_alert(run: RunContext, purpose: str, error: Exception) -> Alert:
    named = _named(run, purpose)
    if isinstance(error, EvenfallError):
        what, remedy = message_and_remedy(error, run.settings)
        says = tuple(retold(line.strip()) for line in what.splitlines() if line.strip())
        return Alert(run.settings.community.name, named, "failed", error.exit_code, says, retold(remedy))
    # The message of an unexpected error may hold a member's row, so only its type is sent.
    done = done_so_far(run)
    says = (fill("alert.bug", kind=type(error).__name__), *((fill("alert.bug.done", done=done),) if done else ()))
    return Alert(run.settings.community.name, named, "failed", ExitCode.BUG, says, fill("alert.bug.remedy"))


def _named(run: RunContext, purpose: str) -> str:
    of = fill("alert.last_full_day") if run.asked is None else run.asked.isoformat()
    return fill("alert.night", of=of) if purpose == "nightly" else fill("alert.other", purpose=purpose, of=of)


def _send(run: RunContext, alert: Alert) -> bool:
    alerts, is_told = run.settings.alerts, False
    ways: list[tuple[str, Callable[[], bool]]] = [
        ("webhook", lambda: _post(alerts, alert)),
        ("mail", lambda: _mail(alerts, alert)),
        *((scheme_of(address), partial(_apprise, address, alert)) for address in alerts.send_to),
    ]
    for way, send in ways:
        try:
            if send():
                is_told = True
                say(f"alert sent by {way}")
        except EvenfallError as error:
            say(str(error))
        except Exception as error:  # an alert must not change how a night ends
            say(f"an alert was not delivered: {type(error).__name__}")
    return is_told


def scheme_of(address: str) -> str:
    """Return how an address of `send_to` is called in messages: its scheme, which holds no secret.

    Args:
        address: The address as the configuration has it.
    """
    return "apprise" if address.startswith("${") else address.partition(":")[0].lower()


def _apprise(address: str, alert: Alert) -> bool:
    from outputs.apprise_delivery import send_alert

    send_alert(alert, address=expand_environment(address, name="[alerts] send_to"))
    return True


def _post(alerts: Any, alert: Alert) -> bool:
    if alerts.webhook is None:
        return False
    post_alert(alert, url=expand_environment(alerts.webhook, name="[alerts] webhook"))
    return True


def _mail(alerts: Any, alert: Alert) -> bool:
    if alerts.smtp is None:
        return False
    server = expand_environment(alerts.smtp, name="[alerts] smtp")
    mail_alert(alert, server=server, sender=alerts.mail_from, recipients=alerts.mail_to)
    return True


def _secrets(settings: Any) -> set[str]:
    """Return every value from the environment and every password in an address, percent-encoded and decoded."""
    secrets: set[str] = set()
    for text in _texts(settings.model_dump(mode="json")):
        secrets |= {os.environ.get(name, "") for name in VARIABLE.findall(text)}
        if "://" in text and "@" in text:
            secrets.add(_password(text))
    # A token may stand anywhere in these, and is not always in the environment.
    secrets |= {part for address in settings.alerts.send_to for part in re.split(r"[/@:?&]+", address)[1:]}
    secrets |= {unquote(secret) for secret in secrets} | {quote(secret, safe="") for secret in secrets}
    secrets |= {_password(secret) for secret in secrets if "://" in secret}
    return {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET and not VARIABLE.fullmatch(secret)}


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
