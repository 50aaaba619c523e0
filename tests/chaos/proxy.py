"""A door on loopback in front of a server, that a test can shut: to newcomers at once, to those inside as well."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Door:
    """Forwards connections to a port while it is open.

    Args:
        port: Where the server listens.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.is_open = True
        self.knocks = 0
        self.shuts_after: int | None = None
        self._inside: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._start(self._listen)

    def shut(self) -> None:
        """Let nobody in any more, and put out who is inside."""
        with self._lock:
            self.is_open = False
            for one in self._inside:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let people in again."""
        self.shuts_after = None
        self.is_open = True

    def close(self) -> None:
        """Take the door away."""
        self.shut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, work: object, *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:
                return
            self.knocks += 1
            if self.shuts_after is not None and self.knocks > self.shuts_after:
                self.shut()
            server = socket.create_connection(("127.0.0.1", self._target))
            # Looked at under the lock: a door shut between the look and the entry would leave a guest inside.
            with self._lock:
                is_open = self.is_open
                if is_open:
                    self._inside |= {guest, server}
            if not is_open:
                guest.close()
                server.close()
                continue
            self._start(self._carry, guest, server)
            self._start(self._carry, server, guest)

    def _carry(self, giver: socket.socket, taker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := giver.recv(65_536):
                taker.sendall(said)
        for one in (giver, taker):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        with self._lock:
            self._inside -= {giver, taker}


@contextmanager
def door_to(port: int) -> Iterator[Door]:
    """A door in front of a port, gone afterwards."""
    door = Door(port)
    try:
        yield door
    finally:
        door.close()
