"""Send an alert by apprise: WeCom, DingTalk, Feishu, Slack, Telegram, mail, webhooks and what else it knows.

An address may hold a secret everywhere, even where a host would stand: no error message shows more of it than its scheme.
"""

from __future__ import annotations

import logging
import re
import warnings
from typing import Any, Final
from urllib.parse import urlsplit

from lake.environment_variables import VARIABLE
from lake.errors import ConfigurationError, OutsideServiceError
from outputs.alerts import Alert
from outputs.link_local import is_link_local, resolves_to_link_local

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# What stands where a host would is one; for others it may be a token, which must not be asked of a name server.
_ENCRYPTED_TOO: Final = "json xml form mailto gotify ntfy mmost rocket matrix apprise nctalk ncloud synology hassio http"
_WITH_HOST: Final = frozenset(scheme + ending for scheme in _ENCRYPTED_TOO.split() for ending in ("", "s"))
# They would run something on this machine, or write to it, instead of telling somebody.
_LOCAL: Final = frozenset(["syslog", "dbus", "kde", "qt", "gnome", "glib", "macosx", "windows", "file"])


def check_address(address: str) -> None:
    """Check an address as the configuration has it, before any `${NAME}` in it is filled in.

    Args:
        address: The address.

    Raises:
        ConfigurationError: It has no scheme, names this machine's own desktop or log, or is a link-local address.
    """
    if address.startswith("${"):
        return
    text = VARIABLE.sub("1", address)
    if not _SCHEME.fullmatch(text):
        raise _refused("is not an address such as wecombot://${KEY}, without blanks")
    scheme = text.partition(":")[0].lower()
    if scheme in _LOCAL:
        raise _refused(f"begins with {scheme}://, which tells nobody but this machine")
    if is_link_local(_host(text)):
        raise _refused("is a link-local address, where machines keep their own credentials")


def check_filled_in_address(address: str) -> Any:
    """Check an address before something is sent to it, and return what apprise makes of it.

    Args:
        address: The address, with its variables filled in.

    Raises:
        ConfigurationError: As `check_address`; apprise does not know it; or its host resolves to link-local addresses only.
    """
    check_address(address)
    scheme = address.partition(":")[0].lower()
    if scheme in _WITH_HOST and resolves_to_link_local(_host(address)):
        raise _refused("leads to a link-local address, where machines keep their own credentials")
    with warnings.catch_warnings():
        # Notices of its many modules about their own future.
        warnings.simplefilter("ignore")
        # Heavy, and needed by few nights.
        import apprise

        # What it logs of a failure may hold the address.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        asset = apprise.AppriseAsset(app_id="Evenfall", app_desc="Evenfall", app_url="", async_mode=False, http_redirects=0)
        service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if service is None:
        raise _refused(f"begins with {scheme}:// and is not what apprise expects after it, or apprise does not know {scheme}://")
    return service


def send_alert(alert: Alert, *, address: str) -> None:
    """Send an alert by apprise.

    Args:
        alert: What to send.
        address: The address, with its variables filled in.

    Raises:
        ConfigurationError: The address cannot be used, or is a link-local one.
        OutsideServiceError: The service did not take it.
    """
    service = check_filled_in_address(address)
    try:
        is_taken = bool(service.notify(title=alert.subject, body=alert.text))
    except Exception:  # an error of a service may hold the address
        is_taken = False
    if not is_taken:
        scheme = address.partition(":")[0]
        raise OutsideServiceError(
            f"an alert was not delivered: {scheme} did not take it",
            remedy="Check the addresses under [alerts]; the night itself is not touched.",
        )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"`alerts.send_to` {why} (not shown: it may hold a secret)", remedy="Write it as https://appriseit.com/services/ says."
    )
