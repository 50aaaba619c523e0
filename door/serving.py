"""Open the door: listen, start what is behind it, say where it is, and end all of it together."""

from __future__ import annotations

import errno
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import ValidationError

from door.app import make_app
from door.gate import TOKEN, Keys
from door.passwords import Password
from door.services import Service, services_of
from door.sessions import Sessions
from lake.environment_variables import expand_environment
from lake.errors import ConfigurationError
from runtime.door_settings import Door, is_this_machine
from runtime.run_context import RunContext
from wording.texts import fill

_TOKEN_BYTES: Final = 24
_BACKLOG: Final = 128
_LOOK_SECONDS: Final = 2.0
# Pages hold connections open; what is left of the time of `runtime.signals` is for the programs behind the door.
_GOODBYE_SECONDS: Final = 2


def serve(run: RunContext, *, host: str | None, port: int | None, say: Callable[[str], None]) -> None:
    """Serve a workspace's pages until an interrupt or SIGTERM.

    Args:
        run: The run of the workspace; its environment is prepared.
        host: Where to listen, in place of the settings.
        port: Likewise.
        say: Shows a line on the terminal.

    Raises:
        ConfigurationError: The settings would open the door to others without a password, or the port is taken.
    """
    settings = _chosen(run.settings.door, host=host, port=port)
    keys = _keys(settings)
    with _listen(settings) as listening, services_of(run) as services:
        watch = threading.Event()
        watcher = threading.Thread(target=_watch, args=(services, watch, say), daemon=True)
        watcher.start()
        _say_where(settings, keys, say)
        try:
            _run(make_app(run, services, keys=keys, hosts=_hosts(settings)), listening)
        finally:
            watch.set()
            watcher.join()


def _chosen(settings: Door, *, host: str | None, port: int | None) -> Door:
    """Return the settings with what the command said instead, judged again."""
    said = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        return Door.model_validate(settings.model_dump() | said)
    except ValidationError as error:
        raise ConfigurationError(
            f"--host {host}: {error.errors()[0]['msg'].removeprefix('Value error, ')}", remedy="docs/door.md shows how."
        ) from None


def _keys(settings: Door) -> Keys:
    cookie, sessions = f"evenfall_door_{settings.port}", Sessions(settings.session_hours)
    if settings.password_hash is None:
        return Keys(cookie, sessions, secrets.token_urlsafe(_TOKEN_BYTES), None)
    # An argon2 hash holds dollar signs, but no braces.
    return Keys(cookie, sessions, None, Password(expand_environment(settings.password_hash, name="[door] password_hash")))


def _hosts(settings: Door) -> Sequence[str]:
    return settings.allowed_hosts if is_this_machine(settings.host) else (settings.host, *settings.allowed_hosts)


def _listen(settings: Door) -> socket.socket:
    """Take the port before anything is started.

    Raises:
        ConfigurationError: Another program has it, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port whose last connections are still being forgotten is free.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {settings.port} of {settings.host} is taken by another program, perhaps by another `evenfall up`",
                remedy=f"End that program, or name another port: evenfall up --port {settings.port + 1}",
            ) from error
        raise ConfigurationError(
            f"{settings.host} port {settings.port} cannot be listened on: {error.strerror or error}",
            remedy="Name an address of this machine with --host, and a port above 1023 with --port.",
        ) from error
    return listening


def _run(app: object, listening: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        # Addresses of pages say which members somebody looked at: they are not logged.
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
        # Of a reverse proxy on this machine, and of no other.
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1,::1",
    )
    uvicorn.Server(config).run(sockets=[listening])


def _watch(services: Sequence[Service], ended: threading.Event, say: Callable[[str], None]) -> None:
    """Start programs as soon as they can be started, and say which has ended by itself."""
    while not ended.is_set():
        for service in services:
            service.start_when_due()
            code = service.news()
            if code is not None:
                say(fill("door.says.ended", name=service.name, code=code, log=str(service.log)))
        ended.wait(_LOOK_SECONDS)


def _say_where(settings: Door, keys: Keys, say: Callable[[str], None]) -> None:
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{name}:{settings.port}/"
    say(fill("door.says.open", address=address if keys.token is None else f"{address}?{TOKEN}={keys.token}"))
    say(fill("door.says.password" if keys.token is None else "door.says.token"))
    say(fill("door.says.stop"))
