"""A webhook and a mail server on loopback that keep what they are sent."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Caught:
    """Where a catcher listens, and what it has got so far."""

    port: int = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    asked: int = 0


@contextmanager
def webhook(*, answer: int = 200, location: str | None = None) -> Iterator[Caught]:
    """Catch JSON posts, and answer them with one status; count whatever else is asked for."""
    caught = Caught()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            caught.posts.append(json.loads(body))
            self.send_response(answer)
            if location is not None:
                self.send_header("Location", location)
            self.end_headers()

        def do_GET(self) -> None:
            caught.asked += 1
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler), caught):
        yield caught


@contextmanager
def mail_server(*, refuses: bool = False) -> Iterator[Caught]:
    """Catch letters; or refuse each, repeating what it was sent as unkind servers do."""
    caught = Caught()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 catcher\r\n")
            for line in self.rfile:
                said = line.decode().strip()
                caught.said.append(said)
                verb = said.split(" ")[0].upper()
                if verb == "EHLO":
                    self.wfile.write(b"250-catcher\r\n250 AUTH PLAIN\r\n")
                elif verb == "AUTH":
                    self.wfile.write(b"535 no: " + line if refuses else b"235 welcome\r\n")
                elif verb == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    caught.letters.append(self._letter())
                    self.wfile.write(b"250 taken\r\n")
                elif verb == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 fine\r\n")

        def _letter(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line.removeprefix(b"."))
            letter = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(letter, EmailMessage)
            return letter

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), caught):
        yield caught


@contextmanager
def _serving(server: socketserver.TCPServer, caught: Caught) -> Iterator[None]:
    caught.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
